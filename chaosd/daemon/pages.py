"""The page for people, at several addresses with one layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from http import HTTPStatus
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from chaosd.core.coming import Coming
from chaosd.core.kills import KillRecord
from chaosd.daemon.headers import VARY, leading
from chaosd.daemon.problems import Refused
from chaosd.daemon.queries import (
    LONGEST_TARGET,
    CalendarQuery,
    DaysQuery,
    ExplainQuery,
    KillsQuery,
    PlanQuery,
    read,
)
from chaosd.daemon.view import View, policy_of
from chaosd.report.page import home, year
from chaosd.report.page.chart import chart

_NEXT = PlanQuery(days=7, limit=8)
_SEEN = 400
_NONE: Mapping[str, str] = {}
_FOREVER = "public, max-age=31536000, immutable"


class Pages:
    """Makes HTML out of a view. Templates are read when somebody asks: a daemon seldom is."""

    def __init__(self, view: View) -> None:
        self._view = view

    def routes(self) -> list[Route]:
        """Every page but the first, and what they load."""
        return [
            Route("/why", self._tried(self.why), methods=["GET"]),
            Route("/why/", leading("../why"), methods=["GET"]),
            Route("/calendar/", leading("../calendar"), methods=["GET"]),
            Route("/calendar", self._tried(self.calendar), methods=["GET"]),
            Route("/policies", self._tried(self.policies), methods=["GET"]),
            Route("/policies/", leading("../policies"), methods=["GET"]),
            Route("/policies/{name}", self._tried(self.policy), methods=["GET"]),
            Route("/static/{name}", _static, methods=["GET"]),
        ]

    def home(self, _: Request) -> Response:
        """May anything be killed, and how to stop it; then all the rest, briefly."""
        view = self._view
        found = view.status()
        plan, trouble = self._plan(_NEXT)
        records = self._records(KillsQuery(limit=_SEEN))
        return self._page(
            "home.html",
            "./",
            {
                "status": found,
                "banner": home.banner(found, view.namespace),
                "facts": home.facts(found),
                "plan": plan,
                "plan_trouble": trouble,
                "kills": records,
                "chart": chart(records or (), found.now),
            },
            headers=VARY,
        )

    def why(self, request: Request) -> Response:
        """Why not this pod?"""
        # An empty field is not a question yet.
        asked = [(name, text.strip()) for name, text in _given(request)]
        target = dict(asked).get("target", "")
        found, trouble, code = None, "", HTTPStatus.OK
        if asked:
            try:
                found = self._view.explain(read(ExplainQuery, asked))
            except Refused as refused:
                trouble, code = refused.problem.detail, HTTPStatus(refused.problem.status)
        fields = {"target": target[:LONGEST_TARGET], "found": found, "trouble": trouble}
        return self._page("why.html", "./", fields, code)

    def calendar(self, request: Request) -> Response:
        """A year of windows and kills."""
        query = read(CalendarQuery, _given(request))
        view, now = self._view, self._view.status().now
        configuration = view.configuration()
        zone = configuration.windows.zone
        name = query.policy
        chosen = (policy_of(configuration, name),) if name else configuration.policies
        plan, trouble = self._plan(PlanQuery(days=31, limit=400))
        planned = [one.time for one in plan.kills if name in (None, one.policy)] if plan else []
        first = (
            date.fromisoformat(f"{query.first}-01") if query.first else year.first_month(now, zone)
        )
        try:
            found = view.days(DaysQuery(name)).days
        except Refused as refused:
            found, trouble = (), refused.problem.detail
        made = year.year(
            chosen,
            {one.day: one.kills for one in found},
            year.by_day(planned, zone),
            zone,
            first,
            now.astimezone(ZoneInfo(zone)).date(),
        )
        fields = {"year": made, "zone": zone, "policy": name, "plan": plan, "trouble": trouble}
        names = tuple(one.name for one in configuration.policies)
        return self._page("calendar.html", "./", {**fields, "names": names})

    def policies(self, _: Request) -> Response:
        """All policies."""
        found = self._view.status()
        return self._page("policies.html", "./", {"status": found})

    def policy(self, request: Request) -> Response:
        """One policy, with everything about it."""
        view = self._view
        configuration = view.configuration()
        one = policy_of(configuration, request.path_params["name"])
        found = view.status()
        now = next(state for state in found.policies if state.name == one.name)
        plan, trouble = self._plan(PlanQuery(days=7, limit=200))
        records = self._records(KillsQuery(policy=one.name, limit=_SEEN))
        return self._page(
            "policy.html",
            "../",
            {
                "status": found,
                "policy": now,
                "deadline": one.deadline,
                "plan": plan and _only(plan, one.name),
                "plan_trouble": trouble,
                "kills": records,
                "chart": chart(records or (), found.now),
            },
        )

    def failure(
        self, request: Request, code: HTTPStatus, headers: Mapping[str, str], detail: str = ""
    ) -> Response:
        """What there is instead of a page."""
        root = "../" * request.scope["path"].lstrip("/").count("/") or "./"
        fields = {"code": int(code), "phrase": code.phrase, "detail": detail}
        return self._page("failure.html", root, fields, code, headers)

    # ---- how

    def _tried(self, page: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def tried(request: Request) -> Response:
            try:
                return page(request)
            except Refused as refused:
                code = HTTPStatus(refused.problem.status)
                return self.failure(request, code, refused.headers, refused.problem.detail)

        return tried

    def _page(
        self,
        template: str,
        root: str,
        fields: Mapping[str, Any],
        code: HTTPStatus = HTTPStatus.OK,
        headers: Mapping[str, str] = _NONE,
    ) -> Response:
        # Brings the templates' language along, which takes time and memory.
        from chaosd.report.page.render import render  # noqa: PLC0415

        view = self._view
        about = {"cluster": view.cluster, "page": template, "version": version("chaosd")}
        text = render(template, view.now, root, {**about, **fields})
        return HTMLResponse(text, int(code), dict(headers))

    def _plan(self, query: PlanQuery) -> tuple[Coming | None, str]:
        try:
            return self._view.plan(query), ""
        except Refused as refused:
            return None, refused.problem.detail

    def _records(self, query: KillsQuery) -> tuple[KillRecord, ...] | None:
        try:
            return self._view.kills(query).kills
        except Refused:
            return None


def _only(plan: Coming, policy: str) -> Coming:
    kills = tuple(one for one in plan.kills if one.policy == policy)
    unknown = {name: why for name, why in plan.unknown.items() if name == policy}
    return Coming(plan.now, plan.until, kills, plan.more, unknown)


def _given(request: Request) -> list[tuple[str, str]]:
    """The query's pairs, but for what a form leaves empty."""
    return [(name, text) for name, text in request.query_params.multi_items() if text.strip()]


def _static(request: Request) -> Response:
    from chaosd.report.page.render import STATIC, static  # noqa: PLC0415 - as above

    name = request.path_params["name"]
    if name not in STATIC:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    headers = {"Cache-Control": _FOREVER, "Content-Type": STATIC[name]}
    return Response(static(name), headers=headers)
