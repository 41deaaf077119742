"""How many kills a week to expect."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from chaosd.core.expectation import Expectation, expectation, kill_intervals, together
from chaosd.core.ledger import Ledger
from chaosd.core.model import Action, Configuration, Limits, Policy, Select, TargetKind
from chaosd.core.preview import preview
from chaosd.core.schedule import Cron, Every, MeanTime, Rate, Schedule
from chaosd.core.window import Dates, Weekly, Windows

NOW = datetime(2026, 3, 2, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALWAYS = Windows("UTC")
OFFICE = Windows("UTC", ((Weekly(frozenset(range(5)), 9 * 3600, 17 * 3600),),))
SHUT = Windows("UTC", ((Weekly(frozenset({0}), 9 * 3600, 9 * 3600 + 300),),))
NO_LIMITS = Limits()


def policy(schedule: Schedule, windows: Windows = ALWAYS, **changes: object) -> Policy:
    made = Policy(
        name="web",
        target=TargetKind.POD,
        action=Action.EVICT,
        schedule=schedule,
        select=Select(),
        windows=windows,
        limits=NO_LIMITS,
        cooldown=timedelta(0),
        dry_run=False,
    )
    return msgspec.structs.replace(made, **changes)


def rates(n: int, mean: timedelta, gap: timedelta) -> list[Rate]:
    return [Rate(f"shop/Deployment/w{number}", mean, gap) for number in range(n)]


@pytest.mark.parametrize(
    ("made", "eligible", "kills"),
    [
        (policy(Every(HOUR)), 5, 168),
        (policy(Every(HOUR), OFFICE), 5, 5 * 8 - 5 / 6),
        (policy(Every(HOUR), SHUT), 5, 0),
        (policy(Every(HOUR), count=2), 5, 336),
        (policy(Every(HOUR)), 0, 0),
        (policy(Every(HOUR), cooldown=7 * HOUR), 2, 48),
        (policy(Every(HOUR), limits=Limits(per_day=3)), 5, 21),
        (policy(Every(HOUR), OFFICE, limits=Limits(per_day=3)), 5, 21),
        (policy(Every(timedelta(minutes=10)), limits=Limits(per_hour=2)), 5, 336),
        (policy(Cron("0 10 * * TUE"), OFFICE), 5, 1),
        (policy(Cron("0 3 * * *"), OFFICE), 5, 0),
        (policy(Cron("0 * * * *"), OFFICE), 5, 40),
        (policy(Cron("* * * * *")), 5, 7 * 1440),
    ],
)
def test_what_a_policy_of_its_own_schedule_does(made: Policy, eligible: int, kills: float) -> None:
    """Slots count where they are strikeable, and limits, cooldown and candidates bound them."""
    found = expectation(made, eligible, [], NOW).kills
    assert found == pytest.approx(kills, rel=0.03, abs=0.02)


def test_mean_times_add_up_over_workloads() -> None:
    """Ten workloads at five days each are fourteen kills a week, whatever the windows."""
    schedule = MeanTime(5 * DAY, 12 * HOUR)
    some = rates(10, 5 * DAY, 12 * HOUR)
    assert expectation(policy(schedule, OFFICE), 10, some, NOW).kills == pytest.approx(14)
    assert expectation(policy(schedule, SHUT), 10, some, NOW).kills == 0


@pytest.mark.parametrize(
    "made",
    [
        policy(MeanTime(2 * DAY, 12 * HOUR), OFFICE),
        policy(Every(2 * HOUR, HOUR), OFFICE),
        policy(Cron("30 8-18 * * *"), OFFICE),
    ],
)
def test_it_is_what_a_preview_comes_to(made: Policy) -> None:
    """Over forty weeks a preview makes about as many kills as were expected."""
    weeks = 40
    configuration = Configuration(made.windows, (made,), dry_run=False, limits=NO_LIMITS)
    some = rates(6, 2 * DAY, 12 * HOUR)
    until = NOW + timedelta(weeks=weeks)
    kills = preview(configuration, "seed", {"web": some}, NOW, until, Ledger())
    assert sum(1 for _ in kills) / weeks == pytest.approx(
        expectation(made, 6, some, NOW).kills, rel=0.12
    )


def test_a_freeze_makes_no_ordinary_week() -> None:
    """Dates that are shut now leave the expectation as it is."""
    frozen = msgspec.structs.replace(
        policy(Cron("0 10 * * TUE")),
        windows=Windows("UTC", (), (Dates(NOW.date(), (NOW + 90 * DAY).date()),)),
    )
    assert expectation(frozen, 5, [], NOW).kills == pytest.approx(1, rel=0.03)


def test_the_global_limits_bound_all_together() -> None:
    """The sum of all policies is cut at what an hour or a day lets through."""
    each = [Expectation(100), Expectation(200, 50)]
    made = policy(Every(HOUR))
    configuration = Configuration(ALWAYS, (made,), limits=Limits(per_day=10))
    assert together(configuration, each).kills == 70
    assert together(msgspec.structs.replace(configuration, limits=NO_LIMITS), each).kills == 150


@pytest.mark.parametrize(
    ("made", "workloads", "hours"),
    [
        (policy(Every(HOUR)), 0, 1),
        (policy(Every(HOUR), cooldown=7 * HOUR), 0, 1),
        (policy(Every(2 * HOUR), OFFICE), 0, 40 / (20 - 5 / 12)),
        (policy(Cron("0 10 * * TUE"), OFFICE), 0, 40),
        (policy(Every(HOUR), count=2), 0, 0.5),
        (policy(Every(HOUR), limits=Limits(per_day=6)), 0, 4),
        (policy(MeanTime(5 * DAY, 12 * HOUR), OFFICE), 10, 40 / 14),
    ],
)
def test_the_interval_counts_open_time(made: Policy, workloads: int, hours: float) -> None:
    """A closed night is not waiting: hours of open windows are divided by the kills in them."""
    configuration = Configuration(made.windows, (made,), limits=NO_LIMITS)
    known = {"web": rates(workloads, 5 * DAY, 12 * HOUR)} if workloads else {}
    (found,) = kill_intervals(configuration, known, NOW).values()
    assert found / 3600 == pytest.approx(hours, rel=0.03)


@pytest.mark.parametrize(
    "made",
    [
        policy(Every(HOUR), SHUT),
        policy(MeanTime(5 * DAY, 12 * HOUR)),
        policy(Cron("0 3 * * *"), OFFICE),
    ],
)
def test_where_nothing_is_expected_there_is_no_interval(made: Policy) -> None:
    """Windows too short, no workload with a rate, or slots outside the windows."""
    assert kill_intervals(Configuration(made.windows, (made,), limits=NO_LIMITS), {}, NOW) == {}


def test_the_global_limits_stretch_every_interval() -> None:
    """Two policies that want 24 kills a day each and may have 12 together get one in 4 hours.
    Dry runs are counted apart."""
    both = (policy(Every(HOUR)), policy(Every(HOUR), name="api"))
    configuration = Configuration(ALWAYS, both, limits=Limits(per_day=12))
    found = kill_intervals(configuration, {}, NOW)
    assert found == {"web": pytest.approx(4 * 3600), "api": pytest.approx(4 * 3600)}
    other = msgspec.structs.replace(both[1], dry_run=True)
    apart = msgspec.structs.replace(configuration, policies=(both[0], other))
    found = kill_intervals(apart, {}, NOW)
    assert found == {"web": pytest.approx(2 * 3600), "api": pytest.approx(2 * 3600)}
