"""Watch streams: what has changed since a revision, and then each change as it comes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable

import msgspec

from chaosd.sandbox.cluster import Change, Cluster, HistoryGoneError
from chaosd.sandbox.errors import ApiError, status_body
from chaosd.sandbox.lists import Page, selectors_of
from chaosd.sandbox.objects import Json
from chaosd.sandbox.render import form_of, partial
from chaosd.sandbox.requests import Request
from chaosd.sandbox.selectors import Matches
from chaosd.sandbox.tables import table
from chaosd.sandbox.targets import Target
from chaosd.sandbox.verbs import with_kind

HEARTBEAT_SECONDS = 1.0
"""How often (in real time) a silent stream looks whether its time is up."""


class Watch:
    """One watch. Make it under no lock; `lines` runs on the server's event loop."""

    def __init__(self, cluster: Cluster, target: Target, request: Request) -> None:
        self._cluster = cluster
        self._target = target
        self._request = request
        self._matches: Matches | None = selectors_of(request, target)
        self._form = form_of(request)
        self._header = True
        self._pending: deque[Change] = deque()
        version = request.param("resourceVersion")
        if version and not version.isdigit():
            why = f'strconv.ParseUint: parsing "{version}": invalid syntax'
            raise ApiError(500, "", f'resourceVersion: Invalid value: "{version}": {why}')
        if request.param("sendInitialEvents"):
            # Clients that would stream their first list take the refusal as a sign to list.
            why = "sendInitialEvents is forbidden for watch unless the WatchList feature is enabled"
            raise ApiError(422, "Invalid", f"ListOptions.meta.k8s.io is invalid: {why}")
        self._since = int(version or 0)

    async def lines(self, stop: asyncio.Event, seconds: float | None) -> AsyncIterator[bytes]:
        """The stream, until `stop` is set or `seconds` of real time have passed."""
        loop = asyncio.get_running_loop()
        wake = asyncio.Event()
        end = None if seconds is None else loop.time() + seconds

        def listen(change: Change) -> None:
            if change.resource == self._target.resource.id:
                self._pending.append(change)
                loop.call_soon_threadsafe(wake.set)

        unsubscribe, first = self._begin(listen)
        try:
            for past in first:
                yield past
            while not stop.is_set() and (end is None or loop.time() < end):
                wake.clear()
                while self._pending:
                    line = self._line(self._pending.popleft())
                    if line is not None:
                        yield line
                pause = HEARTBEAT_SECONDS
                if end is not None:
                    pause = min(pause, max(0.0, end - loop.time()))
                try:
                    await asyncio.wait_for(wake.wait(), pause)
                except TimeoutError:
                    continue
        finally:
            unsubscribe()

    def _begin(self, listen: Callable[[Change], None]) -> tuple[Callable[[], None], list[bytes]]:
        """Subscribe, and the lines of what lies before the subscription."""
        with self._cluster.lock:
            unsubscribe = self._cluster.subscribe(listen)
            if not self._since:
                items = self._cluster.all(self._target.resource.id, self._target.namespace)
                chosen = (item for item in items if self._fits(item))
                return unsubscribe, [self._event("ADDED", item) for item in chosen]
            try:
                changes = self._cluster.changes(self._since)
            except HistoryGoneError as error:
                gone = status_body(410, "Expired", f"too old resource version: {error}")
                unsubscribe()
                return unsubscribe, [msgspec.json.encode({"type": "ERROR", "object": gone}) + b"\n"]
            mine = [one for one in changes if one.resource == self._target.resource.id]
            lines = [self._line(one) for one in mine]
            return unsubscribe, [line for line in lines if line is not None]

    def _fits(self, item: Json | None) -> bool:
        if item is None:
            return False
        meta = item["metadata"]
        target = self._target
        if target.namespace is not None and meta.get("namespace", "") != target.namespace:
            return False
        if target.name and meta["name"] != target.name:
            return False
        return self._matches is None or self._matches(item)

    def _line(self, change: Change) -> bytes | None:
        """The event of a change; entering and leaving a selector add and delete."""
        was, is_now = self._fits(change.old), self._fits(change.new)
        if is_now and change.new is not None:
            return self._event("MODIFIED" if was else "ADDED", change.new)
        if not was or change.old is None:
            return None
        last = change.new or change.old
        meta = {**last["metadata"], "resourceVersion": str(change.revision)}
        return self._event("DELETED", {**last, "metadata": meta})

    def _event(self, kind: str, item: Json) -> bytes:
        resource = self._target.resource
        if self._form == "Table":
            now = self._cluster.now()
            page = Page([item], {"resourceVersion": item["metadata"]["resourceVersion"]})
            shown = table(self._request, resource, page, now, header=self._header)
            self._header = False
        elif self._form:
            shown = partial(item)
        else:
            shown = with_kind(resource, item)
        return msgspec.json.encode({"type": kind, "object": shown}) + b"\n"
