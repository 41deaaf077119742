"""The API without sockets: `Api.handle` takes a Request and gives a Response."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import msgspec

from chaosd.sandbox.access import Access
from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.control import Control
from chaosd.sandbox.deletes import DeleteOptions, delete_object
from chaosd.sandbox.discovery import discover
from chaosd.sandbox.errors import ApiError, expired, method_not_allowed, not_found
from chaosd.sandbox.evictions import evict
from chaosd.sandbox.faults import ConnectionLost, Faults, Rule
from chaosd.sandbox.journal import Journal, Removal, RequestRecord
from chaosd.sandbox.lists import TOKEN_EXPIRED, list_page
from chaosd.sandbox.objects import Json, controller_of, is_deleting, labels_of
from chaosd.sandbox.render import render_list, render_object
from chaosd.sandbox.requests import Request, Response
from chaosd.sandbox.scale import read_scale, write_scale
from chaosd.sandbox.targets import Target, find_target, verb_of
from chaosd.sandbox.verbs import (
    create_object,
    patch_object,
    read_object,
    update_object,
    with_kind,
)
from chaosd.sandbox.watch import Watch

BODY_BYTES = 3 * 1024 * 1024
"""The most that an API server reads of a request's body."""


class Api:
    """The API server of a cluster.

    `sleep` waits on the cluster's clock (seconds) when a fault delays an answer: in virtual time
    pass the clock's own `sleep`. Any thread may call `handle`; requests take effect one by one.
    """

    def __init__(
        self,
        cluster: Cluster,
        faults: Faults | None = None,
        *,
        access: Access | None = None,
        journal: Journal | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.cluster = cluster
        self.faults = faults if faults is not None else Faults()
        self.access = access if access is not None else Access()
        self.journal = journal if journal is not None else Journal()
        self._control = Control(self.faults, self.access, self.journal)
        self._sleep = sleep

    def handle(self, request: Request) -> Response:
        """Answer a request. Raises ConnectionLost where a fault takes the answer away."""
        if request.path.startswith("/sandbox/"):
            return self._finish(*self._control.answer(request))
        target = find_target(request.path, self.cluster.resources)
        verb = verb_of(request, target)
        rule = self.faults.pick(verb, request.path, continued=bool(request.param("continue")))
        effect = False
        status: int | None = None
        try:
            early = None if rule is None else self._fault(rule, "before", request)
            if early is None:
                effect = True
                early = self._answer(request, verb, target, rule)
                late = None if rule is None else self._fault(rule, "after", request)
                early = late or early
            status = early.status
            return early
        finally:
            self._log(request, verb, status, effect)

    def watch(self, request: Request) -> Watch | Response:
        """Open a watch, or say why not. Raises ConnectionLost like `handle`."""
        target = find_target(request.path, self.cluster.resources)
        rule = self.faults.pick("watch", request.path)
        status: int | None = None
        try:
            found: Watch | Response | None = None
            if rule is not None:
                found = self._fault(rule, rule.when, request)
            if found is None:
                found = self._open(request, target)
            status = found.status if isinstance(found, Response) else 200
            return found
        finally:
            self._log(request, "watch", status, False)

    def _open(self, request: Request, target: Target | None) -> Watch | Response:
        try:
            self.access.check(request, "watch", target)
            if target is None or target.subresource:
                raise _no_such_path()
            return Watch(self.cluster, target, request)
        except ApiError as error:
            return self._refuse(error)

    # --- faults

    def _fault(self, rule: Rule, when: str, request: Request) -> Response | None:
        """Do what a rule says at this point; the answer that replaces the real one, if any."""
        if rule.when != when or rule.do in ("expired", "stale"):
            return None
        if rule.do in ("lost", "reset"):
            raise ConnectionLost(before_effect=when == "before", reset=rule.do == "reset")
        try:
            if rule.do == "status":
                raise _injected(rule)
            limit = request.timeout_seconds
            self._sleep(rule.seconds if limit is None else min(rule.seconds, limit))
            if limit is not None and rule.seconds >= limit:
                message = "Timeout: request did not complete within the requested timeout"
                raise ApiError(504, "Timeout", message, details={})
        except ApiError as error:
            return self._refuse(error)
        return None

    # --- answers

    def _answer(
        self, request: Request, verb: str, target: Target | None, rule: Rule | None
    ) -> Response:
        try:
            with self.cluster.lock:
                return self._dispatch(request, verb, target, rule)
        except ApiError as error:
            return self._refuse(error)

    def _dispatch(
        self, request: Request, verb: str, target: Target | None, rule: Rule | None
    ) -> Response:
        if len(request.body) > BODY_BYTES:
            message = f"Request entity too large: limit is {BODY_BYTES}"
            raise ApiError(413, "RequestEntityTooLarge", message)
        request.timeout_seconds  # noqa: B018  (refuses one that can't be read)
        self.access.check(request, verb, target)
        if target is None:
            return self._finish(*discover(self.cluster, self.access, request))
        as_of = None
        if rule is not None and rule.do == "stale":
            past = self.cluster.now() - timedelta(seconds=rule.seconds)
            as_of = self.cluster.revision_at(past)
        if rule is not None and rule.do == "expired":
            raise expired(TOKEN_EXPIRED)
        if verb == "list":
            page = list_page(self.cluster, target, request, as_of)
            return self._finish(
                200, render_list(request, target.resource, page, self.cluster.now())
            )
        if verb == "get":
            return self._finish(200, self._get(request, target, as_of))
        if verb == "watch":
            raise ApiError(501, "NotImplemented", "watches are served over HTTP only")
        status, body = self._write(request, verb, target)
        return self._finish(status, body)

    def _get(self, request: Request, target: Target, as_of: int | None) -> bytes:
        if target.subresource == "scale" and target.resource.scale:
            return msgspec.json.encode(read_scale(self.cluster, target))
        if target.subresource not in ("", "status"):
            raise _no_such_path()
        if as_of is None:
            item = read_object(self.cluster, target)
        else:
            items, _ = self.cluster.at(target.resource.id, as_of)
            past = items.get((target.scope, target.name))
            if past is None:
                raise not_found(target.resource, target.name)
            item = past
        return render_object(request, target.resource, item, self.cluster.now())

    def _write(self, request: Request, verb: str, target: Target) -> tuple[int, bytes]:
        cluster, resource = self.cluster, target.resource
        if verb != "patch":
            request.check_media_type()
        if target.subresource:
            return self._write_subresource(request, verb, target)
        if verb == "create":
            if target.name:
                raise method_not_allowed()
            item = create_object(cluster, target, request.json_object(), dry_run=request.dry_run)
            return 201, render_object(request, resource, item, cluster.now())
        if verb in ("update", "patch"):
            return self._change(request, verb, target)
        if verb not in ("delete", "deletecollection"):
            raise method_not_allowed()
        options = DeleteOptions.read(request.json() if request.body else None, request)
        if verb == "delete":
            return 200, self._delete(request, target, options)
        page = list_page(cluster, target, request)
        for item in page.items:
            meta = item["metadata"]
            one = Target(resource, meta.get("namespace"), meta["name"])
            self._delete(request, one, options)
        return 200, render_list(request, resource, page, cluster.now())

    def _write_subresource(self, request: Request, verb: str, target: Target) -> tuple[int, bytes]:
        sub, resource = target.subresource, target.resource
        if sub == "status" and resource.status and verb in ("update", "patch"):
            return self._change(request, verb, target)
        if sub == "scale" and resource.scale and verb in ("update", "patch"):
            scale = write_scale(
                self.cluster,
                target,
                _media_type(request) if verb == "patch" else "",
                request.json(),
                dry_run=request.dry_run,
            )
            return 200, msgspec.json.encode(scale)
        if resource.id == "pods" and sub == "eviction" and verb == "create":
            return 201, self._evict(request, target)
        if sub in ("status", "scale", "eviction"):
            raise method_not_allowed()
        raise _no_such_path()

    def _change(self, request: Request, verb: str, target: Target) -> tuple[int, bytes]:
        created = False
        if verb == "update":
            item, created = update_object(
                self.cluster, target, request.json_object(), dry_run=request.dry_run
            )
        else:
            item = patch_object(
                self.cluster,
                target,
                _media_type(request),
                request.json(),
                dry_run=request.dry_run,
            )
        return 201 if created else 200, render_object(
            request, target.resource, item, self.cluster.now()
        )

    def _delete(self, request: Request, target: Target, options: DeleteOptions) -> bytes:
        before = self.cluster.get(target.resource.id, target.scope, target.name)
        body = delete_object(self.cluster, target, options)
        if target.resource.id == "pods" and before is not None:
            self._log_removal(request, before, "delete", options)
        if body.get("kind") == "Status":
            return msgspec.json.encode(body)
        return msgspec.json.encode(with_kind(target.resource, body))

    def _evict(self, request: Request, target: Target) -> bytes:
        body = request.json_object()
        options = DeleteOptions.read(body.get("deleteOptions"), request)
        before = self.cluster.get("pods", target.scope, target.name)
        answer = evict(self.cluster, target, body, options)
        if before is not None:
            self._log_removal(request, before, "eviction", options)
        return msgspec.json.encode(answer)

    # --- the way out

    def _refuse(self, error: ApiError) -> Response:
        extra = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
        return self._finish(error.code, msgspec.json.encode(error.body), extra)

    def _finish(self, status: int, body: bytes, extra: dict[str, str] | None = None) -> Response:
        headers = {
            "Content-Type": "application/json",
            "Date": format_datetime(self.cluster.now(), usegmt=True),
            "Cache-Control": "no-cache, private",
            **(extra or {}),
        }
        return Response(status, headers, body)

    def _log(self, request: Request, verb: str, status: int | None, effect: bool) -> None:
        query: Any = request.query
        self.journal.add_request(
            RequestRecord(
                at=self.cluster.now(),
                verb=verb,
                method=request.method,
                path=request.path,
                query=urlencode(query),
                user_agent=request.header("user-agent"),
                status=status,
                took_effect=effect,
            )
        )

    def _log_removal(self, request: Request, pod: Json, by: str, options: DeleteOptions) -> None:
        owner = controller_of(pod)
        self.journal.add_removal(
            Removal(
                at=self.cluster.now(),
                namespace=pod["metadata"]["namespace"],
                name=pod["metadata"]["name"],
                uid=pod["metadata"]["uid"],
                labels=dict(labels_of(pod)),
                by="eviction" if by == "eviction" else "delete",
                dry_run=options.dry_run,
                already_terminating=is_deleting(pod),
                owner=f"{owner['kind']}/{owner['name']}" if owner else "",
                user_agent=request.header("user-agent"),
            )
        )


def _media_type(request: Request) -> str:
    return request.header("content-type").partition(";")[0].strip()


def _no_such_path() -> ApiError:
    message = "the server could not find the requested resource"
    return ApiError(404, "NotFound", message, details={})


_INJECTED = {
    429: (
        "TooManyRequests",
        "the server has received too many requests and has asked us to try again later",
    ),
    500: ("InternalError", "an error on the server has prevented the request from succeeding"),
    503: ("ServiceUnavailable", "the server is currently unable to handle the request"),
    504: ("Timeout", "the server was unable to return a response in the time allotted"),
}


def _injected(rule: Rule) -> ApiError:
    reason, message = _INJECTED.get(rule.status, ("", "injected fault"))
    details: Json = {"retryAfterSeconds": rule.retry_after} if rule.retry_after else {}
    return ApiError(rule.status, reason, message, details=details, retry_after=rule.retry_after)
