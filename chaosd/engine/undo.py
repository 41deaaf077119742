"""Undoing at a person's word: what is owed is put back, by whoever leads or, without one, here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from chaosd.core.facts import NodeFacts
from chaosd.core.ledger import Intent, Ledger
from chaosd.core.model import StepAction, TargetKind
from chaosd.core.transitions import Refusal
from chaosd.core.undoing import call_off, undone
from chaosd.engine.book import Book
from chaosd.engine.strike import settlement
from chaosd.ports import CallFailed, Clock, Conflict, Target

PATIENCE = timedelta(seconds=10)
"""How long whoever leads has to do it. Doing it twice at once does no harm."""

_GRACE = timedelta(seconds=2)
_SECOND = timedelta(seconds=1)
_TRIES = 3


class Owing(Struct, frozen=True, rename="camel"):
    """Something that is not back yet, and why not."""

    intent: str
    node: str
    why: str


class Progress(Struct, frozen=True):
    """What is still owed (nothing: it is done), else when to come again."""

    left: tuple[Owing, ...] = ()
    wake: datetime | None = None


class Undoing:
    """Calls intents off and follows them until nothing that they owe is left.

    Whoever leads puts things back; after ``patience`` it is done from here too. Idempotent.
    """

    def __init__(
        self,
        book: Book,
        clock: Clock,
        targets: Mapping[TargetKind, Target],
        who: str,
        intents: Sequence[str],
        patience: timedelta = PATIENCE,
    ) -> None:
        self._book, self._clock, self._targets = book, clock, targets
        self._who, self._intents = who, tuple(intents)
        self._own_turn = clock.now() + patience
        self._called_off: set[str] = set()
        self._why: dict[str, str] = {}

    def step(self) -> Progress:
        """Go one step further; raises CallFailed or LedgerUnusable when it can't."""
        for one in self._intents:
            self._call_off(one)
        now = self._clock.now()
        if now >= self._own_turn:
            for intent in self._owing():
                self._put_back(intent)
        left = tuple(
            Owing(one.id, one.undo.node, self._why.get(one.id) or "whoever leads puts it back")
            for one in self._owing()
            if one.undo
        )
        return Progress(left, now + _SECOND if left else None)

    def _owing(self) -> list[Intent]:
        intents = self._book.read().ledger.intents
        return [intents[one] for one in self._intents if one in intents and intents[one].owes_undo]

    def _call_off(self, intent_id: str) -> None:
        """So that no further step comes, and nobody waits for the end of a hold."""
        if intent_id in self._called_off:
            return

        def change(ledger: Ledger) -> Ledger | Refusal:
            known = intent_id in ledger.intents
            return call_off(ledger, intent_id, self._who) if known else ledger

        if not isinstance(self._book.change(change), Refusal):
            self._called_off.add(intent_id)

    def _put_back(self, intent: Intent) -> None:
        """Once no taint of it can come late: a request under way is fenced first."""
        target = self._targets.get(intent.target)
        if target is None or intent.id not in self._called_off:
            return
        now = self._clock.now()
        try:
            if not self._certain(intent, target, now):
                return
            found = target.undo(intent, now, early=True)
            self._why[intent.id] = found.detail
            if found.done:
                self._book.change(lambda ledger: undone(ledger, None, intent.id, found.detail, now))
        except CallFailed as error:
            self._why[intent.id] = str(error)

    def _certain(self, intent: Intent, target: Target, now: datetime) -> bool:
        """Whether the outcome of its taint is known, if need be after a fence."""
        step = intent.unsettled
        if step is None or step.action is not StepAction.TAINT:
            return True
        if now <= step.strike_by + _GRACE:
            self._why[intent.id] = "its taint may still be on the way"
            return False
        fenced = target.fence(intent, step, now)
        if fenced.known is None:
            self._why[intent.id] = fenced.detail or "nobody knows what became of its taint"
            return False
        detail = fenced.detail or "seen after a fence, at an undo"
        self._book.change(settlement(target, None, intent, step, fenced.known, detail, now))
        return True


# ---- after a ledger was lost


class Nodes(Protocol):
    """The nodes of the cluster, and the way to take a taint of ours off."""

    def nodes(self, labels: str) -> Iterator[Sequence[NodeFacts]]:
        """Nodes in full."""
        ...

    def node(self, name: str) -> NodeFacts | None:
        """One node; None when it does not exist."""
        ...

    def untaint(self, node: NodeFacts, value: str) -> None:
        """Remove the taint of ours that carries ``value``. Conflict: read it again."""
        ...


def tainted(nodes: Nodes) -> list[NodeFacts]:
    """Every node that carries a taint of ours; raises CallFailed."""
    return [node for page in nodes.nodes("") for node in page if node.drained_by]


def strays(found: Iterable[NodeFacts], ledger: Ledger) -> list[NodeFacts]:
    """Those of ``found`` that no open intent of the ledger owes back. The ledger must have been
    read after the nodes: an intent is written down before its taint."""
    owed = {one.id for one in ledger.intents.values() if one.owes_undo}
    return [node for node in found if node.drained_by not in owed]


def remove_stray(nodes: Nodes, stray: NodeFacts) -> str:
    """Take the taint off: "" when it is gone, else why not. Raises CallFailed."""
    value = stray.drained_by
    for _ in range(_TRIES):
        node = nodes.node(stray.name)
        if node is None or node.drained_by != value:
            return ""
        try:
            nodes.untaint(node, value)
        except Conflict:
            continue
        return ""
    return "the node changed three times meanwhile"
