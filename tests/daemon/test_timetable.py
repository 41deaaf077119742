"""Slots at their time, one attempt at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from chaosd.core.ledger import Request
from chaosd.core.schedule import Slot
from chaosd.daemon.clocks import PaceSetClock
from chaosd.daemon.timetable import Timetable
from chaosd.sandbox import AcceleratedClock
from tests.daemon.bell import PATIENCE, Bell
from tests.engine.world import Tape

STILL = 0.1
"""So slow a clock that nothing gets late while a test runs: 30 s of it are five minutes."""
START = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


class Desk:
    """A timetable on a clock that runs ``speed`` times as fast as the machine's, and what became of
    its jobs.

    ``doing`` says what a job does besides being noted.
    """

    def __init__(self, doing: Callable[[str], None], speed: float) -> None:
        self.bell, self.tape = Bell(), Tape()
        self.clock = PaceSetClock(AcceleratedClock(START, speed).now, speed)
        self.ran: list[str] = []
        self.missed: list[str] = []
        self.at_once = self.most_at_once = 0
        self.doing = doing
        self._lock = threading.Lock()
        self.timetable = Timetable(
            lambda slot: self._run(slot.policy),
            lambda request: self._run(f"request {request.id}"),
            lambda slot: self._note(self.missed, slot.policy),
            self.clock,
            self.tape,
        )

    def slot(self, name: str, seconds: float) -> Slot:
        """A slot so many seconds from now, of a policy of that name."""
        return Slot(name, "*", self.clock.now() + timedelta(seconds=seconds))

    def plan(self, *slots: Slot, drop: bool = False) -> None:
        self.timetable.plan(slots, drop=drop)

    def ask(self, name: str) -> None:
        now = self.clock.now()
        self.timetable.run_now(Request(name, "web", "ann", now, now + timedelta(seconds=60)))

    def until(self, ask: Callable[[], object]) -> None:
        self.bell.until(ask, self)

    def __repr__(self) -> str:
        return f"ran {self.ran}, missed {self.missed}, failures {self.tape.failures}"

    def _run(self, name: str) -> None:
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self._note(self.ran, name)
        try:
            self.doing(name)
        finally:
            with self._lock:
                self.at_once -= 1
            self.bell.ring()

    def _note(self, notes: list[str], name: str) -> None:
        notes.append(name)
        self.bell.ring()


@contextmanager
def open_desk(doing: Callable[[str], None] = lambda _: None, speed: float = 1.0) -> Iterator[Desk]:
    desk = Desk(doing, speed)
    desk.timetable.start()
    try:
        yield desk
    finally:
        if desk.timetable.running:
            desk.timetable.stop(wait=True)


class Slow:
    """A job that is under way until it may end."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, name: str) -> None:
        if name == self._name:
            self.begun.set()
            assert self.may_end.wait(PATIENCE)


def test_close_slots_all_run_while_a_job_is_slow() -> None:
    """Three slots within 0.4 s and a job that outlasts them all: none is skipped, in order, one at
    a time. (One trigger with these slots runs the first alone.)"""
    slow = Slow("first")
    with open_desk(slow) as desk:
        last = desk.slot("third", 0.4)
        desk.plan(desk.slot("first", 0.1), desk.slot("second", 0.2), last)
        assert slow.begun.wait(PATIENCE)
        desk.until(lambda: desk.clock.now() > last.at)
        slow.may_end.set()
        desk.until(lambda: len(desk.ran) == 3)
        assert desk.ran == ["first", "second", "third"]
        assert desk.most_at_once == 1
        assert desk.missed == []


def test_a_request_waits_for_the_attempt_under_way() -> None:
    """People's requests and slots share the one place at which attempts run."""
    slow = Slow("slot")
    with open_desk(slow) as desk:
        desk.plan(desk.slot("slot", 0))
        assert slow.begun.wait(PATIENCE)
        desk.ask("wish")
        slow.may_end.set()
        desk.until(lambda: len(desk.ran) == 2)
        assert desk.ran == ["slot", "request wish"]
        assert desk.most_at_once == 1


def test_a_drop_forgets_what_was_planned_but_not_what_is_under_way() -> None:
    """Later slots and those that wait in the queue are dropped, and are not counted as missed."""
    slow = Slow("under way")
    with open_desk(slow) as desk:
        desk.plan(desk.slot("under way", 0))
        assert slow.begun.wait(PATIENCE)
        queued, later = desk.slot("queued", 0), desk.slot("later", 0.5)
        desk.plan(queued, later)
        in_the_queue = queued.at + timedelta(seconds=0.3)
        desk.until(lambda: desk.clock.now() > in_the_queue)
        desk.plan(desk.slot("new", 0.4), drop=True)
        slow.may_end.set()
        desk.until(lambda: "new" in desk.ran)
    assert desk.ran == ["under way", "new"]
    assert desk.missed == []


def test_a_slot_that_was_dropped_can_be_planned_again() -> None:
    """A reload that changes nothing about a schedule brings the same slots."""
    with open_desk() as desk:
        slot = desk.slot("web", 1)
        desk.plan(slot)
        desk.plan(slot, drop=True)
        desk.until(lambda: desk.ran)
    assert desk.ran == ["web"]


def test_a_slot_can_be_tried_again_also_while_it_is_under_way() -> None:
    """Whenever that is, it waits for its first try to end, and is not lost."""
    slots: list[Slot] = []

    def doing(_: str) -> None:
        if len(desk.ran) == 1:
            again = desk.clock.now()
            desk.timetable.run_at(slots[0], again)
            desk.until(lambda: desk.clock.now() > again + timedelta(seconds=0.2))

    with open_desk(doing) as desk:
        slots.append(desk.slot("web", 0))
        desk.plan(*slots)
        desk.until(lambda: len(desk.ran) == 2)
        assert desk.most_at_once == 1


def test_what_is_to_be_tried_again_is_dropped_like_the_rest() -> None:
    """A reload forgets it too."""
    with open_desk() as desk:
        slot = desk.slot("web", 0)
        desk.timetable.run_at(slot, slot.at + timedelta(seconds=1))
        desk.plan(desk.slot("new", 1.2), drop=True)
        desk.until(lambda: desk.ran)
    assert desk.ran == ["new"]


def test_what_is_planned_twice_runs_once() -> None:
    """The slot is the job."""
    with open_desk() as desk:
        slot = desk.slot("web", 1)
        desk.plan(slot)
        desk.plan(slot)
        desk.plan(desk.slot("after it", 1.2))
        desk.until(lambda: "after it" in desk.ran)
    assert desk.ran == ["web", "after it"]


@pytest.mark.parametrize(("late", "runs"), [(1, True), (25, True), (35, False), (3600, False)])
def test_a_slot_over_30_s_late_is_missed_and_counted(late: float, runs: bool) -> None:
    """Chaos is not caught up."""
    with open_desk(speed=STILL) as desk:
        desk.plan(desk.slot("late", -late))
        desk.until(lambda: desk.ran or desk.missed)
        assert (desk.ran, desk.missed) == ((["late"], []) if runs else ([], ["late"]))


def test_a_slot_that_waited_in_the_queue_for_too_long_is_missed() -> None:
    """It is the start that counts, however early it was planned."""
    slow = Slow("request slow")
    with open_desk(slow, speed=30) as desk:
        desk.ask("slow")
        assert slow.begun.wait(PATIENCE)
        late = desk.slot("late", 1)
        desk.plan(late)
        desk.ask("wish")
        end = late.at + timedelta(seconds=35)
        desk.until(lambda: desk.clock.now() > end)
        slow.may_end.set()
        desk.until(lambda: len(desk.ran) + len(desk.missed) == 3)
        assert desk.missed == ["late"]
        # A person's request is never lost without a word: its attempt says that it is too late.
        assert desk.ran == ["request slow", "request wish"]


def test_a_job_that_raises_is_reported_and_the_next_one_runs() -> None:
    """Which slot it was stands in the report."""

    def doing(name: str) -> None:
        if name == "bad":
            raise ValueError("odd")

    with open_desk(doing) as desk:
        desk.plan(desk.slot("bad", 0), desk.slot("good", 0.1))
        desk.until(lambda: "good" in desk.ran)
        desk.until(lambda: desk.tape.failures)
    assert len(desk.tape.failures) == 1
    assert desk.tape.failures[0].startswith("job slot:bad/*/")
    assert desk.tape.failures[0].endswith("ValueError odd")


def test_stopping_waits_for_the_job_under_way_and_runs_no_other_slot() -> None:
    """Slots that wait in the queue find nothing to do, and nothing can be planned any more."""
    slow = Slow("under way")
    with open_desk(slow) as desk:
        desk.plan(desk.slot("under way", 0))
        assert slow.begun.wait(PATIENCE)
        queued = desk.slot("queued", 0)
        desk.plan(queued, desk.slot("later", 0.9))
        in_the_queue = queued.at + timedelta(seconds=0.3)
        desk.until(lambda: desk.clock.now() > in_the_queue)
        stopping = threading.Thread(target=desk.timetable.stop, kwargs={"wait": True})
        stopping.start()
        desk.until(lambda: not desk.timetable.running)
        assert stopping.is_alive()
        slow.may_end.set()
        stopping.join(PATIENCE)
        assert not stopping.is_alive()
        desk.plan(desk.slot("after the end", 0))
    assert desk.ran == ["under way"]
    assert desk.missed == []
