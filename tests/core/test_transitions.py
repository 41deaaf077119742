"""The ledger's commands one by one: leading, reserving, steps and their results."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from chaosd.core import requests, transitions
from chaosd.core.ledger import (
    LastKill,
    Ledger,
    Result,
    Step,
    StepState,
    Verdict,
    workload_hash,
)
from chaosd.core.limits import used
from chaosd.core.model import Code
from chaosd.core.pruning import prune
from chaosd.core.transitions import Refusal, Writer
from tests.core.ledgers import (
    API,
    HOUR,
    LEADER,
    MOMENT,
    NOW,
    SECOND,
    WEB,
    changed,
    did,
    dry,
    healed,
    intent,
    killed,
    led,
    refused,
    reserved,
    settled,
    stuck,
)

KILLED, REFUSED, FAILED = StepState.KILLED, StepState.REFUSED, StepState.FAILED
ID = intent().id
OTHER = Writer("chaosd-1.b2", 2)


def step(number: int) -> Step:
    return msgspec.structs.replace(intent().steps[0], number=number)


# ------------------------------------------------------------------ leading


def test_terms_only_rise() -> None:
    """Every change of the leader begins a new term; the leader itself goes on in its own."""
    ledger = led()
    assert transitions.lead(ledger, LEADER.holder, NOW) == ledger
    for term, holder in enumerate(["b", "a", "b"], 2):
        ledger = transitions.lead(ledger, holder, NOW)
        assert ledger.leader is not None
        assert (ledger.leader.holder, ledger.leader.term, ledger.leader.since) == (
            holder,
            term,
            NOW,
        )


def test_a_term_that_a_step_remembers_is_not_given_again() -> None:
    """Where the leader's entry was lost, terms go on above those that intents were made in."""
    one = changed(intent(), steps=(msgspec.structs.replace(step(1), term=7),))
    lost = msgspec.structs.replace(reserved(led(), one), leader=None)
    leader = transitions.lead(lost, "chaosd-0.a1", NOW).leader
    assert leader is not None
    assert leader.term == 8


COMMANDS: dict[str, Callable[[Ledger, Writer], Ledger | Refusal]] = {
    "reserve": lambda ledger, writer: transitions.reserve(ledger, writer, intent("api", API)),
    "add_step": lambda ledger, writer: transitions.add_step(ledger, writer, ID, step(2)),
    "settle_step": lambda ledger, writer: transitions.settle_step(
        ledger, writer, ID, 1, KILLED, "", NOW
    ),
    "finish_strikes": lambda ledger, writer: transitions.finish_strikes(ledger, writer, ID, NOW),
    "note_seen": lambda ledger, writer: transitions.note_seen(ledger, writer, ID, "2 of 3"),
    "judge": lambda ledger, writer: transitions.judge(ledger, writer, ID, Verdict.RECOVERED, NOW),
    "tell": lambda ledger, writer: transitions.tell(ledger, writer, ID, verdict=False),
    "prune": lambda ledger, writer: prune(ledger, writer, NOW, HOUR),
    "take": lambda ledger, writer: requests.take(ledger, writer, "abcd1234"),
    "answer": lambda ledger, writer: requests.answer(ledger, writer, "abcd1234", "killed", ()),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "writer",
    [
        Writer(LEADER.holder, LEADER.term - 1),
        Writer(LEADER.holder, LEADER.term + 1),
        Writer("chaosd-0.a2", LEADER.term),
        Writer("", 0),
    ],
)
def test_only_the_leader_of_this_term_commands(command: str, writer: Writer) -> None:
    """Whoever is not exactly the leader is refused, whatever it wants and however things stand."""
    ledgers = [led(), reserved(led(), intent()), killed(led(), intent()), stuck(), Ledger()]
    assert [refused(COMMANDS[command](ledger, writer)) for ledger in ledgers] == [
        [Code.NOT_LEADING]
    ] * len(ledgers)


def test_a_leader_that_was_replaced_is_refused() -> None:
    """The old leader's commands are refused from the moment another one leads, and it is named."""
    later = transitions.lead(reserved(led(), intent()), OTHER.holder, NOW)
    outcome = transitions.settle_step(later, LEADER, ID, 1, KILLED, "", NOW)
    assert isinstance(outcome, Refusal)
    assert str(outcome.reasons[0]) == "notLeading: chaosd-1.b2 leads in term 2"
    assert isinstance(transitions.settle_step(later, OTHER, ID, 1, KILLED, "", NOW), Ledger)


# ------------------------------------------------------------------ reserving


def test_an_action_is_reserved_once() -> None:
    """Its id is taken while it is open, when it is closed, and by a dry run."""
    for ledger in (
        reserved(led(), intent()),
        killed(led(), intent()),
        healed(led(), intent()),
        settled(led(), intent(), FAILED),
        reserved(led(), changed(intent(), dry_run=True)),
    ):
        for again in (intent(), changed(intent(), dry_run=True, locks=())):
            assert refused(transitions.reserve(ledger, LEADER, again)) == [Code.ALREADY_ATTEMPTED]


def test_a_lock_is_held_until_its_intent_is_closed() -> None:
    """Who holds it is said; every lock that is taken is named."""
    other = intent("web", API, locks=("pool/a", WEB))
    first = intent("web", WEB, locks=(WEB, "pool/a", "etcd/main"))
    for ledger in (reserved(led(), first), killed(led(), first)):
        outcome = transitions.reserve(ledger, LEADER, other)
        assert refused(outcome) == [Code.LOCKED, Code.LOCKED]
        assert isinstance(outcome, Refusal)
        assert outcome.reasons[0].detail == f"pool/a is held by intent {first.id}"
    for ledger in (healed(led(), first), settled(led(), first, REFUSED)):
        assert other.id in reserved(ledger, other).intents


def test_a_dry_run_touches_nothing_but_its_own_memory() -> None:
    """It is closed at once, holds no lock and waits for none, and counts apart."""
    before = reserved(led(), intent("api", WEB))
    after = reserved(before, dry())
    one = after.outcomes[dry().id]
    assert (one.result, one.settled_at, one.closed_at) == (Result.DRY_RUN, NOW, NOW)
    assert (one.locks, one.steps) == ((), ())
    assert after.intents == before.intents
    assert after.last_kills == before.last_kills
    assert after.last_dry_kills == {workload_hash(WEB): LastKill(int(NOW.timestamp()), 0)}


# ------------------------------------------------------------------ steps and results


def test_a_step_is_settled_once() -> None:
    """The first outcome stays, whatever comes later, and nothing reopens it."""
    ledger = did(
        transitions.settle_step(reserved(led(), intent()), LEADER, ID, 1, REFUSED, "", NOW)
    )
    for state in StepState:
        for writer in (LEADER, None):
            again = transitions.settle_step(ledger, writer, ID, 1, state, "again", NOW + SECOND)
            assert again == ledger
    assert ledger.unsettled() == ()


def test_anybody_settles_after_a_fence() -> None:
    """A person's command needs no term, for it settles what nobody else did."""
    later = transitions.lead(reserved(led(), intent()), OTHER.holder, NOW)
    ledger = did(transitions.settle_step(later, None, ID, 1, KILLED, "seen", NOW))
    assert ledger.intents[ID].steps[0].state is KILLED
    assert did(transitions.finish_strikes(ledger, None, ID, NOW)).intents[ID].result == "killed"


def test_the_outcome_of_another_step_changes_nothing() -> None:
    """A late answer to step 1 does not settle step 2; unknown intents are no reason to fail."""
    ledger = did(transitions.settle_step(reserved(led(), intent()), LEADER, ID, 1, KILLED, "", NOW))
    ledger = did(transitions.add_step(ledger, LEADER, ID, step(2)))
    for number, one in ((1, ID), (3, ID), (1, "unknown")):
        assert transitions.settle_step(ledger, LEADER, one, number, FAILED, "", NOW) == ledger


def test_steps_follow_one_another() -> None:
    """The next step needs all before it to be settled, its own number, and an unfinished intent."""
    open_ = reserved(led(), intent())
    between = did(transitions.settle_step(open_, LEADER, ID, 1, REFUSED, "", NOW))
    done = did(transitions.finish_strikes(between, LEADER, ID, NOW))
    assert refused(transitions.add_step(open_, LEADER, ID, step(2))) == [Code.UNSETTLED_INTENT]
    assert refused(transitions.add_step(done, LEADER, ID, step(2))) == [Code.UNSETTLED_INTENT]
    for number in (1, 3):
        outcome = transitions.add_step(between, LEADER, ID, step(number))
        assert refused(outcome) == [Code.ALREADY_ATTEMPTED]
    victim = msgspec.structs.replace(step(2).victim, uid="other")
    other = msgspec.structs.replace(step(2), victim=victim)
    second = did(transitions.add_step(between, LEADER, ID, other))
    assert [one.number for one in second.intents[ID].steps] == [1, 2]
    assert second.unsettled() == (second.intents[ID],)


def test_a_victim_that_is_tried_again_is_remembered_once() -> None:
    """Of refused steps on one pod only the newest stays, and numbers are never used again."""
    ledger = reserved(led(), intent())
    for number in range(2, 6):
        ledger = did(transitions.settle_step(ledger, LEADER, ID, number - 1, REFUSED, "", NOW))
        ledger = did(transitions.add_step(ledger, LEADER, ID, step(number)))
    assert [one.number for one in ledger.intents[ID].steps] == [5]
    refusal = transitions.add_step(ledger, LEADER, ID, step(5))
    assert refused(refusal) == [Code.UNSETTLED_INTENT]


@pytest.mark.parametrize(
    ("states", "result", "is_open"),
    [
        ([KILLED], Result.KILLED, True),
        ([REFUSED], Result.REFUSED, False),
        ([FAILED], Result.FAILED, False),
        ([KILLED, REFUSED], Result.KILLED, True),
        ([FAILED, KILLED], Result.KILLED, True),
        ([REFUSED, FAILED], Result.FAILED, False),
        ([FAILED, REFUSED], Result.REFUSED, False),
    ],
)
def test_results_follow_from_steps(states: list[StepState], result: Result, is_open: bool) -> None:
    """One kill makes a killed intent, which waits to recover; else the last step says what it is,
    and the intent gives its locks and limits back."""
    ledger = reserved(led(), intent())
    for number, state in enumerate(states, 1):
        if number > 1:
            ledger = did(transitions.add_step(ledger, LEADER, ID, step(number)))
        ledger = did(transitions.settle_step(ledger, LEADER, ID, number, state, str(number), NOW))
    ledger = did(transitions.finish_strikes(ledger, LEADER, ID, NOW + SECOND))
    one = ledger.find(ID)
    assert one is not None
    assert (one.result, one.settled_at) == (result, NOW + SECOND)
    assert one.detail == str(len(states))
    assert transitions.finish_strikes(ledger, LEADER, ID, NOW + HOUR) == ledger
    assert (ID in ledger.intents, ID in ledger.outcomes) == (is_open, not is_open)
    assert (one.locks, one.closed_at is None) == ((WEB,) if is_open else (), is_open)
    assert bool(ledger.last_kills) is is_open
    count = used(ledger, NOW + SECOND, dry_run=False)
    assert (count.hour, count.day, count.concurrent) == (is_open,) * 3


def test_strikes_are_not_finished_while_one_is_open() -> None:
    """An unknown outcome keeps an intent open; so does having no step at all."""
    for one in (intent(), intent(steps=())):
        ledger = reserved(led(), one)
        assert transitions.finish_strikes(ledger, LEADER, one.id, NOW) == ledger


def test_a_workload_rests_from_the_full_second_after_its_kill() -> None:
    """Last kills are kept in whole seconds, rounded so that a gap is never too short."""
    ledger = killed(led(), intent(), NOW + MOMENT)
    assert ledger.last_kill(WEB, dry_run=False) == LastKill(int(NOW.timestamp()) + 1)
    ledger = did(
        transitions.judge(ledger, LEADER, ID, Verdict.RECOVERED, NOW + 9 * SECOND + MOMENT)
    )
    last = ledger.last_kill(WEB, dry_run=False)
    assert last is not None
    assert transitions.whole_again(last) == NOW + 10 * SECOND
