"""The clocks of a real process."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from chaosd.daemon.clocks import PacedClock, PaceSetClock, SystemClock
from chaosd.sandbox import AcceleratedClock


def test_the_system_clock_is_the_machines() -> None:
    """Wall-clock time is aware and in UTC; seconds take as long as they say."""
    clock: PacedClock = SystemClock()
    before = datetime.now(UTC)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.utcoffset() == timedelta(0)
    assert clock.real(12.5) == 12.5


def test_boot_time_is_that_of_the_machine_and_never_goes_back() -> None:
    """It goes on in a suspended machine where there is such a clock (Linux)."""
    clock = SystemClock()
    kind = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    before = time.clock_gettime(kind)
    read = [clock.boot() for _ in range(100)]
    assert before <= read[0]
    assert read[-1] <= time.clock_gettime(kind)
    assert read == sorted(read)


@pytest.mark.parametrize("speed", [0.5, 1.0, 10.0, 3600.0])
def test_a_paced_clock_keeps_all_proportions(speed: float) -> None:
    """Wall clock, boot clock and waiting run at one speed."""
    passed = [0.0]
    start = datetime(2026, 3, 4, tzinfo=UTC)
    shown = AcceleratedClock(start, speed, monotonic=lambda: passed[0])
    clock: PacedClock = PaceSetClock(shown.now, speed)
    system = SystemClock()
    before = system.boot() * speed
    assert before <= clock.boot() <= system.boot() * speed
    passed[0] = clock.real(60)
    assert clock.now() - start == timedelta(seconds=60)
