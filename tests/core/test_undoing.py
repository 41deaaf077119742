"""What an action owes is put back once, and nothing is closed or forgiven before."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from chaosd.core import transitions
from chaosd.core.ledger import Intent, Ledger, Result, StepState, Verdict
from chaosd.core.model import Code, StepAction, Undo
from chaosd.core.transitions import Writer
from chaosd.core.undoing import call_off, undone
from tests.core.ledgers import LEADER, NOW, SECOND, did, intent, led, refused, reserved

ID = intent().id
OTHER = Writer("chaosd-1.b2", 1)
LATER = NOW + timedelta(minutes=5)
OWED = Undo("n1", "uid-n1", ID)
KILLED, DONE, REFUSED, FAILED = (
    StepState.KILLED,
    StepState.DONE,
    StepState.REFUSED,
    StepState.FAILED,
)


def drain(**changes: object) -> Intent:
    """An intent whose first step is the taint of node n1."""
    one = intent(undo=OWED, hold=300.0, workloads=("shop/Deployment/cart",), **changes)
    return msgspec.structs.replace(
        one, steps=(msgspec.structs.replace(one.steps[0], action=StepAction.TAINT),)
    )


def ended(state: StepState, why: str = "") -> Ledger:
    """The drain after its first step came out so, and its strikes were finished."""
    ledger = reserved(led(), drain())
    ledger = did(transitions.settle_step(ledger, LEADER, ID, 1, state, "", NOW))
    return did(transitions.finish_strikes(ledger, LEADER, ID, NOW, why))


@pytest.mark.parametrize(
    ("state", "why", "result"),
    [
        (DONE, "", Result.KILLED),
        (DONE, "halted", Result.REFUSED),
        (REFUSED, "", Result.REFUSED),
        (FAILED, "", Result.FAILED),
    ],
)
def test_whatever_the_result_it_stays_open_until_it_is_put_back(
    state: StepState, why: str, result: Result
) -> None:
    """A refused or failed drain is closed by its undo; one that took it goes on to recover."""
    ledger = ended(state, why)
    assert ledger.intents[ID].result is result
    assert ledger.intents[ID].owes_undo
    after = did(undone(ledger, LEADER, ID, "it takes pods again", LATER))
    found = after.find(ID)
    assert found is not None
    assert found.undo == Undo("n1", "uid-n1", ID, LATER, "it takes pods again")
    assert (found.closed_at is None) == (result is Result.KILLED)
    assert undone(after, LEADER, ID, "again", LATER + SECOND) == after


def test_a_person_may_put_it_back_but_not_another_process() -> None:
    """Whoever does not lead is refused; a person needs no term."""
    ledger = ended(REFUSED)
    assert refused(undone(ledger, OTHER, ID, "", LATER)) == [Code.NOT_LEADING]
    assert ID in did(undone(ledger, None, ID, "by hand", LATER)).outcomes


def test_no_verdict_closes_what_is_owed() -> None:
    """Only notRecovered is noted while the node is held; forgiving says what to do first."""
    ledger = ended(DONE)
    for verdict in (Verdict.RECOVERED, Verdict.CLOSED):
        assert transitions.judge(ledger, LEADER, ID, verdict, LATER) == ledger
    late = did(transitions.judge(ledger, LEADER, ID, Verdict.NOT_RECOVERED, LATER))
    assert late.intents[ID].verdict is Verdict.NOT_RECOVERED
    outcome = transitions.forgive(late, intent().workload, "ann", LATER)
    assert isinstance(outcome, transitions.Refusal)
    assert f"chaosd undo {ID}" in outcome.reasons[0].detail


def test_what_is_called_off_takes_no_further_step() -> None:
    """It keeps who did it first, and an intent that is over or unknown is told apart."""
    ledger = reserved(led(), drain())
    ledger = did(transitions.settle_step(ledger, LEADER, ID, 1, DONE, "", NOW))
    off = did(call_off(ledger, ID, "ann"))
    assert off.intents[ID].ended_by == "ann"
    assert call_off(off, ID, "bob") == off
    second = msgspec.structs.replace(drain().steps[0], number=2)
    assert refused(transitions.add_step(off, LEADER, ID, second)) == [Code.UNSETTLED_INTENT]
    over = did(undone(ended(REFUSED), LEADER, ID, "", LATER))
    assert call_off(over, ID, "ann") == over
    assert refused(call_off(led(), ID, "ann")) == [Code.GONE]


def test_every_workload_that_lost_a_pod_rests() -> None:
    """The gap and the cooldown of a drained pod's workload begin like those of any kill."""
    ledger = reserved(led(), drain())
    ledger = did(transitions.settle_step(ledger, LEADER, ID, 1, DONE, "", NOW))
    victim = msgspec.structs.replace(drain().victim, uid="pod-1")
    step = msgspec.structs.replace(
        drain().steps[0], number=2, victim=victim, workload="shop/Deployment/cart"
    )
    ledger = did(transitions.add_step(ledger, LEADER, ID, step, 1))
    ledger = did(transitions.settle_step(ledger, LEADER, ID, 2, KILLED, "", NOW))
    ledger = did(transitions.finish_strikes(ledger, LEADER, ID, NOW))
    kill = ledger.last_kill("shop/Deployment/cart", dry_run=False)
    assert kill is not None
    assert kill.healed == -1
    ledger = did(undone(ledger, LEADER, ID, "", LATER))
    ledger = did(transitions.judge(ledger, LEADER, ID, Verdict.RECOVERED, LATER))
    kill = ledger.last_kill("shop/Deployment/cart", dry_run=False)
    assert kill is not None
    assert kill.healed == 300


def test_no_two_intents_touch_one_workload() -> None:
    """A drain holds the workloads of its node's pods, also those that it meets later."""
    ledger = reserved(led(), drain())
    pod = intent("other", "shop/Deployment/cart", locks=("shop/Deployment/cart",))
    assert refused(transitions.reserve(ledger, LEADER, pod)) == [Code.LOCKED]
    web = intent("other", "shop/Deployment/api", locks=("shop/Deployment/api",))
    both = reserved(ledger, web)
    both = did(transitions.settle_step(both, LEADER, ID, 1, DONE, "", NOW))
    step = msgspec.structs.replace(drain().steps[0], number=2, workload="shop/Deployment/api")
    assert refused(transitions.add_step(both, LEADER, ID, step)) == [Code.LOCKED]
