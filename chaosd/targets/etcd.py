"""Members of declared etcd clusters as victims: killed, or made to hand over their leadership."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from chaosd.core.etcd_model import ETCD, EtcdCluster
from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import (
    Candidate,
    Code,
    Examined,
    Reason,
    StepAction,
    TargetKind,
    WorkloadKey,
)
from chaosd.ports import Fenced, Next, Scope, Struck, Undone
from chaosd.targets import helper
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_inside import EtcdInside
from chaosd.targets.etcd_recovered import recovery_of
from chaosd.targets.etcd_strike import MARGIN, fence_leader, strike_leader
from chaosd.targets.node_reads import NodeReads
from chaosd.targets.pod_strike import fence_pod, strike_pod

_HELPED = (StepAction.CRASH, StepAction.KILL_PROCESS)


class EtcdTarget:
    """etcd members (a :class:`chaosd.ports.Target`). A declared cluster is a workload,
    ``Etcd/name``, and its members are what is inside.

    A policy names its clusters, which opts them in; ``"false"`` on a member's pod, workload,
    namespace or node still is a veto. ``margin``: how long after its time a request to hand over
    may still have its effect.
    """

    kind = TargetKind.ETCD

    def __init__(
        self, reads: NodeReads, clusters: EtcdClusters, margin: timedelta = MARGIN
    ) -> None:
        self._reads = reads
        self._clusters = clusters
        self._margin = margin

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterable[Candidate]:
        """The clusters that the policy names; with ``only`` that one, whether it does or not."""
        self._clusters.learn(scope.configuration)
        keys = [WorkloadKey("", ETCD, name) for name in dict.fromkeys(scope.policy.clusters)]
        if only is not None:
            keys = [only]
        return [Candidate(str(key), key, tuple(_against(scope, key))) for key in keys]

    def expand(self, scope: Scope, candidate: Candidate) -> Sequence[Candidate]:
        """The members of a drawn cluster; one candidate with the reason when it can't be seen."""
        cluster = self._cluster(scope, candidate.workload)
        if cluster is None:
            return [_undeclared(candidate.workload)]
        return EtcdInside(self._reads, self._clusters, scope, cluster).members()

    def examine(self, scope: Scope, candidate: Candidate) -> Examined:
        """Look at one member (``cluster/member``) and all that it depends on again."""
        cluster = self._cluster(scope, candidate.workload)
        if cluster is None:
            return Examined(_undeclared(candidate.workload).reasons)
        inside = EtcdInside(self._reads, self._clusters, scope, cluster)
        return inside.examine(candidate.key.partition("/")[2])

    def many_steps(self, intent: Intent) -> bool:  # noqa: ARG002 - the port's signature
        """A member has one step."""
        return False

    def next(self, scope: Scope, intent: Intent) -> Next:  # noqa: ARG002 - the port's signature
        """A member has one step."""
        return Next()

    def strike(self, intent: Intent, step: Step, timeout: float) -> Struck:
        """Evict, delete or crash the step's victim, or have the leader hand over, once."""
        if step.action is StepAction.MOVE_LEADER:
            return strike_leader(self._clusters, intent, step, timeout)
        if step.action in _HELPED:
            return helper.strike(self._reads, intent, step, timeout)
        return strike_pod(self._reads, intent, step, timeout)

    def fence(self, intent: Intent, step: Step, now: datetime) -> Fenced:
        """Touch the pod so that a late strike fails; of a helper, see what it did; of a leader,
        see who leads."""
        if step.action is StepAction.MOVE_LEADER:
            return fence_leader(self._clusters, intent, step, now, self._margin)
        if step.action in _HELPED:
            return helper.fence(self._reads, intent, step, now)
        return fence_pod(self._reads, intent, step)

    def undo(self, intent: Intent, now: datetime, *, early: bool) -> Undone:  # noqa: ARG002
        """A member comes back by itself."""
        return Undone(done=True)

    def recovered(self, intent: Intent, now: datetime) -> Recovery:
        """Whether the victim answers again and has caught up; the guard judges its cluster."""
        return recovery_of(self._reads, self._clusters, intent, now)

    def _cluster(self, scope: Scope, key: WorkloadKey) -> EtcdCluster | None:
        self._clusters.learn(scope.configuration)
        return scope.configuration.etcd_cluster(key.name) if key.kind == ETCD else None


def _against(scope: Scope, key: WorkloadKey) -> Iterable[Reason]:
    if key.target is not TargetKind.ETCD:
        yield Reason(Code.GONE, "it is no etcd cluster, and the policy is for those")
    elif scope.configuration.etcd_cluster(key.name) is None:
        yield Reason(Code.GONE, f"no etcd cluster {key.name} is declared")
    elif key.name not in scope.policy.clusters:
        yield Reason(Code.NOT_OPTED_IN, f"policy {scope.policy.name} does not name it")


def _undeclared(key: WorkloadKey) -> Candidate:
    return Candidate(str(key), key, (Reason(Code.GONE, f"no etcd cluster {key.name} is declared"),))
