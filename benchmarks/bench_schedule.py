"""A day's plan of mean-time slots.

The floor is what no plan can do without: one seeded ``random.Random`` for each workload.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial

from benchmarks.figures import Figure
from benchmarks.lab import Lab
from benchmarks.timing import fastest
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
FLOOR = "seeding alone"
GOAL = 1.0
"""CPU seconds of the largest size."""


def measure(lab: Lab) -> Iterator[Figure]:
    """Each case at each size."""
    scale = lab.scale
    for workloads in scale.workloads:
        plans = {name: partial(plan_a_day, workloads, *case) for name, case in CASES.items()}
        works = {FLOOR: partial(seed_only, workloads), **plans}
        seconds = fastest(works, scale.repeat)
        yield Figure(f"{workloads:,} workloads, {FLOOR}", seconds[FLOOR], "CPU s")
        goal = GOAL if workloads == max(scale.workloads) else None
        for name, plan in plans.items():
            what = f"{workloads:,} workloads, {name}: {plan():,} slots"
            yield Figure(what, seconds[name], "CPU s", seconds[FLOOR], FLOOR, at_most=goal)


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
