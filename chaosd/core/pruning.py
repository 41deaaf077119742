"""What the ledger forgets, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from chaosd.core.ledger import KEEP, LastKill, Ledger, workload_hash
from chaosd.core.tally import counted
from chaosd.core.transitions import Refusal, Writer, not_leading, untold


def prune(
    ledger: Ledger, writer: Writer, now: datetime, keep: timedelta, zone: str = "UTC"
) -> Ledger | Refusal:
    """Forget what nobody needs: outcomes after 25 h, once they were reported, last kills after
    ``keep`` (the longest gap or cooldown, but not under 25 h), requests an hour after they
    expired. Of the outcomes' kills their number remains, by day in ``zone`` and policy."""
    if refusal := not_leading(ledger, writer):
        return refusal
    horizon, long_ago = now - KEEP, (now - max(keep, KEEP)).timestamp()
    open_keys = {
        workload_hash(name)
        for intent in ledger.intents.values()
        for name in (intent.workload, *intent.workloads)
    }

    def kept(kills: dict[str, LastKill]) -> dict[str, LastKill]:
        return {
            key: kill
            for key, kill in kills.items()
            if key in open_keys or kill.at + max(kill.healed, 0) > long_ago
        }

    outcomes = {
        key: intent
        for key, intent in ledger.outcomes.items()
        if (intent.closed_at or intent.reserved_at) > horizon
        or untold(intent, verdict=False)
        or untold(intent, verdict=True)
    }
    forgotten = (one for key, one in ledger.outcomes.items() if key not in outcomes)
    return msgspec.structs.replace(
        ledger,
        outcomes=outcomes,
        days=counted(ledger.days, forgotten, zone, now),
        last_kills=kept(ledger.last_kills),
        last_dry_kills=kept(ledger.last_dry_kills),
        requests={
            key: request
            for key, request in ledger.requests.items()
            if request.expires > now - timedelta(hours=1)
        },
    )
