"""Observing: one loop for all open intents, resumed by whoever leads."""

from __future__ import annotations

from datetime import datetime, timedelta

from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from chaosd.core.model import Configuration, StepAction
from chaosd.core.pruning import prune
from chaosd.core.schedule import MeanTime
from chaosd.core.transitions import Refusal, finish_strikes, judge, note_costs, note_seen
from chaosd.engine.book import LedgerUnusable, Page
from chaosd.engine.context import Context
from chaosd.engine.further import Further
from chaosd.engine.guards import healed
from chaosd.engine.put_back import PutBack
from chaosd.engine.stand import stand
from chaosd.engine.strike import Striker
from chaosd.engine.tell import Teller
from chaosd.ports import CallFailed, Forbidden

_STARTING = 0.2  # nothing is read until the lease has said which ledger is ours
_BUSY = 1.0
_IDLE = 5.0
_PRUNE_EVERY = timedelta(minutes=10)


class Observer:
    """The actor that settles what is open, follows recoveries, and tells of both."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._striker = Striker(context)
        self._further = Further(context, self._striker)
        self._putter = PutBack(context)
        self._teller = Teller(context)
        self._pruned: datetime | None = None

    def step(self) -> datetime:
        """Look at every open intent once; returns when to come again."""
        context = self._context
        if context.book.uid is None:
            context.report.standing(stand(context, None))
            return context.after(_STARTING)
        page: Page | None = None
        unusable = ""
        try:
            page = context.book.read()
        except LedgerUnusable as error:
            unusable = str(error)
        except CallFailed as error:
            unusable = f"the ledger could not be read: {error}"
        context.page, context.unusable = page, unusable
        context.report.standing(stand(context, page, unusable))
        if page is not None:
            self._teller.count_claims(page.ledger)
        if page is None or not context.leading:
            return context.after(_IDLE)
        busy = self._striker.settle_left_over(page.ledger)
        for intent in page.ledger.intents.values():
            if not intent.unsettled or self._overdue(intent):
                self._follow(intent, page)
                busy = True
        busy = self._teller.tell_all(page.ledger) or busy
        self._prune()
        return context.after(_BUSY if busy or page.ledger.intents else _IDLE)

    def _follow(self, intent: Intent, page: Page) -> None:
        """Take one settled intent a step further."""
        context = self._context
        try:
            if intent.unsettled:
                self._putter.put_back(intent, page)
            elif intent.result is None:
                why = self._further.advance(intent, page)
                if why is not None:
                    context.book.change(
                        lambda ledger: finish_strikes(
                            ledger, context.writer, intent.id, context.clock.now(), why
                        )
                    )
            elif intent.owes_undo:
                self._putter.put_back(intent, page)
            elif intent.result is Result.KILLED:
                self._watch_recovery(intent)
        except (CallFailed, LedgerUnusable) as error:
            context.report.failed(f"follow intent {intent.id}", error)
            if isinstance(error, Forbidden):
                self._give_up(intent, error)

    def _overdue(self, intent: Intent) -> bool:
        """Whether it owes something past its deadline that the unsettled step doesn't touch: a
        taint must not stay because nobody can tell what became of a pod or a machine."""
        step = intent.unsettled
        late = intent.owes_undo and self._context.clock.now() >= intent.recover_by
        return late and step is not None and step.action is not StepAction.TAINT

    def _give_up(self, intent: Intent, error: Exception) -> None:
        """What may not be seen any more at its deadline has not recovered, as far as anybody can
        tell: it goes on counting until it is seen to heal, or a person forgives it."""
        context, now = self._context, self._context.clock.now()
        if intent.result is not Result.KILLED or intent.verdict or now <= intent.recover_by:
            return

        def change(ledger: Ledger) -> Ledger | Refusal:
            noted = note_seen(ledger, context.writer, intent.id, f"it can't be seen: {error}")
            if isinstance(noted, Refusal):
                return noted
            return judge(noted, context.writer, intent.id, Verdict.NOT_RECOVERED, now)

        try:
            context.book.change(change)
        except (CallFailed, LedgerUnusable) as failed:
            context.report.failed(f"judge intent {intent.id}", failed)

    def _watch_recovery(self, intent: Intent) -> None:
        context = self._context
        now = context.clock.now()
        recovery = context.targets[intent.target].recovered(intent, now)
        configuration = context.loaded.configuration
        recovery = healed(context.guards, configuration, intent, recovery, now)
        verdict: Verdict | None = None
        if recovery.closed:
            verdict = Verdict.CLOSED
        elif recovery.whole:
            verdict = Verdict.RECOVERED
        elif now > intent.recover_by and intent.verdict is None:
            verdict = Verdict.NOT_RECOVERED
        seen = recovery.detail or f"{recovery.ready} of {recovery.desired} Ready"

        def change(ledger: Ledger) -> Ledger | Refusal:
            noted = note_seen(ledger, context.writer, intent.id, seen)
            if isinstance(noted, Refusal) or verdict is None:
                return noted
            costed = note_costs(noted, intent.id, recovery.costs)
            return judge(costed, context.writer, intent.id, verdict, now)

        changed = context.book.change(change)
        if verdict and not isinstance(changed, Refusal):
            context.report.stepped(intent, "observed", verdict=str(verdict), seen=seen)

    def _prune(self) -> None:
        context, now = self._context, self._context.clock.now()
        configuration = context.loaded.configuration
        if configuration is None or (self._pruned and now < self._pruned + _PRUNE_EVERY):
            return
        keep, zone = longest_memory(configuration), configuration.windows.zone
        try:
            context.book.change(lambda ledger: prune(ledger, context.writer, now, keep, zone))
            self._pruned = now
        except (CallFailed, LedgerUnusable) as error:
            context.report.failed("prune the ledger", error)


def longest_memory(configuration: Configuration) -> timedelta:
    """How long a last kill may matter: the longest gap or cooldown of any policy.

    Annotations may only lengthen a gap, by any amount: a year is kept for mean-time policies.
    """
    spans = [policy.cooldown for policy in configuration.policies]
    if any(isinstance(policy.schedule, MeanTime) for policy in configuration.policies):
        spans.append(timedelta(days=366))
    return max(spans, default=timedelta(0))
