"""How many real kills there were on each day of the last year.

Days are local ones, of the zone in which they were counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from chaosd.core.ledger import Intent, Ledger, Result, Tally, instant

DAYS_KEPT = 400
MOST = 4000
"""Counts in the ledger, one for each day and policy: about 100 KiB, a year of ten policies."""
_NONE: Mapping[str, int] = {}


def counted(
    days: Mapping[date, Tally], forgotten: Iterable[Intent], zone: str, now: datetime
) -> dict[date, Tally]:
    """``days`` with the kills among what is ``forgotten``, without what is too old; where there are
    too many, without the oldest days."""
    there = ZoneInfo(zone)
    sums = {day: Counter(tally.kills) for day, tally in days.items()}
    for intent in forgotten:
        _count(sums, intent, there)
    first = now.astimezone(there).date() - timedelta(days=DAYS_KEPT)
    kept: dict[date, Tally] = {}
    room = MOST
    for day in sorted(sums, reverse=True):
        room -= len(sums[day])
        if day < first or room < 0:
            break
        kept[day] = Tally(dict(sums[day]))
    return dict(sorted(kept.items()))


class DayOfKills(Struct, frozen=True):
    """How many real kills there were on a day, at least, and how many of them by which policy."""

    day: date
    kills: int
    policies: dict[str, int]


class Days(Struct, frozen=True):
    """The days with kills that are known, newest first, as they are in ``zone``."""

    now: datetime
    zone: str
    days: tuple[DayOfKills, ...]


def days_of(ledger: Ledger, now: datetime, zone: str, policy: str | None = None) -> Days:
    """The days with kills of one policy, or of all.

    Of days from before they were counted, the ledger has the last kill of some workloads; of these
    it does not know the policy.
    """
    found = _by_policy(ledger, zone)
    if policy is not None:
        found = {day: Counter({policy: kills[policy]}) for day, kills in found.items()}
    total = Counter({day: kills.total() for day, kills in found.items()})
    if policy is None:
        there = ZoneInfo(zone)
        last = (instant(kill.at).astimezone(there).date() for kill in ledger.last_kills.values())
        total |= Counter(last)
    return Days(
        now,
        zone,
        tuple(
            DayOfKills(day, total[day], dict(sorted(found.get(day, _NONE).items())))
            for day in sorted(+total, reverse=True)
        ),
    )


def _by_policy(ledger: Ledger, zone: str) -> dict[date, Counter[str]]:
    there = ZoneInfo(zone)
    found = {day: Counter(tally.kills) for day, tally in ledger.days.items()}
    for intent in ledger.all_intents():
        _count(found, intent, there)
    return found


def _count(days: dict[date, Counter[str]], intent: Intent, there: ZoneInfo) -> None:
    if intent.result is Result.KILLED:
        day = intent.reserved_at.astimezone(there).date()
        days.setdefault(day, Counter())[intent.policy] += 1
