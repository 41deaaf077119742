"""What actions are called when they are told to people."""

from __future__ import annotations

from msgspec import Struct

from chaosd.core.ledger import Intent
from chaosd.core.model import NODE, Action


class Verb(Struct, frozen=True):
    """One action as a verb: to ``do`` it, one that ``does`` it, what it ``did``."""

    do: str
    does: str
    did: str


_VERBS = {
    Action.EVICT: Verb("kill", "kills", "killed"),
    Action.CRASH: Verb("crash", "crashes", "crashed"),
    Action.DRAIN: Verb("drain", "drains", "drained"),
    Action.REBOOT: Verb("reboot", "reboots", "rebooted"),
    Action.TERMINATE: Verb("terminate", "terminates", "terminated"),
    Action.KILL: Verb("kill", "kills", "killed"),
    Action.MOVE_LEADER: Verb("depose", "deposes", "deposed"),
}


def verb(action: Action) -> Verb:
    """The verb of an action; a pod that is evicted is killed."""
    return _VERBS[action]


def of_what(intent: Intent) -> str:
    """The victim, and the workload that it belongs to if it is not its own."""
    own = intent.victim.kind == NODE and intent.workload == f"{NODE}/{intent.victim.name}"
    return str(intent.victim) if own else f"{intent.victim} of {intent.workload}"
