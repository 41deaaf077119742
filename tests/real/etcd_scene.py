"""Real members of etcd with TLS, each in a pod of a simulated cluster, under chaosd's own engine.

The pods are objects whose processes are the members of :mod:`tests.etcd_members`: to strike a pod
ends its member for real, and the pod that comes back starts it again on its data. All members
listen on 127.0.0.1, and so all pods have that address: which pod is which member is told by the
URLs of its command line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from chaosd.core.etcd_model import EtcdCluster as Declared
from chaosd.core.etcd_model import EtcdTls
from chaosd.core.ledger import Intent
from chaosd.core.model import (
    Action,
    Candidate,
    Code,
    Impact,
    MemberRole,
    Policy,
    Reasons,
    TargetKind,
    WorkloadKey,
)
from chaosd.core.quorum import Picture
from chaosd.core.schedule import Slot
from chaosd.engine.attempt import Ended
from chaosd.etcd.backups import BackupAges
from chaosd.etcd.gateway import HttpGateway
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.ports import Guarded, Scope
from chaosd.sandbox import Cluster, Controllers, Timings, scenarios
from chaosd.sandbox.controllers.processes import Life
from chaosd.sandbox.objects import Json
from chaosd.targets.etcd import EtcdTarget
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_gateway import Looked
from chaosd.targets.etcd_guard import EtcdGuard
from chaosd.targets.etcd_memory import EtcdMemory
from tests.engine.cluster_side import make_ports
from tests.engine.process import Process
from tests.engine.scene import Scene, configured, policy
from tests.etcd_members import EtcdCluster, Member, Tls
from tests.support.waiting import until

SPACE = "data"
KEY = "Etcd/main"
CLAIM = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}
MORE_NODES = 3
"""Beside the three that every scene has."""


class Inside:
    """What is in the pods: members (see :class:`chaosd.sandbox.controllers.processes`)."""

    def __init__(self, etcd: EtcdCluster) -> None:
        self._etcd = etcd
        self._kept: set[str] = set()

    def address(self, pod: Json) -> str:
        """Where they all listen."""
        return "127.0.0.1" if pod["metadata"]["namespace"] == SPACE else ""

    def run(self, pod: Json) -> Life:
        """A new pod starts its member; one that its own test ended stays down."""
        uid = pod["metadata"]["uid"]
        if uid not in self._kept:
            self._kept.add(uid)
            member = self._etcd.member(pod["metadata"]["labels"]["app"])
            if not member.running:
                member.start()
        return Life.READY

    def kill(self, pod: Json) -> None:
        """What a kubelet does at the end of the grace period."""
        if pod["metadata"]["uid"] in self._kept:
            self._kept.discard(pod["metadata"]["uid"])
            self._etcd.member(pod["metadata"]["labels"]["app"]).kill()


class Passing(HttpGateway):
    """The adapter, and what is done ``before`` it looks or moves: given which, and the endpoint."""

    def __init__(self, before: Callable[[str, str], object]) -> None:
        super().__init__()
        self._before = before

    def look(self, cluster: Declared, endpoint: str, timeout: float) -> Looked:
        """Ask one member for everything."""
        self._before("look", endpoint)
        return super().look(cluster, endpoint, timeout)

    def move_leader(self, cluster: Declared, endpoint: str, to: str, timeout: float) -> None:
        """Tell a leader to hand over."""
        self._before("move", endpoint)
        super().move_leader(cluster, endpoint, to, timeout)


class EtcdScene:
    """The members of ``etcd`` in pods, and one process of chaosd that leads.

    ``ids`` are those of the members by their names, also once they are down.

    They are declared as ``main`` by ``endpoints`` (None: all client URLs) and ``tls`` (None: those
    of the client). ``before`` is called before the adapter asks anything (see :class:`Passing`),
    and ``through`` wraps the engine's way to the API server (not that of the guard and the target).
    """

    def __init__(
        self,
        etcd: EtcdCluster,
        *,
        endpoints: Sequence[str] | None = None,
        tls: Tls | None = None,
        before: Callable[[str, str], object] = lambda _what, _endpoint: None,
        through: Callable[[Any], Any] = lambda transport: transport,
        **fields: Any,
    ) -> None:
        self.etcd = etcd
        self.ids = {member.name: member.id for member in etcd.members if member.answering}
        self.declared = declared(etcd, endpoints, tls)
        policies = [member_policy("kill"), member_policy("leader", member=MemberRole.LEADER)]
        policies += [member_policy("follower", member=MemberRole.FOLLOWER)]
        policies += [member_policy("move", action=Action.MOVE_LEADER)]
        self.configuration = configured(*policies, etcd=(self.declared,), **fields)
        self.scene = Scene(self.configuration, fill=_more_nodes)
        self._fill()
        reads = KubeNodeReads(make_ports(self.scene.sandbox, self.scene.clock).api)
        self._http = Passing(before)
        memory = EtcdMemory()
        self.clusters = EtcdClusters(reads, self._http, memory, time.monotonic)
        self.guard = EtcdGuard(reads, self.clusters, BackupAges(self.scene.now))
        self.target = EtcdTarget(reads, self.clusters)
        self.process = self._leading(through)
        self.scene.asked()

    def close(self) -> None:
        """Close connections to members, and listen to the cluster no more."""
        self._http.close()
        self.scene.sandbox.controllers.close()

    def _fill(self) -> None:
        sandbox = self.scene.sandbox
        sandbox.controllers.close()
        sandbox.controllers = Controllers(
            sandbox.cluster, Timings.instant(), processes=Inside(self.etcd)
        )
        with sandbox.cluster.backdated(timedelta(days=1)):
            for number, member in enumerate(self.etcd.members):
                set_of_one(sandbox.cluster, member, f"node-{number}")
            sandbox.step()

    def _leading(self, through: Callable[[Any], Any]) -> Process:
        process = self.scene.process(guards=[self.guard], without=["plan"], through=through)
        targets = {**process.context.targets, TargetKind.ETCD: self.target}
        process.context.targets = targets
        process.start()
        assert process.context.leading
        return process

    # ---- asking

    def look(self) -> Picture:
        """What chaosd sees of the cluster now."""
        return self.clusters.picture(self.declared, self.scene.now())

    def asked(self, impact: Impact) -> Guarded:
        """What the guard says of an impact."""
        return self.guard.object_to(self.configuration, impact, self.scene.now())

    def against(self, *members: Member) -> Guarded:
        """What the guard says of an eviction of these members' pods, of whichever policy."""
        return self.asked(Impact(pods=tuple(pod_of(member) for member in members)))

    def against_move(self) -> Guarded:
        """What the guard says of a leader that hands over."""
        return self.asked(Impact(locks=(KEY,)))

    def inside(self, name: str = "kill") -> dict[str, Reasons]:
        """The candidates of a policy, as drawn from, with what is said against each."""
        policy_ = self.configuration.policy(name)
        assert policy_ is not None
        scope = Scope(self.configuration, policy_, self.scene.now())
        cluster = Candidate(KEY, WorkloadKey.parse(KEY))
        return {one.key: one.reasons for one in self.target.expand(scope, cluster)}

    def attempt(self, name: str = "kill") -> Ended:
        """One whole attempt of a policy, now."""
        slot = Slot(at=self.scene.now(), policy=name, workload="*")
        return self.process.attempts.run_slot(slot)[-1]

    def intent(self, ended: Ended) -> Intent:
        """The attempt's intent as the ledger has it."""
        assert ended.intent is not None, ended
        found = self.scene.ledger().find(ended.intent.id)
        assert found is not None
        return found

    def strikes(self) -> list[str]:
        """What was sent to the API server to take a pod down, since the last call."""
        asked = [one for one in self.scene.asked() if one.verb in ("create", "delete")]
        return [one.path for one in asked if "/pods" in one.path]

    # ---- judging

    def refuses(self, code: Code, *words: str, asked: Sequence[Member] = ()) -> str:
        """The guard says no with ``code`` to taking any of these (all) members down, and each of
        ``words`` is in the detail, which is returned; an attempt ends without a strike, and no
        member's process is another one than before."""
        before = pids(self.etcd)
        detail = ""
        for member in asked or self.etcd.members:
            guarded = self.against(member)
            found = {reason.code: reason.detail for reason in guarded.reasons}
            assert code in found, guarded
            detail = found[code]
            for word in words:
                assert word in detail, f"{word!r} in {detail!r}"
        ended = self.attempt()
        assert ended.result == "skipped", ended
        assert {reason.code for reason in ended.reasons} & ETCD_CODES, ended
        assert self.strikes() == []
        assert self.scene.victims() == []
        assert pids(self.etcd) == before
        return detail

    def allows(self, *learners: Member) -> None:
        """The guard has nothing against taking down any one member, and would hold the cluster;
        all but ``learners`` may be drawn."""
        never = {f"main/{learner.name}" for learner in learners}
        for member in self.etcd.members:
            self.allows_together(member)
        until(lambda: {key for key, reasons in self.inside().items() if reasons} == never)

    def allows_together(self, *members: Member) -> None:
        """The guard has nothing against taking down these at once, as soon as it can say so: on a
        busy machine there may be an election at any time."""
        allowed = Guarded((), (KEY,))
        until(lambda: self.against(*members) == allowed, lambda: self.against(*members))


ETCD_CODES = {code for code in Code if code.name.startswith("ETCD_")}


@contextmanager
def scene_of(etcd: EtcdCluster, **options: Any) -> Iterator[EtcdScene]:
    """A scene until the end of the block."""
    made = EtcdScene(etcd, **options)
    try:
        yield made
    finally:
        made.close()


def declared(
    etcd: EtcdCluster, endpoints: Sequence[str] | None = None, tls: Tls | None = None
) -> Declared:
    """The declaration ``main`` of these members."""
    files = tls or etcd.tls
    assert files is not None
    return Declared(
        name="main",
        endpoints=tuple(etcd.endpoints if endpoints is None else endpoints),
        tls=EtcdTls(str(files.ca), str(files.cert), str(files.key)),
    )


def member_policy(name: str, **fields: Any) -> Policy:
    """A policy that kills members of ``main``, with ten minutes to recover."""
    usual: dict[str, Any] = {
        "target": TargetKind.ETCD,
        "action": Action.KILL,
        "clusters": ("main",),
        "deadline": timedelta(minutes=10),
    }
    return policy(name, **{**usual, **fields})


def set_of_one(cluster: Cluster, member: Member, node: str) -> None:
    """A StatefulSet of one pod with a claim, which runs the member, on a node."""
    command = ["etcd", f"--listen-client-urls={member.client_url}"]
    scenarios.stateful_set(
        cluster,
        SPACE,
        member.name,
        1,
        pod_spec={**CLAIM, "nodeName": node},
        container={"name": "etcd", "command": command},
    )


def pod_of(member: Member) -> str:
    """Its pod, ``namespace/name``."""
    return f"{SPACE}/{member.name}-0"


def pids(etcd: EtcdCluster) -> dict[str, int]:
    """The processes of those members that run."""
    return {one.name: one.pid for one in [*etcd.members, *etcd.removed] if one.running}


def mend(cluster: EtcdCluster) -> None:
    """Undo what a test that failed has left."""
    for member in cluster.members:
        member.heal()
        if not member.running:
            member.start()
        elif not member.answering:
            member.resume()
    cluster.rotate_client_cert()


def _more_nodes(cluster: Cluster) -> None:
    for number in range(3, 3 + MORE_NODES):
        scenarios.node(cluster, f"node-{number}")
