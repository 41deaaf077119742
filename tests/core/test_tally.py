"""How many kills there were on each day, also when their outcomes are forgotten."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

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


@given(policies=st.integers(1, 100), longest=st.integers(4, 63), count=st.integers(0, DAYS_KEPT))
def test_what_is_kept_has_a_bound(policies: int, longest: int, count: int) -> None:
    """However many policies there are: the newest days are kept, each whole or not at all."""
    whole = Tally({f"{number:0{longest}}": 12345 for number in range(policies)})
    kept = counted({TODAY - DAY * n: whole for n in range(count)}, (), "UTC", NOW)
    assert list(reversed(kept)) == [TODAY - DAY * n for n in range(len(kept))]
    assert all(tally == whole for tally in kept.values())
    assert len(msgspec.json.encode(kept)) <= MOST
    more = {**kept, TODAY - DAY * len(kept): whole}
    assert len(kept) == count or len(msgspec.json.encode(more)) > MOST - 2 * len(more)


def test_a_year_of_ten_policies_is_kept() -> None:
    """With names of a usual length."""
    day = Tally({f"policy-{number:05}": 99 for number in range(10)})
    year = {TODAY - DAY * n: day for n in range(366)}
    assert counted(year, (), "UTC", NOW) == dict(sorted(year.items()))


def test_what_a_ledger_may_hold_can_be_counted_on() -> None:
    """The first instant that there is, and the largest number: no error, and a ledger again."""
    first = changed(intent("web", WEB, datetime(1, 1, 1, tzinfo=UTC)), result=Result.KILLED)
    full = {TODAY: Tally({"web": 1_000_000_000})}
    now = changed(intent(), result=Result.KILLED)
    assert counted(full, [now, first], "America/New_York", NOW) == full
    ledger = msgspec.structs.replace(led(), outcomes={first.id: changed(first, closed_at=NOW)})
    assert [one.kills for one in days_of(ledger, NOW, "America/New_York").days] == [1]


ZONES = st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York", "Pacific/Kiritimati"])


@given(
    kills=st.lists(
        st.tuples(
            st.sampled_from(["web", "db"]),
            st.integers(0, 4000).map(lambda n: NOW - timedelta(minutes=n)),
            st.booleans(),
        ),
        max_size=8,
    ),
    counted_in=ZONES,
    shown_in=ZONES,
)
def test_no_kill_is_shown_twice(
    kills: list[tuple[str, datetime, bool]], counted_in: str, shown_in: str
) -> None:
    """In whatever zone it was forgotten, and also when it is remembered as a workload's last: each
    counts once, for its policy and for all."""
    known, forgotten, last = {}, [], {}
    for number, (policy, at, remembered) in enumerate(kills):
        one = changed(
            intent(policy, f"shop/Deployment/{number}", at), result=Result.KILLED, closed_at=at
        )
        if remembered:
            known[one.id] = one
        else:
            forgotten.append(one)
        last[workload_hash(one.workload)] = LastKill(int(at.timestamp()) + 2)
    days = counted({}, forgotten, counted_in, NOW + DAY)
    ledger = Ledger(outcomes=known, last_kills=last, days=days)
    found = days_of(ledger, NOW, shown_in).days
    assert all(one.kills == sum(one.policies.values()) for one in found)
    assert sum(one.kills for one in found) == len(kills)


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


def test_the_days_of_a_zone() -> None:
    """What is remembered falls on the day that it was there."""
    ledger = healed(led(), intent("web", WEB, EVENING), EVENING + HOUR)
    berlin = days_of(ledger, NOW, "Europe/Berlin")
    assert (berlin.zone, [one.day for one in berlin.days]) == ("Europe/Berlin", [TODAY + DAY])
