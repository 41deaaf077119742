"""Strike a reserved step once, and settle it; fence what nobody knows the outcome of."""

from __future__ import annotations

from datetime import datetime

from chaosd.core.admission import may_strike
from chaosd.core.ledger import Intent, Ledger, Step, StepState
from chaosd.core.model import Code, Reason, Reasons
from chaosd.core.transitions import Change, Refusal, Writer, finish_strikes, settle_step
from chaosd.engine.book import LedgerUnusable, Page
from chaosd.engine.context import Context
from chaosd.engine.guards import against_step
from chaosd.ports import CallFailed, ServerFault, Target, Unanswered

_LEAST_SECONDS = 1.0


class Striker:
    """Strikes and settles steps for one actor of a process; ``page`` is the ledger as it was when
    the newest one was settled."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.page: Page | None = None

    def strike(self, intent: Intent, page: Page | None = None) -> Intent | None:
        """Send the request of the intent's reserved step, if there is still time, and settle it.

        ``page`` is the ledger that it was reserved in, where the caller has it. Returns the intent
        as the ledger then has it; None when its outcome is not known yet (it stays open, and
        whoever leads fences it).
        """
        step = intent.unsettled
        if step is None:
            return intent
        context = self._context
        target = context.targets[intent.target]
        context.unsettled.add(intent.id)
        if against := self._against(intent, step):
            detail = f"not sent: {against[0]}"
            over = step.number == 1  # nothing was done, so nothing is left to go on with
            return self._settle(intent, step, StepState.REFUSED, detail, page, over=over)
        left = (step.strike_by - context.clock.now()).total_seconds()
        if not context.leading:
            return None
        if left < _LEAST_SECONDS:
            return self._settle(intent, step, StepState.FAILED, "not sent: its time was up", page)
        try:
            struck = target.strike(intent, step, left)
        except (Unanswered, ServerFault) as error:
            context.report.stepped(intent, "no answer", error=str(error))
            return self._unheard(intent)
        except CallFailed as error:
            return self._settle(intent, step, StepState.FAILED, str(error), page)
        if struck.state is None:
            context.report.stepped(intent, "under way", detail=struck.detail)
            return None
        return self._settle(intent, step, struck.state, struck.detail, page)

    def _against(self, intent: Intent, step: Step) -> Reasons:
        """What the newest configuration and the guards say at this very moment. The guards may take
        seconds to ask, so the configuration is looked at again after them."""
        context, now = self._context, self._context.clock.now
        try:
            against = against_step(context.guards, context.loaded, intent, step, now())
        except CallFailed as error:
            against = (Reason(Code.UNREADABLE, str(error)),)
        loaded = context.loaded
        return against or may_strike(loaded.configuration, intent, now(), loaded.problems)

    def _unheard(self, intent: Intent) -> Intent | None:
        """Fence it; frozen on its strike until its lease was over, it leaves that to whoever leads
        now, who may have settled it already."""
        return self.fence(intent) if self._context.leading else None

    def fence(self, intent: Intent) -> Intent | None:
        """Make a late strike impossible, see what happened, settle it; None if still unknown."""
        step = intent.unsettled
        if step is None:
            return intent
        context = self._context
        try:
            fenced = context.targets[intent.target].fence(intent, step, context.clock.now())
        except CallFailed as error:
            context.report.failed(f"fence intent {intent.id}", error)
            return None
        if fenced.known is None:
            return None
        context.report.stepped(intent, "fenced", outcome=str(fenced.known))
        detail = fenced.detail or "its answer was lost; seen after a fence"
        return self._settle(intent, step, fenced.known, detail)

    def settle_left_over(self, ledger: Ledger) -> bool:
        """Fence every unsettled step that this process is not striking; whether any was there."""
        left_over = [i for i in ledger.unsettled() if i.id not in self._context.executing]
        for intent in left_over:
            self.fence(intent)
        return bool(left_over)

    def _settle(
        self,
        intent: Intent,
        step: Step,
        state: StepState,
        detail: str,
        page: Page | None = None,
        *,
        over: bool = False,
    ) -> Intent | None:
        context = self._context
        change = settlement(
            context.targets[intent.target],
            context.writer,
            intent,
            step,
            state,
            detail,
            context.clock.now(),
            over=over,
        )
        try:
            changed = context.book.turn(change, page)
        except (CallFailed, LedgerUnusable) as error:
            context.report.failed(f"settle intent {intent.id}", error)
            return None
        if isinstance(changed, Refusal):
            context.report.stepped(intent, "not settled", why=str(changed.reasons[0]))
            return None
        context.unsettled.discard(intent.id)
        self.page = changed
        settled = changed.ledger.find(intent.id)
        context.report.stepped(settled or intent, "settled", outcome=str(state), detail=detail)
        return settled


def settlement(
    target: Target,
    writer: Writer | None,
    intent: Intent,
    step: Step,
    state: StepState,
    detail: str,
    now: datetime,
    *,
    over: bool = False,
) -> Change:
    """The change that settles a step, and the whole intent when no further step comes: when its
    target knows of none, or it is ``over``.

    ``writer`` None: made by a person's command, after a fence.
    """

    def change(ledger: Ledger) -> Ledger | Refusal:
        settled = settle_step(ledger, writer, intent.id, step.number, state, detail, now)
        if isinstance(settled, Refusal):
            return settled
        mine = settled.intents.get(intent.id)
        if mine is None or mine.unsettled or mine.result is not None:
            return settled
        if target.many_steps(mine) and not over:
            return settled
        return finish_strikes(settled, writer, mine.id, now)

    return change
