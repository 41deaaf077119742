"""Waiting for something to become true, woken by what may have changed it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which something that has to come is given up."""
_LOOK_ANYWAY = 0.2


class Bell:
    """Rung by whoever changes something; some changes (in another process) ring nothing, so those
    who wait also look by themselves now and then."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self, *_: object) -> None:
        """Something may have changed."""
        self._rung.set()

    def until(self, ask: Callable[[], T], what: object = "", seconds: float = PATIENCE) -> T:
        """The first answer that is true; AssertionError with ``what`` when none comes in time."""
        end = time.monotonic() + seconds
        while True:
            self._rung.clear()
            answer = ask()
            if answer:
                return answer
            left = end - time.monotonic()
            assert left > 0, f"it did not come within {seconds:.0f} s: {what}"
            self._rung.wait(min(left, _LOOK_ANYWAY))
