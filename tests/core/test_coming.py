"""The plan that a running daemon shows: that of `chaosd plan`, for bounded work."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.coming import MOST_SLOTS, MOST_WORK, coming, horizon
from chaosd.core.ledger import Ledger
from chaosd.core.model import Limits
from chaosd.core.preview import preview
from chaosd.core.schedule import Every, MeanTime, Rate
from tests.core.ledgers import (
    API,
    HOUR,
    NOW,
    SECOND,
    WEB,
    configuration,
    intent,
    killed,
    led,
    policy,
)

MEAN = policy("mean", schedule=MeanTime(timedelta(days=2), HOUR))
RATES = {"mean": [Rate(name, timedelta(days=2), HOUR) for name in (WEB, API)]}
DAY = timedelta(days=1)


@given(days=st.integers(1, 10), limit=st.integers(1, 40))
def test_it_is_the_plan_cut_short(days: int, limit: int) -> None:
    """The same kills as the preview's, the first ones; `more` says whether there are others."""
    known = configuration(policy(), MEAN, limits=Limits(per_day=12))
    whole = list(preview(known, "seed", RATES, NOW, NOW + days * DAY))
    found = coming(known, "seed", RATES, Ledger(), NOW, days=days, limit=limit)
    assert [(k.time, k.policy, k.workload) for k in found.kills] == [
        (k.at, k.policy, k.workload) for k in whole[:limit]
    ]
    assert found.more == (len(whole) > limit)
    assert found.unknown == {}
    assert found.until == NOW + days * DAY


def test_what_is_over_counts_and_what_is_open_does_not() -> None:
    """As in `chaosd plan`: an open intent holds one slot, not all slots for days."""
    known = configuration(policy(limits=Limits(concurrent=1)))
    open_one = killed(led(), intent())
    assert coming(known, "s", {}, open_one, NOW, days=1, limit=50).kills


def test_a_policy_whose_workloads_or_seed_are_not_known_is_named() -> None:
    """The others are planned all the same, where they can be."""
    known = configuration(policy(), MEAN)
    found = coming(known, "seed", {}, Ledger(), NOW, days=1, limit=50)
    assert list(found.unknown) == ["mean"]
    assert {one.policy for one in found.kills} == {"web"}
    nothing = coming(known, None, RATES, Ledger(), NOW, days=1, limit=50)
    assert (nothing.kills, set(nothing.unknown)) == ((), {"web", "mean"})


def test_dry_runs_are_marked() -> None:
    """They are planned like kills and take nothing down."""
    known = configuration(policy(dry_run=True))
    found = coming(known, "seed", {}, Ledger(), NOW, days=1, limit=3)
    assert [one.dry_run for one in found.kills] == [True] * 3


def test_no_more_slots_are_judged_than_a_page_can_wait_for() -> None:
    """A policy that tries every second under a limit that is long used up; what was not looked at
    is not claimed."""
    known = configuration(policy(schedule=Every(SECOND)), limits=Limits(per_day=3))
    found = coming(known, "seed", {}, Ledger(), NOW, days=31, limit=1000)
    assert len(found.kills) == 3
    assert timedelta(0) < found.until - NOW <= (MOST_SLOTS + 1) * SECOND


@pytest.mark.parametrize(
    ("days", "workloads", "expected"), [(7, 0, 7), (31, 15_000, 7), (31, 10**6, 1), (1, 3, 1)]
)
def test_fewer_days_with_very_many_workloads(days: int, workloads: int, expected: int) -> None:
    """Never less than one."""
    assert horizon(NOW, days, workloads) == NOW + expected * DAY
    assert expected == 1 or expected * workloads <= MOST_WORK
