"""Slots of every kind of schedule: their times, their names, and that spans add up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.schedule import Every, MeanTime, Rate, Schedule, Slot, intent_id
from chaosd.core.window import strikeable_until
from tests.core.planning import CRONS, DEADLINE, STARTS, nights, plan, z

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# ------------------------------------------------------------------ names


def test_action_ids_name_policy_workload_time_and_ordinal() -> None:
    """The id is readable, and unique for each attempt of a slot."""
    slot = Slot("web", "shop/Deployment/cart", z("2026-11-20T09:30:01"))
    assert slot.action_id(0) == "web/shop/Deployment/cart/2026-11-20T09:30:01Z#0"
    assert slot.action_id(2) == "web/shop/Deployment/cart/2026-11-20T09:30:01Z#2"


def test_intent_ids_are_short_names_of_action_ids() -> None:
    """Twenty hexadecimal digits of the SHA-256, as `sha256sum` gives them."""
    assert intent_id("web/*/2026-11-20T09:30:01Z#0") == "a905dc68c530db7a9297"


# ------------------------------------------------------------------ every


@pytest.mark.parametrize(
    ("every", "jitter"), [(HOUR, timedelta(0)), (HOUR, HOUR - SECOND), (7 * DAY, DAY)]
)
def test_every_keeps_its_pace(every: timedelta, jitter: timedelta) -> None:
    """Slot k lies at k x every + a fixed offset + less than the jitter, one for each k."""
    found = plan(Every(every, jitter), EPOCH, EPOCH + 400 * every)
    steady = plan(Every(every), EPOCH, EPOCH + every)
    offset = steady[0].at - EPOCH
    assert timedelta(0) <= offset <= every
    late = [(slot.at - EPOCH - offset) % every for slot in found]
    assert all(delay < max(jitter, SECOND) for delay in late)
    ks = [(slot.at - EPOCH - offset) // every for slot in found]
    assert ks == list(range(ks[0], ks[0] + len(found)))
    assert len(found) in {399, 400, 401}
    assert len(set(late)) == 1 if not jitter else len(set(late)) > 300


def test_every_differs_by_policy_and_seed() -> None:
    """Policies of the same pace don't strike together."""
    offsets = {
        plan(Every(HOUR), EPOCH, EPOCH + HOUR, seed=seed, policy=policy)[0].at
        for seed in ("one", "two")
        for policy in ("web", "jobs", "nodes")
    }
    assert len(offsets) == 6


def test_offsets_and_jitter_are_spread_evenly() -> None:
    """Over many policies and slots each tenth of the range gets its tenth."""
    offsets = [
        (plan(Every(HOUR), EPOCH, EPOCH + HOUR, policy=str(number))[0].at - EPOCH).seconds % 3_600
        for number in range(1_000)
    ]
    found = plan(Every(HOUR, HOUR / 2), EPOCH, EPOCH + 1_000 * HOUR)
    offset = (plan(Every(HOUR), EPOCH, EPOCH + HOUR)[0].at - EPOCH) % HOUR
    jitters = [((slot.at - EPOCH - offset) % HOUR).seconds for slot in found]
    for values, width in ((offsets, 360), (jitters, 180)):
        counts = [sum(value // width == tenth for value in values) for tenth in range(10)]
        assert sum((count - 100) ** 2 / 100 for count in counts) < 27.9  # chi-square, p = 0.001


@pytest.mark.parametrize(
    ("every", "jitter", "advice"),
    [
        (timedelta(0), timedelta(0), "1s or more"),
        (-HOUR, timedelta(0), "1s or more"),
        (timedelta(seconds=1.5), timedelta(0), "whole seconds"),
        (HOUR, timedelta(seconds=0.5), "whole seconds"),
        (HOUR, HOUR, "shorter jitter"),
        (HOUR, -SECOND, "shorter jitter"),
    ],
)
def test_paces_that_are_refused(every: timedelta, jitter: timedelta, advice: str) -> None:
    """A pace without meaning is refused with what to write."""
    with pytest.raises(ValueError, match=advice):
        Every(every, jitter)


# ------------------------------------------------------------------ properties of all

EVERIES = st.builds(
    lambda every, part: Every(every * SECOND, every * part // 100 * SECOND),
    st.integers(600, 200_000),
    st.integers(0, 99),
)
MEANS = st.builds(
    lambda hours: MeanTime(hours * HOUR, 2 * HOUR),
    st.integers(12, 60),
)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo")
RATES = tuple(Rate(f"shop/Deployment/{name}", 30 * HOUR, 2 * HOUR) for name in "abcde")


@given(st.one_of(CRONS, EVERIES, MEANS), st.sampled_from(ZONES), STARTS, st.integers(0, 5_760))
def test_a_span_is_the_sum_of_its_parts(
    schedule: Schedule, zone: str, after: datetime, minutes: int
) -> None:
    """Where a span is cut makes no difference, and asking twice gives the same."""
    middle, until = after + timedelta(minutes=minutes), after + 4 * DAY
    windows = nights(zone)

    def ask(low: datetime, high: datetime) -> list[Slot]:
        return plan(schedule, low, high, windows=windows, workloads=RATES)

    whole = ask(after, until)
    assert whole == ask(after, middle) + ask(middle, until)
    assert whole == ask(after, until)
    assert whole == sorted(whole, key=lambda slot: (slot.at, slot.workload))
    assert all(after < slot.at <= until and not slot.at.microsecond for slot in whole)
    assert len({slot.action_id(0) for slot in whole}) == len(whole)
    if isinstance(schedule, MeanTime):
        assert all(strikeable_until(windows, DEADLINE, slot.at) for slot in whole)


@pytest.mark.parametrize("schedule", [Every(HOUR, HOUR / 2), MeanTime(12 * HOUR, 2 * HOUR)])
def test_seed_and_policy_decide(schedule: Schedule) -> None:
    """The same words give the same times; other words give others."""
    start, end = z("2026-11-20T00:00"), z("2026-11-30T00:00")

    def times(seed: str, policy: str) -> list[datetime]:
        found = plan(schedule, start, end, seed=seed, policy=policy, workloads=RATES)
        return [slot.at for slot in found]

    assert times("one", "web") == times("one", "web")
    assert times("one", "web") != times("two", "web")
    assert times("one", "web") != times("one", "jobs")


def test_times_without_a_zone_are_refused() -> None:
    """A naive time is a mistake of the caller."""
    with pytest.raises(ValueError, match="has no time zone"):
        plan(Every(HOUR), datetime(2026, 1, 1), z("2026-01-02T00:00"))  # noqa: DTZ001
