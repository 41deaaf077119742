"""After the strike: verdicts, forgiving, telling, halts and pauses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core import transitions
from chaosd.core.ledger import (
    KEEP,
    Halt,
    LastKill,
    Ledger,
    Verdict,
)
from chaosd.core.limits import used
from chaosd.core.model import Code
from chaosd.core.transitions import Refusal, Writer
from tests.core.ledgers import (
    API,
    HOUR,
    LEADER,
    NOW,
    STOP,
    WEB,
    did,
    healed,
    intent,
    killed,
    led,
    refused,
    reserved,
    stuck,
)

ID = intent().id
OTHER = Writer("chaosd-1.b2", 2)


# ------------------------------------------------------------------ verdicts


@pytest.mark.parametrize("verdict", [Verdict.RECOVERED, Verdict.CLOSED, Verdict.FORGIVEN])
def test_a_verdict_closes(verdict: Verdict) -> None:
    """The intent is remembered, its lock is free, its workload rests from now."""
    ledger = did(transitions.judge(killed(led(), intent()), LEADER, ID, verdict, NOW + HOUR))
    one = ledger.outcomes[ID]
    assert ledger.intents == {}
    assert (one.verdict, one.verdict_at, one.closed_at) == (verdict, NOW + HOUR, NOW + HOUR)
    assert one.locks == ()
    assert ledger.last_kill(WEB, dry_run=False) == LastKill(int(NOW.timestamp()), 3600)


def test_what_does_not_recover_stays_open_until_it_heals() -> None:
    """It counts and locks until then, and its verdict stays what it was."""
    ledger = stuck()
    one = ledger.intents[ID]
    assert (one.verdict, one.closed_at, one.locks) == (Verdict.NOT_RECOVERED, None, (WEB,))
    assert used(ledger, NOW + KEEP, dry_run=False).concurrent == 1
    last = ledger.last_kill(WEB, dry_run=False)
    assert last is not None
    assert transitions.whole_again(last) is None
    late = NOW + timedelta(days=3)
    closed = did(transitions.judge(ledger, LEADER, ID, Verdict.RECOVERED, late)).outcomes[ID]
    assert (closed.verdict, closed.verdict_at) == (Verdict.NOT_RECOVERED, NOW + HOUR)
    assert closed.closed_at == late


@pytest.mark.parametrize("ledger", [led(), reserved(led(), intent()), healed(led(), intent())])
def test_only_what_was_killed_is_judged(ledger: Ledger) -> None:
    """There is no verdict on what is unknown, unsettled or closed."""
    for verdict in Verdict:
        assert transitions.judge(ledger, LEADER, ID, verdict, NOW + HOUR) == ledger


def test_a_person_forgives_what_did_not_recover() -> None:
    """It is closed, counts no more, says who forgave it; said again, it changes nothing."""
    ledger = did(transitions.forgive(stuck(), WEB, "ann", NOW + 2 * HOUR))
    one = ledger.outcomes[ID]
    assert (ledger.intents, one.seen, one.closed_at) == ({}, "forgiven by ann", NOW + 2 * HOUR)
    assert (one.verdict, one.verdict_at, one.verdict_told) == (
        Verdict.FORGIVEN,
        NOW + 2 * HOUR,
        "",
    )
    assert used(ledger, NOW + 2 * HOUR, dry_run=False).concurrent == 0
    assert ledger.last_kill(WEB, dry_run=False) == LastKill(int(NOW.timestamp()), 7200)
    assert transitions.forgive(ledger, WEB, "ann", NOW + 3 * HOUR) == ledger


@pytest.mark.parametrize("ledger", [led(), killed(led(), intent()), healed(led(), intent())])
def test_nothing_else_is_forgiven(ledger: Ledger) -> None:
    """What still has time to recover, or did, is no matter of forgiving."""
    assert refused(transitions.forgive(ledger, WEB, "ann", NOW)) == [Code.GONE]


def test_forgiving_the_wrong_workload_names_the_right_one() -> None:
    """A typo is answered with what could have been meant."""
    outcome = transitions.forgive(stuck(), API, "ann", NOW)
    assert isinstance(outcome, Refusal)
    assert outcome.reasons[0].detail == f"{API} has nothing to forgive; unrecovered: {WEB}"


def test_what_was_seen_is_noted() -> None:
    """People read how far an open intent is; a closed one says no more."""
    ledger = killed(led(), intent())
    noted = did(transitions.note_seen(ledger, LEADER, ID, "2 of 3 Ready"))
    assert noted.intents[ID].seen == "2 of 3 Ready"
    assert transitions.note_seen(noted, LEADER, ID, "2 of 3 Ready") == noted
    done = healed(led(), intent())
    assert transitions.note_seen(done, LEADER, ID, "3 of 3 Ready") == done


# ------------------------------------------------------------------ telling


@pytest.mark.parametrize("verdict", [False, True])
def test_only_one_process_tells(verdict: bool) -> None:
    """The first that says so tells; another finds it told, also after the intent was closed."""
    for ledger in (stuck(), healed(led(), intent())):
        told = did(transitions.tell(ledger, LEADER, ID, verdict=verdict))
        one = told.find(ID)
        assert one is not None
        assert (one.told, one.verdict_told) == (
            ("", LEADER.holder) if verdict else (LEADER.holder, "")
        )
        later = transitions.lead(told, OTHER.holder, NOW)
        assert transitions.tell(later, OTHER, ID, verdict=verdict) == later


def test_what_is_not_known_is_not_told() -> None:
    """Nobody can take away the report of a result or verdict that has yet to come."""
    open_, unjudged = reserved(led(), intent()), killed(led(), intent())
    assert transitions.tell(open_, LEADER, ID, verdict=False) == open_
    assert transitions.tell(unjudged, LEADER, ID, verdict=True) == unjudged
    assert transitions.tell(led(), LEADER, ID, verdict=True) == led()


# ------------------------------------------------------------------ halts


def test_the_first_halt_stays() -> None:
    """Who stopped it first, and why, is not overwritten; a resume takes it back."""
    again = Halt("bob", "me too", NOW + HOUR)
    for name in ("", "web"):
        ledger = transitions.halt(led(), STOP, name)
        assert (ledger.paused == {"web": STOP}) if name else (ledger.halt == STOP)
        assert transitions.halt(ledger, again, name) == ledger
        assert transitions.resume(ledger, name) == led()
        assert transitions.resume(led(), name) == led()


def test_halts_and_pauses_are_apart() -> None:
    """To resume one leaves the others."""
    ledger = transitions.halt(transitions.halt(led(), STOP, "web"), STOP, "api")
    ledger = transitions.halt(ledger, STOP)
    assert transitions.resume(ledger).paused == {"web": STOP, "api": STOP}
    assert transitions.resume(ledger, "web").paused == {"api": STOP}
    assert transitions.resume(ledger, "web").halt == STOP
