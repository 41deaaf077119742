"""Waiting for what others do in their own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds after which something counts as never happening."""
_PAUSE = 0.02


def until(ask: Callable[[], T | None], what: object = "", seconds: float = PATIENCE) -> T:
    """Ask again and again until the answer is true, and return it; fails after ``seconds``.

    ``what`` is said then; of something callable, what it returns.
    """
    deadline = time.monotonic() + seconds
    pause = _PAUSE
    while not (answer := ask()):
        if time.monotonic() > deadline:
            words = what() if callable(what) else what
            raise AssertionError(f"still not after {seconds:g} s: {words or ask}; {answer!r}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)
    return answer
