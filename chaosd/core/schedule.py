"""When a policy tries: slots as a pure function of seed, schedule and time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaosd.core.meantime import MeanTime, Rate, check_meantime
from chaosd.core.window import Windows

__all__ = [
    "Cron",
    "Every",
    "MeanTime",
    "Rate",
    "Schedule",
    "Slot",
    "check_meantime",
    "intent_id",
    "slots",
]


@dataclass(frozen=True, slots=True)
class Every:
    """A slot every `every`, later by a seeded jitter in [0, jitter); whole seconds.

    Raises:
        ValueError: `every` is not above zero, or `jitter` not in [0, every).
    """

    every: timedelta
    jitter: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Cron:
    """Slots by a cron expression of five fields, in the windows' time zone.

    Raises:
        ValueError: with a message that says what is wrong.
    """

    expression: str


Schedule = Every | Cron | MeanTime


@dataclass(frozen=True, slots=True)
class Slot:
    """An instant of a schedule."""

    policy: str
    workload: str  # namespace/Kind/name, or "*"
    at: datetime  # UTC, whole seconds

    def action_id(self, ordinal: int) -> str:
        """Name the attempt number `ordinal` of this slot: policy/workload/time#ordinal."""
        raise NotImplementedError


def intent_id(action_id: str) -> str:
    """Shorten an action id to 20 hexadecimal digits, legal in names of objects."""
    raise NotImplementedError


def slots(
    schedule: Schedule,
    *,
    seed: str,
    policy: str,
    windows: Windows,
    deadline: timedelta,
    workloads: Iterable[Rate],
    after: datetime,
    until: datetime,
) -> Iterator[Slot]:
    """Yield the slots with after < at <= until, ascending in time, ties by workload."""
    raise NotImplementedError
