"""Pods as victims: surveyed by workload, evicted, deleted, or crashed by a helper pod."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chaosd.core.eligibility import Sift
from chaosd.core.facts import Own, Recovery
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Action, Candidate, Examined, StepAction, TargetKind, WorkloadKey
from chaosd.core.recovery import crash_recovery, recovery
from chaosd.ports import Fenced, Next, Scope, Struck, Undone
from chaosd.targets import helper
from chaosd.targets.declared import NO_MEMBERS, Members
from chaosd.targets.family import family_now, own_workload
from chaosd.targets.helper import HelperReads
from chaosd.targets.pod_inside import Inside
from chaosd.targets.pod_single import single
from chaosd.targets.pod_strike import fence_pod, strike_pod
from chaosd.targets.pod_survey import Survey


class PodTarget:
    """Pods (a :class:`chaosd.ports.Target`).

    ``own`` names the pod that this process runs in, as the downward API tells; its whole workload
    is nobody's victim. Empty outside the cluster. ``etcd`` tells members of declared etcd clusters
    from what only looks like etcd.
    """

    kind = TargetKind.POD

    def __init__(
        self,
        reads: HelperReads,
        own: Own = Own(),  # noqa: B008 - frozen
        etcd: Members = NO_MEMBERS,
    ) -> None:
        self._reads = reads
        self._own = own
        self._etcd = etcd
        self._own_workload: WorkloadKey | None = None

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterable[Candidate]:
        """The workloads that opted in; with ``only`` that one, whether it did or not."""
        own = self._find_own_workload()
        sift = self._sift(scope)
        if only is not None:
            return [single(self._reads, scope.configuration, sift, own, only)]
        return Survey(self._reads, scope.configuration, sift, own).candidates()

    def expand(self, scope: Scope, candidate: Candidate) -> Sequence[Candidate]:
        """The pods of a drawn workload; one candidate with the reason when it is gone."""
        return self._inside(scope, candidate.workload).pods()

    def examine(self, scope: Scope, candidate: Candidate) -> Examined:
        """Read a pod (``namespace/name``) and all that it depends on again; the pod comes last."""
        return self._inside(scope, candidate.workload).examine(candidate.key.partition("/")[2])

    def many_steps(self, intent: Intent) -> bool:  # noqa: ARG002 - the port's signature
        """A pod has one step."""
        return False

    def next(self, scope: Scope, intent: Intent) -> Next:  # noqa: ARG002 - the port's signature
        """A pod has one step."""
        return Next()

    def strike(self, intent: Intent, step: Step, timeout: float) -> Struck:
        """Evict, delete or crash the step's victim, once."""
        if step.action is StepAction.CRASH:
            return helper.strike(self._reads, intent, step, timeout)
        return strike_pod(self._reads, intent, step, timeout)

    def fence(self, intent: Intent, step: Step, now: datetime) -> Fenced:
        """Touch the step's victim, so that a late strike answers 409; then say what is there. Of a
        helper, see what it did."""
        if step.action is StepAction.CRASH:
            return helper.fence(self._reads, intent, step, now)
        return fence_pod(self._reads, intent, step)

    def undo(self, intent: Intent, now: datetime, *, early: bool) -> Undone:  # noqa: ARG002
        """A pod's workload brings it back by itself."""
        return Undone(done=True)

    def recovered(self, intent: Intent, now: datetime) -> Recovery:
        """Whether the workload has as many Ready pods as it wants now, the victim not among them
        (or, after a crash, with its container running anew).

        One of somebody's own kind can't be seen without pods, so it is never taken for deleted.
        """
        key = WorkloadKey.parse(intent.workload)
        family = family_now(self._reads, key)
        workload, pods = (family.workload, family.pods) if family else (None, ())
        crashed = intent.victim
        if intent.action is not Action.CRASH:
            return recovery(workload, pods, crashed.uid, intent.desired, now)
        pod = self._reads.pod(crashed.namespace, crashed.name)
        victim = pod if pod is not None and pod.uid == crashed.uid else None
        return crash_recovery(workload, pods, victim, crashed, intent.desired, now)

    def _inside(self, scope: Scope, workload: WorkloadKey) -> Inside:
        own = self._find_own_workload()
        return Inside(self._reads, scope, self._own, own, workload, self._etcd)

    def _sift(self, scope: Scope) -> Sift:
        return Sift(scope.configuration, scope.policy, scope.now, self._own)

    def _find_own_workload(self) -> WorkloadKey | None:
        """chaosd's own workload, read once: its other pods are chaosd's too."""
        if self._own_workload is None:
            self._own_workload = own_workload(self._reads, self._own)
        return self._own_workload
