"""Signals that ask this process to end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from types import FrameType
from typing import NoReturn

_LOOK = 0.5
"""Seconds. Handlers run in the main thread alone, and a signal that another thread gets, or that
comes right before the wait begins, does not end that wait: Python tells of it afterwards."""

Handler = Callable[[int, FrameType | None], object]


class Shutdown:
    """Whether this process was asked to end.

    Code that a handler interrupts may swallow what the handler raises (a finalizer does: "Exception
    ignored in", Python's object.__del__), or hold the lock that it would wait for (threading.Event
    has one). So a handler only tells this, through a queue whose ``put`` may interrupt itself (the
    documentation of queue.SimpleQueue.put).
    """

    def __init__(self) -> None:
        self._told: SimpleQueue[int] = SimpleQueue()

    def tell(self, number: int, _: FrameType | None = None) -> None:
        """Somebody asks, by that signal."""
        self._told.put(number)

    def exit(self, number: int, frame: FrameType | None = None) -> NoReturn:
        """Somebody asks while there is nothing to end yet: raises SystemExit, with 0."""
        self.tell(number, frame)
        sys.exit(0)

    def wait(self, seconds: float = _LOOK) -> bool:
        """Wait until somebody asks, for up to so many seconds; returns whether somebody did, now
        or before."""
        try:
            number = self._told.get(timeout=seconds)
        except Empty:
            return False
        self._told.put(number)
        return True

    def __bool__(self) -> bool:
        return not self._told.empty()


def heed(numbers: Iterable[int], handler: Handler) -> None:
    """From now on, ``handler`` is told of these signals."""
    for number in numbers:
        signal.signal(number, handler)


@contextmanager
def heeded(numbers: Iterable[int], handler: Handler) -> Iterator[None]:
    """Meanwhile ``handler`` is told of these signals, but for the ignored ones, as by nohup."""
    before = {number: signal.getsignal(number) for number in numbers}
    ours = [number for number, then in before.items() if then is not signal.SIG_IGN]
    heed(ours, handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
