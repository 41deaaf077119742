"""Windows on the days when the clock is put forward or back: less time is open."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from chaosd.core.window import (
    Always,
    Dates,
    Rule,
    Weekly,
    Windows,
    open_intervals,
    parse_clock,
    strikeable_intervals,
)

EVERY_DAY = frozenset(range(7))
# A day on which the clock is put forward or back: its UTC span, with some hours around.
DAYS = {
    # 02:00 becomes 03:00 at 01:00Z
    "berlin, spring": ("Europe/Berlin", "2026-03-28T20:00", "2026-03-29T20:00"),
    # 03:00 becomes 02:00 at 01:00Z
    "berlin, autumn": ("Europe/Berlin", "2026-10-24T20:00", "2026-10-25T20:00"),
    # 02:00 becomes 03:00 at 07:00Z
    "new york, spring": ("America/New_York", "2026-03-08T02:00", "2026-03-09T02:00"),
    # 02:00 becomes 01:00 at 06:00Z
    "new york, autumn": ("America/New_York", "2026-11-01T02:00", "2026-11-02T02:00"),
    # 02:00 becomes 02:30 at 15:30Z
    "lord howe, spring": ("Australia/Lord_Howe", "2026-10-03T08:00", "2026-10-04T08:00"),
    # 02:00 becomes 01:30 at 15:00Z
    "lord howe, autumn": ("Australia/Lord_Howe", "2026-04-04T08:00", "2026-04-05T08:00"),
    # 00:00 becomes 01:00 at 03:00Z
    "sao paulo, spring": ("America/Sao_Paulo", "2018-11-03T12:00", "2018-11-04T12:00"),
    # 00:00 becomes 23:00 at 02:00Z
    "sao paulo, autumn": ("America/Sao_Paulo", "2019-02-16T12:00", "2019-02-17T12:00"),
    # 2011-12-29 24:00 becomes 2011-12-31 00:00 at 10:00Z
    "apia, no 30th": ("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T20:00"),
    # 01:00 becomes 00:00 at 05:00Z
    "havana, autumn": ("America/Havana", "2026-10-31T12:00", "2026-11-01T16:00"),
}


def z(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}Z")


def hours(start: str, end: str) -> Weekly:
    return Weekly(EVERY_DAY, parse_clock(start), parse_clock(end, end=True))


CASES = [
    # skipped: at the first instant after
    ("berlin, spring", hours("01:30", "02:30"), "2026-03-29T00:30/2026-03-29T01:00"),
    ("berlin, spring", hours("02:30", "03:30"), "2026-03-29T01:00/2026-03-29T01:30"),
    ("berlin, spring", hours("02:10", "02:50"), ""),
    ("berlin, spring", hours("22:00", "06:00"), "2026-03-28T21:00/2026-03-29T04:00"),
    ("new york, spring", hours("02:59", "09:00"), "2026-03-08T07:00/2026-03-08T13:00"),
    ("lord howe, spring", hours("02:15", "03:00"), "2026-10-03T15:30/2026-10-03T16:00"),
    ("sao paulo, spring", hours("00:00", "02:00"), "2018-11-04T03:00/2018-11-04T04:00"),
    ("sao paulo, spring", hours("22:00", "24:00"), "2018-11-04T01:00/2018-11-04T03:00"),
    ("sao paulo, spring", hours("23:00", "00:30"), "2018-11-04T02:00/2018-11-04T03:00"),
    ("apia, no 30th", hours("23:00", "01:00"), "2011-12-30T09:00/2011-12-30T11:00"),
    # a boundary that comes twice: an allowance is short
    ("berlin, autumn", hours("02:30", "04:00"), "2026-10-25T01:30/2026-10-25T03:00"),
    ("berlin, autumn", hours("01:00", "02:30"), "2026-10-24T23:00/2026-10-25T00:30"),
    ("berlin, autumn", hours("02:00", "05:00"), "2026-10-25T01:00/2026-10-25T04:00"),
    ("berlin, autumn", hours("01:00", "03:00"), "2026-10-24T23:00/2026-10-25T02:00"),
    ("berlin, autumn", hours("02:15", "02:45"), ""),
    ("berlin, autumn", hours("22:00", "06:00"), "2026-10-24T20:00/2026-10-25T05:00"),
    ("new york, autumn", hours("01:00", "02:00"), "2026-11-01T06:00/2026-11-01T07:00"),
    ("lord howe, autumn", hours("01:30", "02:00"), "2026-04-04T15:00/2026-04-04T15:30"),
    ("lord howe, autumn", hours("01:00", "01:45"), "2026-04-04T14:00/2026-04-04T14:45"),
    ("lord howe, autumn", hours("01:45", "03:00"), "2026-04-04T15:15/2026-04-04T16:30"),
    ("sao paulo, autumn", hours("22:00", "24:00"), "2019-02-17T00:00/2019-02-17T03:00"),
    ("sao paulo, autumn", hours("23:30", "01:00"), "2019-02-17T02:30/2019-02-17T04:00"),
]
DENIED = [
    # skipped: the same instants as for an allowance
    ("berlin, spring", hours("01:30", "02:30"), "2026-03-29T00:30/2026-03-29T01:00"),
    ("berlin, spring", hours("02:30", "03:30"), "2026-03-29T01:00/2026-03-29T01:30"),
    # a boundary that comes twice: a denial is long
    ("berlin, autumn", hours("02:30", "04:00"), "2026-10-25T00:30/2026-10-25T03:00"),
    ("berlin, autumn", hours("01:00", "02:30"), "2026-10-24T23:00/2026-10-25T01:30"),
    ("berlin, autumn", hours("02:15", "02:45"), "2026-10-25T00:15/2026-10-25T01:45"),
    ("new york, autumn", hours("01:00", "02:00"), "2026-11-01T05:00/2026-11-01T07:00"),
    ("lord howe, autumn", hours("01:45", "03:00"), "2026-04-04T14:45/2026-04-04T16:30"),
    ("sao paulo, autumn", hours("23:30", "01:00"), "2019-02-17T01:30/2019-02-17T04:00"),
]


def intervals(text: str) -> list[tuple[datetime, datetime]]:
    ends = [z(part) for part in text.split("/")] if text else []
    return list(zip(ends[::2], ends[1::2], strict=True))


@pytest.mark.parametrize(("day", "rule", "expected"), CASES)
def test_allowances_when_the_clock_changes(day: str, rule: Weekly, expected: str) -> None:
    """An allow window never gains an hour that somebody might not have meant."""
    zone, after, until = DAYS[day]
    found = open_intervals(Windows(zone, ((rule,),)), z(after), z(until))
    assert list(found) == intervals(expected)


@pytest.mark.parametrize(("day", "rule", "expected"), DENIED)
def test_denials_when_the_clock_changes(day: str, rule: Weekly, expected: str) -> None:
    """A deny window covers every reading of its boundaries."""
    zone, after, until = DAYS[day]
    ((start, end),) = intervals(expected)
    found = open_intervals(Windows(zone, (), (rule,)), z(after), z(until))
    assert list(found) == [(z(after), start), (end, z(until))]


@pytest.mark.parametrize("day", DAYS)
@pytest.mark.parametrize(
    "layer",
    [
        (hours("00:00", "24:00"),),
        (Dates(date(2010, 1, 1), date(2030, 1, 1)),),
        (hours("03:00", "01:00"), hours("00:30", "03:30")),
        (Always(),),
    ],
)
def test_what_covers_every_hour_has_no_seam(day: str, layer: tuple[Rule, ...]) -> None:
    """Days that follow on each other leave no gap, even where midnight comes twice."""
    zone, after, until = DAYS[day]
    whole = [(z(after), z(until))]
    assert list(open_intervals(Windows(zone, (layer,)), z(after), z(until))) == whole
    assert list(open_intervals(Windows(zone, (), layer), z(after), z(until))) == []


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "2026-03-28T23:00/2026-03-29T22:00"),
        ("Europe/Berlin", date(2026, 10, 25), "2026-10-24T22:00/2026-10-25T23:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00/2018-11-05T02:00"),
        ("America/Sao_Paulo", date(2019, 2, 16), "2019-02-16T02:00/2019-02-17T03:00"),
        ("Pacific/Apia", date(2011, 12, 29), "2011-12-29T10:00/2011-12-30T10:00"),
        ("Pacific/Apia", date(2011, 12, 30), ""),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00/2011-12-31T10:00"),
        # allowed from the second midnight
        ("America/Havana", date(2026, 11, 1), "2026-11-01T05:00/2026-11-02T05:00"),
    ],
)
def test_days_are_as_long_as_the_calendar_says(zone: str, day: date, expected: str) -> None:
    """A date is its local day: 23, 24 or 25 hours, or none at all."""
    noon = datetime.combine(day, datetime.min.time(), z(f"{day}T12:00").tzinfo)
    span = (noon - timedelta(days=2), noon + timedelta(days=3))
    windows = Windows(zone, ((Dates(day, day),),))
    assert list(open_intervals(windows, *span)) == intervals(expected)


def test_the_deadline_is_elapsed_time() -> None:
    """A deadline of an hour is an hour, also when the clock shows two or none."""
    night = Windows("Europe/Berlin", ((hours("22:00", "06:00"),),))
    hour = timedelta(hours=1)
    for spans in (
        ("2026-03-28T20:00", "2026-03-29T20:00"),
        ("2026-10-24T18:00", "2026-10-25T18:00"),
    ):
        after, until = map(z, spans)
        ((start, end),) = open_intervals(night, after, until)
        assert list(strikeable_intervals(night, hour, after, until)) == [(start, end - hour)]
