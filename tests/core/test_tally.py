"""How many kills there were on each day, also when their outcomes are forgotten."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.ledger import LastKill, Ledger, Result, StepState, Tally, workload_hash
from chaosd.core.tally import DAYS_KEPT, MOST, DayOfKills, counted, days_of
from tests.core.ledgers import HOUR, NOW, WEB, changed, dry, healed, intent, led, reserved, settled

DAY = timedelta(days=1)
TODAY = NOW.date()
EVENING = NOW.replace(hour=23, minute=30)


def kills(ledger: Ledger, policy: str | None = None, zone: str = "UTC") -> list[DayOfKills]:
    return list(days_of(ledger, NOW, zone, policy).days)


def test_the_kills_of_forgotten_outcomes_are_counted() -> None:
    """By policy, on top of what is known of that day; nothing else is a kill."""
    before = {TODAY: Tally({"web": 2, "gone": 1})}
    forgotten = [
        changed(intent(), result=Result.KILLED),
        changed(intent("db"), result=Result.KILLED),
        *(changed(intent(), result=other) for other in Result if other is not Result.KILLED),
    ]
    assert counted(before, forgotten, "UTC", NOW) == {TODAY: Tally({"web": 3, "gone": 1, "db": 1})}


@pytest.mark.parametrize(
    ("zone", "day"), [("UTC", TODAY), ("Europe/Berlin", TODAY + DAY), ("America/New_York", TODAY)]
)
def test_a_day_is_that_of_the_zone(zone: str, day: date) -> None:
    """Half past eleven in the evening is the next day further east."""
    late = changed(intent("web", WEB, EVENING), result=Result.KILLED)
    assert list(counted({}, [late], zone, EVENING + 2 * DAY)) == [day]


def test_days_are_kept_for_a_year_and_a_month() -> None:
    """Then they are forgotten."""
    days = {TODAY - DAY * n: Tally({"web": 1}) for n in (0, DAYS_KEPT, DAYS_KEPT + 1)}
    assert list(counted(days, (), "UTC", NOW)) == [TODAY - DAY * DAYS_KEPT, TODAY]


@given(
    policies=st.integers(1, 200),
    count=st.integers(0, DAYS_KEPT),
)
def test_what_is_kept_has_a_bound(policies: int, count: int) -> None:
    """However many policies there are: the newest days are kept, each whole or not at all."""
    whole = Tally({f"policy-{number}": 1 for number in range(policies)})
    kept = counted({TODAY - DAY * n: whole for n in range(count)}, (), "UTC", NOW)
    assert sum(len(tally.kills) for tally in kept.values()) <= MOST
    assert list(reversed(kept)) == [TODAY - DAY * n for n in range(min(count, MOST // policies))]
    assert all(tally == whole for tally in kept.values())


def test_a_day_has_what_is_counted_and_what_is_remembered() -> None:
    """Newest first; of one policy, or of all with their names. A dry run and a refusal are none."""
    ledger = healed(led(), intent())
    ledger = settled(ledger, intent("db", "shop/Deployment/db"), StepState.REFUSED)
    ledger = reserved(ledger, dry("api"))
    days = {TODAY - DAY: Tally({"web": 2, "db": 1}), TODAY: Tally({"db": 4})}
    ledger = msgspec.structs.replace(ledger, days=days)
    assert kills(ledger) == [
        DayOfKills(TODAY, 5, {"db": 4, "web": 1}),
        DayOfKills(TODAY - DAY, 3, {"db": 1, "web": 2}),
    ]
    assert kills(ledger, "web") == [
        DayOfKills(TODAY, 1, {"web": 1}),
        DayOfKills(TODAY - DAY, 2, {"web": 2}),
    ]
    assert kills(ledger, "api") == kills(ledger, "nobody") == []


def test_days_before_it_counted() -> None:
    """There it knows the last kill of each workload, if it must rest; no kill counts twice."""
    ledger = healed(led(), intent())
    long_ago = NOW - 3 * DAY
    kept = {workload_hash("a"): LastKill(int(long_ago.timestamp()), 5)}
    ledger = Ledger(outcomes=ledger.outcomes, last_kills=ledger.last_kills | kept)
    assert kills(ledger) == [
        DayOfKills(TODAY, 1, {"web": 1}),
        DayOfKills(long_ago.date(), 1, {}),
    ]
    assert kills(ledger, "web") == [DayOfKills(TODAY, 1, {"web": 1})]


def test_the_days_of_a_zone() -> None:
    """What is remembered falls on the day that it was there."""
    ledger = healed(led(), intent("web", WEB, EVENING), EVENING + HOUR)
    berlin = days_of(ledger, NOW, "Europe/Berlin")
    assert (berlin.zone, [one.day for one in berlin.days]) == ("Europe/Berlin", [TODAY + DAY])
