"""Previews: equal to a plain loop and to what the ledger's rules make of the same slots."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from types import FrameType
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.core import transitions
from chaosd.core.admission import Circumstances, admit
from chaosd.core.ledger import LastKill, Ledger, StepState, Verdict, workload_hash
from chaosd.core.limits import DAY, rest_reasons
from chaosd.core.model import EVERY_WORKLOAD, Configuration, Limits, Policy
from chaosd.core.preview import Kill, policy_slots, preview
from chaosd.core.pruning import prune
from chaosd.core.schedule import Cron, Every, MeanTime, Rate, Slot, intent_id, slots
from chaosd.core.window import Weekly, Windows
from tests.core.ledgers import (
    API,
    HOUR,
    LEADER,
    NOW,
    SECOND,
    STOP,
    WEB,
    configuration,
    did,
    healed,
    intent,
    killed,
    led,
    policy,
)

SEED = "5f6c1a3e"
OFFICE = Windows("UTC", ((Weekly(frozenset(range(5)), 9 * 3600, 17 * 3600),),))
WORKLOADS = (WEB, API, "shop/StatefulSet/db")
Rates = Mapping[str, Sequence[Rate]]


class Case(NamedTuple):
    """What a preview is made of; it begins at NOW."""

    configuration: Configuration
    rates: Rates
    until: datetime

    def slots(self) -> list[Slot]:
        return list(policy_slots(self.configuration, SEED, self.rates, NOW, self.until))

    def preview(self, ledger: Ledger | None = None, after: datetime = NOW) -> list[Kill]:
        return list(preview(self.configuration, SEED, self.rates, after, self.until, ledger))

    def gap(self, name: str, workload: str) -> timedelta:
        gaps = [rate.min_gap for rate in self.rates.get(name, ()) if rate.workload == workload]
        return gaps[0] if gaps else timedelta(0)


SOME = st.none() | st.integers(0, 4)
LIMITS = st.builds(Limits, SOME, SOME, st.none() | st.just(1))
SCHEDULES = st.one_of(
    st.builds(Every, st.sampled_from([20 * 60 * SECOND, HOUR, 5 * HOUR]), st.just(90 * SECOND)),
    st.just(Cron("*/40 9-10 * * *")),
    st.builds(
        MeanTime, st.sampled_from([8 * HOUR, 2 * DAY]), st.sampled_from([0 * HOUR, 3 * HOUR])
    ),
)


@st.composite
def policies(draw: st.DrawFn, name: str) -> Policy:
    return policy(
        name,
        schedule=draw(SCHEDULES),
        windows=draw(st.sampled_from([Windows("UTC"), OFFICE])),
        limits=draw(LIMITS),
        count=draw(st.integers(1, 3)),
        deadline=draw(st.sampled_from([10 * 60 * SECOND, 2 * HOUR])),
        cooldown=draw(st.sampled_from([timedelta(0), HOUR, 9 * HOUR])),
        dry_run=draw(st.booleans()),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    some = [draw(policies(name)) for name in ["b", "a", "c"][: draw(st.integers(1, 3))]]
    rates = {
        one.name: [Rate(each, one.schedule.mean, one.schedule.min_gap) for each in WORKLOADS]
        for one in some
        if isinstance(one.schedule, MeanTime)
    }
    until = NOW + draw(st.integers(6, 80)) * HOUR
    return Case(configuration(*some, limits=draw(LIMITS)), rates, until)


# ------------------------------------------------------------------ what it must come to


def open_at(one: Policy, at: datetime) -> bool:
    """Whether the policy's deadline fits into its windows, worked out by hand."""
    if one.windows != OFFICE:
        return True
    day = at.replace(hour=0, minute=0, second=0)
    return at.weekday() < 5 and day + 9 * HOUR <= at and at + one.deadline < day + 17 * HOUR


def naive(case: Case) -> Iterator[Kill]:
    """A plain loop over everything that was struck before."""
    struck: list[tuple[Kill, Policy]] = []
    for slot in case.slots():
        one = case.configuration.policy(slot.policy)
        assert one is not None
        for ordinal in range(1 if isinstance(one.schedule, MeanTime) else one.count):
            alike = [(kill, by) for kill, by in struck if by.dry_run is one.dry_run]
            within = [
                (limits, sum(slot.at - kill.at < span for kill, by in alike if by in who), most)
                for limits, who in (
                    (case.configuration.limits, case.configuration.policies),
                    (one.limits, (one,)),
                )
                for span, most in ((HOUR, limits.per_hour), (DAY, limits.per_day))
            ]
            rest = max(case.gap(one.name, slot.workload), one.cooldown)
            named = [
                kill.at for kill, _ in alike if kill.workload == slot.workload != EVERY_WORKLOAD
            ]
            full = any(most is not None and n >= most for _, n, most in within)
            tired = any(slot.at < at + rest for at in named)
            if ordinal < one.count and open_at(one, slot.at) and not full and not tired:
                kill = Kill(slot.at, slot.policy, slot.workload)
                struck.append((kill, one))
                yield kill


@settings(max_examples=40)
@given(cases())
def test_a_preview_is_what_a_plain_loop_comes_to(case: Case) -> None:
    """Windows, deadlines, limits, gaps, cooldowns, counts and dry runs, each counted by hand."""
    assert case.preview() == list(naive(case))


def lived(
    case: Case, ledger: Ledger, after: datetime, until: datetime
) -> tuple[Ledger, list[Kill]]:
    """What the ledger's commands make of the slots, each kill succeeding and recovering at once."""
    kills = []
    for slot in case.slots():
        one = case.configuration.policy(slot.policy)
        if one is None or not after < slot.at <= until:
            continue
        ledger = did(prune(ledger, LEADER, slot.at, DAY))
        for ordinal in range(one.count):
            action_id, around = slot.action_id(ordinal), Circumstances(slot.at)
            named = slot.workload if slot.workload != EVERY_WORKLOAD else f"any/Pod/{action_id}"
            gap = case.gap(one.name, slot.workload)
            if admit(ledger, case.configuration, one, action_id, slot.at, around) or rest_reasons(
                ledger, named, slot.at, min_gap=gap, cooldown=one.cooldown, dry_run=one.dry_run
            ):
                continue
            if ordinal and slot.workload != EVERY_WORKLOAD:
                continue
            ledger = strike(ledger, one, named, action_id, slot.at)
            kills.append(Kill(slot.at, one.name, slot.workload))
    return ledger, kills


def strike(ledger: Ledger, one: Policy, workload: str, action_id: str, at: datetime) -> Ledger:
    reserved = intent(one.name, workload, at, action_id=action_id, dry_run=one.dry_run)
    ledger = did(transitions.reserve(ledger, LEADER, reserved))
    state = StepState.KILLED
    ledger = did(transitions.settle_step(ledger, LEADER, reserved.id, 1, state, "", at))
    ledger = did(transitions.finish_strikes(ledger, LEADER, reserved.id, at))
    ledger = did(transitions.judge(ledger, LEADER, reserved.id, Verdict.RECOVERED, at))
    for verdict in (False, True):
        ledger = did(transitions.tell(ledger, LEADER, reserved.id, verdict=verdict))
    return ledger


@settings(max_examples=40)
@given(cases(), st.integers(0, 80))
def test_a_preview_is_what_the_ledger_s_rules_come_to(case: Case, hours: int) -> None:
    """From an empty ledger, and from where the real one is at any later time."""
    middle = min(NOW + hours * HOUR, case.until)
    ledger, before = lived(case, led(), NOW, middle)
    _, after = lived(case, ledger, middle, case.until)
    assert case.preview() == before + after
    assert case.preview(ledger, middle) == after


@settings(max_examples=10)
@given(cases())
def test_a_preview_is_the_same_every_time(case: Case) -> None:
    """Nothing but its arguments decides, and it leaves them as they are."""
    ledger = healed(led(), intent("a", WEB, NOW - HOUR))
    before = msgspec.json.encode(ledger)
    assert case.preview(ledger) == case.preview(ledger)
    assert msgspec.json.encode(ledger) == before


# ------------------------------------------------------------------ what a ledger keeps away


HOURLY = configuration(policy("web", schedule=Every(HOUR)))


def hourly(ledger: Ledger, **changes: object) -> int:
    """How many of a day's 24 slots a preview strikes."""
    [one] = HOURLY.policies
    settings_ = configuration(msgspec.structs.replace(one, **changes))
    return len(list(preview(settings_, SEED, {}, NOW, NOW + DAY, ledger)))


@pytest.mark.parametrize(
    ("ledger", "changes", "kills"),
    [
        (led(), {}, 24),
        (led(), {"count": 3}, 72),
        (led(), {"count": 3, "limits": Limits(2)}, 48),
        (led(), {"limits": Limits(None, 5)}, 5),
        (led(), {"limits": Limits(0)}, 0),
        (healed(led(), intent("web", WEB, NOW)), {"limits": Limits(None, 5)}, 4),
        (healed(led(), intent("api", WEB, NOW)), {"limits": Limits(None, 5)}, 5),
        (healed(led(), intent("web", WEB, NOW - DAY)), {"limits": Limits(None, 5)}, 5),
        (transitions.halt(led(), STOP), {}, 0),
        (transitions.halt(led(), STOP, "web"), {}, 0),
        (transitions.halt(led(), STOP, "api"), {}, 24),
        (killed(led(), intent("web", WEB, NOW)), {"limits": Limits(None, None, 1)}, 0),
    ],
)
def test_a_preview_begins_with_what_the_ledger_says(
    ledger: Ledger, changes: dict[str, object], kills: int
) -> None:
    """Kills that count, halts, pauses and what is open hold in the preview too."""
    assert hourly(ledger, **changes) == kills


def test_what_was_attempted_is_not_planned_again() -> None:
    """A slot whose action is in the ledger is left out, and only that one."""
    first = next(policy_slots(HOURLY, SEED, {}, NOW, NOW + DAY))
    done = intent("web", WEB, NOW, action_id=first.action_id(0))
    assert done.id == intent_id(first.action_id(0))
    kills = list(preview(HOURLY, SEED, {}, NOW, NOW + DAY, healed(led(), done)))
    assert len(kills) == 23
    assert first.at not in [kill.at for kill in kills]


@pytest.mark.parametrize(
    ("min_gap", "cooldown", "dry_run", "first"),
    [
        (HOUR, timedelta(0), False, HOUR),
        (HOUR, 2 * HOUR, False, 2 * HOUR),
        (20 * HOUR, 2 * HOUR, False, 20 * HOUR),
        (20 * HOUR, 2 * HOUR, True, timedelta(0)),
    ],
)
def test_a_workload_rests_after_the_ledger_s_last_kill(
    min_gap: timedelta, cooldown: timedelta, dry_run: bool, first: timedelta
) -> None:
    """By its gap and its cooldown, and not after a real kill where dry runs are planned."""
    schedule = MeanTime(2 * HOUR, min_gap)
    one = policy("web", schedule=schedule, cooldown=cooldown, dry_run=dry_run)
    rates = {"web": [Rate(WEB, schedule.mean, schedule.min_gap)]}
    case = Case(configuration(one), rates, NOW + 3 * DAY)
    after = healed(led(), intent("web", WEB, NOW))
    due = [slot.at for slot in case.slots() if slot.at >= NOW + first]
    assert due[0] < case.slots()[-1].at
    assert case.preview(after)[0].at == due[0]
    assert case.slots()[0].at < NOW + HOUR


# ------------------------------------------------------------------ slots of all policies


@settings(max_examples=10)
@given(cases())
def test_the_slots_of_all_policies_come_in_order(case: Case) -> None:
    """They are those of each policy, by time, then policy, then workload."""
    found = case.slots()
    assert found == sorted(found, key=lambda slot: (slot.at, slot.policy, slot.workload))
    for one in case.configuration.policies:
        own = slots(
            one.schedule,
            seed=SEED,
            policy=one.name,
            windows=one.windows,
            deadline=one.deadline,
            workloads=case.rates.get(one.name, ()),
            after=NOW,
            until=case.until,
        )
        assert [slot for slot in found if slot.policy == one.name] == list(own)


# ------------------------------------------------------------------ how long it takes


def calls_of(kills: Iterator[Kill], number: int) -> int:
    """How many calls of functions it takes to find so many more kills."""
    calls = 0

    def count(frame: FrameType, event: str, arg: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        assert len(list(islice(kills, number))) == number
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("limits", [Limits(), Limits(4, 60)])
def test_a_long_preview_does_not_slow_down(limits: Limits) -> None:
    """The work for a slot does not grow with the slots before it, once a day's limits are full."""
    tenly = configuration(policy("web", schedule=Every(timedelta(minutes=10))), limits=limits)
    kills = preview(tenly, SEED, {}, NOW, NOW + 365 * DAY)
    assert len(list(islice(kills, 240))) == 240
    early = calls_of(kills, 120)
    assert len(list(islice(kills, 600))) == 600
    assert calls_of(kills, 120) < 1.2 * early


def test_a_kill_costs_the_same_among_many_workloads() -> None:
    """What is remembered of 20,000 workloads is not copied for each kill."""
    many = {workload_hash(str(number)): LastKill(0, 0) for number in range(20_000)}
    ledger = msgspec.structs.replace(led(), last_kills=many)
    schedule = MeanTime(3 * HOUR, HOUR)
    rates = {"web": [Rate(WEB, schedule.mean, schedule.min_gap)]}
    one = configuration(policy("web", schedule=schedule))
    kills = preview(one, SEED, rates, NOW, NOW + 9 * DAY, ledger)
    next(kills)
    tracemalloc.start()
    try:
        assert len(list(islice(kills, 5))) == 5
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < sys.getsizeof(many) / 2
