"""Putting back: what an action took, whoever leads then, whatever halt, window or dry run say."""

from __future__ import annotations

from chaosd.core.admission import ending
from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from chaosd.core.transitions import Refusal, judge, note_seen
from chaosd.core.undoing import undone
from chaosd.engine.book import Page
from chaosd.engine.context import Context


class PutBack:
    """Undoes for one process. What fails is tried again at the observer's next look."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def put_back(self, intent: Intent, page: Page) -> None:
        """Undo if it is time; a deadline that passes meanwhile is a verdict. Raises CallFailed."""
        context = self._context
        now = context.clock.now()
        called_off = self._called_off(intent, page)
        early = now >= intent.recover_by or bool(called_off)
        undo = context.targets[intent.target].undo(intent, now, early=early)
        detail = undo.detail
        if called_off and intent.result is Result.KILLED:
            detail = f"{detail} (called off: {called_off})"
        late = intent.result is Result.KILLED and now > intent.recover_by

        def change(ledger: Ledger) -> Ledger | Refusal:
            if undo.done:
                return undone(ledger, context.writer, intent.id, detail, now)
            noted = note_seen(ledger, context.writer, intent.id, undo.detail)
            if isinstance(noted, Refusal) or not late:
                return noted
            return judge(noted, context.writer, intent.id, Verdict.NOT_RECOVERED, now)

        changed = context.book.change(change)
        if undo.done and not isinstance(changed, Refusal):
            context.report.stepped(intent, "put back", detail=detail)

    def _called_off(self, intent: Intent, page: Page) -> str:
        """Why it does not stay away for its whole hold."""
        context = self._context
        if intent.result is not Result.KILLED:
            return "it did not come to its end"
        if intent.machine_struck and not intent.ended_by:
            return ""  # nothing is left to call off, and what goes down may not be given pods
        configuration = context.loaded.configuration
        if configuration is None:
            return ""
        around = context.around(page, context.loaded.fingerprint)
        return ending(page.ledger, configuration, intent, around)
