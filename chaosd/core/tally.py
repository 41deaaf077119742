"""How many real kills there were on each day of the last year.

Days are local ones, of the zone in which they were counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from chaosd.core.ledger import Intent, Ledger, Result, Tally

DAYS_KEPT = 400
MOST = 100 * 1024
"""Bytes in the ledger: more than a year of ten policies with names of 12 characters."""
_MOST_KILLS = 1_000_000_000


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
        tally = Tally({name: min(count, _MOST_KILLS) for name, count in sums[day].items()})
        room -= len(msgspec.json.encode({day: tally}))
        if day < first or room < 0:
            break
        kept[day] = tally
    return dict(sorted(kept.items()))


class DayOfKills(Struct, frozen=True):
    """How many real kills there were on a day, and how many of them by which policy."""

    day: date
    kills: int
    policies: dict[str, int]


class Days(Struct, frozen=True):
    """The days with kills that are known, newest first, as they are in ``zone``."""

    now: datetime
    zone: str
    days: tuple[DayOfKills, ...]


def days_of(ledger: Ledger, now: datetime, zone: str, policy: str | None = None) -> Days:
    """The days with kills of one policy, or of all."""
    found = _by_policy(ledger, zone)
    if policy is not None:
        found = {day: Counter({policy: kills[policy]}) for day, kills in found.items()}
    return Days(
        now,
        zone,
        tuple(
            DayOfKills(day, kills.total(), dict(sorted(kills.items())))
            for day, kills in sorted(found.items(), reverse=True)
            if kills.total()
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
        days.setdefault(_day(intent.reserved_at, there), Counter())[intent.policy] += 1


def _day(at: datetime, there: ZoneInfo) -> date:
    try:
        return at.astimezone(there).date()
    except OverflowError:  # on the first or last day that there is
        return at.date()
