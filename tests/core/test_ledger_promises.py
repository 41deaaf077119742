"""The promises of the ledger, whatever commands come in whatever order, from whomever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from chaosd.core import requests, transitions
from chaosd.core.admission import Circumstances, admit
from chaosd.core.ledger import Halt, Ledger, Request, Step, StepState, Verdict
from chaosd.core.ledger_text import decode, encode
from chaosd.core.limits import HOUR, rest_reasons, used
from chaosd.core.model import Limits
from chaosd.core.pruning import prune
from chaosd.core.schedule import intent_id
from chaosd.core.tally import days_of
from chaosd.core.transitions import Refusal, Writer
from tests.core.ledgers import NOW, SECOND, action, configuration, intent, policy
from tests.core.witness import Witness

POLICIES = {
    "web": policy("web", limits=Limits(2, 4, 2), cooldown=HOUR),
    "api": policy("api", cooldown=timedelta(0)),
    "dry": policy("dry", limits=Limits(2, 4), dry_run=True, cooldown=HOUR),
}
SETTINGS = configuration(*POLICIES.values(), limits=Limits(3, 6, 3))
GAP = timedelta(minutes=30)
WORKLOADS = [f"shop/Deployment/w{number}" for number in range(5)]
FATES = ["open", *["recovered"] * 5, "killed", "notRecovered", "refused", "failed"]
Command = Callable[[Ledger, Writer], Ledger | Refusal]


class LedgerMachine(RuleBasedStateMachine):
    """A ledger under commands of leaders old and new, of people, and through its text and back."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.now = Ledger(), NOW
        self.witness = Witness(SETTINGS, GAP)
        self.writers: list[Writer] = []
        self.attempts = 0

    # -------------------------------------------------------------- how commands are given

    def give(self, command: Command) -> bool:
        """Give the leader's command; older leaders are refused it. Whether it was taken."""
        for old in self.writers[:-1]:
            assert isinstance(command(self.ledger, old), Refusal)
        return self.change(lambda ledger: command(ledger, self.writers[-1]))

    def change(self, change: Callable[[Ledger], Ledger | Refusal]) -> bool:
        """Give a command, and once more, as after a lost answer. Whether it was taken."""
        before, text = self.ledger, encode(self.ledger)
        outcome = change(before)
        assert encode(before) == text, "a command changed the ledger that it was given"
        if isinstance(outcome, Refusal):
            assert outcome.reasons
            return False
        again = change(outcome)
        assert isinstance(again, Refusal) or again == outcome, "given twice is not given once"
        self.ledger = outcome
        return True

    def an_intent(self, data: st.DataObject) -> str:
        """The id of an intent that is open, mostly, or of one that was."""
        known = list(self.ledger.intents) * 4 + list(self.witness.reserved)[-3:]
        return data.draw(st.sampled_from(known)) if known else "0" * 20

    def step(self, number: int) -> Step:
        victim, writer = intent().victim, self.writers[-1]
        return Step(number, victim, writer.holder, writer.term, self.now, self.now + 9 * SECOND)

    @invariant()
    def every_promise_is_kept(self) -> None:
        self.witness.look(self.ledger)
        self.witness.check_limits()
        assert used(self.ledger, self.now, dry_run=False).concurrent == len(self.witness.open())

    # -------------------------------------------------------------- time, leaders, text

    @initialize()
    def begin(self) -> None:
        self.lead("chaosd-0.a1")

    @rule(holder=st.sampled_from(["chaosd-0.a1", "chaosd-0.a2", "chaosd-1.b1"]))
    def lead(self, holder: str) -> None:
        assert self.change(lambda ledger: transitions.lead(ledger, holder, self.now))
        leader = self.ledger.leader
        assert leader is not None
        writer = Writer(leader.holder, leader.term)
        if writer not in self.writers:
            assert all(writer.term > old.term for old in self.writers)
            self.writers.append(writer)
        assert writer == self.writers[-1]

    @rule(minutes=st.sampled_from([1, 10, 29, 30, 31, 59, 60, 61, 300, 1440, 1600]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes, seconds=0.5 * (minutes % 2))

    @rule()
    def through_its_text(self) -> None:
        assert decode(encode(self.ledger)) == self.ledger

    # -------------------------------------------------------------- attempts

    @rule(
        attempts=st.lists(
            st.tuples(
                st.sampled_from(sorted(POLICIES)),
                st.sampled_from(WORKLOADS),
                st.sets(st.sampled_from(WORKLOADS), max_size=1),
                st.sampled_from(FATES),
                st.sampled_from([0, 1, 10, 29, 30, 31, 60, 61]),
            ),
            min_size=3,
            max_size=12,
        )
    )
    def attempt(self, attempts: list[tuple[str, str, set[str], str, int]]) -> None:
        """Some attempts, one after the other, and what becomes of most of them."""
        for name, workload, more, fate, minutes in attempts:
            self.attempts += 1
            action_id = action(name, workload, self.now, self.attempts)
            if self.strike(name, workload, action_id, 0, more):
                self.follow(intent_id(action_id), fate)
            self.wait(minutes)

    def follow(self, key: str, fate: str) -> None:
        if fate == "open":
            return
        now = self.now
        state = StepState(fate) if fate in ("refused", "failed") else StepState.KILLED
        settle, finish = transitions.settle_step, transitions.finish_strikes
        self.give(lambda ledger, writer: settle(ledger, writer, key, 1, state, "", now))
        self.give(lambda ledger, writer: finish(ledger, writer, key, now))
        if fate in ("recovered", "notRecovered"):
            self.wait(1)
            verdict, now = Verdict(fate), self.now
            self.give(lambda ledger, writer: transitions.judge(ledger, writer, key, verdict, now))

    @precondition(lambda self: self.witness.reserved)
    @rule(data=st.data())
    def attempt_again(self, data: st.DataObject) -> None:
        """The same slot once more, as by another process, at once or late."""
        one = data.draw(st.sampled_from(list(self.witness.reserved.values())))
        late = (self.now - one.reserved_at) // SECOND
        self.strike(one.policy, one.workload, one.action_id, late, set())

    def strike(self, name: str, workload: str, action_id: str, late: int, more: set[str]) -> bool:
        """What the engine does: admit, look whether the workload rests, reserve."""
        one, before, at = POLICIES[name], self.ledger, self.now - late * SECOND
        if admit(before, SETTINGS, one, action_id, at, Circumstances(self.now)) or rest_reasons(
            before, workload, self.now, min_gap=GAP, cooldown=one.cooldown, dry_run=one.dry_run
        ):
            return False
        wanted = msgspec.structs.replace(
            intent(name, workload, self.now, action_id=action_id, dry_run=one.dry_run),
            steps=(self.step(1),),
            locks=(workload, *sorted(more - {workload})),
        )
        if not self.give(lambda ledger, writer: transitions.reserve(ledger, writer, wanted)):
            return False
        self.witness.reserve(before, wanted, self.now)
        self.witness.look(self.ledger)
        return True

    # -------------------------------------------------------------- what becomes of it

    @rule(
        data=st.data(),
        number=st.sampled_from([1, 1, 2]),
        state=st.sampled_from([StepState.KILLED, StepState.REFUSED, StepState.FAILED]),
        fenced=st.booleans(),
    )
    def settle(self, data: st.DataObject, number: int, state: StepState, fenced: bool) -> None:
        """By the leader, or by a person after a fence."""
        key, now = self.an_intent(data), self.now
        if fenced:
            settle = transitions.settle_step
            assert self.change(lambda ledger: settle(ledger, None, key, number, state, "", now))
        else:
            self.give(
                lambda ledger, writer: transitions.settle_step(
                    ledger, writer, key, number, state, "", now
                )
            )

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        key = self.an_intent(data)
        one = self.ledger.intents.get(key)
        step = self.step(len(one.steps) + 1 if one else 2)
        self.give(lambda ledger, writer: transitions.add_step(ledger, writer, key, step))

    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key, now = self.an_intent(data), self.now
        self.give(lambda ledger, writer: transitions.finish_strikes(ledger, writer, key, now))

    @rule(data=st.data(), verdict=st.sampled_from(Verdict))
    def judge(self, data: st.DataObject, verdict: Verdict) -> None:
        key, now = self.an_intent(data), self.now
        was = self.ledger.intents.get(key)
        self.give(lambda ledger, writer: transitions.judge(ledger, writer, key, verdict, now))
        if was and verdict is Verdict.NOT_RECOVERED:
            assert key in self.ledger.intents

    @rule(data=st.data(), verdict=st.booleans())
    def tell(self, data: st.DataObject, verdict: bool) -> None:
        self.tell_of(self.an_intent(data), verdict)

    def tell_of(self, key: str, verdict: bool) -> None:
        self.give(lambda ledger, writer: transitions.tell(ledger, writer, key, verdict=verdict))
        self.witness.look(self.ledger)

    @rule(days=st.sampled_from([0, 2]), everything=st.booleans())
    def prune(self, days: int, everything: bool) -> None:
        """After all was told, or some."""
        for key in list(self.ledger.outcomes) if everything else []:
            for verdict in (False, True):
                self.tell_of(key, verdict)
        keep, now = HOUR + timedelta(days=days), self.now
        known = days_of(self.ledger, now, "UTC", "web")
        assert self.give(lambda ledger, writer: prune(ledger, writer, now, keep))
        assert days_of(self.ledger, now, "UTC", "web") == known

    # -------------------------------------------------------------- people

    @rule(name=st.sampled_from(["", "web"]), times=st.sampled_from([0, 0, 0, 1, 2]))
    def halt(self, name: str, times: int) -> None:
        for who in ("ann", "bob")[:times]:
            self.halt_by(who, name)

    def halt_by(self, who: str, name: str) -> None:
        stop = Halt(who, "why", self.now)
        assert self.change(lambda ledger: transitions.halt(ledger, stop, name))
        if not name:
            self.witness.halt = self.witness.halt or stop

    @rule(name=st.sampled_from(["", "web"]))
    def resume(self, name: str) -> None:
        assert self.change(lambda ledger: transitions.resume(ledger, name))
        if not name:
            self.witness.halt = None

    @rule(workload=st.sampled_from(WORKLOADS))
    def forgive(self, workload: str) -> None:
        now = self.now
        self.change(lambda ledger: transitions.forgive(ledger, workload, "ann", now))

    @rule(number=st.integers(0, 2))
    def wish(self, number: int) -> None:
        at = self.now
        wished = Request(f"request{number}", "web", "ann", at, at + requests.VALID)
        assert self.change(lambda ledger: requests.post(ledger, wished))

    @rule()
    def grant(self) -> None:
        """Take what waits: never what was taken or answered."""
        for one in requests.waiting(self.ledger, self.now):
            assert not one.taken_by
            assert not one.answer
            key = one.id
            assert self.give(lambda ledger, writer, key=key: requests.take(ledger, writer, key))  # type: ignore[misc]
            assert self.ledger.requests[one.id].taken_by == self.writers[-1].holder
        assert requests.waiting(self.ledger, self.now) == ()


LedgerMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40)
TestLedger = LedgerMachine.TestCase
