"""Halting: once it is acknowledged, no action starts until somebody resumes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from chaosd.core.ledger import Halt, Intent
from chaosd.core.model import TargetKind
from chaosd.core.transitions import Refusal, halt, resume
from chaosd.engine.book import Book
from chaosd.engine.strike import settlement
from chaosd.ports import CallFailed, Clock, Conflict, ServerFault, Target, Unanswered

_GRACE = timedelta(seconds=2)


class Progress(Struct, frozen=True):
    """Whether a halt is acknowledged: nothing is under way. Else what is awaited, until when to
    come again."""

    acknowledged: bool
    waiting_for: tuple[str, ...] = ()
    wake: datetime | None = None


class Halting:
    """Writes a halt (or the pause of one ``policy``) down and follows it until no intent (of that
    policy) is unsettled.

    Works without a leader: a step that nobody settles by its ``strikeBy`` is fenced from here.
    """

    def __init__(
        self,
        book: Book,
        clock: Clock,
        targets: Mapping[TargetKind, Target],
        stop: Halt,
        policy: str = "",
    ) -> None:
        self._book, self._clock, self._targets, self._stop = book, clock, targets, stop
        self._policy = policy
        self._written = False

    def step(self) -> Progress:
        """Go one step further; raises CallFailed or LedgerUnusable when it can't."""
        now = self._clock.now()
        if not self._written:
            changed = self._book.change(lambda ledger: halt(ledger, self._stop, self._policy))
            if isinstance(changed, Refusal):
                return Progress(False, ("the ledger, to be written",), now + timedelta(seconds=1))
            self._written = True
        left = self._unsettled()
        for intent in left:
            step = intent.unsettled
            if step and now > step.strike_by + _GRACE:
                self._fence(intent)
        left = self._unsettled()
        if not left:
            return Progress(acknowledged=True)
        names = tuple(f"{i.id} ({i.victim.path})" for i in left)
        return Progress(False, names, now + timedelta(seconds=1))

    def _unsettled(self) -> list[Intent]:
        """What is under way and would be stopped."""
        unsettled = self._book.read().ledger.unsettled()
        return [one for one in unsettled if self._policy in ("", one.policy)]

    def _fence(self, intent: Intent) -> None:
        step = intent.unsettled
        target = self._targets.get(intent.target)
        if step is None or target is None:
            return
        try:
            fenced = target.fence(intent, step, self._clock.now())
            if fenced.known is not None:
                detail = fenced.detail or "seen after a fence, at a halt"
                change = settlement(
                    target, None, intent, step, fenced.known, detail, self._clock.now()
                )
                self._book.change(change)
        except CallFailed:
            # Tried again at the next step: nothing is acknowledged until it works.
            return


def resume_now(book: Book, policy: str = "") -> Refusal | None:
    """Take back a halt by command or annotation (or the pause of one policy)."""
    for _ in range(3):
        page = book.read()
        if not policy and page.ledger.halt is None and page.annotation_halt is None:
            return None
        try:
            book.swap(page, resume(page.ledger, policy), unhalt=not policy)
        except (Conflict, Unanswered, ServerFault):
            continue
        return None
    book.read()
    raise CallFailed("the ledger could not be changed in three tries: nothing was resumed")
