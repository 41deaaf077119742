"""A day's plan of mean-time slots, in CPU seconds and against a floor measured in the same run.

The floor is what no plan can do without: one seeded `random.Random` for each workload.
Run with `python -m benchmarks.bench_schedule`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

from chaosd.core import seeded
from chaosd.core.schedule import MeanTime, Rate, slots
from chaosd.core.window import Dates, Weekly, Windows

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
FREEZE = Dates(date(2026, 12, 18), date(2027, 1, 4))
OFFICE = Weekly(frozenset(range(5)), 9 * 3_600, 17 * 3_600)
CASES = {
    "Mon-Fri 09:00-17:00, mean 5d": (Windows("Europe/Berlin", ((OFFICE,),), (FREEZE,)), 5 * DAY),
    "always, mean 5d": (Windows("UTC"), 5 * DAY),
    "always, mean 1d": (Windows("UTC"), DAY),
}


def plan_a_day(workloads: int, windows: Windows, mean: timedelta) -> int:
    """Plan one day for this many workloads, and count the slots."""
    schedule = MeanTime(mean, 12 * HOUR)
    found = slots(
        schedule,
        seed="5f6c1a3e-0d7b-4f0a-9b59-1f2f0f3f7c11",
        policy="web",
        windows=windows,
        deadline=timedelta(minutes=10),
        workloads=(
            Rate(f"team-{number % 50}/Deployment/service-{number}", mean, schedule.min_gap)
            for number in range(workloads)
        ),
        after=MONDAY,
        until=MONDAY + DAY,
    )
    return sum(1 for _ in found)


def seed_only(workloads: int) -> int:
    """Make the randomness of the workloads and nothing else."""
    return sum(random.Random(seeded.number("seed", str(n))).random() < 1 for n in range(workloads))


def cpu_seconds(work: Callable[[], int], repeat: int = 3) -> tuple[float, int]:
    """Run `work` a few times: the CPU seconds of the fastest run, and what it counted."""
    best, counted = float("inf"), 0
    for _ in range(repeat):
        begin = time.process_time()
        counted = work()
        best = min(best, time.process_time() - begin)
    return best, counted


def main() -> None:
    """Print a line for each case and size."""
    print(
        f"{'a day of mean-time slots':32} {'workloads':>9} {'slots':>7} {'CPU s':>7} {'ratio':>6}"
    )
    for workloads in (1_000, 10_000, 50_000):
        floor, _ = cpu_seconds(partial(seed_only, workloads))
        print(f"{'seeding alone':32} {workloads:9} {'':7} {floor:7.3f} {1:6.1f}")
        for name, (windows, mean) in CASES.items():
            seconds, found = cpu_seconds(partial(plan_a_day, workloads, windows, mean))
            print(f"{name:32} {workloads:9} {found:7} {seconds:7.3f} {seconds / floor:6.1f}")


if __name__ == "__main__":
    main()
