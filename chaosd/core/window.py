"""When something may start: allow and deny windows in local wall-clock time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chaosd.core.holiday import holidays_in
from chaosd.core.interval import Interval, intersect, merge, subtract
from chaosd.core.localtime import LATEST, utc
from chaosd.core.rule import (
    Always,
    Dates,
    Holidays,
    Rule,
    Weekly,
    describe,
    holding,
    parse_clock,
    parse_days,
)

__all__ = [
    "HORIZON",
    "Always",
    "Dates",
    "Holidays",
    "Opening",
    "Rule",
    "Weekly",
    "Windows",
    "is_open",
    "open_intervals",
    "opening",
    "parse_clock",
    "parse_days",
    "strikeable_intervals",
    "strikeable_until",
]

HORIZON = timedelta(days=2 * 366)
"""How far ahead changes are looked for: it holds every day of the year at least once."""

_FIRST_STRIDE = timedelta(days=4)
_LONGEST_STRIDE = timedelta(days=64)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Windows:
    """Allow layers and denials: open is what lies in every layer and in no denial.

    A time lies in a layer when any of its rules holds it. No layers: always open. Boundaries are
    local times in `zone`. One that the clock skips is taken at the first instant after the skip;
    one that comes twice is read so that less time is open.
    """

    zone: str  # IANA
    allow: tuple[tuple[Rule, ...], ...] = ()
    deny: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether windows are open at an instant, and why."""

    open: bool
    because: tuple[str, ...]  # all that keeps them closed, or all that lets them be open
    next_change: datetime | None  # when `open` changes, UTC; None: not within `HORIZON`


def opening(windows: Windows, now: datetime) -> Opening:
    """Tell whether `windows` are open at `now`, with readable reasons and the next change.

    Raises:
        ValueError: `now` has no time zone.
    """
    now = utc(now)
    end = min(now + HORIZON, LATEST - _MOMENT)
    start, stop = next(open_intervals(windows, now, end), (end, end))
    is_open = start == now
    change = stop if is_open else start
    return Opening(is_open, _because(windows, now), change if change < end else None)


def is_open(windows: Windows, now: datetime) -> bool:
    """Tell whether `windows` are open at `now`, as `opening` does, without looking ahead.

    That takes a fraction of the time where windows stay open (or closed) for long.

    Raises:
        ValueError: `now` has no time zone.
    """
    return next(open_intervals(windows, now, now + _MOMENT), None) is not None


def open_intervals(
    windows: Windows, after: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open times in [after, until): half-open, merged, clipped, ascending, in UTC.

    Lazy: only as much is looked at as is asked for.

    Raises:
        ValueError: a time has no zone, or the windows' zone or holidays are unknown.
    """
    after, until = utc(after), utc(until)
    zone = ZoneInfo(windows.zone)
    stride = _FIRST_STRIDE
    pending: Interval | None = None  # may go on in the next stride
    while after < until:
        stop = min(after + stride, until)
        for start, end in _open_within(windows, zone, after, stop):
            if pending is not None and pending[1] == start:
                pending = (pending[0], end)
                continue
            if pending is not None:
                yield pending
            pending = (start, end)
        if pending is not None and pending[1] < stop:
            yield pending
            pending = None
        after, stride = stop, min(2 * stride, _LONGEST_STRIDE)
    if pending is not None:
        yield pending


def strikeable_intervals(
    windows: Windows, deadline: timedelta, after: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield each open interval less its last `deadline`, clipped to [after, until).

    These are the instants t for which all of [t, t + deadline] lies in one open interval, so that
    what starts at t has its deadline to recover before the window closes.
    """
    until = utc(until)
    for start, end in open_intervals(windows, after, until + deadline):
        stop = min(end - deadline, until)
        if start < stop:
            yield start, stop


def strikeable_until(windows: Windows, deadline: timedelta, now: datetime) -> datetime | None:
    """Give the (exclusive) end of the strikeable interval that holds `now`; None outside of all.

    An interval that goes on for longer is cut at `now` + `HORIZON`.
    """
    now = utc(now)
    end = min(now + HORIZON, LATEST - _MOMENT - deadline)
    start, stop = next(strikeable_intervals(windows, deadline, now, end), (end, end))
    return stop if start == now else None


def _open_within(
    windows: Windows, zone: ZoneInfo, after: datetime, until: datetime
) -> list[Interval]:
    found: list[Interval] = [(after, until)]
    for layer in windows.allow:
        allowed = (holding(rule, zone, after, until, wide=False) for rule in layer)
        found = intersect(found, merge(interval for part in allowed for interval in part))
    denied = (holding(rule, zone, after, until, wide=True) for rule in windows.deny)
    return subtract(found, merge(interval for part in denied for interval in part))


def _because(windows: Windows, now: datetime) -> tuple[str, ...]:
    """Give the reasons for being closed at `now`, or those for being open."""
    zone = ZoneInfo(windows.zone)

    def holds(rule: Rule, *, wide: bool) -> bool:
        intervals = holding(rule, zone, now, now + _MOMENT, wide=wide)
        return any(start <= now < end for start, end in intervals)

    denials = [rule for rule in windows.deny if holds(rule, wide=True)]
    closed = [f"denied by {_describe_at(rule, zone, now)}" for rule in denials]
    inside: list[str] = []
    for layer in windows.allow:
        held = [rule for rule in layer if holds(rule, wide=False)]
        inside += [f"inside {_describe_at(rule, zone, now)}" for rule in held if rule != Always()]
        if not held:
            rules = ", ".join(describe(rule, windows.zone) for rule in layer)
            closed.append(f"outside every allow window ({rules or 'there are none'})")
    return tuple(dict.fromkeys(closed or inside or ["always open"]))


def _describe_at(rule: Rule, zone: ZoneInfo, now: datetime) -> str:
    text = describe(rule, zone.key)
    if isinstance(rule, Holidays):
        day = now.astimezone(zone).date()
        names = holidays_in(rule.country, rule.subdivision, day.year)
        text += f": {names[day]}" if day in names else ""
    return text
