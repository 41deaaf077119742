"""Days and times of day as text, and rules in words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.rule import (
    Always,
    Dates,
    Holidays,
    Rule,
    Weekly,
    describe,
    parse_clock,
    parse_days,
)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon", {0}),
        ("Sat,Sun", {5, 6}),
        ("Mon-Fri", {0, 1, 2, 3, 4}),
        ("Fri-Mon", {4, 5, 6, 0}),
        ("Mon-Sun", set(range(7))),
        ("Tue-Mon", set(range(7))),
        ("mon-WED, fri", {0, 1, 2, 4}),
        ("Mon - Tue", {0, 1}),
        ("Mon,Mon-Tue", {0, 1}),
    ],
)
def test_days_that_parse(text: str, days: set[int]) -> None:
    """Lists and ranges, wrapping ones too."""
    assert parse_days(text) == days


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "write Mon, Tue, Wed"),
        ("Mon,", "unknown day ''"),
        ("Mon-", "unknown day ''"),
        ("Monday", "write Mon"),
        ("Thur-Fri", "write Thu"),
        ("1-5", "a range such as Mon-Fri"),
        ("Mon-Mon", "write Mon for the one day or Mon-Sun for all"),
        ("Mon-Wed-Fri", "unknown day 'Wed-Fri': write Wed"),
        ("daily", "write Mon, Tue, Wed"),
    ],
)
def test_days_that_are_refused(text: str, advice: str) -> None:
    """Every refusal says what to write."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_days(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("text", "end", "seconds"),
    [
        ("00:00", False, 0),
        ("09:05", False, 9 * 3_600 + 300),
        ("23:59", False, 86_340),
        ("24:00", True, 86_400),
        ("00:00", True, 0),
    ],
)
def test_times_of_day_that_parse(text: str, end: bool, seconds: int) -> None:
    """Midnight at the end of a day has a spelling of its own."""
    assert parse_clock(text, end=end) == seconds


@pytest.mark.parametrize(
    ("text", "end", "advice"),
    [
        ("24:00", False, "write 00:00"),
        ("25:00", False, "from 00:00 to 23:59"),
        ("25:00", True, "from 00:00 to 24:00"),
        ("24:01", True, "from 00:00 to 24:00"),
        ("12:60", False, "from 00:00 to 23:59"),
        ("9:00", False, "write 09:00"),
        ("0900", False, "write 09:00"),
        ("17.30", False, "write 17:30"),
        ("9", False, "write 09:00"),
        (" 09:00", False, "write 09:00"),
        ("09:00:00", False, "from 00:00 to 23:59"),
        ("٠٩:٠٠", False, "from 00:00 to 23:59"),
        ("", False, "from 00:00 to 23:59"),
    ],
)
def test_times_of_day_that_are_refused(text: str, end: bool, advice: str) -> None:
    """Every refusal says what to write."""
    with pytest.raises(ValueError, match=r"write") as caught:
        parse_clock(text, end=end)
    assert advice in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Weekly(frozenset(range(5)), 32_400, 61_200), "Mon-Fri 09:00-17:00 Europe/Berlin"),
        (Weekly(frozenset({5, 6}), 0, 86_400), "Sat,Sun 00:00-24:00 Europe/Berlin"),
        (Weekly(frozenset({4, 5, 6, 0}), 79_200, 21_600), "Fri-Mon 22:00-06:00 Europe/Berlin"),
        (
            Weekly(frozenset({0, 2, 3, 4}), 0, 60, "tiny"),
            "'tiny' (Mon,Wed-Fri 00:00-00:01 Europe/Berlin)",
        ),
        (Dates(date(2026, 12, 18), date(2027, 1, 4)), "2026-12-18 to 2027-01-04"),
        (Dates(date(2026, 12, 24), date(2026, 12, 24), "eve"), "'eve' (2026-12-24)"),
        (Holidays("DE", "BE"), "holidays DE BE"),
        (Holidays("FR"), "holidays FR"),
        (Always(), "always"),
    ],
)
def test_rules_in_words(rule: Rule, text: str) -> None:
    """The words are those of the configuration."""
    assert describe(rule, "Europe/Berlin") == text


@given(st.frozensets(st.integers(0, 6), min_size=1))
def test_days_in_words_parse_back(days: frozenset[int]) -> None:
    """Whatever the days, their text means them."""
    assert parse_days(describe(Weekly(days, 0, 60), "UTC").split(" ")[0]) == days
