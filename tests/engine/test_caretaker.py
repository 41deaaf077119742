"""Looking after the ledger: nothing readable is lost, and nothing is replaced unasked."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest

from chaosd.core import ledger_text
from chaosd.core.ledger import VERSION, Halt, Intent, LastKill, Ledger, Request, Result
from chaosd.core.model import Action, TargetKind, Victim
from chaosd.engine.caretaker import CantDo, Caretaker
from chaosd.engine.lead import LEDGER_UID
from chaosd.kube.documents import LeaseDocument, LedgerDocument
from chaosd.ports import Document, Versioned
from tests.support.lab import Lab

ASIDE = "chaosd-ledger-damaged"


class Bench:
    """A ledger and a lease in a simulated cluster, and their caretaker."""

    def __init__(self) -> None:
        self.lab = Lab()
        with self.lab.filled():
            pass
        self.now = self.lab.clock.now()
        self.ledger = LedgerDocument(self.lab.api, "kube-system")
        self.lease = LeaseDocument(self.lab.api, "kube-system")
        self.aside = LedgerDocument(self.lab.api, "kube-system", ASIDE)
        self.caretaker = Caretaker(self.ledger, self.lease)

    def write(self, text: str, *, named: bool = True) -> Document:
        made = self.ledger.create(text, {})
        if named:
            self.lease.create("{}", {LEDGER_UID: made.uid})
        return made

    def keep(self) -> tuple[Versioned, str]:
        return self.aside, ASIDE

    def text(self) -> str:
        document = self.ledger.read()
        assert document is not None
        return document.text


def an_intent(number: int, bench: Bench, *, is_open: bool) -> Intent:
    at = bench.now - timedelta(hours=number)
    return Intent(
        id=f"{number:020x}",
        action_id=f"web/*/{number}",
        policy="web",
        target=TargetKind.POD,
        action=Action.EVICT,
        workload="shop/Deployment/web",
        victim=Victim("shop", f"web-{number}", "u", "1"),
        reserved_at=at,
        deadline=600,
        recover_by=at,
        result=Result.KILLED,
        closed_at=None if is_open else at,
    )


def full(bench: Bench) -> Ledger:
    return Ledger(
        revision=7,
        paused={"web": Halt("ann", "release", bench.now)},
        intents={one.id: one for one in [an_intent(1, bench, is_open=True)]},
        outcomes={one.id: one for one in [an_intent(n, bench, is_open=False) for n in (2, 3, 4)]},
        last_kills={"0123456789ab": LastKill(1, 2)},
        requests={"abcdefgh": Request("abcdefgh", "web", "ann", bench.now, bench.now)},
    )


def test_a_whole_ledger_is_shown_as_it_is() -> None:
    """All of it, without a problem."""
    bench = Bench()
    bench.write(ledger_text.encode(full(bench)))
    shown = bench.caretaker.show()
    assert (shown.ledger, shown.lost, shown.problems) == (full(bench), (), ())


def test_no_ledger_before_the_first_start_is_said_to_come_by_itself() -> None:
    """Without a lease nothing was ever there, so nobody is told to make one."""
    shown = Bench().caretaker.show()
    assert shown.document is None
    assert "first start" in shown.problems[0]


def test_a_ledger_that_went_away_asks_for_init() -> None:
    """The lease still names it, and the words say which command helps."""
    bench = Bench()
    bench.lease.create("{}", {LEDGER_UID: "gone"})
    assert "ledger init" in bench.caretaker.show().problems[0]


def test_a_damaged_ledger_is_shown_as_far_as_it_reads() -> None:
    """Cut off in its middle it keeps every entry before the cut, and names what is lost."""
    bench = Bench()
    text = ledger_text.encode(full(bench))
    cut = text[: text.rindex(f"{4:020x}") + 300]
    bench.write(cut)
    shown = bench.caretaker.show()
    assert set(shown.ledger.intents) == {f"{1:020x}"}
    assert {f"{2:020x}", f"{3:020x}"} <= set(shown.ledger.outcomes)
    assert any(f"{4:020x}" in lost for lost in shown.lost)
    assert "ledger repair" in shown.problems[0]


def test_repair_keeps_what_reads_sets_the_text_aside_and_halts() -> None:
    """Nothing readable goes, the damaged text stays whole elsewhere, and chaosd stands still."""
    bench = Bench()
    text = ledger_text.encode(full(bench))
    cut = text[: text.rindex(f"{4:020x}") + 300]
    bench.write(cut)
    done = bench.caretaker.repair("ann", bench.now, bench.keep)
    repaired = ledger_text.decode(bench.text())
    assert done.halted
    assert done.copy == ASIDE
    assert repaired.halt is not None
    assert (repaired.halt.who, repaired.halt.at) == ("ann", bench.now)
    assert repaired.paused == full(bench).paused
    assert set(repaired.intents) == {f"{1:020x}"}
    aside = bench.aside.read()
    assert aside is not None
    assert aside.text == cut


def test_repair_leaves_an_older_halt_in_place() -> None:
    """Who halted first, and why, is not overwritten."""
    bench = Bench()
    earlier = Halt("bob", "incident", bench.now)
    text = ledger_text.encode(msgspec.structs.replace(full(bench), halt=earlier))
    bench.write(text[:-40])
    bench.caretaker.repair("ann", bench.now, bench.keep)
    assert ledger_text.decode(bench.text()).halt == earlier


def test_nothing_is_replaced_when_the_damaged_text_can_not_be_set_aside() -> None:
    """A name that is taken stops the repair before it writes."""
    bench = Bench()
    bench.write("{ broken")
    bench.aside.create("an earlier one", {})
    with pytest.raises(Exception, match="AlreadyExists"):
        bench.caretaker.repair("ann", bench.now, bench.keep)
    assert bench.text() == "{ broken"


@pytest.mark.parametrize("text", [None, "whole", "newer"])
def test_what_needs_no_repair_or_can_not_have_one_is_left_alone(text: str | None) -> None:
    """No ledger, a whole one and one of a newer chaosd stay as they are."""
    bench = Bench()
    ledger = ledger_text.encode(full(bench))
    newer = json.dumps({**json.loads(ledger), "version": VERSION + 1, "novelty": {"kept": True}})
    written = {"whole": ledger, "newer": newer}.get(text or "")
    if written:
        bench.write(written)
    with pytest.raises(CantDo):
        bench.caretaker.repair("ann", bench.now, bench.keep)
    assert written is None or bench.text() == written
    assert bench.aside.read() is None


def test_a_ledger_that_is_too_large_loses_only_what_is_out_of_date() -> None:
    """What is older than a day goes; what is open and what is recent stays."""
    bench = Bench()
    old = {
        one.id: msgspec.structs.replace(one, detail="x" * 3200, told="chaosd-0")
        for one in [an_intent(n, bench, is_open=False) for n in range(30, 300)]
    }
    ledger = full(bench)
    ledger = msgspec.structs.replace(ledger, outcomes={**ledger.outcomes, **old})
    bench.write(ledger_text.encode(ledger))
    assert "too large" in bench.caretaker.show().problems[0]
    done = bench.caretaker.repair("ann", bench.now, bench.keep)
    after = bench.caretaker.show()
    assert (done.changed, done.halted, after.problems) == (True, False, ())
    assert set(after.ledger.outcomes) == {f"{n:020x}" for n in (2, 3, 4)}
    assert after.ledger.intents == ledger.intents
    assert after.ledger.leader is None


def test_init_makes_an_empty_ledger_and_names_it() -> None:
    """Afterwards the lease trusts what is there; its spec stays as it was."""
    bench = Bench()
    bench.lease.create('{"holderIdentity":"chaosd-0"}', {LEDGER_UID: "gone"})
    made = bench.caretaker.init()
    shown = bench.caretaker.show()
    assert (shown.named, shown.problems, shown.ledger) == (made.uid, (), Ledger())
    lease = bench.lease.read()
    assert lease is not None
    assert json.loads(lease.text) == {"holderIdentity": "chaosd-0"}


def test_init_accepts_a_ledger_that_was_restored() -> None:
    """Its content stays; only the lease changes."""
    bench = Bench()
    bench.write(ledger_text.encode(full(bench)), named=False)
    bench.lease.create("{}", {LEDGER_UID: "another"})
    assert bench.caretaker.show().foreign
    bench.caretaker.init()
    after = bench.caretaker.show()
    assert (after.foreign, after.problems, after.ledger) == (False, (), full(bench))


def test_init_refuses_a_damaged_ledger() -> None:
    """It would be trusted and could not be read."""
    bench = Bench()
    bench.write("{ broken", named=False)
    with pytest.raises(CantDo, match="repair"):
        bench.caretaker.init()
