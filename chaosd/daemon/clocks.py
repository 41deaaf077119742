"""The clocks of a real process."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from chaosd.ports import Clock


class PacedClock(Clock, Protocol):
    """A clock that says how long its seconds take in real time."""

    def real(self, seconds: float) -> float:
        """Real seconds that pass while ``seconds`` of this clock do."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Wall-clock time in UTC."""
        return datetime.now(UTC)

    def boot(self) -> float:
        """CLOCK_BOOTTIME, which goes on in a suspended machine; monotonic where there is none."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    def real(self, seconds: float) -> float:
        """A second is a second."""
        return seconds


class PaceSetClock:
    """A clock that somebody else sets and that runs ``speed`` times as fast as real time.

    Both the wall clock and the boot clock run at that speed, so that leases, strikes and
    schedules keep their proportions.
    """

    def __init__(self, now: Callable[[], datetime], speed: float) -> None:
        self._now = now
        self._speed = speed
        self._boot = SystemClock().boot

    def now(self) -> datetime:
        """What the other clock says."""
        return self._now()

    def boot(self) -> float:
        """The machine's boot clock, sped up."""
        return self._boot() * self._speed

    def real(self, seconds: float) -> float:
        """Shorter, by the speed."""
        return seconds / self._speed
