"""Limits: what counts for the hour, the day and at once, and apart from what."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core import transitions
from chaosd.core.ledger import Intent, Ledger, Result, StepState
from chaosd.core.limits import DAY, Used, frees_at, limit_reasons, used
from chaosd.core.model import Code, Limits
from tests.core.ledgers import (
    API,
    HOUR,
    MOMENT,
    NOW,
    WEB,
    codes,
    did,
    dry,
    healed,
    intent,
    killed,
    led,
    policy,
    reserved,
    settled,
    stuck,
)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (timedelta(0), Used(1, 1, 0)),
        (HOUR - MOMENT, Used(1, 1, 0)),
        (HOUR, Used(0, 1, 0)),
        (DAY - MOMENT, Used(0, 1, 0)),
        (DAY, Used(0, 0, 0)),
        (-MOMENT, Used(1, 1, 0)),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_an_intent_counts_from_its_reservation(
    after: timedelta, expected: Used, dry_run: bool
) -> None:
    """For 60 minutes and for 24 hours, to the microsecond; when it recovered does not matter."""
    ledger = reserved(led(), dry()) if dry_run else healed(led(), intent(), NOW + DAY)
    assert used(ledger, NOW + after, dry_run=dry_run) == expected
    assert used(ledger, NOW + after, dry_run=not dry_run) == Used(0, 0, 0)


@pytest.mark.parametrize(
    ("ledger", "expected"),
    [
        (reserved(led(), intent()), Used(1, 1, 1)),
        (settled(led(), intent(), StepState.KILLED), Used(1, 1, 1)),
        (stuck(), Used(1, 1, 1)),
        (healed(led(), intent()), Used(1, 1, 0)),
        (did(transitions.forgive(stuck(), WEB, "ann", NOW)), Used(1, 1, 0)),
        (settled(led(), intent(), StepState.REFUSED), Used(0, 0, 0)),
        (settled(led(), intent(), StepState.FAILED), Used(0, 0, 0)),
    ],
)
def test_what_counts(ledger: Ledger, expected: Used) -> None:
    """Unknown outcomes count, what did not recover goes on counting, and only what was refused or
    failed gives its limits back."""
    assert used(ledger, NOW, dry_run=False) == expected


def test_what_did_not_recover_counts_for_as_long_as_it_does_not() -> None:
    """Days later it no longer counts for the hour and the day, but is still one at once."""
    assert used(stuck(), NOW + 9 * DAY, dry_run=False) == Used(0, 0, 1)


MOMENTS = st.integers(0, 60 * 30).map(lambda minutes: NOW + timedelta(minutes=minutes))
INTENTS = st.builds(
    lambda name, at, result, dry_run, is_open, number: intent(
        name,
        WEB,
        at,
        action_id=str(number),
        result=result,
        dry_run=dry_run,
        closed_at=None if is_open else at,
    ),
    st.sampled_from(["web", "api"]),
    MOMENTS,
    st.none() | st.sampled_from(Result),
    st.booleans(),
    st.booleans(),
    st.integers(),
)


def ledger_of(some: list[Intent]) -> Ledger:
    return msgspec.structs.replace(
        led(),
        intents={one.id: one for one in some if one.closed_at is None},
        outcomes={one.id: one for one in some if one.closed_at is not None},
    )


@given(
    st.lists(INTENTS, max_size=12, unique_by=lambda one: one.id),
    MOMENTS,
    st.booleans(),
    st.none() | st.sampled_from(["web", "api"]),
)
def test_used_counts_what_is_there(
    some: list[Intent], now: datetime, dry_run: bool, whose: str | None
) -> None:
    """The counts are those of a plain loop."""
    hour = day = concurrent = 0
    for one in some:
        if one.dry_run is not dry_run or one.result in (Result.REFUSED, Result.FAILED):
            continue
        if whose is not None and one.policy != whose:
            continue
        hour += now - one.reserved_at < HOUR
        day += now - one.reserved_at < DAY
        concurrent += one.closed_at is None
    counted = used(ledger_of(some), now, dry_run=dry_run, policy=whose)
    assert counted == Used(hour, day, concurrent)


@given(
    st.lists(MOMENTS, max_size=30).map(sorted),
    st.integers(0, 3),
    st.integers(0, 8),
    st.booleans(),
)
def test_no_60_minutes_and_no_24_hours_hold_more_than_their_limit(
    slots: list[datetime], hour: int, day: int, own: bool
) -> None:
    """Whatever is tried when: reserving only what the limits let through keeps them, wherever an
    hour or a day is laid; and what they refuse would have broken one."""
    limits = Limits(per_hour=hour, per_day=day)
    one = policy(limits=limits if own else Limits())
    ledger = led()
    taken: list[datetime] = []
    for number, at in enumerate(slots):
        reasons = limit_reasons(ledger, Limits() if own else limits, one, at)
        within = [sum(at - past < span for past in taken) for span in (HOUR, DAY)]
        assert bool(reasons) == (within[0] >= hour or within[1] >= day)
        if not reasons:
            taken.append(at)
            ledger = reserved(ledger, intent("web", WEB, at, action_id=str(number), locks=()))
    for end in taken:
        assert sum(timedelta(0) <= end - at < HOUR for at in taken) <= hour
        assert sum(timedelta(0) <= end - at < DAY for at in taken) <= day


def test_every_limit_that_leaves_no_room_is_named() -> None:
    """Global ones and the policy's own, with how much of each is used."""
    ledger = killed(killed(led(), intent()), intent("api", API))
    one = policy("web", limits=Limits(1, 1, 1))
    assert [str(reason) for reason in limit_reasons(ledger, Limits(2, 2, 2), one, NOW)] == [
        "limitPerHour: all policies: 2 of 2 in the last 60 minutes",
        "limitPerDay: all policies: 2 of 2 in the last 24 hours",
        "limitConcurrent: all policies: 2 of 2 not recovered yet",
        "limitPerHour: policy web: 1 of 1 in the last 60 minutes",
        "limitPerDay: policy web: 1 of 1 in the last 24 hours",
        "limitConcurrent: policy web: 1 of 1 not recovered yet",
    ]


@pytest.mark.parametrize(
    ("everyone", "own", "name", "expected"),
    [
        (Limits(), Limits(), "web", []),
        (Limits(2, 2, 2), Limits(2, 2, 2), "web", []),
        (Limits(1), Limits(), "web", [Code.LIMIT_PER_HOUR]),
        (Limits(1), Limits(), "api", [Code.LIMIT_PER_HOUR]),
        (Limits(), Limits(1), "api", []),
        (Limits(), Limits(None, 1), "web", [Code.LIMIT_PER_DAY]),
        (Limits(None, None, 1), Limits(), "api", [Code.LIMIT_CONCURRENT]),
        (Limits(0), Limits(), "api", [Code.LIMIT_PER_HOUR]),
        (Limits(), Limits(None, None, 0), "api", [Code.LIMIT_CONCURRENT]),
    ],
)
def test_global_limits_bind_all_and_own_ones_their_policy(
    everyone: Limits, own: Limits, name: str, expected: list[Code]
) -> None:
    """After one kill of web: none sets no limit, and zero lets nothing through."""
    ledger = killed(led(), intent())
    reasons = limit_reasons(ledger, everyone, policy(name, limits=own), NOW)
    assert codes(reasons) == expected


def test_dry_runs_use_limits_of_their_own() -> None:
    """A dry run is never held back by real kills, nor a real kill by dry runs."""
    limits = Limits(1, 1, 1)
    live, rehearsed = policy(), policy(dry_run=True)
    after_dry, after_kill = reserved(led(), dry()), killed(led(), intent())
    assert limit_reasons(after_dry, limits, live, NOW) == ()
    assert limit_reasons(after_kill, limits, rehearsed, NOW) == ()
    assert codes(limit_reasons(after_dry, limits, rehearsed, NOW)) == [
        Code.LIMIT_PER_HOUR,
        Code.LIMIT_PER_DAY,
    ]


@pytest.mark.parametrize(
    ("limits", "own", "frees"),
    [
        (Limits(), Limits(), NOW),
        (Limits(per_hour=3), Limits(), NOW),
        (Limits(per_hour=2), Limits(), NOW + timedelta(minutes=20)),
        (Limits(per_hour=1), Limits(), NOW + timedelta(minutes=50)),
        (Limits(per_hour=2, per_day=1), Limits(), NOW + timedelta(hours=23, minutes=50)),
        (Limits(), Limits(per_hour=2), NOW + timedelta(minutes=20)),
    ],
)
def test_when_a_limit_frees(limits: Limits, own: Limits, frees: datetime) -> None:
    """At that instant the limits leave room, and not a moment before."""
    ledger = led()
    for ago in (40, 10):
        ledger = healed(ledger, intent("web", WEB, NOW - timedelta(minutes=ago)))
    some = policy(limits=own)
    assert frees_at(ledger, limits, some, NOW) == frees
    assert limit_reasons(ledger, limits, some, frees) == ()
    if frees > NOW:
        assert limit_reasons(ledger, limits, some, frees - timedelta(microseconds=1))
