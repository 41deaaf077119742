"""Requests for one attempt that people post to the ledger: taken by the leader, then answered."""

from __future__ import annotations

from datetime import datetime

from chaosd.core.ledger import Request
from chaosd.core.model import EVERY_WORKLOAD
from chaosd.core.requests import answer, take, waiting
from chaosd.core.schedule import Slot
from chaosd.core.transitions import Refusal
from chaosd.engine.attempt import Attempts, Ended
from chaosd.engine.book import LedgerUnusable
from chaosd.engine.context import Context
from chaosd.ports import CallFailed

_LOOK_EVERY = 2.0


class Wishes:
    """The actor that takes requests; ``run`` is called where attempts run, one at a time."""

    def __init__(self, context: Context, attempts: Attempts) -> None:
        self._context = context
        self._attempts = attempts

    def step(self) -> tuple[tuple[Request, ...], datetime]:
        """Take the waiting requests; returns them, and when to look again."""
        context = self._context
        wake = context.after(_LOOK_EVERY)
        if not context.leading or context.stopping:
            return (), wake
        try:
            found = waiting(context.book.read().ledger, context.clock.now())
            return tuple(request for request in found if self._take(request)), wake
        except (CallFailed, LedgerUnusable):
            return (), wake

    def run(self, request: Request) -> Ended:
        """One attempt for a request, with every guard on, and its answer to the ledger.

        It is good until it expires, so until then it is not late.
        """
        context = self._context
        asked = Slot(request.policy, request.workload or EVERY_WORKLOAD, request.at)
        action_id = f"{asked.action_id(0)}.{request.id}"
        now = context.clock.now()
        slot = Slot(asked.policy, asked.workload, now) if now < request.expires else asked
        ended = self._attempts.run(slot, action_id)
        try:
            context.book.change(
                lambda ledger: answer(
                    ledger, context.writer, request.id, ended.result, ended.reasons
                )
            )
        except (CallFailed, LedgerUnusable) as error:
            context.report.failed(f"answer request {request.id}", error)
        return ended

    def _take(self, request: Request) -> bool:
        context = self._context
        changed = context.book.change(lambda ledger: take(ledger, context.writer, request.id))
        if isinstance(changed, Refusal):
            return False
        taken = changed.requests.get(request.id)
        return taken is not None and taken.taken_by == context.holder
