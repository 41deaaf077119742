"""Windows over ordinary days: reasons, changes, edges, zones, what is strikeable."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from chaosd.core.localtime import LATEST
from chaosd.core.window import (
    HORIZON,
    Always,
    Dates,
    Holidays,
    Rule,
    Weekly,
    Windows,
    open_intervals,
    opening,
    parse_clock,
    parse_days,
    strikeable_intervals,
    strikeable_until,
)

SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)


def weekly(days: str, start: str, end: str, name: str = "") -> Weekly:
    return Weekly(parse_days(days), parse_clock(start), parse_clock(end, end=True), name)


def z(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}Z")


OFFICE = weekly("Mon-Fri", "09:00", "17:00")
BERLIN = Windows(
    "Europe/Berlin",
    ((OFFICE,),),
    (Dates(date(2026, 12, 18), date(2027, 1, 4), "year end"), Holidays("DE", "BE", "holidays")),
)
INSIDE = "inside Mon-Fri 09:00-17:00 Europe/Berlin"
OUTSIDE = "outside every allow window (Mon-Fri 09:00-17:00 Europe/Berlin)"
YEAR_END = "denied by 'year end' (2026-12-18 to 2027-01-04)"


@pytest.mark.parametrize(
    ("at", "because", "next_change"),
    [
        # half-open edges
        ("2026-11-20T07:59:59.999999", (OUTSIDE,), "2026-11-20T08:00"),
        ("2026-11-20T08:00", (INSIDE,), "2026-11-20T16:00"),
        ("2026-11-20T15:59:59.999999", (INSIDE,), "2026-11-20T16:00"),
        ("2026-11-20T16:00", (OUTSIDE,), "2026-11-23T08:00"),
        # summer time
        ("2026-07-01T07:00", (INSIDE,), "2026-07-01T15:00"),
        # denials
        ("2026-12-17T15:59", (INSIDE,), "2026-12-17T16:00"),
        ("2026-12-17T22:59", (OUTSIDE,), "2027-01-05T08:00"),
        ("2026-12-17T23:00", (YEAR_END, OUTSIDE), "2027-01-05T08:00"),
        ("2026-12-18T12:00", (YEAR_END,), "2027-01-05T08:00"),
        (
            "2026-12-25T12:00",
            (YEAR_END, "denied by 'holidays' (holidays DE BE): Christmas Day"),
            "2027-01-05T08:00",
        ),
        (
            "2026-10-03T12:00",
            ("denied by 'holidays' (holidays DE BE): German Unity Day", OUTSIDE),
            "2026-10-05T07:00",
        ),
        ("2027-01-04T22:59", (YEAR_END, OUTSIDE), "2027-01-05T08:00"),
        ("2027-01-04T23:00", (OUTSIDE,), "2027-01-05T08:00"),
    ],
)
def test_openings_with_reasons(at: str, because: tuple[str, ...], next_change: str) -> None:
    """All that keeps windows closed is named, or else what they are open for; and the change."""
    found = opening(BERLIN, z(at))
    assert found.because == because
    assert found.open is (because == (INSIDE,))
    assert found.next_change == z(next_change)


@pytest.mark.parametrize(
    ("allow", "deny", "is_open", "because"),
    [
        ((), (), True, ("always open",)),
        (((Always(),),), (), True, ("always open",)),
        (((Always("drill"),),), (), True, ("inside 'drill' (always)",)),
        (((Always("drill"),), (Always(),)), (), True, ("inside 'drill' (always)",)),
        (((),), (), False, ("outside every allow window (there are none)",)),
        (((OFFICE,),), (Always(),), False, ("denied by always",)),
        (((Dates(date(1, 1, 1), date.max),),), (), True, ("inside 0001-01-01 to 9999-12-31",)),
    ],
)
def test_windows_that_never_change(
    allow: tuple[tuple[Rule, ...], ...],
    deny: tuple[Rule, ...],
    is_open: bool,
    because: tuple[str, ...],
) -> None:
    """What is open or closed for good has no next change, and says why."""
    found = opening(Windows("Europe/Berlin", allow, deny), z("2026-11-20T12:00"))
    assert (found.open, found.because, found.next_change) == (is_open, because, None)


def test_every_layer_must_hold_and_any_rule_of_it_does() -> None:
    """Layers narrow each other; the rules inside a layer add up."""
    mornings, evenings = weekly("Mon-Sun", "08:00", "12:00"), weekly("Mon-Sun", "16:00", "20:00")
    windows = Windows("UTC", ((OFFICE,), (mornings, evenings)))
    assert list(open_intervals(windows, z("2026-11-20T00:00"), z("2026-11-21T00:00"))) == [
        (z("2026-11-20T09:00"), z("2026-11-20T12:00")),
        (z("2026-11-20T16:00"), z("2026-11-20T17:00")),
    ]
    assert opening(windows, z("2026-11-20T13:00")).because == (
        "outside every allow window (Mon-Sun 08:00-12:00 UTC, Mon-Sun 16:00-20:00 UTC)",
    )
    assert len(opening(windows, z("2026-11-21T13:00")).because) == 2


@pytest.mark.parametrize(
    ("rule", "zone", "expected"),
    [
        # a window that wraps belongs to the day it starts on (2026-11-20 is a Friday)
        (
            weekly("Fri", "22:00", "06:00"),
            "UTC",
            ["2026-11-20T22:00/2026-11-21T06:00", "2026-11-27T22:00/2026-11-28T06:00"],
        ),
        (
            weekly("Sat,Sun", "00:00", "24:00"),
            "UTC",
            ["2026-11-21T00:00/2026-11-23T00:00", "2026-11-28T00:00/2026-11-30T00:00"],
        ),
        (weekly("Sun", "20:00", "24:00"), "UTC", ["2026-11-22T20:00/2026-11-23T00:00"]),
        (weekly("Sun", "20:00", "00:00"), "UTC", ["2026-11-22T20:00/2026-11-23T00:00"]),
        (weekly("Sun", "23:00", "22:59"), "UTC", ["2026-11-22T23:00/2026-11-23T22:59"]),
        (weekly("Mon-Sun", "00:00", "24:00"), "UTC", ["2026-11-20T00:00/2026-11-29T12:00"]),
        (weekly("Thu", "09:00", "17:00"), "Asia/Kolkata", ["2026-11-26T03:30/2026-11-26T11:30"]),
        (
            weekly("Wed", "09:00", "17:00"),
            "America/New_York",
            ["2026-11-25T14:00/2026-11-25T22:00"],
        ),
        (
            weekly("Wed", "09:00", "17:00"),
            "Australia/Lord_Howe",
            ["2026-11-24T22:00/2026-11-25T06:00"],
        ),
        (
            Dates(date(2026, 11, 1), date(2026, 11, 20)),
            "UTC",
            ["2026-11-20T00:00/2026-11-21T00:00"],
        ),
        (
            Dates(date(2026, 11, 28), date(9999, 12, 31)),
            "Pacific/Apia",
            ["2026-11-27T11:00/2026-11-29T12:00"],
        ),
        (Dates(date(2026, 11, 2), date(2026, 11, 1)), "UTC", []),
        (Holidays("US"), "America/New_York", ["2026-11-26T05:00/2026-11-27T05:00"]),
    ],
)
def test_when_rules_hold(rule: Rule, zone: str, expected: list[str]) -> None:
    """Days, wraps, 24:00 and zones, from Friday 2026-11-20 to noon of Sunday 11-29."""
    after, until = z("2026-11-20T00:00"), z("2026-11-29T12:00")
    intervals = [tuple(z(end) for end in text.split("/")) for text in expected]
    assert list(open_intervals(Windows(zone, ((rule,),)), after, until)) == [
        (start, min(end, until)) for start, end in intervals
    ]
    closed = list(open_intervals(Windows(zone, (), (rule,)), after, until))
    assert sum((end - start for start, end in closed), timedelta()) == (until - after) - sum(
        (min(end, until) - start for start, end in intervals), timedelta()
    )


@pytest.mark.parametrize(
    ("year", "expected"),
    [(2028, "2028-02-29T10:00"), (2027, "2027-03-01T10:00"), (2100, "2100-03-01T10:00")],
)
def test_the_day_after_february_28(year: int, expected: str) -> None:
    """Leap days are days, where there are any."""
    windows = Windows("UTC", ((weekly("Mon-Sun", "10:00", "11:00"),),))
    assert opening(windows, z(f"{year}-02-28T11:00")).next_change == z(expected)


def test_a_leap_day_alone() -> None:
    """A date that is a leap day opens for that day."""
    windows = Windows("UTC", ((Dates(date(2028, 2, 29), date(2028, 2, 29)),),))
    assert opening(windows, z("2027-01-01T00:00")).next_change == z("2028-02-29T00:00")
    assert opening(windows, z("2028-02-29T12:00")).next_change == z("2028-03-01T00:00")


def test_what_is_strikeable_ends_a_deadline_before_the_window() -> None:
    """An interval shorter than the deadline is not strikeable at all."""
    windows = Windows("UTC", ((weekly("Fri", "09:00", "17:00"), weekly("Fri", "20:00", "20:30")),))
    hour = timedelta(hours=1)
    whole = (z("2026-11-20T00:00"), z("2026-11-21T00:00"))
    strikeable = list(strikeable_intervals(windows, hour, *whole))
    assert strikeable == [(z("2026-11-20T09:00"), z("2026-11-20T16:00"))]
    clipped = list(
        strikeable_intervals(windows, hour, z("2026-11-20T10:00"), z("2026-11-20T12:00"))
    )
    assert clipped == [(z("2026-11-20T10:00"), z("2026-11-20T12:00"))]
    assert strikeable_until(windows, hour, z("2026-11-20T09:00")) == z("2026-11-20T16:00")
    assert strikeable_until(windows, hour, z("2026-11-20T16:00") - MOMENT) == z("2026-11-20T16:00")
    for closed in ("2026-11-20T16:00", "2026-11-20T08:59:59", "2026-11-20T20:00"):
        assert strikeable_until(windows, hour, z(closed)) is None


def test_what_is_always_strikeable_is_cut_at_the_horizon() -> None:
    """An answer exists also where nothing ever closes."""
    now = z("2026-11-20T12:00")
    assert strikeable_until(Windows("UTC"), timedelta(hours=1), now) == now + HORIZON


def test_the_end_of_the_calendar_is_no_crash() -> None:
    """The last instant that is accepted can be asked about."""
    assert opening(BERLIN, LATEST - SECOND).next_change is None
    assert strikeable_until(Windows("UTC"), timedelta(days=1), LATEST - timedelta(days=3))


def test_times_without_a_zone_are_refused() -> None:
    """A naive time is a mistake of the caller, not a guess of ours."""
    with pytest.raises(ValueError, match="has no time zone"):
        opening(BERLIN, datetime(2026, 11, 20, 12))  # noqa: DTZ001
