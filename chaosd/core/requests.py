"""The rules for requests: a person asks for one attempt, the leader takes it and answers it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from chaosd.core.ledger import Ledger, Request
from chaosd.core.model import Reasons
from chaosd.core.transitions import Refusal, Writer, not_leading

VALID = timedelta(seconds=60)


def post(ledger: Ledger, request: Request) -> Ledger:
    """Ask for an attempt; one that was posted before stays as it is, taken or answered."""
    return ledger if request.id in ledger.requests else _put(ledger, request)


def waiting(ledger: Ledger, now: datetime) -> tuple[Request, ...]:
    """Requests that nobody has taken or answered and that have not expired, the oldest first."""
    fresh = [r for r in ledger.requests.values() if _untouched(r) and now < r.expires]
    return tuple(sorted(fresh, key=lambda request: (request.at, request.id)))


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
