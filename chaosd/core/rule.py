"""Rules of windows: hours of the week, dates, holidays; their text, and when they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chaosd.core.holiday import holidays_in
from chaosd.core.interval import Interval, merge
from chaosd.core.localtime import instant

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DAY = timedelta(days=1)
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_LOOSE_CLOCK = re.compile(r"\s*([0-9]{1,2})[:.h]?([0-9]{2})?\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Weekly:
    """The same hours on some days of every week.

    A window that wraps belongs to the day it starts on.
    """

    days: frozenset[int]  # 0 is Monday
    start: int  # seconds after local midnight, below 86400
    end: int  # the same, up to 86400; at or before `start` it lies on the next day
    name: str = ""


@dataclass(frozen=True, slots=True)
class Dates:
    """Local days from `first` to `last`, both included."""

    first: date
    last: date
    name: str = ""


@dataclass(frozen=True, slots=True)
class Holidays:
    """The public holidays of a country (ISO 3166-1 code) or of one of its subdivisions."""

    country: str
    subdivision: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Always:
    """All the time."""

    name: str = ""


Rule = Weekly | Dates | Holidays | Always


def parse_days(text: str) -> frozenset[int]:
    """Read days like ``Mon-Fri``, ``Sat,Sun``, ``Fri-Mon`` or ``Mon``; 0 is Monday.

    Upper and lower case are the same.

    Raises:
        ValueError: with a message that says what to write instead.
    """
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        start = _parse_day(first)
        length = (_parse_day(last) - start) % 7 if dash else 0
        if dash and not length:
            name = DAYS[start]
            raise ValueError(
                f"{part.strip()!r} is no range: write {name} for the one day or Mon-Sun for all"
            )
        days.update((start + step) % 7 for step in range(length + 1))
    return frozenset(days)


def _parse_day(name: str) -> int:
    for number, day in enumerate(DAYS):
        if name.lower() == day.lower():
            return number
    near = [day for day in DAYS if len(name) > 1 and name[:2].lower() == day[:2].lower()]
    advice = near[0] if near else ", ".join(DAYS) + " or a range such as Mon-Fri"
    raise ValueError(f"unknown day {name[:32]!r}: write {advice}")


def parse_clock(text: str, *, end: bool = False) -> int:
    """Read ``HH:MM`` as seconds after midnight; ``24:00`` only as an `end`.

    Raises:
        ValueError: with a message that says what to write instead.
    """
    if text == "24:00":
        if end:
            return 86_400
        raise ValueError("24:00 is no start: write 00:00, and the day it belongs to")
    if match := _CLOCK.fullmatch(text):
        return int(match[1]) * 3_600 + int(match[2]) * 60
    if loose := _LOOSE_CLOCK.fullmatch(text):
        meant = f"{int(loose[1]):02d}:{loose[2] or '00'}"
        if _CLOCK.fullmatch(meant):
            raise ValueError(f"not a time of day: write {meant}")
    raise ValueError(
        "not a time of day: write HH:MM from 00:00 to " + ("24:00" if end else "23:59")
    )


def describe(rule: Rule, zone: str) -> str:
    """Put a rule in words, such as ``'office' (Mon-Fri 09:00-17:00 Europe/Berlin)``."""
    text = _content(rule, zone)
    return f"{rule.name!r} ({text})" if rule.name else text


def _content(rule: Rule, zone: str) -> str:
    match rule:
        case Weekly():
            return f"{_render_days(rule.days)} {_clock(rule.start)}-{_clock(rule.end)} {zone}"
        case Dates():
            return str(rule.first) + (f" to {rule.last}" if rule.last != rule.first else "")
        case Holidays():
            return "holidays " + " ".join(filter(None, (rule.country, rule.subdivision)))
        case Always():
            return "always"


def _clock(seconds: int) -> str:
    return f"{seconds // 3_600:02d}:{seconds // 60 % 60:02d}"


def _render_days(days: frozenset[int]) -> str:
    if len(days) == 7:
        return "Mon-Sun"
    parts: list[str] = []
    for first in sorted(day for day in days if (day - 1) % 7 not in days):
        run = [first]
        while (run[-1] + 1) % 7 in days:
            run.append((run[-1] + 1) % 7)
        names = [DAYS[day] for day in run]
        parts += [f"{names[0]}-{names[-1]}"] if len(names) > 2 else names
    return ",".join(parts)


def holding(
    rule: Rule, zone: ZoneInfo, after: datetime, until: datetime, *, wide: bool
) -> list[Interval]:
    """List when `rule` holds: merged intervals that cover what it has of [after, until), and more.

    Where the clock shows a boundary twice, `wide` reads it so that the rule holds longer (a
    denial), else shorter (an allowance).
    """
    if isinstance(rule, Always):
        return [(after, until)]
    # What starts up to two days before can reach in: a wrap, and a day that a zone skipped.
    first = after.astimezone(zone).date() - 2 * _DAY
    last = until.astimezone(zone).date() + _DAY
    # Neighbours are joined while still in local time, so that no seam between them opens or closes
    # on the night that the clock shows their common boundary twice.
    return merge(
        (instant(start, zone, earlier=wide), instant(end, zone, earlier=not wide))
        for start, end in merge(_local(rule, first, last))
    )


def _local(rule: Weekly | Dates | Holidays, first: date, last: date) -> Iterator[Interval]:
    """Yield the naive local intervals of the days from `first` to `last`."""
    if isinstance(rule, Dates):
        first, last = max(first, rule.first), min(last, rule.last)
        if first <= last:
            yield _midnight(first), _midnight(last + _DAY)
        return
    for number in range((last - first).days + 1):
        day = first + number * _DAY
        if isinstance(rule, Weekly):
            if day.weekday() in rule.days:
                end = rule.end if rule.end > rule.start else rule.end + 86_400
                start = _midnight(day)
                yield start + timedelta(seconds=rule.start), start + timedelta(seconds=end)
        elif day in holidays_in(rule.country, rule.subdivision, day.year):
            yield _midnight(day), _midnight(day + _DAY)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time())  # naive on purpose: local, until `instant` places it
