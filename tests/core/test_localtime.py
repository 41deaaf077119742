"""Wall-clock times become the right instants, also where the clock jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.localtime import instant, parse_zone, utc

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "America/Havana",
)


@pytest.mark.parametrize(
    ("zone", "local", "first", "second"),
    [
        ("Asia/Kolkata", "2026-03-29T02:30", "2026-03-28T21:00", None),
        # skipped
        ("Europe/Berlin", "2026-03-29T01:59:59", "2026-03-29T00:59:59", None),
        ("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00", None),
        ("Europe/Berlin", "2026-03-29T02:59:59", "2026-03-29T01:00", None),
        ("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00", None),
        ("America/New_York", "2026-03-08T02:17", "2026-03-08T07:00", None),
        ("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30", None),
        ("Australia/Lord_Howe", "2026-10-04T02:30", "2026-10-03T15:30", None),
        ("America/Sao_Paulo", "2018-11-04T00:00", "2018-11-04T03:00", None),
        ("Pacific/Apia", "2011-12-30T00:00", "2011-12-30T10:00", None),
        ("Pacific/Apia", "2011-12-30T17:00", "2011-12-30T10:00", None),
        ("Pacific/Apia", "2011-12-31T00:00", "2011-12-30T10:00", None),
        # twice
        ("Europe/Berlin", "2026-10-25T01:59:59", "2026-10-24T23:59:59", None),
        ("Europe/Berlin", "2026-10-25T02:00", "2026-10-25T00:00", "2026-10-25T01:00"),
        ("Europe/Berlin", "2026-10-25T02:59:59", "2026-10-25T00:59:59", "2026-10-25T01:59:59"),
        ("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00", None),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30", "2026-11-01T06:30"),
        ("Australia/Lord_Howe", "2026-04-05T01:30", "2026-04-04T14:30", "2026-04-04T15:00"),
        ("Australia/Lord_Howe", "2026-04-05T01:29", "2026-04-04T14:29", None),
        ("America/Sao_Paulo", "2019-02-16T23:30", "2019-02-17T01:30", "2019-02-17T02:30"),
        ("America/Havana", "2026-11-01T00:00", "2026-11-01T04:00", "2026-11-01T05:00"),
    ],
)
def test_instants_of_wall_clock_times(
    zone: str, local: str, first: str, second: str | None
) -> None:
    """Skipped times become the first instant after the skip; repeated ones are two."""
    wall = datetime.fromisoformat(local)
    found = [instant(wall, ZoneInfo(zone), earlier=earlier) for earlier in (True, False)]
    assert found == [datetime.fromisoformat(f"{text}Z") for text in (first, second or first)]


@given(st.sampled_from(ZONES), st.integers(0, 70 * 366 * 86_400))
def test_an_instant_is_found_again_from_its_wall_clock_time(zone: str, since_1970: int) -> None:
    """What the clock shows at an instant leads back to it, as the first or the second reading."""
    at = datetime.fromtimestamp(since_1970, UTC)
    local = at.astimezone(ZoneInfo(zone))
    earlier = local.fold == 0
    assert instant(local.replace(tzinfo=None, fold=0), ZoneInfo(zone), earlier=earlier) == at


@pytest.mark.parametrize("name", [*ZONES, "UTC", "Etc/GMT+5", "CET"])
def test_zones_that_exist(name: str) -> None:
    """A known name comes back unchanged."""
    assert parse_zone(name) == name


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Berlin", "write Europe/Berlin"),
        ("europe/berlin", "write Europe/Berlin"),
        ("America/New York", "write America/New_York"),
        ("Europe", "write an IANA name"),
        ("UTC+1", "write an IANA name"),
        ("", "write an IANA name"),
        ("localtime", "write an IANA name"),
        ("../../etc/passwd", "write an IANA name"),
        ("/etc/localtime", "write an IANA name"),
        ("\0", "write an IANA name"),
        ("é" * 5_000, "write an IANA name"),
    ],
)
def test_zones_that_do_not_exist(text: str, advice: str) -> None:
    """Whatever is no zone is refused with what to write, also paths and what files can't hold."""
    with pytest.raises(ValueError, match=r"^unknown time zone") as caught:
        parse_zone(text)
    assert advice in str(caught.value)


def test_times_become_utc() -> None:
    """Any offset is converted."""
    summer = timezone(timedelta(hours=2))
    assert utc(datetime(2026, 7, 1, 12, tzinfo=summer)) == datetime(2026, 7, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "advice"),
    [
        (datetime(2026, 7, 1, 12), "write 2026-07-01T12:00:00Z for UTC"),  # noqa: DTZ001
        (datetime(9999, 12, 31, tzinfo=UTC), "write a year from 1900 to 9899"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), "write a year from 1900"),
    ],
)
def test_times_that_are_refused(at: datetime, advice: str) -> None:
    """A time without a zone, or at the ends of the calendar, is refused with what to write."""
    with pytest.raises(ValueError, match=advice):
        utc(at)
