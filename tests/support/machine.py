"""The machine's clocks."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class MachineClock:
    """A :class:`chaosd.ports.Clock`."""

    def now(self) -> datetime:
        """Wall-clock time."""
        return datetime.now(UTC)

    def boot(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()
