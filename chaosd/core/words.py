"""What actions are called when they are told to people, and how many of something there are."""

from __future__ import annotations

from msgspec import Struct

from chaosd.core.ledger import Intent
from chaosd.core.model import NODE, Action


class Verb(Struct, frozen=True):
    """One action: to ``do`` it, one that ``does`` it, what it ``did``, and ``one`` of its kind."""

    do: str
    does: str
    did: str
    one: str


_VERBS = {
    Action.EVICT: Verb("kill", "kills", "killed", "an eviction"),
    Action.CRASH: Verb("crash", "crashes", "crashed", "a crash"),
    Action.DRAIN: Verb("drain", "drains", "drained", "a drain"),
    Action.REBOOT: Verb("reboot", "reboots", "rebooted", "a reboot"),
    Action.TERMINATE: Verb("terminate", "terminates", "terminated", "a termination"),
    Action.KILL: Verb("kill", "kills", "killed", "a kill"),
    Action.MOVE_LEADER: Verb("depose", "deposes", "deposed", "a move of the leader"),
}


def verb(action: Action) -> Verb:
    """The verb of an action; a pod that is evicted is killed."""
    return _VERBS[action]


def of_what(intent: Intent) -> str:
    """The victim, and the workload that it belongs to if it is not its own."""
    own = intent.victim.kind == NODE and intent.workload == f"{NODE}/{intent.victim.name}"
    return str(intent.victim) if own else f"{intent.victim} of {intent.workload}"


def several(count: int, one: str, many: str = "") -> str:
    """``1 kill``, ``3 kills``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
