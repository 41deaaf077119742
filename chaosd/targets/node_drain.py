"""What a drain does next: the taint, one eviction after the other, then what it was all for.

It evicts what ``kubectl drain`` does
(https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/), each pod by a step of its
own, and comes back to one that was refused. It holds nothing in memory: what it needs to know is in
the intent and in the cluster.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from chaosd.core.capacity import tolerated
from chaosd.core.disruption import budget_reasons, budgets_of
from chaosd.core.drain import Owned, stays
from chaosd.core.facts import DRAIN_TAINT, BudgetFacts, NodeFacts, PodFacts, Taint
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import Action, BudgetMode, Reasons, StepAction, Victim
from chaosd.ports import Next
from chaosd.targets.node_inside import NodeInside, pods_of
from chaosd.targets.node_reads import NodeReads

_LOOK, _LONGEST_LOOK = timedelta(seconds=2), timedelta(seconds=15)
_FRESH = timedelta(seconds=1)
_AFTER = {StepState.REFUSED: timedelta(seconds=5), StepState.FAILED: timedelta(seconds=30)}
# A mismatched eviction has spent the budget, and the controller gives it back after two minutes:
# https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/disruption/disruption.go
_AFTER_CHANGE = timedelta(minutes=2)
_TOLD = 3
_TAINTS = 5
_AT_ONCE = 10


def drain_until(intent: Intent) -> datetime:
    """Until when pods are evicted: half of the deadline, so that the rest is left to hold the node
    and to recover in."""
    return intent.reserved_at + timedelta(seconds=intent.deadline / 2)


class Drain:
    """One intent's drain, at one instant."""

    def __init__(self, reads: NodeReads, inside: NodeInside, intent: Intent, now: datetime) -> None:
        self._reads = reads
        self._inside = inside
        self._intent = intent
        self._now = now
        self._budgets: dict[str, list[BudgetFacts]] = {}

    def next(self) -> Next:
        """The next step, or when to look again, or how it ended. Raises CallFailed."""
        intent = self._intent
        final = next((s for s in intent.steps if s.action in _FINAL), None)
        if final is not None:
            # One that was refused or failed is not asked for again: the drain is over.
            failed = f"{final.action} of node {intent.victim.name} {final.state}: {final.detail}"
            return Next(why="" if final.state is StepState.KILLED else failed)
        if self._just_evicted():
            return self._evict(None)
        node = self._reads.node(intent.victim.name)
        if node is None or node.uid != intent.victim.uid:
            return Next(why=f"node {intent.victim.name} is gone")
        if reasons := self._inside.unwanted(node):
            return Next(why=str(reasons[0]))
        taints = [step for step in intent.steps if step.action is StepAction.TAINT]
        if all(step.state is not StepState.DONE for step in taints):
            return self._taint(node, taints)
        if node.drained_by != intent.id:
            return Next(why=f"somebody removed the taint from node {node.name}")
        return self._evict(node)

    def _just_evicted(self) -> bool:
        """Whether the node was looked at a moment ago, for the eviction before: what somebody did
        to it since is seen before the next few."""
        last = self._intent.steps[-1]
        if last.action not in (StepAction.EVICT, StepAction.DELETE) or last.settled_at is None:
            return False
        return self._now < last.settled_at + _FRESH

    def _taint(self, node: NodeFacts, taints: Sequence[Step]) -> Next:
        """Taint again what changed in between, as a new step."""
        last = taints[-1]
        if last.state is StepState.FAILED or last.number >= _TAINTS:
            return Next(why=last.detail)
        if self._now < (last.settled_at or last.reserved_at) + _LOOK:
            return Next(wait_until=self._now + _LOOK)
        return Next(_node_victim(node), action=StepAction.TAINT)

    def _evict(self, node: NodeFacts | None) -> Next:
        pods = pods_of(self._reads, self._intent.victim.name)
        left = [pod for pod in pods if not stays(pod) and not self._came_back(pod)]
        if not left:
            return self._drained(node, pods) if node else Next(wait_until=self._now, left=0)
        owned = self._inside.owned(left)
        if reasons := self._vetoes(owned):
            return Next(why=str(reasons[0]))
        workloads = {pod.uid: str(workload) for pod, workload in owned if workload}
        going = [pod for pod in left if pod.deleting]
        waiting = sorted((pod for pod in left if not pod.deleting), key=str)
        blocked: list[str] = []
        over = self._now >= drain_until(self._intent)
        victims: list[Next] = []
        for pod in waiting:
            if why := self._against(pod):
                blocked.append(f"{pod}: {why}")
            elif over:
                last = self._last(pod)
                blocked.append(f"{pod}: {(last and last.detail) or 'no time left'}")
            elif len(victims) < _AT_ONCE:
                workload = workloads.get(pod.uid, "")
                victims.append(self._victim(pod, workload, len(left) - len(victims)))
                self._grant(pod)
        if over:
            return Next(why=f"not drained in time: {self._told(waiting, going, blocked)}")
        if victims:
            return msgspec.structs.replace(victims[0], then=tuple(victims[1:]))
        return Next(
            wait_until=min(self._now + self._pause(going, blocked), drain_until(self._intent)),
            left=len(left),
            seen=self._told(waiting, going, blocked),
        )

    def _pause(self, going: Sequence[PodFacts], blocked: Sequence[str]) -> timedelta:
        """Until the next look, so that looking costs no more requests than ``kubectl drain`` would
        send: one a second for each pod on its way out, one in five for each that is refused."""
        requests = 2 + len(self._budgets)  # the node, its pods, and each namespace's budgets
        kubectl = len(going) + len(blocked) / 5
        return min(_LONGEST_LOOK, max(_LOOK, timedelta(seconds=requests / kubectl)))

    def _came_back(self, pod: PodFacts) -> bool:
        """Whether it came to the node since, past our taint: evicted, it would come again and
        again. ``kubectl drain`` leaves such pods alone, too."""
        taint = Taint(DRAIN_TAINT, self._intent.id, "NoSchedule")
        return pod.created > self._intent.reserved_at and tolerated([taint], pod.tolerations)

    def _vetoes(self, left: Sequence[Owned]) -> Reasons:
        """What speaks against pods of workloads that were not there when the node was chosen, and
        what the others say by themselves meanwhile."""
        known = {*self._intent.workloads, *self._intent.struck}
        strange = [one for one in left if str(one[1]) not in known]
        reasons = self._inside.vet_themselves(left)
        return reasons or (self._inside.vet(strange) if strange else ())

    def _against(self, pod: PodFacts) -> str:
        """Why a pod can't be evicted at this moment; "" for nothing."""
        last = self._last(pod)
        if last is not None:
            changed = last.state is StepState.REFUSED and "changed" in last.detail
            pause = _AFTER_CHANGE if changed and self._respects else _AFTER.get(last.state, _LOOK)
            if self._now < (last.settled_at or last.reserved_at) + pause:
                return last.detail or "its eviction is under way"
        if not self._respects:
            return ""
        if pod.namespace not in self._budgets:
            self._budgets[pod.namespace] = list(self._reads.budgets(pod.namespace))
        reasons = budget_reasons(pod, self._budgets[pod.namespace])
        return str(reasons[0]) if reasons else ""

    def _last(self, pod: PodFacts) -> Step | None:
        """The newest step about a pod."""
        return next((s for s in reversed(self._intent.steps) if s.victim.uid == pod.uid), None)

    def _grant(self, pod: PodFacts) -> None:
        """Count an eviction that is about to be asked for against the budgets as they were read."""
        budgets = self._budgets.get(pod.namespace, ())
        covering = budgets_of(pod, budgets)
        self._budgets[pod.namespace] = [
            msgspec.structs.replace(budget, disruptions_allowed=budget.disruptions_allowed - 1)
            if budget in covering
            else budget
            for budget in budgets
        ]

    def _victim(self, pod: PodFacts, workload: str, left: int) -> Next:
        return Next(
            Victim(pod.namespace, pod.name, pod.uid, pod.resource_version, pod.node),
            action=StepAction.EVICT if self._respects else StepAction.DELETE,
            workload=workload,
            left=left,
        )

    def _drained(self, node: NodeFacts, pods: Sequence[PodFacts]) -> Next:
        """Nothing is left to evict: the reboot or the end, unless something speaks against it by
        now, or the drain is complete. ``pods`` are what is left to go down with the machine."""
        if self._intent.action is not Action.DRAIN:
            covered = [f"{pod} came back to the node" for pod in pods if self._bound(pod)]
            reasons = self._inside.against_the_end(node, pods)
            for why in (*map(str, reasons), *covered):
                return Next(why=why)
        match self._intent.action:
            case Action.REBOOT:
                return Next(_node_victim(node, node.boot_id), action=StepAction.REBOOT, left=0)
            case Action.TERMINATE:
                return Next(
                    _node_victim(node, node.provider_id), action=StepAction.TERMINATE, left=0
                )
            case _:
                return Next(left=0)

    def _bound(self, pod: PodFacts) -> bool:
        """Whether it came back and a budget covers it."""
        return self._came_back(pod) and bool(
            budgets_of(pod, list(self._reads.budgets(pod.namespace)))
        )

    @property
    def _respects(self) -> bool:
        return self._intent.pdb is BudgetMode.RESPECT

    def _told(
        self, waiting: Sequence[PodFacts], going: Sequence[PodFacts], blocked: Sequence[str]
    ) -> str:
        words = [f"{len(waiting) + len(going)} pods left"]
        if going:
            words.append(f"{len(going)} of them on their way out")
        words += list(blocked[:_TOLD])
        if len(blocked) > _TOLD:
            words.append(f"and {len(blocked) - _TOLD} more")
        return "; ".join(words)


_FINAL = (StepAction.REBOOT, StepAction.TERMINATE)


def _node_victim(node: NodeFacts, identity: str = "") -> Victim:
    return Victim("", node.name, node.uid, node.resource_version, node.name, "Node", "", identity)
