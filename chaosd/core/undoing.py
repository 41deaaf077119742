"""What must be put back: the ledger's rules for calling an action off, and for what it owes.

Pure and idempotent, like :mod:`chaosd.core.transitions`. A person may give these commands too.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from chaosd.core.ledger import Ledger, Result
from chaosd.core.model import Code, Reason
from chaosd.core.transitions import Refusal, Writer, close, not_leading, put


def call_off(ledger: Ledger, intent_id: str, who: str) -> Ledger | Refusal:
    """End an action of several steps: no further step is reserved, and what it owes is put back at
    once, not after its hold. What is done already stays done."""
    intent = ledger.intents.get(intent_id)
    if intent is None:
        if intent_id in ledger.outcomes:
            return ledger
        return Refusal((Reason(Code.GONE, f"there is no open intent {intent_id}"),))
    if intent.ended_by:
        return ledger
    return put(ledger, msgspec.structs.replace(intent, ended_by=who))


def undone(
    ledger: Ledger, writer: Writer | None, intent_id: str, detail: str, now: datetime
) -> Ledger | Refusal:
    """What the intent owed is back, seen with one's own eyes. ``writer`` None: a person did it.

    A refused or failed intent is closed with that.
    """
    if writer and (refusal := not_leading(ledger, writer)):
        return refusal
    intent = ledger.intents.get(intent_id)
    if not intent or not intent.undo or not intent.owes_undo:
        return ledger
    done = msgspec.structs.replace(intent.undo, done_at=now, detail=detail)
    intent = msgspec.structs.replace(intent, undo=done)
    if intent.result in (Result.REFUSED, Result.FAILED):
        return close(ledger, intent, now)
    return put(ledger, intent)
