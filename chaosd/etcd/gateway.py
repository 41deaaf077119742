"""etcd members by the JSON gateway of their client ports, fit for ``chaosd.targets.etcd_gateway``.

Where etcd's own authentication is on (Kubernetes uses none), a user of the role root must be signed
in: others may not ask for the status. https://etcd.io/docs/v3.6/op-guide/authentication/rbac/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import msgspec

from chaosd.calls import Answered, CallFailed, NotSent, ServerFault, Unanswered
from chaosd.core.etcd_answers import Looked, SnapshotChecked
from chaosd.core.etcd_model import EtcdCluster, EtcdTls
from chaosd.core.quorum import Member
from chaosd.etcd.answers import (
    Alarms,
    Anything,
    Listed,
    MemberList,
    Status,
    decode,
    healthy,
    hexadecimal,
)
from chaosd.etcd.deadline import Deadline
from chaosd.etcd.signing import Tokens
from chaosd.etcd.snapshot import checked
from chaosd.etcd.wire import Wire, place

_LIST = "/v3/cluster/member/list"
_STATUS = "/v3/maintenance/status"
_ALARMS = "/v3/maintenance/alarm"
_MOVE = "/v3/maintenance/transfer-leadership"
_SNAPSHOT = "/v3/maintenance/snapshot"
# It knows a leader, and serves a linearizable read, for which it needs no user's rights. Alarms are
# told apart: not to hide one behind the other. (etcd: server/etcdserver/api/etcdhttp/health.go)
_READ = "/health?exclude=NOSPACE&exclude=CORRUPT"
_NO_LEADER = "etcdserver: no leader"
_NO_TLS = EtcdTls()
_T = TypeVar("_T")


class HttpGateway:
    """See ``chaosd.targets.etcd_gateway.Gateway``. Threads may share it."""

    def __init__(self, wire: Wire | None = None) -> None:
        self._wire = wire or Wire()
        self._tokens = Tokens(self._wire)

    def close(self) -> None:
        """Close idle connections."""
        self._wire.close()

    def look(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> Looked:
        """What the member there says of itself and whom it lists, each as it knows it: the lists
        are not linearizable, so that members that don't agree show.

        A learner refuses to list members: it lists nobody, and ``known`` is empty.
        """
        deadline = Deadline(timeout)
        status = self._ask(cluster, endpoint, _STATUS, {}, Status, deadline)
        if not hexadecimal(status.header.member_id):
            raise Unanswered(f"{place(endpoint)}: it does not say which member it is")
        listed: list[Listed] = []
        if not status.is_learner:
            told = self._ask(cluster, endpoint, _LIST, {}, MemberList, deadline)
            if told.header != status.header:
                raise Unanswered(f"{place(endpoint)}: two members answer there, by turns")
            listed = told.members
        error = self._unread(cluster, endpoint, deadline)
        alarms: tuple[str, ...] = ()
        # Through raft: without a leader it would wait for nothing, and learners refuse it.
        if hexadecimal(status.leader) and not status.is_learner and deadline.left > 0:
            try:
                alarms = self._alarms(cluster, endpoint, status.header.member_id, listed, deadline)
            except CallFailed as failed:
                error = error or f"its alarms can't be read: {failed}"
        elif error:
            also = [words for words in status.errors if words != _NO_LEADER]
            error = "; ".join((error, *also))
        return Looked(
            _member(endpoint, status, listed, error, alarms), tuple(_listed(one) for one in listed)
        )

    def read(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> None:
        """One linearizable read."""
        self._read(cluster, endpoint, Deadline(timeout))

    def leader(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> str:
        """Whom the member there takes for the leader; "" for nobody."""
        status = self._ask(cluster, endpoint, _STATUS, {}, Status, Deadline(timeout))
        return hexadecimal(status.leader)

    def move_leader(self, cluster: EtcdCluster, endpoint: str, to: str, timeout: float) -> None:
        """Tell the leader at ``endpoint`` to hand its role to the member ``to``; sent once.

        It answers when ``to`` leads. Answered (not Unanswered or ServerFault) means that nothing
        happened: it is not the leader, or ``to`` is no voter of its cluster.
        """
        try:
            target = str(int(to, 16))
        except ValueError:
            raise NotSent(f"{to!r} is no id of a member") from None
        self._ask(
            cluster, endpoint, _MOVE, {"targetID": target}, Anything, Deadline(timeout), fresh=True
        )

    def check_snapshot(
        self, cluster: EtcdCluster, endpoint: str, timeout: float
    ) -> SnapshotChecked:
        """Stream a whole snapshot and check its hash; nothing of it is kept. CallFailed says what
        was wrong with it."""
        url, deadline = place(endpoint) + _SNAPSHOT, Deadline(timeout)

        def check(token: str) -> SnapshotChecked:
            return checked(self._wire, cluster.tls or _NO_TLS, url, deadline, token)

        return self._tokens.signed(cluster, endpoint, deadline, check)

    def _unread(self, cluster: EtcdCluster, endpoint: str, deadline: Deadline) -> str:
        """Why it serves no linearizable read; "" when it does."""
        try:
            self._read(cluster, endpoint, deadline)
        except Answered as failed:
            return failed.message
        except CallFailed as failed:
            return f"no linearizable read: {failed}"
        return ""

    def _read(self, cluster: EtcdCluster, endpoint: str, deadline: Deadline) -> None:
        where = place(endpoint)
        reply = self._wire.send(cluster.tls or _NO_TLS, where + _READ, None, deadline)
        reason = healthy(reply, where)
        if reason:
            raise ServerFault(reply.status, "", f"{where}: no linearizable read: {reason}")

    def _alarms(
        self,
        cluster: EtcdCluster,
        endpoint: str,
        identity: str,
        listed: Sequence[Listed],
        deadline: Deadline,
    ) -> tuple[str, ...]:
        """Its own alarms, and those of members that nobody can ask for theirs: learners, and
        members that were removed (whose alarms stay)."""
        voters = {one.id for one in listed if not one.is_learner}
        told = self._ask(cluster, endpoint, _ALARMS, {"action": "GET"}, Alarms, deadline)
        found = []
        for one in told.alarms:
            if one.member_id == identity:
                found.append(f"{one.alarm}")
            elif one.member_id not in voters:
                found.append(f"{one.alarm} of {hexadecimal(one.member_id)}")
        return tuple(sorted(found))

    def _ask(
        self,
        cluster: EtcdCluster,
        endpoint: str,
        path: str,
        body: Mapping[str, str],
        kind: type[_T],
        deadline: Deadline,
        *,
        fresh: bool = False,
    ) -> _T:
        where = place(endpoint)
        content = msgspec.json.encode(body)
        tls = cluster.tls or _NO_TLS

        def ask(token: str) -> _T:
            reply = self._wire.send(
                tls, where + path, content, deadline, fresh=fresh, authorization=token
            )
            return decode(reply, kind, where, token)

        return self._tokens.signed(cluster, endpoint, deadline, ask)


def _member(
    endpoint: str, status: Status, listed: Sequence[Listed], error: str, alarms: tuple[str, ...]
) -> Member:
    own = next((one for one in listed if one.id == status.header.member_id), None)
    if own is None and not status.is_learner:
        error = error or "it is not in its own member list"
    known = (f"{hexadecimal(one.id)}{' (learner)' * one.is_learner}" for one in listed)
    return Member(
        id=hexadecimal(status.header.member_id),
        name=own.name if own else "",
        endpoint=endpoint,
        peer_urls=tuple(own.peer_urls) if own else (),
        client_urls=tuple(own.client_urls) if own else (),
        learner=status.is_learner,
        error=error,
        leader=hexadecimal(status.leader),
        cluster_id=hexadecimal(status.header.cluster_id),
        known=tuple(sorted(known)),
        term=int(status.raft_term),
        applied=int(status.raft_applied_index),
        version=status.version,
        size=int(status.db_size),
        in_use=int(status.db_size_in_use),
        alarms=alarms,
    )


def _listed(one: Listed) -> Member:
    return Member(
        id=hexadecimal(one.id),
        name=one.name,
        peer_urls=tuple(one.peer_urls),
        client_urls=tuple(one.client_urls),
        learner=one.is_learner,
    )
