"""When a policy tries: slots as a pure function of seed, schedule and time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from chaosd.core import seeded
from chaosd.core.localtime import instant, utc
from chaosd.core.meantime import MeanTime, Rate, check_meantime, instants
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

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31 (where a month has it), or L for the last",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7 (0 and 7 are Sunday), or SUN to SAT",
}


@dataclass(frozen=True, slots=True)
class Every:
    """A slot every `every`, later by a seeded jitter in [0, jitter); both whole seconds.

    Raises:
        ValueError: `every` is below a second, or `jitter` not in [0, every).
    """

    every: timedelta
    jitter: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.every < _SECOND or self.every % _SECOND or self.jitter % _SECOND:
            raise ValueError("write whole seconds, and every: 1s or more")
        if not timedelta(0) <= self.jitter < self.every:
            raise ValueError("jitter must be shorter than every: write a shorter jitter")


@dataclass(frozen=True, slots=True)
class Cron:
    """Slots by a cron expression of five fields, in the windows' time zone.

    The meaning is that of Debian's cron (by the library cronsim): weekdays count from 0 for Sunday,
    a time that the clock skips runs right after the skip, one that comes twice runs once unless
    its minute or hour starts with a star.

    Raises:
        ValueError: with a message that says what is wrong and what to write.
    """

    expression: str

    def __post_init__(self) -> None:
        text = self.expression.strip().lower()
        example = f"such as {_SHORTHANDS.get(text, '0 10 * * TUE')!r}"
        if len(self.expression.split()) != len(_FIELDS):
            raise ValueError(
                "a cron expression has five fields, minute hour day-of-month month day-of-week: "
                f"write one {example}"
            )
        try:
            first = next(_cron(self.expression, _EPOCH), None)
        except (CronSimError, AssertionError, ValueError) as error:
            field = str(error).removeprefix("Bad ")
            allowed = f"the {field} takes {_FIELDS[field]}" if field in _FIELDS else "it is garbled"
            raise ValueError(f"not a cron expression: {allowed}; write one {example}") from None
        if first is None:
            raise ValueError(f"this never comes in fifty years: write an expression {example}")


Schedule = Every | Cron | MeanTime


@dataclass(frozen=True, slots=True)
class Slot:
    """An instant of a schedule."""

    policy: str
    workload: str  # namespace/Kind/name, or "*"
    at: datetime  # UTC, whole seconds

    def action_id(self, ordinal: int) -> str:
        """Name the attempt number `ordinal` of this slot: policy/workload/time#ordinal."""
        return f"{self.policy}/{self.workload}/{self.at:%Y-%m-%dT%H:%M:%SZ}#{ordinal}"


def intent_id(action_id: str) -> str:
    """Shorten an action id to 20 hexadecimal digits, legal in names of objects."""
    return hashlib.sha256(action_id.encode()).hexdigest()[:20]


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
    """Yield the slots with after < at <= until, ascending in time, ties by workload.

    A span gives the same slots whether it is asked for at once or in parts. `Every` and `Cron` have
    slots for the policy (workload ``"*"``), inside windows or not; of `windows`, cron needs the
    zone. `MeanTime` has slots for each of `workloads`, at the rate given there, and only at
    strikeable times: open for at least `deadline` more.

    Raises:
        ValueError: a time has no zone.
    """
    after, until = utc(after), utc(until)
    match schedule:
        case Every():
            found = _every(schedule, seed, policy, after, until)
            yield from (Slot(policy, "*", at) for at in found)
        case Cron():
            times = _cron_between(schedule.expression, ZoneInfo(windows.zone), after, until)
            yield from (Slot(policy, "*", at) for at in times)
        case MeanTime():
            for at, workload in instants(
                workloads,
                seed=seed,
                policy=policy,
                windows=windows,
                deadline=deadline,
                after=after,
                until=until,
            ):
                yield Slot(policy, workload, at)


def _every(
    schedule: Every, seed: str, policy: str, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Yield k x every + an offset of the policy + a jitter of the policy and k, in Unix time."""
    every, jitter = schedule.every // _SECOND, schedule.jitter // _SECOND
    offset = seeded.number(seed, policy, "offset") % every
    # Slot k is before slot k + 1 as jitter < every, and the first that can lie in the span is this:
    k = ((after - _EPOCH) // _SECOND - offset - jitter) // every
    while True:
        late = seeded.number(seed, policy, "jitter", str(k)) % jitter if jitter else 0
        at = _EPOCH + (k * every + offset + late) * _SECOND
        if at > until:
            return
        if at > after:
            yield at
        k += 1


def _cron_between(
    expression: str, zone: ZoneInfo, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Yield the times of a cron expression, each once.

    Each local day is looked at from its own midnight: started elsewhere, cronsim can give other
    times around a clock change of half an hour.
    """
    days = CronSim(expression, _EPOCH)
    day, last = after.astimezone(zone).date(), until.astimezone(zone).date()
    seen = after
    while day <= last:
        if day.month in days.months and days.match_day(day):
            end = _midnight(day + _DAY, zone)
            for at in _cron(expression, (_midnight(day, zone) - _SECOND).astimezone(zone)):
                if at >= end or at > until:
                    break
                if at > seen:
                    seen = at
                    yield at
        day += _DAY


def _cron(expression: str, after: datetime) -> Iterator[datetime]:
    return (at.astimezone(UTC) for at in CronSim(expression, after))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return instant(datetime.combine(day, time()), zone, earlier=True)
