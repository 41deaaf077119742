"""What the one request of a step takes down: what the guards are asked about before it is sent."""

from __future__ import annotations

from chaosd.core.etcd_model import Drawn
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Action, Impact, MemberRole, Policy, StepAction

_MACHINES = (StepAction.REBOOT, StepAction.TERMINATE, StepAction.KILL_PROCESS)


def impact_of(step: Step, locks: tuple[str, ...] = ()) -> Impact:
    """The impact of ``step``; ``locks`` are those that its intent holds.

    Killing a process of a host is judged as if its machine went down, which is more. A taint takes
    nothing down.
    """
    victim = step.victim
    if step.action is StepAction.TAINT:
        return Impact(nodes=(victim.name,))
    if step.action in _MACHINES:
        lost = step.action is StepAction.TERMINATE
        return Impact(machines=(victim.name,), disks_lost=lost, locks=locks)
    if step.action is StepAction.CRASH:
        return Impact(crashed=(victim.path,), locks=locks)
    if step.action is StepAction.MOVE_LEADER:
        return Impact(locks=locks)
    return Impact(pods=(victim.path,), locks=locks)


def role_of(policy: Policy) -> MemberRole:
    """Which member a policy of target etcd asks for: only the leader can hand over its role."""
    return MemberRole.LEADER if policy.action is Action.MOVE_LEADER else policy.member


def drawn_by(policy: Policy, intent: Intent, step: Step) -> Drawn:
    """What ``policy``, which ``intent`` is of, asks of the member that ``step`` strikes."""
    victim = step.victim
    if step.action is StepAction.MOVE_LEADER:
        return Drawn(intent.workload, MemberRole.LEADER, member=victim.uid)
    port = victim.container.rpartition(":")[2] if step.action is StepAction.KILL_PROCESS else ""
    return Drawn(intent.workload, policy.member, peer_port=int(port) if port.isdecimal() else None)
