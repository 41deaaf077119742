"""One at a time, and only so many a minute."""

from __future__ import annotations

import pytest

from chaosd.daemon.gate import Busy, Gate, TooOften


class Time:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_one_at_a_time() -> None:
    """Whoever comes meanwhile is sent away; then the gate is free, also after a failure."""
    gate = Gate(Time())
    with gate.passed(), pytest.raises(Busy) as turned, gate.passed():
        pass
    assert turned.value.retry_after == 1
    with pytest.raises(ZeroDivisionError), gate.passed():
        _ = 1 / 0
    with gate.passed():
        pass


def test_so_many_a_minute() -> None:
    """The next waits until the oldest is a minute ago; to be turned away counts for nothing."""
    time = Time()
    gate = Gate(time, most=3)
    for _ in range(3):
        time.now += 10
        with gate.passed():
            pass
    for _ in range(5):
        with pytest.raises(TooOften, match="3 questions in 60 s") as turned, gate.passed():
            pass
        assert turned.value.retry_after == 41
    time.now += 41
    with gate.passed():
        pass
