"""Cron expressions: what they mean, also when the clock changes, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.schedule import Cron
from chaosd.core.window import Windows
from tests.core.planning import CRONS, STARTS, plan, z

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("expression", "zone", "after", "until", "expected"),
    [
        # 1 is Monday, and so is MON (2026-11-23)
        ("0 10 * * 1", "UTC", "2026-11-20T00:00", "2026-11-27T00:00", ["2026-11-23T10:00"]),
        ("0 10 * * MON", "UTC", "2026-11-20T00:00", "2026-11-27T00:00", ["2026-11-23T10:00"]),
        ("0 10 * * 7", "UTC", "2026-11-20T00:00", "2026-11-27T00:00", ["2026-11-22T10:00"]),
        # day of month or day of week
        (
            "0 10 24 * MON",
            "UTC",
            "2026-11-20T00:00",
            "2026-11-27T00:00",
            ["2026-11-23T10:00", "2026-11-24T10:00"],
        ),
        # local time
        (
            "0 10 * * TUE",
            "Europe/Berlin",
            "2026-10-20T00:00",
            "2026-10-28T00:00",
            ["2026-10-20T08:00", "2026-10-27T09:00"],
        ),
        (
            "15 0 * * *",
            "Asia/Kolkata",
            "2026-11-20T00:00",
            "2026-11-21T00:00",
            ["2026-11-20T18:45"],
        ),
        # not at `after`, but at `until`
        (
            "*/15 * * * *",
            "UTC",
            "2026-11-20T09:00",
            "2026-11-20T09:30",
            ["2026-11-20T09:15", "2026-11-20T09:30"],
        ),
        # leap days
        (
            "0 12 29 2 *",
            "UTC",
            "2026-01-01T00:00",
            "2033-01-01T00:00",
            ["2028-02-29T12:00", "2032-02-29T12:00"],
        ),
        # a time that the clock skips comes right after the skip, and once
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            "2026-03-29T12:00",
            ["2026-03-29T01:00"],
        ),
        (
            "0,30 2-3 * * *",
            "Europe/Berlin",
            "2026-03-28T12:00",
            "2026-03-29T12:00",
            ["2026-03-29T01:00", "2026-03-29T01:30"],
        ),
        # a time that comes twice: once, but every real time with a star
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["2026-10-25T00:30"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00",
            "2026-10-25T12:00",
            ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"],
        ),
        (
            "30 2 * * *",
            "Europe/Berlin",
            "2026-10-25T00:40",  # between the first and the second 02:30
            "2026-10-25T12:00",
            [],
        ),
        # midnight is skipped
        (
            "0 0 * * *",
            "America/Sao_Paulo",
            "2018-11-03T12:00",
            "2018-11-04T12:00",
            ["2018-11-04T03:00"],
        ),
        # half an hour is skipped
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            "2026-10-03T00:00",
            "2026-10-03T23:00",
            ["2026-10-03T15:30"],
        ),
        # a whole day is skipped
        (
            "0 12 * * *",
            "Pacific/Apia",
            "2011-12-29T00:00",
            "2012-01-01T00:00",
            ["2011-12-29T22:00", "2011-12-30T10:00", "2011-12-30T22:00", "2011-12-31T22:00"],
        ),
    ],
)
def test_cron(expression: str, zone: str, after: str, until: str, expected: list[str]) -> None:
    """Weekdays, local time, leap days and clock changes, as Debian's cron has them."""
    found = plan(Cron(expression), z(after), z(until), windows=Windows(zone))
    assert [slot.at for slot in found] == [z(text) for text in expected]


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ("", "has five fields"),
        ("* * * *", "has five fields"),
        ("0 0 10 * * TUE", "has five fields"),
        ("@daily", "write one such as '0 0 * * *'"),
        ("@reboot", "write one such as '0 10 * * TUE'"),
        ("60 * * * *", "the minute takes 0 to 59"),
        ("* 24 * * *", "the hour takes 0 to 23"),
        ("* * 0 * *", "the day-of-month takes 1 to 31"),
        ("0 0 31 2 *", "the day-of-month takes 1 to 31 (where a month has it)"),
        ("* * * 13 *", "the month takes 1 to 12"),
        ("* * * * 8", "the day-of-week takes 0 to 7"),
        ("* * * * MON#2/3", "the day-of-week takes"),
        ("0 10 ? * TUE", "the day-of-month takes"),
        ("every day at ten o'clock", "the minute takes"),
        ("- - - - -", "the minute takes"),
        ("*/0 * * * *", "the minute takes"),
    ],
)
def test_cron_expressions_that_are_refused(expression: str, advice: str) -> None:
    """Every refusal says what to write."""
    with pytest.raises(ValueError, match=r"write") as caught:
        Cron(expression)
    assert advice in str(caught.value)


@given(st.text(alphabet="0123456789*/,-#L MONTUEsatW?@", max_size=16))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    """Nothing but ValueError comes out of nonsense."""
    advice = "write"
    try:
        Cron(f"{text} * * *")
    except ValueError as error:
        advice = str(error)
    assert "write" in advice


@given(CRONS, st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]), STARTS)
def test_cron_is_what_cronsim_gives_in_one_go(schedule: Cron, zone: str, after: datetime) -> None:
    """Looking day by day changes nothing; what comes at the same instant comes once."""
    until = after + 4 * DAY
    expected: list[datetime] = []
    for local in CronSim(schedule.expression, (after - DAY).astimezone(ZoneInfo(zone))):
        at = local.astimezone(UTC)
        if at > until:
            break
        if after < at and at not in expected:
            expected.append(at)
    found = plan(schedule, after, until, windows=Windows(zone))
    assert [slot.at for slot in found] == expected
