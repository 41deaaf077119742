"""Openings, open and strikeable intervals agree with each other and with the clock on the wall."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.window import (
    Always,
    Dates,
    Holidays,
    Weekly,
    Windows,
    is_open,
    open_intervals,
    opening,
    strikeable_intervals,
    strikeable_until,
)

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Pacific/Apia",
)
SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
CLOCKS = st.sampled_from([0, 1_800, 5_400, 7_200, 9_000, 10_800, 32_400, 61_200, 82_800])
WEEKLIES = st.builds(
    Weekly,
    st.frozensets(st.integers(0, 6), min_size=1),
    CLOCKS,
    st.one_of(CLOCKS, st.just(86_400)),
).filter(lambda rule: rule.start != rule.end)
DATES = st.builds(
    lambda first, days: Dates(first, first + timedelta(days=days)),
    st.dates(date(2010, 1, 1), date(2027, 12, 31)),
    st.integers(0, 40),
)
RULES = st.one_of(WEEKLIES, WEEKLIES, DATES, st.just(Holidays("DE")), st.just(Always()))
LAYERS = st.lists(st.lists(RULES, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple)
WINDOWS = st.builds(Windows, st.sampled_from(ZONES), LAYERS, st.lists(RULES, max_size=2).map(tuple))
# Around the clock changes of each zone, and anywhere.
CHANGES = [
    datetime.fromisoformat(f"{text}Z")
    for text in (
        "2026-03-29T01:00",
        "2026-10-25T01:00",
        "2026-03-08T07:00",
        "2026-11-01T06:00",
        "2026-04-04T15:00",
        "2026-10-03T15:30",
        "2018-11-04T03:00",
        "2019-02-17T02:00",
        "2011-12-30T10:00",
        "2011-04-02T14:00",
        "2028-02-29T00:00",
    )
]
MINUTE = timedelta(minutes=1)
TIMES = st.builds(
    lambda change, minutes: change + minutes * MINUTE,
    st.sampled_from(CHANGES),
    st.integers(-4 * 1_440, 4 * 1_440),
)
SPAN = timedelta(days=6)


@given(WINDOWS, TIMES, st.integers(0, 6 * 1_440))
def test_openings_agree_with_intervals(windows: Windows, after: datetime, minutes: int) -> None:
    """A time is open exactly when an interval holds it, and changes at its edges."""
    at = after + minutes * MINUTE
    intervals = list(open_intervals(windows, after, after + SPAN + SECOND))
    found = opening(windows, at)
    assert found.open is is_open(windows, at) is any(low <= at < high for low, high in intervals)
    edges = [edge for interval in intervals for edge in interval if at < edge < after + SPAN]
    if found.next_change is None or found.next_change >= after + SPAN:
        assert not edges
    else:
        assert found.next_change == min(edges)
        change = found.next_change
        assert opening(windows, change).open is is_open(windows, change) is not found.open
        before = change - MOMENT
        assert opening(windows, before).open is is_open(windows, before) is found.open


@given(WINDOWS, TIMES, st.integers(1, 6 * 1_440 - 1))
def test_intervals_do_not_depend_on_where_one_looks_from(
    windows: Windows, after: datetime, minutes: int
) -> None:
    """Looking twice gives what looking once gives, cut at the same place; nothing is empty."""
    middle, until = after + minutes * MINUTE, after + SPAN
    whole = list(open_intervals(windows, after, until))
    cut = [
        (max(start, low), min(end, high))
        for low, high in ((after, middle), (middle, until))
        for start, end in whole
        if max(start, low) < min(end, high)
    ]
    assert cut == [
        *open_intervals(windows, after, middle),
        *open_intervals(windows, middle, until),
    ]
    assert all(start < end for start, end in whole)
    assert all(left[1] < right[0] for left, right in pairwise(whole))


@given(WINDOWS, TIMES, st.integers(0, 6 * 1_440), st.sampled_from([0, 10, 60, 480, 2_000]))
def test_strikeable_means_open_until_the_deadline(
    windows: Windows, after: datetime, minutes: int, deadline_minutes: int
) -> None:
    """A time is strikeable exactly when it and its whole deadline lie in one open interval."""
    at, deadline = after + minutes * MINUTE, deadline_minutes * MINUTE
    lasting = next(open_intervals(windows, at, at + deadline + SECOND), None)
    expected = lasting == (at, at + deadline + SECOND)
    assert (strikeable_until(windows, deadline, at) is not None) is expected
    strikeable = list(strikeable_intervals(windows, deadline, after, after + SPAN + SECOND))
    assert any(start <= at < end for start, end in strikeable) is expected


@given(WEEKLIES, st.sampled_from(ZONES), TIMES)
def test_the_clock_on_the_wall_decides(rule: Weekly, zone: str, at: datetime) -> None:
    """Away from hours that come twice, a rule holds when the wall clock lies between its times."""
    local = at.astimezone(ZoneInfo(zone))
    if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
        return
    clock = local.hour * 3_600 + local.minute * 60
    end = rule.end if rule.end > rule.start else rule.end + 86_400
    expected = any(
        rule.start <= clock + 86_400 * days < end and (local.weekday() - days) % 7 in rule.days
        for days in (0, 1)
    )
    assert opening(Windows(zone, ((rule,),)), at).open is expected
    assert opening(Windows(zone, (), (rule,)), at).open is not expected
