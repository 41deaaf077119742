"""Requests for one attempt that people post to the ledger: taken by the leader, then answered."""

from __future__ import annotations

from datetime import datetime

from chaosd.core.ledger import Request
from chaosd.core.model import EVERY_WORKLOAD, Reasons
from chaosd.core.requests import abandoned, action_id, answer, late_answer, take, waiting
from chaosd.core.schedule import Slot
from chaosd.core.transitions import Refusal
from chaosd.engine.attempt import Attempts, Ended
from chaosd.engine.book import LedgerUnusable
from chaosd.engine.context import Context
from chaosd.ports import CallFailed

_LOOK_EVERY = 2.0


class Wishes:
    """The actor that takes requests; ``run`` is called where attempts run, one at a time.

    What somebody has taken and can't answer any more it answers too, from what the ledger says.
    """

    def __init__(self, context: Context, attempts: Attempts) -> None:
        self._context = context
        self._attempts = attempts
        self._busy_with: set[str] = set()

    def step(self) -> tuple[tuple[Request, ...], datetime]:
        """Take the waiting requests; returns them, and when to look again."""
        context = self._context
        wake = context.after(_LOOK_EVERY)
        if not context.leading or context.stopping:
            return (), wake
        try:
            # A request that ends while the ledger is read is no abandoned one.
            busy_with = frozenset(self._busy_with)
            ledger = context.book.read().ledger
            for request in abandoned(ledger, context.holder, busy_with):
                if found := late_answer(ledger, request):
                    self._answer(request, *found)
            untaken = waiting(ledger, context.clock.now())
            return tuple(request for request in untaken if self._take(request)), wake
        except (CallFailed, LedgerUnusable):
            return (), wake

    def run(self, request: Request) -> Ended:
        """One attempt for a request, with every guard on, and its answer to the ledger.

        It is good until it expires, so until then it is not late.
        """
        context = self._context
        now = context.clock.now()
        at = now if now < request.expires else request.at
        slot = Slot(request.policy, request.workload or EVERY_WORKLOAD, at)
        try:
            ended = self._attempts.run(slot, action_id(request))
            self._answer(request, ended.result, ended.reasons)
        except (CallFailed, LedgerUnusable) as error:
            context.report.failed(f"answer request {request.id}", error)
        finally:
            self._busy_with.discard(request.id)
        return ended

    def _answer(self, request: Request, result: str, reasons: Reasons) -> None:
        writer = self._context.writer
        self._context.book.change(
            lambda ledger: answer(ledger, writer, request.id, result, reasons)
        )

    def _take(self, request: Request) -> bool:
        context = self._context
        self._busy_with.add(request.id)
        mine = False
        try:
            changed = context.book.change(lambda ledger: take(ledger, context.writer, request.id))
            if not isinstance(changed, Refusal):
                taken = changed.requests.get(request.id)
                mine = taken is not None and taken.taken_by == context.holder
        finally:
            if not mine:
                self._busy_with.discard(request.id)
        return mine
