"""What the ledger forgets, and what somebody still needs."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.core import requests, transitions
from chaosd.core.ledger import KEEP, LastKill, Ledger, StepState, Verdict, workload_hash
from chaosd.core.limits import rest_reasons, used
from chaosd.core.pruning import prune
from tests.core.ledgers import (
    API,
    HOUR,
    LEADER,
    MOMENT,
    NOW,
    SECOND,
    STOP,
    WEB,
    changed,
    did,
    dry,
    healed,
    intent,
    killed,
    led,
    reserved,
    settled,
)
from tests.core.test_requests import request

ID = intent().id
FOREVER = timedelta(days=4000)


def told(ledger: Ledger) -> Ledger:
    """The ledger, all of whose results and verdicts have been reported."""
    for one in list(ledger.all_intents()):
        for verdict in (False, True):
            ledger = did(transitions.tell(ledger, LEADER, one.id, verdict=verdict))
    return ledger


def pruned(ledger: Ledger, now: datetime, keep: timedelta = HOUR) -> Ledger:
    once = did(prune(ledger, LEADER, now, keep))
    assert prune(once, LEADER, now, keep) == once
    return once


def test_outcomes_are_kept_for_25_hours() -> None:
    """From when they were closed, so that every limit of a day can still be counted."""
    ledger = told(healed(led(), intent(), NOW + HOUR))
    end = NOW + HOUR + KEEP
    assert pruned(ledger, end - MOMENT).outcomes == ledger.outcomes
    assert pruned(ledger, end).outcomes == {}


@pytest.mark.parametrize(
    "ledger",
    [
        healed(led(), intent()),
        settled(led(), intent(), StepState.REFUSED),
        reserved(led(), dry()),
        did(transitions.tell(healed(led(), intent()), LEADER, ID, verdict=False)),
    ],
)
def test_what_nobody_has_reported_is_kept(ledger: Ledger) -> None:
    """A daemon that was away for days still reports what it did, and only then forgets it."""
    late = NOW + timedelta(days=9)
    assert pruned(ledger, late).outcomes == ledger.outcomes
    assert pruned(told(ledger), late).outcomes == {}


def test_open_intents_halts_and_pauses_are_never_forgotten() -> None:
    """However long they last; nor is the last kill of what did not recover yet."""
    one, unsettled = intent(), intent("web", API)
    ledger = killed(reserved(led(), unsettled), one)
    ledger = did(transitions.judge(ledger, LEADER, one.id, Verdict.NOT_RECOVERED, NOW + HOUR))
    ledger = told(transitions.halt(transitions.halt(ledger, STOP, "web"), STOP))
    assert pruned(ledger, NOW + FOREVER, timedelta(0)) == ledger


@pytest.mark.parametrize("keep", [timedelta(0), KEEP, timedelta(days=12)])
@pytest.mark.parametrize("is_dry", [False, True])
def test_last_kills_are_kept_as_long_as_they_may_matter(keep: timedelta, is_dry: bool) -> None:
    """From when the workload was whole again: for the longest gap or cooldown, at least 25 h."""
    whole = NOW + timedelta(minutes=3)
    kills = {workload_hash(WEB): LastKill(int(NOW.timestamp()), 180)}
    name = "last_dry_kills" if is_dry else "last_kills"
    ledger = msgspec.structs.replace(led(), **{name: kills})
    end = whole + max(keep, KEEP)
    assert pruned(ledger, end - MOMENT, keep).last_kill(WEB, dry_run=is_dry) is not None
    assert pruned(ledger, end, keep).last_kill(WEB, dry_run=is_dry) is None


def test_requests_are_kept_for_an_hour_after_they_expired() -> None:
    """So that the person who asked can read the answer."""
    ledger = requests.post(led(), request())
    end = request().expires + HOUR
    assert pruned(ledger, end - MOMENT).requests == ledger.requests
    assert pruned(ledger, end).requests == {}


SPANS = st.integers(0, 60 * 3600).map(lambda seconds: timedelta(seconds=seconds / 2))


@st.composite
def histories(draw: st.DrawFn) -> tuple[Ledger, datetime]:
    """A ledger after some kills, dry and real, in every state; and the time it is then."""
    ledger, now = led(), NOW
    for number in range(draw(st.integers(1, 6))):
        now += SECOND + draw(SPANS)
        workload = draw(st.sampled_from([WEB, API]))
        one = changed(intent("web", workload, now), locks=(str(number),))
        match draw(st.sampled_from(["dry", "reserved", "refused", "killed", "healed", "stuck"])):
            case "dry":
                ledger = reserved(ledger, dry("web", workload, now))
            case "reserved":
                ledger = reserved(ledger, one)
            case "refused":
                ledger = settled(ledger, one, StepState.REFUSED)
            case "killed":
                ledger = killed(ledger, one)
            case "healed":
                now += draw(SPANS)
                ledger = healed(ledger, one, now)
            case "stuck":
                verdict = Verdict.NOT_RECOVERED
                ledger = killed(ledger, one)
                ledger = did(transitions.judge(ledger, LEADER, one.id, verdict, now))
        ledger = told(ledger) if draw(st.booleans()) else ledger
    return ledger, now + draw(SPANS)


@settings(max_examples=150)
@given(histories(), SPANS, SPANS, SPANS, SPANS)
def test_no_answer_changes_by_forgetting(
    history: tuple[Ledger, datetime],
    later: timedelta,
    gap: timedelta,
    cooldown: timedelta,
    more: timedelta,
) -> None:
    """Limits, gaps and cooldowns are the same with what was forgotten, from then on for ever."""
    before, now = history
    after = pruned(before, now, max(gap, cooldown) + more)
    assert after.intents == before.intents
    assert after.unsettled() == before.unsettled()
    for dry_run in (False, True):
        assert used(after, now + later, dry_run=dry_run) == used(
            before, now + later, dry_run=dry_run
        )
        for workload in (WEB, API):
            rests = [
                rest_reasons(
                    ledger,
                    workload,
                    now + later,
                    min_gap=gap,
                    cooldown=cooldown,
                    dry_run=dry_run,
                )
                for ledger in (before, after)
            ]
            assert rests[0] == rests[1]


@settings(max_examples=40)
@given(histories())
def test_all_that_is_over_is_forgotten_in_the_end(history: tuple[Ledger, datetime]) -> None:
    """A ledger does not grow for ever: after days without a kill only what is open is left."""
    ledger, now = history
    after = pruned(told(ledger), now + timedelta(days=30), 2 * KEEP)
    open_ = {workload_hash(one.workload) for one in ledger.intents.values()}
    assert after.outcomes == {}
    assert set(after.last_kills) | set(after.last_dry_kills) <= open_
    assert after.newest() == max(
        [NOW - HOUR, *(at for one in ledger.intents.values() for at in one.stamps())]
    )


def test_an_old_slot_is_not_forgotten_before_it_is_too_late() -> None:
    """An id is remembered for far longer than a slot may be late."""
    ledger = told(healed(led(), intent()))
    assert pruned(ledger, NOW + KEEP - SECOND).find(ID) is not None
