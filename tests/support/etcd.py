"""A stand-in for etcd clusters and for the gateway that asks them: members whose state a test sets.

They elect a leader at once when they have a quorum, and answer no linearizable read without one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chaosd.core.etcd_match import host_of, same_place
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.quorum import Member
from chaosd.ports import Invalid, NotSent, Unanswered
from chaosd.sandbox import Cluster
from chaosd.targets.etcd_gateway import Looked, SnapshotChecked

Json = dict[str, Any]


@dataclass
class FakeMember:
    """One member; ``up`` unless somebody stopped it. ``lists`` overrides whom it lists (names)."""

    id: str
    name: str
    peer: str
    client: str
    learner: bool = False
    up: bool = True
    applied: int = 1000
    alarms: tuple[str, ...] = ()
    cluster_id: str = "c1"
    lists: tuple[str, ...] | None = None
    silent: bool = False

    def listed(self) -> Member:
        """As others list it."""
        clients = (self.client,) if self.client else ()
        return Member(
            id=self.id,
            name=self.name,
            peer_urls=(self.peer,),
            client_urls=clients,
            learner=self.learner,
        )


@dataclass
class FakeEtcd:
    """One cluster and its gateway (a :class:`chaosd.targets.etcd_gateway.Gateway`).

    ``aliases`` are further URLs of members, by name. ``moves`` are the transfers that happened.
    """

    members: dict[str, FakeMember] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    led_by: str = ""
    moves: list[tuple[str, str]] = field(default_factory=list)
    on_move: Callable[[str, str], object] = lambda _old, _new: None
    lost_answer: bool = False
    refuses: bool = False
    asked: list[str] = field(default_factory=list)

    def alive(self, member: FakeMember) -> bool:
        """Whether it runs."""
        return member.up

    def voters(self) -> list[FakeMember]:
        """Those that vote, of the first cluster."""
        return [m for m in self.members.values() if not m.learner and m.cluster_id == "c1"]

    def quorate(self) -> bool:
        """Whether as many voters run as it takes."""
        voters = self.voters()
        return sum(map(self.alive, voters)) > len(voters) // 2

    def leader_id(self) -> str:
        """Who leads, after an election if it takes one; "" without a quorum."""
        able = [m for m in self.voters() if self.alive(m)]
        if not self.quorate():
            return ""
        if self.led_by not in {m.id for m in able}:
            self.led_by = able[0].id
        return self.led_by

    def at(self, endpoint: str) -> FakeMember | None:
        """Who is asked there."""
        if endpoint in self.aliases:
            return self.members[self.aliases[endpoint]]
        return next((m for m in self.members.values() if same_place(m.client, endpoint)), None)

    def _reach(self, endpoint: str) -> FakeMember:
        self.asked.append(endpoint)
        member = self.at(endpoint)
        if member is None or not self.alive(member):
            raise NotSent("connection refused")
        if member.silent:
            raise Unanswered("no answer in time")
        return member

    def look(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> Looked:
        member = self._reach(endpoint)
        names = member.lists
        listed = tuple(
            one.listed()
            for one in self.members.values()
            if (one.name in names if names is not None else one.cluster_id == member.cluster_id)
        )
        known = tuple(sorted(f"{one.id}{'+' if one.learner else ''}" for one in listed))
        leader = self.leader_id()
        own = member.listed()
        said = Member(
            id=own.id,
            name=own.name,
            endpoint=endpoint,
            peer_urls=own.peer_urls,
            client_urls=own.client_urls,
            learner=own.learner,
            error="" if leader else "no linearizable read: there is no leader",
            leader=leader,
            cluster_id=member.cluster_id,
            known=known,
            applied=member.applied,
            alarms=member.alarms,
        )
        return Looked(said, listed)

    def read(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> None:
        self._reach(endpoint)
        if not self.leader_id():
            raise Unanswered("no leader")

    def leader(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> str:
        self._reach(endpoint)
        return self.leader_id()

    def move_leader(self, cluster: EtcdCluster, endpoint: str, to: str, timeout: float) -> None:
        member = self._reach(endpoint)
        if self.refuses or member.id != self.leader_id():
            raise Invalid(400, "FailedPrecondition", "not leader")
        self.on_move(member.id, to)
        self.moves.append((member.id, to))
        self.led_by = to
        if self.lost_answer:
            raise Unanswered("the answer was lost")

    def check_snapshot(
        self, cluster: EtcdCluster, endpoint: str, timeout: float
    ) -> SnapshotChecked:
        self._reach(endpoint)
        return SnapshotChecked(1, 0.1)


class EtcdOfPods(FakeEtcd):
    """A cluster whose members run in the pods of a StatefulSet: where its pod is Ready, a member
    is up, and it is asked at its pod's address."""

    def __init__(self, cluster: Cluster, namespace: str, name: str, count: int) -> None:
        super().__init__()
        self._cluster = cluster
        self._namespace = namespace
        for number in range(count):
            pod = f"{name}-{number}"
            host = f"{pod}.{name}.{namespace}.svc"
            self.members[pod] = FakeMember(
                f"a{number}", pod, f"http://{host}:2380", f"http://{host}:2379"
            )

    def alive(self, member: FakeMember) -> bool:
        pod = self._cluster.get("pods", self._namespace, member.name)
        status: Json = (pod or {}).get("status", {})
        states = {one["type"]: one["status"] for one in status.get("conditions", ())}
        return member.up and states.get("Ready") == "True"

    def at(self, endpoint: str) -> FakeMember | None:
        host = host_of(endpoint)
        for pod in self._cluster.all("pods", self._namespace):
            if pod.get("status", {}).get("podIP") == host:
                return self.members.get(pod["metadata"]["name"])
        return super().at(endpoint)
