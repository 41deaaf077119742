"""A kind of victim with several steps, for tests: a workload's pods, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Candidate, Examined, TargetKind, Victim, WorkloadKey
from chaosd.kube.reads import KubeReads
from chaosd.ports import Fenced, Next, Scope, Struck, Undone
from chaosd.targets.family import family_of
from chaosd.targets.pods import PodTarget

AT_ONCE = 1


class RackTarget:
    """Takes down ``steps`` pods of a workload, ``pause`` after the step before (a target of the
    engine's port, over the real pod target).

    A refused step is tried again on another pod, and counts as one of the steps.
    """

    kind = TargetKind.POD

    def __init__(
        self, reads: KubeReads, steps: int = 3, pause: timedelta = timedelta(seconds=3)
    ) -> None:
        self._reads = reads
        self._pods = PodTarget(reads)
        self._steps, self._pause = steps, pause

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterable[Candidate]:
        return self._pods.survey(scope, only)

    def expand(self, scope: Scope, candidate: Candidate) -> Sequence[Candidate]:
        return self._pods.expand(scope, candidate)

    def examine(self, scope: Scope, candidate: Candidate) -> Examined:
        return self._pods.examine(scope, candidate)

    def next(self, scope: Scope, intent: Intent) -> Next:
        now = scope.now
        if len(intent.steps) >= self._steps:
            return Next()
        settled = intent.steps[-1].settled_at or now
        if now < settled + self._pause:
            return Next(wait_until=settled + self._pause)
        struck = {step.victim.uid for step in intent.steps}
        family = family_of(self._reads, WorkloadKey.parse(intent.workload))
        left = [
            pod
            for pod in (family.pods if family else ())
            if pod.uid not in struck and pod.ready and not pod.deleting
        ]
        if not left:
            return Next(wait_until=now + self._pause)
        pod = min(left, key=lambda one: one.name)
        return Next(Victim(pod.namespace, pod.name, pod.uid, pod.resource_version, pod.node))

    def strike(self, intent: Intent, step: Step, timeout: float) -> Struck:
        return self._pods.strike(intent, step, timeout)

    def many_steps(self, intent: Intent) -> bool:
        return True

    def fence(self, intent: Intent, step: Step, now: datetime) -> Fenced:
        return self._pods.fence(intent, step, now)

    def undo(self, intent: Intent, now: datetime, *, early: bool) -> Undone:
        return self._pods.undo(intent, now, early=early)

    def recovered(self, intent: Intent, now: datetime) -> Recovery:
        """Every pod that it struck is gone, and all are back."""
        seen = [
            self._pods.recovered(msgspec.structs.replace(intent, victim=step.victim), now)
            for step in intent.steps
        ]
        return next((one for one in seen if not one.whole), seen[-1])
