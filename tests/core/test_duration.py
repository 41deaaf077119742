"""Durations: what parses, what is refused with what advice, and the way back to text."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.duration import parse, render

SECONDS = st.integers(min_value=1, max_value=36_500 * 86_400)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("90s", 90),
        ("05m", 300),
        ("1h30m", 5_400),
        ("36h", 129_600),
        ("2d", 172_800),
        ("1w", 604_800),
        ("1w2d3h4m5s", 604_800 + 2 * 86_400 + 3 * 3_600 + 4 * 60 + 5),
        ("0h1s", 1),
        ("36500d", 36_500 * 86_400),
    ],
)
def test_durations_that_parse(text: str, seconds: int) -> None:
    """Units add up, in the one order that is legal."""
    assert parse(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "write a duration such as 90s, 1h30m, 2d or 1w"),
        ("  ", "write a duration such as"),
        ("90", "write 90s or 90m or 90h"),
        ("1.5", "write one such as 90s"),
        ("1.5h", "write 90m"),
        ("-5m", "can't be negative"),
        ("30m1h", "write 90m"),
        ("1h1h", "write 2h"),
        ("10min", "write 10m"),
        ("1h 30m", "write 90m"),
        (" 5m", "write 5m"),
        ("5m\n", "write 5m"),
        ("2 days", "write 2d"),
        ("1H", "write 1h"),
        ("3 wks", "write 3w"),
        ("5y", "write one such as 90s"),
        ("500ms", "write one such as 90s"),
        ("0.5s", "write one such as 90s"),
        ("1e3s", "write one such as 90s"),
        ("٣s", "write one such as 90s"),
        ("m", "write one such as 90s"),
        ("9" * 5_000 + "s", "write one such as 90s"),
        ("36501d", "write 36500d or less"),
        ("0s", "write a duration of at least 1s"),
        ("0w0d", "write a duration of at least 1s"),
    ],
)
def test_durations_that_are_refused(text: str, advice: str) -> None:
    """Every refusal says what to write instead."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse(text)
    assert advice in str(caught.value)


@pytest.mark.parametrize("text", ["0s", "0m", "0w0d0h0m0s"])
def test_zero_where_it_is_allowed(text: str) -> None:
    """A caller for whom zero has a meaning can have it."""
    assert parse(text, zero=True) == timedelta(0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (90, "90s"),
        (5_400, "90m"),
        (7_985, "2h13m5s"),
        (129_600, "36h"),
        (604_800, "1w"),
        (8 * 86_400, "8d"),
        (365 * 86_400, "365d"),
        (604_800 + 3_600, "7d1h"),
        (-90, "-90s"),
    ],
)
def test_rendering(seconds: float, text: str) -> None:
    """The text is short, and readable rather than shortest."""
    assert render(timedelta(seconds=seconds)) == text


@given(SECONDS)
def test_what_is_rendered_parses_back(seconds: int) -> None:
    """No duration changes on its way through text."""
    assert parse(render(timedelta(seconds=seconds))) == timedelta(seconds=seconds)


@given(st.text(alphabet="0123456789wdhms.- +eminsy", max_size=12))
def test_any_text_parses_or_is_refused(text: str) -> None:
    """Nothing but ValueError comes out, and what it advises as an exact text does parse."""
    try:
        parse(text)
    except ValueError as error:
        advice = str(error).partition("not a duration: write ")[2]
        if advice and "such as" not in advice:
            assert all(parse(spelling) for spelling in advice.split(" or "))
