"""Threads that call an actor's step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from chaosd.daemon.loops import Loop, Pulse
from chaosd.daemon.together import at_once
from tests.daemon.bell import PATIENCE, Bell
from tests.daemon.hands import Hands
from tests.engine.world import Tape

TOMORROW = timedelta(days=1)


@contextmanager
def running(
    step: Callable[[], datetime],
    clock: Hands,
    tape: Tape | None = None,
    patience: float = 180.0,
    pulse: Pulse | None = None,
) -> Iterator[Loop]:
    """A loop that is stopped at the end."""
    loop = Loop("tested", step, clock, tape or Tape(), pulse or Pulse(clock), patience)
    loop.start()
    try:
        yield loop
    finally:
        loop.stop()
        assert loop.join(PATIENCE)


@pytest.mark.parametrize("error", [ValueError("odd"), RuntimeError(), KeyError("x")])
def test_a_step_that_raises_is_reported_and_tried_again(error: Exception) -> None:
    """The loop survives, says which one it is, and the next step works."""
    clock, tape, worked = Hands(speed=1000), Tape(), threading.Event()
    errors = [error, error]

    def step() -> datetime:
        if errors:
            raise errors.pop()
        worked.set()
        return clock.now() + TOMORROW

    with running(step, clock, tape) as loop:
        assert worked.wait(PATIENCE)
        assert loop.healthy()
    assert tape.failures == [f"loop tested: {type(error).__name__} {error}"] * 2


def test_a_step_that_hangs_is_stuck_and_one_that_ends_is_not() -> None:
    """Health goes by how long ago a step began or ended, in real seconds."""
    clock = Hands(speed=10)
    begun, go_on, again = threading.Semaphore(0), threading.Event(), threading.Semaphore(0)

    def step() -> datetime:
        begun.release()
        assert go_on.wait(PATIENCE)
        again.release()
        return clock.now()

    with running(step, clock, patience=5) as loop:
        assert begun.acquire(timeout=PATIENCE)
        clock.move(49)  # 4.9 real seconds
        assert loop.healthy()
        clock.move(2)
        assert not loop.healthy()
        go_on.set()
        for _ in range(2):
            assert again.acquire(timeout=PATIENCE)
        assert loop.healthy()


def test_a_step_of_many_slow_requests_is_not_stuck() -> None:
    """An API server that takes half a minute for each of them is no reason to end this process;
    what is counted of requests goes on being counted."""
    clock, asked, go_on = Hands(), threading.Semaphore(0), threading.Semaphore(0)
    counted: list[tuple[str, str, str, float]] = []
    pulse = Pulse(clock)
    observe = pulse.through(lambda *request: counted.append(request))

    def step() -> datetime:
        for _ in range(20):
            clock.move(30)
            observe("get", "pods", "unanswered", 30.0)
            asked.release()
            assert go_on.acquire(timeout=PATIENCE)
        return clock.now() + TOMORROW

    with running(step, clock, pulse=pulse) as loop:
        for _ in range(20):
            assert asked.acquire(timeout=PATIENCE)
            clock.move(60)
            assert loop.healthy()
            go_on.release()
    assert counted == [("get", "pods", "unanswered", 30.0)] * 20


def test_requests_made_at_once_are_signs_of_life() -> None:
    """They are the loop's own, though other threads make them."""
    clock, asked, go_on = Hands(), threading.Semaphore(0), threading.Semaphore(0)
    pulse = Pulse(clock)
    observe = pulse.through(lambda *_: None)

    def step() -> datetime:
        for _ in range(4):
            clock.move(100)
            at_once(lambda _: observe("get", "pods", "unanswered", 100.0), range(3))
            asked.release()
            assert go_on.acquire(timeout=PATIENCE)
        return clock.now() + TOMORROW

    with running(step, clock, pulse=pulse) as loop:
        for _ in range(4):
            assert asked.acquire(timeout=PATIENCE)
            assert loop.healthy()
            go_on.release()


def test_requests_of_other_threads_are_no_sign_of_life() -> None:
    """A loop that is stuck is found though the others work."""
    clock, begun, go_on = Hands(), threading.Event(), threading.Event()
    pulse = Pulse(clock)

    def step() -> datetime:
        begun.set()
        assert go_on.wait(PATIENCE)
        return clock.now() + TOMORROW

    with running(step, clock, pulse=pulse) as loop:
        assert begun.wait(PATIENCE)
        clock.move(181)
        pulse.beat()
        assert not loop.healthy()
        go_on.set()


def test_a_slow_step_that_has_ended_is_forgotten() -> None:
    """While the loop waits for its next step, only that wait counts."""
    clock, begun, go_on = Hands(), threading.Event(), threading.Event()

    def step() -> datetime:
        begun.set()
        assert go_on.wait(PATIENCE)
        return clock.now() + TOMORROW

    with running(step, clock, patience=5) as loop:
        assert begun.wait(PATIENCE)
        clock.move(6)
        assert not loop.healthy()
        go_on.set()
        Bell().until(loop.healthy)


def test_waiting_long_is_not_stuck() -> None:
    """A loop wakes at least once a minute, whatever its step asks for, and a quiet one is well."""
    clock, stepped = Hands(), threading.Event()

    def step() -> datetime:
        stepped.set()
        return clock.now() + TOMORROW

    with running(step, clock) as loop:
        assert stepped.wait(PATIENCE)
        clock.move(61)
        assert loop.healthy()


def test_a_loop_that_has_ended_is_not_healthy() -> None:
    """Somebody has to notice when a thread is gone."""
    clock = Hands()
    with running(lambda: clock.now() + TOMORROW, clock) as loop:
        assert loop.healthy()
    assert not loop.healthy()


def test_it_is_called_again_when_it_wants_to() -> None:
    """A step that names a time in the past is called again at once, over and over."""
    clock, steps = Hands(), threading.Semaphore(0)

    def step() -> datetime:
        steps.release()
        return clock.now() - timedelta(hours=1)

    with running(step, clock):
        for _ in range(20):
            assert steps.acquire(timeout=PATIENCE)


def test_stopping_does_not_wait_for_the_next_step_but_for_the_one_under_way() -> None:
    """A step is never cut off in the middle, and no other begins after it."""
    clock, begun, go_on = Hands(), threading.Event(), threading.Event()
    ended = []

    def step() -> datetime:
        begun.set()
        assert go_on.wait(PATIENCE)
        ended.append(True)
        return clock.now()

    with running(step, clock) as loop:
        assert begun.wait(PATIENCE)
        loop.stop()
        assert not loop.join(0)
        go_on.set()
        assert loop.join(PATIENCE)
    assert ended == [True]
