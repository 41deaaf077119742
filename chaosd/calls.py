"""How a call to the outside world can go wrong."""

from __future__ import annotations


class CallFailed(Exception):
    """A call to the outside world that did not do what was asked, or may not have."""


class NotSent(CallFailed):
    """Nothing left this process: the world is as it was."""


class Unanswered(CallFailed):
    """Sent, and no answer: it may or may not have happened."""


class Answered(CallFailed):
    """The server answered with an error.

    ``status`` is the HTTP status, ``reason`` and ``causes`` are the Kubernetes Status' own.
    """

    def __init__(
        self,
        status: int,
        reason: str = "",
        message: str = "",
        causes: tuple[str, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}" if reason else f"{status}: {message}")
        self.status = status
        self.reason = reason
        self.message = message
        self.causes = causes
        self.retry_after = retry_after


class NotFound(Answered):
    """404: there is no such object."""


class Conflict(Answered):
    """409: a precondition does not hold, or the object exists already."""


class Forbidden(Answered):
    """401 or 403: not signed in, or not allowed."""


class Invalid(Answered):
    """400, 413, 415 or 422: the request itself is wrong or too large."""


class Expired(Answered):
    """410: a continue token or resourceVersion is too old."""


class TooManyRequests(Answered):
    """429: refused for now, by a disruption budget (see ``causes``) or by throttling."""


class ServerFault(Answered):
    """500 and above: as with no answer at all, it may or may not have happened."""
