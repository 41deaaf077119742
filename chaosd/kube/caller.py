"""One request at a time to the API server: sent once, counted, its answer turned into errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from chaosd.kube.errors import error_of
from chaosd.kube.transport import Query, Reply, Transport
from chaosd.ports import Clock, NotSent, Unanswered

Observe = Callable[[str, str, str, float], None]

JSON = "application/json"
LONGEST_ROUND_TRIP = 4.0
"""Seconds; half of it is how wrong an answer may be about the server's clock."""
DATE_AGE = 60.0
"""Seconds for which an answer's ``Date`` is worth something."""


class Call(Struct, frozen=True, kw_only=True):
    """One request; ``verb`` and ``resource`` are how it is counted. ``timeout`` is in seconds."""

    verb: str
    resource: str
    method: str
    path: str
    query: Query = ()
    accept: str = JSON
    content_type: str = JSON
    body: Any = None
    timeout: float


class Caller:
    """Sends requests, and keeps what their answers say about the server's clock.

    ``observe`` is told verb, resource, HTTP status (or ``notSent``, ``unanswered``) and seconds of
    each request. Threads may share a caller.
    """

    def __init__(self, transport: Transport, clock: Clock, observe: Observe) -> None:
        self._transport = transport
        self._clock = clock
        self._observe = observe
        self._skew: tuple[float, float] | None = None

    def send(self, call: Call) -> bytes:
        """Send ``call`` once and return the body of a 2xx answer; raises CallFailed."""
        headers = {"Accept": call.accept}
        body = None
        if call.body is not None:
            headers["Content-Type"] = call.content_type
            body = msgspec.json.encode(call.body)
        wall, started, code = self._clock.now(), self._clock.boot(), "unanswered"
        try:
            reply = self._transport.send(
                call.method, call.path, call.query, headers, body, call.timeout
            )
            code = str(reply.status)
        except NotSent:
            code = "notSent"
            raise
        finally:
            seconds = self._clock.boot() - started
            self._observe(call.verb, call.resource, code, seconds)
        self._keep_date(reply, wall, seconds)
        if not 200 <= reply.status < 300:
            raise error_of(reply)
        return reply.body

    def skew(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours, right to 2.5 s at worst.

        None when no answer of the last 60 s says.
        """
        newest = self._skew
        if newest is None or self._clock.boot() - newest[1] > DATE_AGE:
            return None
        return newest[0]

    def _keep_date(self, reply: Reply, wall: datetime, seconds: float) -> None:
        """``Date`` is cut to whole seconds (RFC 9110, 5.6.7), so on average half a second is lost.

        It is compared with our clock in the middle of the request. A gateway's own error page (5xx)
        says nothing about the API server.
        """
        if seconds > LONGEST_ROUND_TRIP or reply.status >= 500:
            return
        try:
            date = parsedate_to_datetime(reply.headers.get("date", ""))
        except ValueError:
            return
        if date.tzinfo is None:
            return
        middle = wall + timedelta(seconds=seconds / 2)
        skew = (date + timedelta(seconds=0.5) - middle).total_seconds()
        self._skew = (skew, self._clock.boot())


def unreadable(call: Call, error: Exception) -> Unanswered:
    """An answer that can't be understood is as good as none."""
    return Unanswered(f"can't read the answer to {call.verb} {call.resource}: {error}")
