"""A year of windows and kills."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.window import Dates, Windows
from chaosd.report.page.year import (
    FIRST_YEAR,
    LAST_YEAR,
    Day,
    Year,
    first_month,
    year,
)
from tests.core.ledgers import HOUR, NOW
from tests.report.scene import nights, policy

TODAY = date(2026, 3, 4)


def days(found: Year, month: int) -> list[Day]:
    return [day for week in found.months[month].weeks for day in week if day]


@given(first=st.dates(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 1, 1)))
def test_twelve_whole_months(first: date) -> None:
    """Each day once, in weeks of seven places."""
    first = first.replace(day=1)
    found = year((), {}, {}, "UTC", first, TODAY)
    assert len(found.months) == 12
    shown = [day.day for month in range(12) for day in days(found, month)]
    assert len(shown) in (365, 366)
    assert all(len(week) == 7 for month in found.months for week in month.weeks)
    assert found.later is None or (found.later.year, found.later.month) == (
        first.year + 1,
        first.month,
    )


@pytest.mark.parametrize(
    ("windows", "open_", "level"),
    [
        (Windows("UTC"), 1.0, 4),
        (Windows("UTC", ((),)), 0.0, 0),
        (nights(), 8 / 24, 2),
    ],
)
def test_how_much_of_a_day_is_open(windows: Windows, open_: float, level: int) -> None:
    """All of it, nothing, or the hours from ten to six."""
    found = year([policy(windows=windows)], {}, {}, "UTC", date(2026, 3, 1), TODAY)
    day = days(found, 1)[5]
    assert day.level == level
    assert day.open == pytest.approx(open_)


def test_a_day_is_the_zones_own_and_as_long_as_it_is() -> None:
    """The 29th of March has 23 hours in Berlin, and all of them are open."""
    found = year([policy()], {}, {}, "Europe/Berlin", date(2026, 3, 1), TODAY)
    assert {day.level for day in days(found, 0)} == {4}
    assert days(found, 0)[28].open == 1.0


def test_several_policies_are_open_where_any_is() -> None:
    """And what is closed for all of them is closed."""
    freeze = Windows("UTC", (), (Dates(date(2026, 3, 5), date(2026, 3, 7)),))
    both = [policy("a", windows=freeze), policy("b", windows=freeze)]
    found = days(year(both, {}, {}, "UTC", date(2026, 3, 1), TODAY), 0)
    assert {day.day for day in found if not day.level} == {5, 6, 7}
    either = days(year([*both, policy("c")], {}, {}, "UTC", date(2026, 3, 1), TODAY), 0)
    assert {day.level for day in either} == {4}


def test_what_a_day_says_in_words() -> None:
    """The same as its colour and its numbers."""
    made, planned = {TODAY: 1}, {TODAY: 2, date(2026, 3, 9): 1}
    found = days(year([policy()], made, planned, "UTC", date(2026, 3, 1), TODAY), 0)
    assert found[3].words == "open all day, 1 kill, 2 kills planned"
    assert (found[3].today, found[4].today) == (True, False)
    assert found[8].words == "open all day, 1 kill planned"


def test_it_begins_with_the_month_before() -> None:
    """In the zone's own time."""
    eve = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert first_month(eve, "UTC") == date(2026, 11, 1)
    assert first_month(eve, "Europe/Berlin") == date(2026, 12, 1)
    assert first_month(NOW + HOUR, "UTC") == date(2026, 2, 1)
