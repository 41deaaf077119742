"""A year of windows and kills, as months of days."""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from chaosd.core.interval import merge
from chaosd.core.model import Policy
from chaosd.core.window import open_intervals
from chaosd.core.words import several

MONTHS = 12
FIRST_YEAR, LAST_YEAR = 1971, 2198


class Day(Struct, frozen=True):
    """A day: ``open`` is the share of it in which windows are open, ``level`` the same from 0 (not
    at all) to 4 (all day). ``kills`` were made, ``planned`` would be."""

    day: int
    open: float
    level: int
    kills: int
    planned: int
    today: bool
    words: str


class Month(Struct, frozen=True):
    """A month by weeks from Monday on; None stands for days of other months."""

    name: str
    weeks: tuple[tuple[Day | None, ...], ...]


class Year(Struct, frozen=True):
    """Twelve months from ``first`` on, and the first months of the years around it (None: those are
    out of range)."""

    first: date
    months: tuple[Month, ...]
    earlier: date | None
    later: date | None


def first_month(now: datetime, zone: str) -> date:
    """The month before this one: what was is near, and what comes has room."""
    return (now.astimezone(ZoneInfo(zone)).date().replace(day=1) - timedelta(days=1)).replace(day=1)


def year(
    policies: Iterable[Policy],
    kills: Mapping[date, int],
    planned: Mapping[date, int],
    zone: str,
    first: date,
    today: date,
) -> Year:
    """Twelve months from ``first`` (the first of a month). A day counts as open as far as the
    windows of any of ``policies`` are."""
    there = ZoneInfo(zone)
    end = _months_on(first, MONTHS)
    begin, until = _midnight(first, there), _midnight(end, there)
    spans = merge(span for one in policies for span in open_intervals(one.windows, begin, until))
    seconds = _by_day(spans, there)
    months = []
    for number in range(MONTHS):
        month = _months_on(first, number)
        weeks = tuple(
            tuple(
                _day(one, there, seconds, kills, planned, today)
                if one.month == month.month
                else None
                for one in week
            )
            for week in calendar.Calendar().monthdatescalendar(month.year, month.month)
        )
        months.append(Month(f"{month:%B %Y}", weeks))
    earlier = _months_on(first, -MONTHS) if first.year > FIRST_YEAR else None
    return Year(first, tuple(months), earlier, end if end.year < LAST_YEAR else None)


def by_day(times: Iterable[datetime], zone: str) -> Counter[date]:
    """How many of these instants fall on each day."""
    there = ZoneInfo(zone)
    return Counter(at.astimezone(there).date() for at in times)


def _day(
    one: date,
    there: ZoneInfo,
    seconds: Mapping[date, float],
    kills: Mapping[date, int],
    planned: Mapping[date, int],
    today: date,
) -> Day:
    whole = (_midnight(one + timedelta(days=1), there) - _midnight(one, there)).total_seconds()
    opened = seconds.get(one, 0.0)
    share = opened / whole
    level = 0 if not opened else 4 if share >= 1 else 1 + min(int(share * 3), 2)
    said = [
        "closed" if not level else "open all day" if level == 4 else f"open {opened / 3600:.3g} h"
    ]
    made, comes = kills.get(one, 0), planned.get(one, 0)
    said += [several(made, "kill")] if made else []
    said += [f"{several(comes, 'kill')} planned"] if comes else []
    return Day(one.day, share, level, made, comes, one == today, ", ".join(said))


def _by_day(spans: Sequence[tuple[datetime, datetime]], there: ZoneInfo) -> dict[date, float]:
    found: dict[date, float] = {}
    for start, end in spans:
        at = start
        while at < end:
            day = at.astimezone(there).date()
            stop = min(end, _midnight(day + timedelta(days=1), there))
            found[day] = found.get(day, 0.0) + (stop - at).total_seconds()
            at = stop
    return found


def _midnight(day: date, there: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=there).astimezone(UTC)


def _months_on(day: date, count: int) -> date:
    months = day.year * 12 + day.month - 1 + count
    return date(months // 12, months % 12 + 1, 1)
