"""What etcd's JSON gateway answers, as far as it is needed, read strictly.

64-bit numbers are strings, and what is zero, false or empty is left out.
https://protobuf.dev/programming-guides/json/ and
https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from chaosd.calls import (
    Answered,
    CallFailed,
    Forbidden,
    Invalid,
    NotFound,
    ServerFault,
    TooManyRequests,
    Unanswered,
)
from chaosd.etcd.wire import Reply

Number = Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z")]
_T = TypeVar("_T")
_LONGEST_WORDS = 200
# What msgspec raises: it lets go of what is nested too deep, and of bytes that are no text.
UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
# https://grpc.io/docs/guides/status-codes/ as the gateway maps them to HTTP: given up on the way
# (Canceled is 499), which is not the same as refused.
_CUT_OFF = frozenset({408, 499})
# How etcd says that it does not know who asks: a token that has ended or that it forgot as it was
# started anew, Unauthenticated (16); none; or one of before users were changed.
# (etcd: client/v3/retry_interceptor.go)
_UNSIGNED_CODE = 16
_UNSIGNED = ("user name is empty", "revision of auth store is old")
# (etcd: server/embed/serve.go)
_COMMON_NAME = b"CommonName of client sending a request against gateway"
_BY_STATUS: dict[int, type[Answered]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    429: TooManyRequests,
}


class Unsigned(Forbidden):
    """The member does not know who asks: nothing has happened, and signing in anew may help."""


class Barred(Forbidden):
    """Whoever asks may not; ``message`` says all that there is to say, and what to do about it."""

    def __str__(self) -> str:
        return self.message


class Header(Struct):
    """Who answered, and of which cluster it is."""

    cluster_id: Number = "0"
    member_id: Number = "0"


class Listed(Struct, rename="camel"):
    """A member of a member list."""

    id: Number = field(default="0", name="ID")
    name: str = ""
    peer_urls: list[str] = field(default_factory=list, name="peerURLs")
    client_urls: list[str] = field(default_factory=list, name="clientURLs")
    is_learner: bool = False


class MemberList(Struct):
    """/v3/cluster/member/list"""

    header: Header
    members: list[Listed]


class Status(Struct, rename="camel"):
    """/v3/maintenance/status; ``errors`` says that it knows no leader, and all alarms."""

    header: Header
    version: str = ""
    leader: Number = "0"
    raft_term: Number = "0"
    raft_applied_index: Number = "0"
    db_size: Number = "0"
    db_size_in_use: Number = "0"
    is_learner: bool = False
    errors: list[str] = []


class Alarm(Struct):
    """One alarm and the member that it is about; a kind that the gateway has no name for is a
    number."""

    member_id: Number = field(default="0", name="memberID")
    alarm: str | int = "NONE"


class Alarms(Struct):
    """/v3/maintenance/alarm"""

    header: Header
    alarms: list[Alarm] = []


class Health(Struct):
    """/health"""

    health: str
    reason: str = ""


class Error(Struct):
    """What the gateway answers instead: a gRPC status. Gateways of etcd 3.5 say it in ``error``."""

    code: int
    message: str = ""
    error: str = ""


class _Wrapped(Struct):
    """The same where a stream was asked for."""

    error: Error


class Anything(Struct):
    """An object of which nothing needs to be known."""


def decode(reply: Reply, kind: type[_T], where: str, hidden: str = "") -> _T:
    """The answer as ``kind``; raises CallFailed, also for an error that etcd answered, without the
    secret ``hidden`` that was sent along."""
    reply = without(reply, hidden)
    if reply.status != 200:
        raise error_of(reply, where)
    return _decoded(reply, kind, where)


def healthy(reply: Reply, where: str) -> str:
    """Why /health says no; "" when it says yes. Raises CallFailed for any other answer."""
    if reply.status not in (200, 503):
        raise error_of(reply, where)
    told = _decoded(reply, Health, where)
    if told.health == "true" and reply.status == 200:
        return ""
    return told.reason or "it says that it is not healthy"


def error_of(reply: Reply, where: str) -> CallFailed:
    """The exception for an answer that is not 200.

    Only etcd's own words count as Answered: what a proxy says tells nothing of what etcd did.
    """
    error = told(reply)
    if error is None and _COMMON_NAME in reply.body:
        return Barred(reply.status, "", f"{where}: {_NAMELESS}")
    if error is None:
        return Unanswered(f"{where}: {_foreign(reply)}")
    words = f"{where}: {short(error.message or error.error)}"
    if reply.status in _CUT_OFF or reply.status < 400:
        return Unanswered(f"{words} ({reply.status})")
    if error.code == _UNSIGNED_CODE or any(one in words for one in _UNSIGNED):
        return Unsigned(reply.status, "", words)
    kind = _BY_STATUS.get(reply.status, ServerFault if reply.status >= 500 else Answered)
    return kind(reply.status, "", words)


def told(reply: Reply) -> Error | None:
    """The error that etcd answered; None for what is none of etcd."""
    try:
        return msgspec.json.decode(reply.body, type=Error)
    except UNREADABLE:
        pass
    try:
        return msgspec.json.decode(reply.body, type=_Wrapped).error
    except UNREADABLE:
        return None


def without(reply: Reply, hidden: str) -> Reply:
    """The answer without a secret that was sent, which a stranger may give back.

    JSON has many ways to write a text, so it is read and written anew, in the one way in which the
    secret is looked for. What is no JSON may hold it in any way: nothing of that is kept.
    """
    if not hidden:
        return reply
    try:
        body = msgspec.json.encode(msgspec.json.decode(reply.body))
    except (*UNREADABLE, OverflowError):
        kept = _COMMON_NAME if _COMMON_NAME in reply.body else b"[not shown]"
        return Reply(reply.status, kept)
    written = msgspec.json.encode(hidden)[1:-1]
    return Reply(reply.status, body.replace(written, b"[redacted]"))


def hexadecimal(number: str) -> str:
    """An id as etcdctl writes it; "" for 0, which is nobody."""
    return f"{int(number):x}" if int(number) else ""


def short(text: str, longest: int = _LONGEST_WORDS) -> str:
    """What others say, as one line of printable characters."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())[:longest]


def _decoded(reply: Reply, kind: type[_T], where: str) -> _T:
    try:
        return msgspec.json.decode(reply.body, type=kind)
    except UNREADABLE as error:
        what = f"{short(str(error))}; it begins {_beginning(reply.body)}"
        raise Unanswered(f"{where}: its answer is not one of etcd: {what}") from None


_NAMELESS = (
    "authentication is on, and etcd's JSON gateway then refuses client certificates with a "
    "CommonName: show one without (tls.cert), and sign in by auth.username and auth.passwordFile"
)


def _foreign(reply: Reply) -> str:
    if 300 <= reply.status < 400:
        return f"it redirects ({reply.status}), which no member does; nothing is followed"
    if reply.status == 404:
        return "it has no JSON gateway (404): not etcd, or with --enable-grpc-gateway=false"
    return f"it answers {reply.status}, not as etcd does: {_beginning(reply.body)}"


def _beginning(body: bytes) -> str:
    return repr(short(body[: 4 * _LONGEST_WORDS].decode(errors="replace"), 80))
