"""From the API server's answers to the exceptions of :mod:`chaosd.ports`."""

from __future__ import annotations

import msgspec
from msgspec import Struct, field

from chaosd.kube.transport import Reply
from chaosd.ports import (
    Answered,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    ServerFault,
    TooManyRequests,
)

_BY_STATUS: dict[int, type[Answered]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Expired,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: TooManyRequests,
}
_LONGEST_FOREIGN_TEXT = 200
_SAYS_OF_OBJECTS = frozenset({404, 409, 410})


class PageExpired(Expired):
    """410 on a list: ``go_on`` continues it on a newer state of the cluster ("" when not offered).

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/list-meta/ (continue)
    """

    go_on: str = ""


class _Cause(Struct):
    reason: str = ""
    message: str = ""
    field: str = ""

    def __str__(self) -> str:
        return ": ".join(part for part in (self.reason, self.field, self.message) if part)


class _Details(Struct, rename="camel"):
    causes: list[_Cause] | None = None
    retry_after_seconds: int = 0


class _ListMeta(Struct):
    go_on: str = field(default="", name="continue")


class _Status(Struct):
    """meta/v1 Status, as far as it is needed."""

    kind: str
    message: str = ""
    reason: str = ""
    details: _Details | None = None
    metadata: _ListMeta | None = None


_decoder = msgspec.json.Decoder(_Status)


def error_of(reply: Reply) -> Answered:
    """The exception for an answer that is not 2xx.

    A body that is no Kubernetes Status (a proxy's page) is cut to one short line. A 404, 409 or 410
    with such a body says nothing about an object, and is no NotFound, Conflict or Expired: that a
    gateway knows no such path does not mean that a victim is gone.
    """
    try:
        status = _decoder.decode(reply.body)
    except msgspec.MsgspecError:
        status = _Status(kind="", message=_one_line(reply.body))
    details = status.details or _Details()
    kind = _BY_STATUS.get(reply.status, ServerFault if reply.status >= 500 else Answered)
    if reply.status in _SAYS_OF_OBJECTS and status.kind != "Status":
        kind = Answered
    if kind is Expired:
        kind = PageExpired
    error = kind(
        reply.status,
        status.reason,
        status.message,
        tuple(str(cause) for cause in details.causes or ()),
        _retry_after(reply, details),
    )
    if isinstance(error, PageExpired) and status.metadata is not None:
        error.go_on = status.metadata.go_on
    return error


def _retry_after(reply: Reply, details: _Details) -> float | None:
    """Seconds to wait, from the header or the Status; None when neither says."""
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    return float(details.retry_after_seconds) if details.retry_after_seconds > 0 else None


def _one_line(body: bytes) -> str:
    text = body[: 4 * _LONGEST_FOREIGN_TEXT].decode(errors="replace")
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:_LONGEST_FOREIGN_TEXT]
