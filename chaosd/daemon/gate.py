"""A gate for what is expensive: one at a time, and only so many a minute."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Turned(Exception):
    """Nobody was let in; ``retry_after`` is in how many seconds to come again."""

    def __init__(self, why: str, retry_after: int) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class Busy(Turned):
    """Somebody is inside."""


class TooOften(Turned):
    """As many as may were inside lately."""


class Gate:
    """Lets one in at a time, and ``most`` in any ``seconds``; nobody waits at it.

    ``now`` is a clock of seconds that never jumps. Raises Busy and TooOften.
    """

    def __init__(self, now: Callable[[], float], most: int = 30, seconds: float = 60.0) -> None:
        self._now = now
        self._most = most
        self._seconds = seconds
        self._inside = threading.Lock()
        self._entered: deque[float] = deque()

    @contextmanager
    def passed(self) -> Iterator[None]:
        """Be inside."""
        if not self._inside.acquire(blocking=False):
            raise Busy("another question is being answered", 1)
        try:
            self._count()
            yield
        finally:
            self._inside.release()

    def _count(self) -> None:
        now = self._now()
        while self._entered and self._entered[0] <= now - self._seconds:
            self._entered.popleft()
        if len(self._entered) >= self._most:
            free = self._entered[0] + self._seconds - now
            often = f"{self._most} questions in {self._seconds:g} s were answered already"
            raise TooOften(often, int(free) + 1)
        self._entered.append(now)
