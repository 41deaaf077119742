"""What the one request of a step takes down: what the guards are asked about before it is sent."""

from __future__ import annotations

from chaosd.core.ledger import Step
from chaosd.core.model import Impact, StepAction

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
