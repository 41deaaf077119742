"""Threads that call an actor's step whenever it wants to be called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime

from chaosd.daemon.clocks import PacedClock
from chaosd.ports import Report

_AFTER_FAILURE = 5.0
_LONGEST_WAIT = 60.0
Observe = Callable[[str, str, str, float], None]
# The thread of the loop on whose behalf something is done, on whichever thread.
_LOOP: ContextVar[int] = ContextVar("chaosd-loop")


class Pulse:
    """When each thread last showed that it works: it began or ended a step, or a request of its own
    ended, whatever came of it. Threads share it.

    Every request is bounded, so a slow API server is no silence.
    """

    def __init__(self, clock: PacedClock) -> None:
        self._clock = clock
        self._beats: dict[int, float] = {}

    def beat(self) -> None:
        """The calling thread works, or the loop in whose context it was called."""
        self._beats[_LOOP.get(threading.get_ident())] = self._clock.boot()

    def silence(self, thread: threading.Thread) -> float:
        """Real seconds since a thread last showed that it works; 0 for one that has just begun."""
        now = self._clock.boot()
        return self._clock.real(now - self._beats.get(thread.ident or 0, now))

    def through(self, observe: Observe) -> Observe:
        """An observer of requests that hears of them too."""

        def observed(verb: str, resource: str, code: str, seconds: float) -> None:
            self.beat()
            observe(verb, resource, code, seconds)

        return observed


class Loop:
    """One actor on one thread. A step that raises is reported and tried again; the loop lives.

    ``patience`` is for how many real seconds ``pulse`` may hear nothing of it before it counts as
    stuck.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], datetime],
        clock: PacedClock,
        report: Report,
        pulse: Pulse,
        patience: float = 180.0,
    ) -> None:
        self.name = name
        self._step = step
        self._clock = clock
        self._report = report
        self._pulse = pulse
        self._patience = patience
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"chaosd-{name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after the step under way."""
        self._stop.set()

    def join(self, seconds: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def healthy(self) -> bool:
        """Whether the thread lives and has shown lately that it works."""
        return self._thread.is_alive() and self._pulse.silence(self._thread) < self._patience

    def _run(self) -> None:
        _LOOP.set(threading.get_ident())
        while not self._stop.is_set():
            self._pulse.beat()
            try:
                wake = self._step()
                seconds = (wake - self._clock.now()).total_seconds()
            except Exception as error:  # noqa: BLE001 - the loop must live
                self._report.failed(f"loop {self.name}", error)
                seconds = _AFTER_FAILURE
            self._pulse.beat()
            self._stop.wait(min(max(self._clock.real(seconds), 0.0), _LONGEST_WAIT))
