"""A clock that a test sets by hand, for threads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


class Hands:
    """A paced clock that stands still until it is moved; a second of it takes ``1 / speed`` real
    ones for whoever waits by it."""

    def __init__(self, speed: float = 1.0) -> None:
        self._passed = 0.0
        self._speed = speed

    def now(self) -> datetime:
        """The time that was set."""
        return START + timedelta(seconds=self._passed)

    def boot(self) -> float:
        """Seconds since the start."""
        return self._passed

    def real(self, seconds: float) -> float:
        """Shorter, by the speed."""
        return seconds / self._speed

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._passed += seconds
