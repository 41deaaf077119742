"""A line that says the same again and again is written once, then once a minute with a count."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from datetime import datetime, timedelta
from threading import Lock

EVERY = timedelta(minutes=1)
_MOST = 500
_VARYING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d+", re.IGNORECASE)


class Repeats:
    """Decides which of repeated lines are written; safe for threads."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._written: dict[Hashable, tuple[datetime, int]] = {}

    def due(self, key: Hashable) -> int | None:
        """How many lines of this key were left out since the last one that was written; None when
        this one is to be left out too."""
        with self._lock:
            now = self._now()
            written = self._written.get(key)
            if written is None:
                self._forget(now)
                self._written[key] = (now, 0)
                return 0
            at, left_out = written
            # A clock that was set back must not silence anything for long.
            if timedelta(0) <= now - at < EVERY:
                self._written[key] = (at, left_out + 1)
                return None
            self._written[key] = (now, 0)
            return left_out

    def _forget(self, now: datetime) -> None:
        """Keep the memory bounded: what was quiet goes first, then the oldest."""
        if len(self._written) < _MOST:
            return
        fresh = {key: entry for key, entry in self._written.items() if now - entry[0] < EVERY}
        self._written = dict(sorted(fresh.items(), key=lambda item: item[1][0])[-(_MOST // 2) :])


def alike(text: str) -> str:
    """A text without what differs from time to time: numbers, UIDs, addresses of objects."""
    return _VARYING.sub("#", text)
