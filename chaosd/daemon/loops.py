"""Threads that call an actor's step whenever it wants to be called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from chaosd.daemon.clocks import PacedClock
from chaosd.ports import Report

_AFTER_FAILURE = 5.0
_LONGEST_WAIT = 60.0


class Loop:
    """One actor on one thread. A step that raises is reported and tried again; the loop lives.

    ``patience`` is how many real seconds a step may take before the process counts as stuck.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], datetime],
        clock: PacedClock,
        report: Report,
        patience: float = 180.0,
    ) -> None:
        self.name = name
        self._step = step
        self._clock = clock
        self._report = report
        self._patience = patience
        self._stop = threading.Event()
        self._beat = clock.boot()
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
        """Whether the thread lives and its last step is not too long ago."""
        since = self._clock.real(self._clock.boot() - self._beat)
        return self._thread.is_alive() and since < self._patience

    def _run(self) -> None:
        while not self._stop.is_set():
            self._beat = self._clock.boot()
            try:
                wake = self._step()
                seconds = (wake - self._clock.now()).total_seconds()
            except Exception as error:  # noqa: BLE001 - the loop must live
                self._report.failed(f"loop {self.name}", error)
                seconds = _AFTER_FAILURE
            self._beat = self._clock.boot()
            self._stop.wait(min(max(self._clock.real(seconds), 0.0), _LONGEST_WAIT))
