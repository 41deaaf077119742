"""Nodes that chaosd has taken out of service and owes back, as people see them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from chaosd.core.ledger import Intent, Result, StepState
from chaosd.core.model import Action, StepAction


class Phase(StrEnum):
    """Why a node is out of service: ``draining`` until its pods are gone, then ``held`` empty,
    ``rebooting`` or ``ending``; ``puttingBack`` when it is called off, past its time, or failed."""

    DRAINING = "draining"
    HELD = "held"
    REBOOTING = "rebooting"
    ENDING = "ending"
    PUTTING_BACK = "puttingBack"


class NodeHeld(Struct, frozen=True, rename="camel"):
    """A node that an intent owes back.

    ``since`` is when it was tainted (or reserved, while that is not known), ``until`` when it is
    put back at the latest, ``left`` how many pods are still to be evicted (None: not known), and
    ``seen`` what was last observed: who blocks, or what is awaited. ``command`` puts it back now.
    """

    node: str
    intent: str
    policy: str
    action: Action
    phase: Phase
    since: datetime
    until: datetime
    left: int | None
    seen: str
    command: str

    @classmethod
    def of(cls, intent: Intent, now: datetime) -> NodeHeld | None:
        """The node that an open intent owes back, if it does."""
        if intent.undo is None or not intent.owes_undo:
            return None
        phase = _phase(intent, now)
        until = intent.recover_by
        if phase is Phase.HELD and intent.settled_at is not None:
            until = min(until, intent.settled_at + timedelta(seconds=intent.hold))
        return cls(
            node=intent.undo.node,
            intent=intent.id,
            policy=intent.policy,
            action=intent.action,
            phase=phase,
            since=_tainted(intent) or intent.reserved_at,
            until=until,
            left=intent.left,
            seen=intent.seen,
            command=f"chaosd undo {intent.undo.node}",
        )


def nodes_held(intents: Iterable[Intent], now: datetime) -> tuple[NodeHeld, ...]:
    """Every node that is owed back, the longest held first."""
    held = [one for one in (NodeHeld.of(intent, now) for intent in intents) if one]
    return tuple(sorted(held, key=lambda one: (one.since, one.node)))


def _phase(intent: Intent, now: datetime) -> Phase:
    failed = intent.result in (Result.REFUSED, Result.FAILED)
    if failed or intent.ended_by or now >= intent.recover_by:
        return Phase.PUTTING_BACK
    if intent.result is None:
        return Phase.DRAINING
    match intent.action:
        case Action.REBOOT:
            return Phase.REBOOTING
        case Action.TERMINATE:
            return Phase.ENDING
    return Phase.HELD


def _tainted(intent: Intent) -> datetime | None:
    done = (s for s in intent.steps if s.action is StepAction.TAINT and s.state is StepState.DONE)
    first = next(done, None)
    return first.settled_at if first else None
