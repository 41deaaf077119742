"""Further steps: what an intent of several steps needs after its first one."""

from __future__ import annotations

from datetime import datetime

from chaosd.core.admission import ending, may_go_on
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Configuration
from chaosd.core.transitions import Refusal, add_step, next_number, note_seen
from chaosd.engine.book import Page
from chaosd.engine.context import Context
from chaosd.engine.reserve import STRIKE_WITHIN
from chaosd.engine.strike import Striker
from chaosd.ports import Conflict, Next, Scope, ServerFault, Unanswered

_AT_ONCE = 10


class Further:
    """Reserves and strikes later steps; halt, window and term are asked again before each."""

    def __init__(self, context: Context, striker: Striker) -> None:
        self._context = context
        self._striker = striker
        self._waits: dict[str, float] = {}  # by intent: when to ask again, on the boot clock

    def advance(self, intent: Intent, page: Page) -> str | None:
        """Take the next steps if it is time, a few at once.

        Returns None while more may come; when none will, why the action ends before all was done
        ("" when all was). It ends with the window that it began in, with its own deadline, and when
        it is called off: what was struck by then is watched, and doesn't hold its limits for good.
        """
        context = self._context
        page = context.book.newest(page)  # another intent's steps may have changed it meanwhile
        intent = page.ledger.intents.get(intent.id, intent)
        if intent.unsettled or intent.result is not None:
            return None
        more: list[Next] = []
        for _ in range(_AT_ONCE):
            configuration = context.loaded.configuration
            if configuration is None or not context.leading:
                return None
            now = context.clock.now()
            if why := self._over(intent, page, configuration, now):
                self._waits.pop(intent.id, None)
                return why
            if not more and context.clock.boot() < self._waits.get(intent.id, 0.0):
                return None
            self._waits.pop(intent.id, None)
            coming = more.pop(0) if more else self._ask(intent, page, configuration, now)
            if coming.victim is None:
                if coming.wait_until is None:
                    return coming.why
                pause = (coming.wait_until - now).total_seconds()
                self._waits[intent.id] = context.clock.boot() + pause
                self._note(intent, coming)
                return None
            more += coming.then
            around = context.around(page, context.loaded.fingerprint)
            if reasons := may_go_on(page.ledger, configuration, intent, around):
                context.report.stepped(intent, "waiting", why=str(reasons[0]))
                return None
            taken = self._take(page, intent, coming)
            after = taken.ledger.intents.get(intent.id) if taken else None
            if taken is None or after is None or after.result is not None:
                return None
            page, intent = taken, after
        return None

    def _ask(self, intent: Intent, page: Page, configuration: Configuration, now: datetime) -> Next:
        policy = configuration.policy(intent.policy)
        assert policy is not None  # noqa: S101 - without its policy it is over
        target = self._context.targets[intent.target]
        return target.next(Scope(configuration, policy, now, page.ledger.nodes_struck()), intent)

    def _over(self, intent: Intent, page: Page, configuration: Configuration, now: datetime) -> str:
        if now >= intent.recover_by:
            return "its deadline has passed"
        if intent.window_until and now >= intent.window_until:
            return "the window that it began in is over"
        around = self._context.around(page, self._context.loaded.fingerprint)
        return ending(page.ledger, configuration, intent, around)

    def _note(self, intent: Intent, coming: Next) -> None:
        context = self._context
        if coming.seen and (coming.seen, coming.left) != (intent.seen, intent.left):
            context.book.change(
                lambda ledger: note_seen(
                    ledger, context.writer, intent.id, coming.seen, coming.left
                )
            )

    def _take(self, page: Page, intent: Intent, coming: Next) -> Page | None:
        """Reserve and strike one step: the ledger as it is then, None when that isn't known."""
        context = self._context
        now = context.clock.now()
        until = intent.window_until or intent.recover_by
        assert coming.victim is not None  # noqa: S101 - asked by the caller
        step = Step(
            number=next_number(intent),
            victim=coming.victim,
            holder=context.writer.holder,
            term=context.writer.term,
            reserved_at=now,
            strike_by=min(now + STRIKE_WITHIN, until),
            action=coming.action,
            workload=coming.workload,
        )
        changed = add_step(page.ledger, context.writer, intent.id, step, coming.left)
        if isinstance(changed, Refusal):
            context.report.stepped(intent, "waiting", why=str(changed.reasons[0]))
            return None
        context.executing.add(intent.id)
        try:
            page = context.book.swap(page, changed)
        except (Conflict, Unanswered, ServerFault) as error:
            # Nothing was struck: a step that did get in is fenced and settled as failed.
            context.report.stepped(intent, "step not reserved", why=str(error))
            return None
        else:
            struck = self._striker.strike(changed.intents[intent.id], page)
            return self._striker.page if struck else None
        finally:
            context.executing.discard(intent.id)
