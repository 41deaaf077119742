"""Clocks that the sandbox runs on. All of them tell aware UTC time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class AcceleratedClock:
    """A clock that starts at `start` and runs `speed` times as fast as `monotonic`.

    Several parts (cluster, daemon) that share one instance share one time.
    """

    def __init__(
        self,
        start: datetime | None = None,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.start = (start or datetime.now(UTC)).astimezone(UTC)
        self.speed = speed
        self._monotonic = monotonic
        self._origin = monotonic()

    def now(self) -> datetime:
        """The accelerated time."""
        elapsed = self._monotonic() - self._origin
        return self.start + timedelta(seconds=elapsed * self.speed)

    def real_seconds(self, accelerated: float) -> float:
        """How many real seconds pass while this clock goes on by `accelerated` seconds."""
        return accelerated / self.speed

    def sleep(self, seconds: float) -> None:
        """Wait until this clock has gone on by `seconds`."""
        time.sleep(max(0.0, self.real_seconds(seconds)))


class ManualClock:
    """A clock that moves only when told to: virtual time for tests and simulations."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = (start or datetime(2026, 1, 5, 9, 0, tzinfo=UTC)).astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time last set."""
        with self._lock:
            return self._now

    def advance(self, by: float | timedelta) -> datetime:
        """Move on by seconds or a timedelta, and return the new time."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        with self._lock:
            self._now += step
            return self._now

    def set(self, when: datetime) -> None:
        """Jump to `when`, which may lie in the past (a wrong clock is a fault worth testing)."""
        with self._lock:
            self._now = when.astimezone(UTC)

    def sleep(self, seconds: float) -> None:
        """Pass the time at once, instead of waiting for it."""
        self.advance(seconds)
