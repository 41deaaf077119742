"""Clocks from outside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaosd.sandbox import AcceleratedClock, ManualClock

START = datetime(2026, 3, 1, tzinfo=UTC)


def test_an_accelerated_clock_runs_faster() -> None:
    """Ten real seconds at speed 60 are ten minutes."""
    real = [100.0]
    clock = AcceleratedClock(START, 60, monotonic=lambda: real[0])
    real[0] += 10
    assert clock.now() == START + timedelta(minutes=10)
    assert clock.real_seconds(60) == 1


@pytest.mark.parametrize("speed", [0, -1])
def test_a_clock_does_not_stand_or_run_backwards(speed: float) -> None:
    """A speed of nothing is refused."""
    with pytest.raises(ValueError, match="speed"):
        AcceleratedClock(START, speed)


def test_a_manual_clock_moves_when_told_to() -> None:
    """Seconds, timedeltas, sleeping, and jumps into the past."""
    clock = ManualClock(START)
    assert clock.advance(5) == START + timedelta(seconds=5)
    clock.advance(timedelta(minutes=1))
    clock.sleep(5)
    assert clock.now() == START + timedelta(seconds=70)
    clock.set(START)
    assert clock.now() == START
