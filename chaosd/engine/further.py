"""Further steps: what an intent of several steps needs after its first one."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from chaosd.core.admission import may_go_on
from chaosd.core.ledger import Intent, Step
from chaosd.core.transitions import Refusal, add_step
from chaosd.engine.book import Page
from chaosd.engine.context import Context
from chaosd.engine.strike import Striker
from chaosd.ports import Conflict, ServerFault, Unanswered

_STRIKE_WITHIN = timedelta(seconds=10)


class Further:
    """Reserves and strikes later steps; halt, window and term are asked again before each."""

    def __init__(self, context: Context, striker: Striker) -> None:
        self._context = context
        self._striker = striker

    def advance(self, intent: Intent, page: Page) -> bool:
        """Take the next step if it is time; True when none will come any more.

        None comes after the window that it began in, nor after its own deadline: what was struck by
        then is watched, and doesn't hold its limits for good.
        """
        context = self._context
        now = context.clock.now()
        if now >= min(intent.window_until or intent.recover_by, intent.recover_by):
            return True
        coming = context.targets[intent.target].next(intent, now)
        if coming.victim is None:
            return coming.wait_until is None
        configuration = context.loaded.configuration
        if configuration is None:
            return False
        around = context.around(page, context.loaded.fingerprint)
        reasons = may_go_on(page.ledger, configuration, intent, around)
        if reasons:
            context.report.stepped(intent, "waiting", why=str(reasons[0]))
            return False
        strike_by = now + _STRIKE_WITHIN
        if intent.window_until:
            strike_by = min(strike_by, intent.window_until)
        step = Step(
            number=len(intent.steps) + 1,
            victim=coming.victim,
            holder=context.writer.holder,
            term=context.writer.term,
            reserved_at=now,
            strike_by=strike_by,
        )
        self._take(page, intent, step)
        return False

    def _take(self, page: Page, intent: Intent, step: Step) -> None:
        context = self._context
        changed = add_step(page.ledger, context.writer, intent.id, step)
        if isinstance(changed, Refusal):
            return
        context.executing.add(intent.id)
        try:
            context.book.swap(page, changed)
        except (Conflict, Unanswered, ServerFault) as error:
            # Nothing was struck: a step that did get in is fenced and settled as failed.
            context.report.stepped(intent, "step not reserved", why=str(error))
        else:
            self._striker.strike(msgspec.structs.replace(intent, steps=(*intent.steps, step)))
        finally:
            context.executing.discard(intent.id)
