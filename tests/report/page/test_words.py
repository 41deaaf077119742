"""Times, codes and numbers as people read them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.reasons import Code, Reason
from chaosd.core.words import several
from chaosd.report.page.words import away, because, clock, reason, seconds, words
from tests.report.scene import START


@pytest.mark.parametrize(
    ("ahead", "shown"),
    [
        (timedelta(0), "now"),
        (timedelta(milliseconds=900), "now"),
        (timedelta(seconds=42), "in 42s"),
        (timedelta(seconds=-42), "42s ago"),
        (timedelta(minutes=9, seconds=3), "in 9m3s"),
        (timedelta(minutes=200, seconds=3), "in 3h20m"),
        (timedelta(days=-3, minutes=-5), "3d ago"),
        (timedelta(days=40, hours=3), "in 40d"),
    ],
)
def test_how_far_away(ahead: timedelta, shown: str) -> None:
    """As exactly as people want to know."""
    assert away(START + ahead, START) == shown


@pytest.mark.parametrize(
    ("ahead", "shown"),
    [
        (timedelta(hours=2, seconds=5), "12:00:05"),
        (timedelta(days=3), "Nov 8, 10:00"),
        (timedelta(days=400), "2027-12-10 10:00"),
    ],
)
def test_a_clock_with_as_much_date_as_it_takes(ahead: timedelta, shown: str) -> None:
    """Today's without one, this year's without a year."""
    assert clock(START + ahead, START) == shown


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("there is no policy", ("there is no policy", "")),
        ("halted: by ann: a: b", ("halted", "by ann: a: b")),
        ("windowClosed", ("window closed", "")),
        ("night: windowClosed: outside", ("night: window closed", "outside")),
        ("night: something: else", ("night: something: else", "")),
    ],
)
def test_reasons_of_a_status(text: str, pair: tuple[str, str]) -> None:
    """A heading in words, and the detail as it stands."""
    assert because(text) == pair


def test_every_code_has_words() -> None:
    """No camelCase is left, and no two codes read alike."""
    shown = [reason(Reason(code))[0] for code in Code]
    assert all(text == text.lower() for text in shown)
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize(
    ("value", "shown"), [(None, ""), (4.26, "4.3 s"), (41.7, "42 s"), (3601.2, "1h1s")]
)
def test_measured_seconds(value: float | None, shown: str) -> None:
    """With a tenth only where it says something."""
    assert seconds(value) == shown


def test_counting() -> None:
    """One thing, or several; and words for codes that are none."""
    assert several(1, "kill") == "1 kill"
    assert several(1200, "policy", "policies") == "1,200 policies"
    assert words("notRecovered") == "not recovered"
