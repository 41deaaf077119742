"""Open times over a range."""

from __future__ import annotations

from datetime import timedelta

from chaosd.core.agenda import MOST_INTERVALS, agenda
from chaosd.core.window import Weekly, Windows, open_intervals, opening, parse_clock, parse_days
from tests.core.ledgers import HOUR, NOW, configuration, policy

OFFICE = Windows(
    "Europe/Berlin", ((Weekly(parse_days("Mon-Fri"), parse_clock("09:00"), parse_clock("17:00")),),)
)
DAY = timedelta(days=1)


def test_each_policy_with_its_intervals_and_how_it_is_now() -> None:
    """What the windows themselves say."""
    known = configuration(policy("office", windows=OFFICE), policy(), windows=OFFICE)
    found = agenda(known, NOW, NOW, NOW + 14 * DAY)
    assert found.timezone == "Europe/Berlin"
    office, web = found.policies
    spans = [(one.start, one.end) for one in office.intervals]
    assert spans == list(open_intervals(OFFICE, NOW, NOW + 14 * DAY))
    state = opening(OFFICE, NOW)
    assert (office.open, office.because, office.next_change) == (
        state.open,
        state.because,
        state.next_change,
    )
    assert [(one.start, one.end) for one in web.intervals] == [(NOW, NOW + 14 * DAY)]
    assert not office.more


def test_intervals_are_bounded() -> None:
    """Windows that open every hour of years are cut, and that is said."""
    hourly = Windows(
        "UTC",
        (tuple(Weekly(frozenset(range(7)), h * 3600, h * 3600 + 60) for h in range(24)),),
    )
    (one,) = agenda(configuration(policy(windows=hourly)), NOW, NOW, NOW + 400 * DAY).policies
    assert (len(one.intervals), one.more) == (MOST_INTERVALS, True)
    assert one.intervals[0].end - one.intervals[0].start <= HOUR
