"""``/api/v1``: the page's data as JSON, read-only, with a document made of the same types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chaosd.core.agenda import Agenda
from chaosd.core.coming import Coming
from chaosd.core.explained import Explanation
from chaosd.core.kills import Kills
from chaosd.core.status import Status
from chaosd.core.tally import Days
from chaosd.daemon.headers import leading
from chaosd.daemon.openapi import Operation, document
from chaosd.daemon.problems import Mistake, Problem, Refused, problem_response
from chaosd.daemon.queries import (
    DaysQuery,
    ExplainQuery,
    KillsQuery,
    Nothing,
    PlanQuery,
    WindowsQuery,
    read,
    wrong,
)
from chaosd.daemon.view import Policies, View, unknown

PREFIX = "/api/v1"
_NO_ANSWER = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
_EXPLAIN = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    *_NO_ANSWER,
)


@dataclass(frozen=True)
class Endpoint:
    """A path below the prefix; ``call`` makes the answer out of a view and a query."""

    name: str
    summary: str
    query: type[Struct]
    answer: type[Struct]
    call: Callable[[View, Any], Struct]
    problems: Sequence[HTTPStatus] = _NO_ANSWER
    beside: Callable[[View, Mapping[str, str]], Iterable[Mistake]] = lambda *_: ()
    """Mistakes that the types of the parameters can't tell: for a query that has others."""


def _unknown_policy(view: View, given: Mapping[str, str]) -> Iterable[Mistake]:
    configuration, name = view.configuration(), given.get("policy")
    if name is not None and configuration.policy(name) is None:
        yield unknown(name, configuration)


ENDPOINTS = (
    Endpoint(
        "status",
        "May anything be killed now, who leads, what is halted, what is open",
        Nothing,
        Status,
        lambda view, _: view.status(),
        (HTTPStatus.UNPROCESSABLE_ENTITY,),
    ),
    Endpoint("kills", "What was done, newest first", KillsQuery, Kills, View.kills),
    Endpoint(
        "days",
        "How many kills there were on each day of the last year",
        DaysQuery,
        Days,
        View.days,
    ),
    Endpoint("plan", "The next kills, as far as is known", PlanQuery, Coming, View.plan),
    Endpoint(
        "windows",
        "When windows are open",
        WindowsQuery,
        Agenda,
        View.windows,
        beside=_unknown_policy,
    ),
    Endpoint(
        "policies",
        "Policies with the reasons of their newest survey, and their newest attempt",
        Nothing,
        Policies,
        lambda view, _: view.policies(),
    ),
    Endpoint(
        "explain",
        "Why, and why not: every reason of one workload, pod, node or etcd cluster",
        ExplainQuery,
        Explanation,
        View.explain,
        _EXPLAIN,
    ),
)


def api_routes(view: View) -> list[Route]:
    """The endpoints, and the document about them."""
    found = [
        Route(f"{PREFIX}/{one.name}", partial(_answer, one, view), methods=["GET"])
        for one in ENDPOINTS
    ]
    return [
        *found,
        Route(f"{PREFIX}/openapi.json", _document, methods=["GET"]),
        Route(PREFIX, leading("v1/openapi.json"), methods=["GET"]),
        Route(f"{PREFIX}/", leading("openapi.json"), methods=["GET"]),
    ]


@cache
def openapi() -> dict[str, Any]:
    """The OpenAPI document."""
    operations = [
        Operation(one.name, one.summary, one.query, one.answer, one.problems) for one in ENDPOINTS
    ]
    return document(operations, Problem, version("chaosd"))


def _answer(endpoint: Endpoint, view: View, request: Request) -> Response:
    try:
        found = endpoint.call(view, _query(endpoint, view, request.query_params.multi_items()))
    except Refused as refused:
        return problem_response(refused.problem, refused.headers)
    return _json(found)


def _query(endpoint: Endpoint, view: View, given: Sequence[tuple[str, str]]) -> Struct:
    try:
        return read(endpoint.query, given)
    except Refused as refused:
        found = refused.problem.mistakes
        named = {one.parameter for one in found}
        beside = endpoint.beside(view, dict(given))
        raise wrong([*found, *(one for one in beside if one.parameter not in named)]) from None


def _document(_: Request) -> Response:
    return _json(openapi())


def _json(value: object) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
