"""Slots for fixed seeds, written down: another Python or library that draws differently fails here.

They may change only together with a line in the changelog, as they move every schedule in use.
`python -m tests.core.test_golden` writes them anew.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

import pytest

from chaosd.core.schedule import Cron, Every, MeanTime, Rate, Schedule, intent_id, slots
from chaosd.core.window import Dates, Weekly, Windows
from tests.core.planning import z

GOLDEN = Path(__file__).parent / "golden"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WINDOWS = Windows(
    "Europe/Berlin",
    ((Weekly(frozenset(range(5)), 9 * 3_600, 17 * 3_600),),),
    (Dates(date(2026, 10, 28), date(2026, 10, 28), "release"),),
)
RATES = (
    Rate("shop/Deployment/cart", 5 * DAY, 12 * HOUR),
    Rate("shop/Deployment/checkout", DAY, 2 * HOUR),
    Rate("shop/StatefulSet/orders", 30 * HOUR, 3 * HOUR),
    Rate("été/CronJob/ménage", 2 * DAY, 12 * HOUR),
)
# Over a night in which the clock is put back, and over the end of a month and of a block of days.
SCHEDULES: dict[str, tuple[Schedule, timedelta]] = {
    "every": (Every(HOUR, timedelta(minutes=10)), 2 * DAY),
    "cron": (Cron("*/20 1-3 * * SUN,TUE"), 14 * DAY),
    "meantime": (MeanTime(5 * DAY, 12 * HOUR), 20 * DAY),
}


def written(name: str) -> list[list[str]]:
    """The slots of a schedule as [time, workload, intent id of the first attempt]."""
    schedule, span = SCHEDULES[name]
    start = z("2026-10-24T12:00")
    found = slots(
        schedule,
        seed="5f6c1a3e-0d7b-4f0a-9b59-1f2f0f3f7c11",
        policy="web",
        windows=WINDOWS,
        deadline=timedelta(minutes=10),
        workloads=RATES,
        after=start,
        until=start + span,
    )
    return [[slot.at.isoformat(), slot.workload, intent_id(slot.action_id(0))] for slot in found]


@pytest.mark.parametrize("name", SCHEDULES)
def test_slots_are_those_written_down(name: str) -> None:
    """The same seed, schedule and windows give the same slots, to the second."""
    expected = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    assert len(expected) > 25
    assert written(name) == expected


def _write() -> None:
    for name in SCHEDULES:
        rows = ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in written(name))
        (GOLDEN / f"{name}.json").write_text(f"[\n{rows}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
