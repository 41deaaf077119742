"""The rules for requests: a person asks for one attempt, the leader takes it and answers it."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

import msgspec

from chaosd.core.ledger import Ledger, Request
from chaosd.core.model import EVERY_WORKLOAD, Code, Reason, Reasons
from chaosd.core.schedule import Slot, intent_id
from chaosd.core.transitions import Refusal, Writer, not_leading

VALID = timedelta(seconds=60)
NOTHING_DONE = "skipped"


def post(ledger: Ledger, request: Request) -> Ledger:
    """Ask for an attempt; one that was posted before stays as it is, taken or answered."""
    return ledger if request.id in ledger.requests else _put(ledger, request)


def waiting(ledger: Ledger, now: datetime) -> tuple[Request, ...]:
    """Requests that nobody has taken or answered and that have not expired, the oldest first."""
    fresh = [r for r in ledger.requests.values() if _untouched(r) and now < r.expires]
    return tuple(sorted(fresh, key=lambda request: (request.at, request.id)))


def abandoned(ledger: Ledger, holder: str, busy_with: Container[str]) -> tuple[Request, ...]:
    """Requests that were taken and that nobody will answer: by a process that does not lead any
    more, or by ``holder`` itself, the leader, which is not ``busy_with`` them."""
    return tuple(
        request
        for request in ledger.requests.values()
        if request.taken_by
        and not request.answer
        and (request.taken_by != holder or request.id not in busy_with)
    )


def action_id(request: Request) -> str:
    """The action id of the one attempt for a request."""
    slot = Slot(request.policy, request.workload or EVERY_WORKLOAD, request.at)
    return f"{slot.action_id(0)}.{request.id}"


def late_answer(ledger: Ledger, request: Request) -> tuple[str, Reasons] | None:
    """What came of an abandoned request, as far as its intent tells; None: it is open yet.

    Without an intent nothing was reserved, and so nothing struck.
    """
    intent = ledger.find(intent_id(action_id(request)))
    if intent is None:
        gone = f"{request.taken_by}, which took it, ended before anything was reserved for it"
        return NOTHING_DONE, (Reason(Code.NOT_LEADING, gone),)
    return None if intent.result is None else (str(intent.result), ())


def take(ledger: Ledger, writer: Writer, request_id: str) -> Ledger | Refusal:
    """Make a request this process's own, so that it is attempted once."""
    if refusal := not_leading(ledger, writer):
        return refusal
    request = ledger.requests.get(request_id)
    if not request or not _untouched(request):
        return ledger
    return _put(ledger, msgspec.structs.replace(request, taken_by=writer.holder))


def answer(
    ledger: Ledger, writer: Writer, request_id: str, result: str, reasons: Reasons
) -> Ledger | Refusal:
    """Tell the person who asked what came of it."""
    if refusal := not_leading(ledger, writer):
        return refusal
    request = ledger.requests.get(request_id)
    if not request or request.answer:
        return ledger
    return _put(ledger, msgspec.structs.replace(request, answer=result, reasons=reasons))


def _untouched(request: Request) -> bool:
    return not request.taken_by and not request.answer


def _put(ledger: Ledger, request: Request) -> Ledger:
    return msgspec.structs.replace(ledger, requests={**ledger.requests, request.id: request})
