"""A clock for everything in a test: the sandbox's, the adapters' and the engine's."""

from __future__ import annotations

from datetime import datetime

from chaosd.sandbox import ManualClock


class VirtualClock(ManualClock):
    """A manual clock with the boot time that :class:`chaosd.ports.Clock` wants."""

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__(start)
        self._start = super().now()

    def boot(self) -> float:
        """Virtual seconds since the start."""
        return (self.now() - self._start).total_seconds()
