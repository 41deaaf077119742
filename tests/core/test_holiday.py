"""Public holidays of countries and subdivisions."""

from __future__ import annotations

from datetime import date

import pytest

from chaosd.core.holiday import check_holidays, holidays_in


@pytest.mark.parametrize(
    ("country", "subdivision", "day", "is_holiday"),
    [
        ("DE", None, date(2026, 10, 3), True),
        ("DE", "BE", date(2026, 3, 8), True),  # only in Berlin
        ("DE", "BY", date(2026, 3, 8), False),
        ("DE", None, date(2026, 3, 8), False),
        ("US", None, date(2026, 7, 3), True),  # the 4th is a Saturday
        ("US", None, date(2027, 12, 31), True),  # for a New Year's Day of the next year
        ("DEU", None, date(2026, 12, 25), True),
    ],
)
def test_holidays(country: str, subdivision: str | None, day: date, is_holiday: bool) -> None:
    """Days are holidays where they are kept."""
    assert (day in holidays_in(country, subdivision, day.year)) is is_holiday


@pytest.mark.parametrize(
    ("country", "subdivision", "advice"),
    [
        ("XX", None, "unknown country 'XX': write a two-letter code"),
        ("de", None, "write DE, or a two-letter code"),
        ("Germany", None, "write a two-letter code"),
        ("", None, "write a two-letter code"),
        ("DE", "ZZ", "DE has no subdivision 'ZZ': write one of BB, BE"),
        ("DE", "", "write one of BB, BE"),
        ("FI", "X", "write one of"),
        ("SI", "X", "leave subdivision out"),
    ],
)
def test_unknown_holidays(country: str, subdivision: str | None, advice: str) -> None:
    """A country or subdivision without holidays is refused, with what to write."""
    for ask in (
        lambda: check_holidays(country, subdivision),
        lambda: holidays_in(country, subdivision, 2026),
    ):
        with pytest.raises(ValueError, match=r".") as caught:
            ask()
        assert advice in str(caught.value)
