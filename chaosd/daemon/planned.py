"""The plan to come, kept for a while: with many workloads it takes a moment to make."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from chaosd.core.coming import Coming, coming
from chaosd.core.ledger import Ledger
from chaosd.core.model import Configuration
from chaosd.core.schedule import Rate
from chaosd.daemon.gate import Busy

_FRESH = timedelta(minutes=10)
_KEPT = 8
_PATIENCE = 5.0
"""Real seconds to wait for another plan: work that piles up would hold every worker thread."""
_Key = tuple[int, int, str | None]


class _Made:
    """A plan, and what it was made of."""

    def __init__(
        self, of: tuple[Configuration, Mapping[str, Sequence[Rate]], Ledger], plan: Coming
    ) -> None:
        self.configuration, self.rates, self.ledger = of
        self.plan = plan

    def holds(
        self,
        configuration: Configuration,
        rates: Mapping[str, Sequence[Rate]],
        ledger: Ledger,
        now: datetime,
    ) -> bool:
        """Whether it would be the same, made now: but for its end, and kills that have come."""
        mine = self.ledger
        return (
            self.configuration is configuration
            and self.rates is rates
            and timedelta(0) <= now - self.plan.now < _FRESH
            and not (self.plan.kills and self.plan.kills[0].time <= now)
            and mine.outcomes.keys() == ledger.outcomes.keys()
            and mine.last_kills == ledger.last_kills
            and mine.last_dry_kills == ledger.last_dry_kills
        )


class Planned:
    """Makes plans, one at a time, and keeps the newest few as long as they hold."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._made: dict[_Key, _Made] = {}

    def coming(
        self,
        configuration: Configuration,
        seed: str | None,
        rates: Mapping[str, Sequence[Rate]],
        ledger: Ledger,
        now: datetime,
        *,
        days: int,
        limit: int,
    ) -> Coming:
        """As :func:`chaosd.core.coming.coming`. Raises Busy while others are being made."""
        key = (days, limit, seed)
        if not self._lock.acquire(timeout=self._patience):
            raise Busy("other plans are being made", 1)
        try:
            made = self._made.pop(key, None)
            if made is None or not made.holds(configuration, rates, ledger, now):
                plan = coming(configuration, seed, rates, ledger, now, days=days, limit=limit)
                made = _Made((configuration, rates, ledger), plan)
            self._made[key] = made
            while len(self._made) > _KEPT:
                del self._made[next(iter(self._made))]
        finally:
            self._lock.release()
        return msgspec.structs.replace(made.plan, now=now)
