"""The rules for requests: a person asks for one attempt, the leader takes it and answers it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from chaosd.core.ledger import Ledger, Request
from chaosd.core.model import Reasons
from chaosd.core.transitions import Refusal, Writer, not_leading

VALID = timedelta(seconds=60)


def post(ledger: Ledger, request: Request) -> Ledger:
    """Ask for an attempt."""
    return msgspec.structs.replace(ledger, requests={**ledger.requests, request.id: request})


def waiting(ledger: Ledger, now: datetime) -> tuple[Request, ...]:
    """Requests that nobody has taken and that have not expired, the oldest first."""
    fresh = [r for r in ledger.requests.values() if not r.taken_by and now < r.expires]
    return tuple(sorted(fresh, key=lambda request: (request.at, request.id)))


def take(ledger: Ledger, writer: Writer, request_id: str) -> Ledger | Refusal:
    """Make a request this process's own, so that it is attempted once."""
    if refusal := not_leading(ledger, writer):
        return refusal
    request = ledger.requests.get(request_id)
    if not request or request.taken_by:
        return ledger
    return post(ledger, msgspec.structs.replace(request, taken_by=writer.holder))


def answer(
    ledger: Ledger, writer: Writer, request_id: str, result: str, reasons: Reasons
) -> Ledger | Refusal:
    """Tell the person who asked what came of it."""
    if refusal := not_leading(ledger, writer):
        return refusal
    request = ledger.requests.get(request_id)
    if not request or request.answer:
        return ledger
    return post(ledger, msgspec.structs.replace(request, answer=result, reasons=reasons))
