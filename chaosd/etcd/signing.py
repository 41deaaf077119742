"""Signing in as a user of etcd, where its authentication is on.

A member gives a token for a name and a password, which goes with each call from then on.
https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/#authentication
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import TypeVar

import msgspec
from msgspec import Struct

from chaosd.calls import CallFailed, Forbidden, NotSent
from chaosd.core.etcd_model import EtcdAuth, EtcdCluster, EtcdTls
from chaosd.etcd.answers import UNREADABLE, Barred, Unsigned, error_of, told, without
from chaosd.etcd.deadline import Deadline
from chaosd.etcd.secret import secret, sendable
from chaosd.etcd.wire import Reply, Wire, place

_AUTHENTICATE = "/v3/auth/authenticate"
_NOT_ON = "authentication is not enabled"
_WRONG = "authentication failed"
_DENIED = "permission denied"
# https://grpc.io/docs/guides/status-codes/
_IN_OUR_WORDS = {
    4: "it ran out of time",
    8: "it is asked too much, or is out of space",
    14: "it is not available, perhaps without a leader",
}
_MOST = 1000
_T = TypeVar("_T")


class _Token(Struct):
    token: str


class Tokens:
    """The tokens that members gave. Threads may share it.

    Each member has its own: to give one, a cluster needs a leader; to know one again, nobody else.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = Lock()
        self._tokens: dict[tuple[str, EtcdAuth], str] = {}

    def signed(
        self,
        cluster: EtcdCluster,
        endpoint: str,
        deadline: Deadline,
        call: Callable[[str], _T],
    ) -> _T:
        """What ``call`` gives for a token ("" for none); it must raise Unsigned when it is refused.

        Signs in first where no token is known, and once more when it is refused: tokens end with
        their time, with a restart of the member, and when users are changed. What can't be signed
        in is NotSent: nothing but the name and the password left, and nothing has happened.
        """
        where = place(endpoint)
        if cluster.auth is None:
            try:
                return call("")
            except Unsigned as refused:
                words = f"{where}: authentication is on: set auth.username and auth.passwordFile"
                raise Barred(refused.status, "", words) from None
        key = (where, cluster.auth)
        with self._lock:
            token = self._tokens.get(key)
        with suppress(Unsigned):
            if token is not None:
                return _allowed(call, token, where, cluster.auth)
        token = self._sign_in(cluster.tls or EtcdTls(), where, cluster.auth, deadline)
        with self._lock:
            if len(self._tokens) >= _MOST:  # of pods that have come and gone
                self._tokens.clear()
            self._tokens[key] = token
        return _allowed(call, token, where, cluster.auth)

    def _sign_in(self, tls: EtcdTls, where: str, auth: EtcdAuth, deadline: Deadline) -> str:
        """A token; "" where authentication is off, so that nobody has to be signed in."""
        try:
            password = secret(auth.password_file, "the password")
            body = msgspec.json.encode({"name": auth.username, "password": password})
            reply = self._wire.send(tls, where + _AUTHENTICATE, body, deadline)
            token = _token(reply, where, auth, password)
        except CallFailed as error:
            about = str(error).removeprefix(f"{where}: ")
            raise NotSent(f"{where}: can't sign in as {auth.username}: {about}") from None
        return token


def _allowed(call: Callable[[str], _T], token: str, where: str, auth: EtcdAuth) -> _T:
    try:
        return call(token)
    except Unsigned:
        raise
    except Forbidden as error:
        if _DENIED not in error.message:
            raise
        words = f"{where}: {auth.username} may not ask for that: it needs the role root"
        raise Barred(error.status, "", words) from None


def _token(reply: Reply, where: str, auth: EtcdAuth, password: str) -> str:
    if reply.status == 200:
        try:
            token = msgspec.json.decode(reply.body, type=_Token).token
        except UNREADABLE:
            raise CallFailed("its answer is not one of etcd") from None
        if not sendable(token):
            raise CallFailed("it gives no token that can be sent")
        return token
    error = told(reply)
    if error is None:
        raise error_of(without(reply, password), where)
    if _NOT_ON in error.message:
        return ""
    if _WRONG in error.message:
        raise CallFailed(f"the name, or the password in {auth.password_file}, is wrong")
    # Who says the rest has seen the password and may give it back, in whatever way.
    raise CallFailed(_IN_OUR_WORDS.get(error.code, f"it answers {reply.status}"))
