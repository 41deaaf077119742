"""Nodes as victims: drained behind a taint of our own, rebooted or terminated, and put back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chaosd.core.facts import Own, Recovery
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Candidate, Examined, StepAction, TargetKind, WorkloadKey
from chaosd.ports import Fenced, Next, Scope, Struck, Undone
from chaosd.targets import helper, node_cloud
from chaosd.targets.cloud import Cloud
from chaosd.targets.declared import NO_MEMBERS, Members
from chaosd.targets.node_drain import Drain
from chaosd.targets.node_inside import LastRoom, NodeInside
from chaosd.targets.node_reads import NodeReads
from chaosd.targets.node_recovery import recovered
from chaosd.targets.node_strike import fence_taint, put_back, strike_taint
from chaosd.targets.node_survey import NodeSurvey
from chaosd.targets.pod_strike import fence_pod, strike_pod


class NodeTarget:
    """Nodes (a :class:`chaosd.ports.Target`). A node is its own workload, ``Node/name``.

    ``own`` names the pod that this process runs in; the nodes of chaosd's own pods are spared.
    ``clouds`` end machines. ``etcd`` tells members of declared etcd clusters from what only looks
    like etcd.
    """

    kind = TargetKind.NODE

    def __init__(
        self,
        reads: NodeReads,
        own: Own = Own(),  # noqa: B008 - frozen
        clouds: Sequence[Cloud] = (),
        etcd: Members = NO_MEMBERS,
    ) -> None:
        self._reads = reads
        self._own = own
        self._clouds = clouds
        self._etcd = etcd
        self._last_room = LastRoom()

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterable[Candidate]:
        """Every node, with what its own object and the other nodes say against it."""
        found = NodeSurvey(self._reads, scope).candidates()
        return found if only is None else [one for one in found if one.workload == only]

    def expand(
        self,
        scope: Scope,  # noqa: ARG002 - the port's signature
        candidate: Candidate,
    ) -> Sequence[Candidate]:
        """The one node; its inside is read when it is examined."""
        return [Candidate(candidate.workload.name, candidate.workload)]

    def examine(self, scope: Scope, candidate: Candidate) -> Examined:
        """Read a node again, the other nodes, its pods, their budgets, and the room elsewhere."""
        inside = self._inside(scope, candidate.workload.name)
        return inside.examine(self._clouds, self._last_room)

    def many_steps(self, intent: Intent) -> bool:
        """A drain has many; without one, a reboot or an end is the only step."""
        return intent.undo is not None

    def next(self, scope: Scope, intent: Intent) -> Next:
        """The next eviction, or after the last one what the drain was for."""
        inside = self._inside(scope, intent.victim.name)
        return Drain(self._reads, inside, intent, scope.now).next()

    def strike(self, intent: Intent, step: Step, timeout: float) -> Struck:
        """Send the one request of a step."""
        match step.action:
            case StepAction.TAINT:
                return strike_taint(self._reads, intent, step, timeout)
            case StepAction.REBOOT:
                return helper.strike(self._reads, intent, step, timeout)
            case StepAction.TERMINATE:
                return node_cloud.strike(self._clouds, step, timeout)
            case _:
                return strike_pod(self._reads, intent, step, timeout)

    def fence(self, intent: Intent, step: Step, now: datetime) -> Fenced:
        """Make a late strike of a step impossible, as far as that can be, and see what it did."""
        match step.action:
            case StepAction.TAINT:
                return fence_taint(self._reads, intent, step)
            case StepAction.REBOOT:
                return helper.fence(self._reads, intent, step, now)
            case StepAction.TERMINATE:
                return node_cloud.fence(self._clouds, step, now, intent.recover_by)
            case _:
                return fence_pod(self._reads, intent, step)

    def undo(self, intent: Intent, now: datetime, *, early: bool) -> Undone:
        """Remove the intent's taint, once its hold is over and the machine is what it shall be."""
        return put_back(self._reads, intent, now, early=early)

    def recovered(self, intent: Intent, now: datetime) -> Recovery:
        """Whether the node (for an end: its pool) serves, and every workload is whole."""
        return recovered(self._reads, intent, now)

    def _inside(self, scope: Scope, name: str) -> NodeInside:
        return NodeInside(self._reads, scope, self._own, name, self._etcd)
