"""Kills at a mean time for each workload: a thinned Poisson process over the weekly windows.

Asked for is one kill every M of calendar time, evenly over strikeable time, at least a gap g apart.
With f the strikeable share of the week, kills must come at the rate a = 1/(f M) of strikeable time.
What falls within g of the last kill is dropped (by the ledger), so candidates have to come more
often: at most one kill lies in (t-g, t], so a workload is inside its gap at t with probability
a O(t), where O(t) counts the strikeable seconds in (t-g, t]. Candidates at the rate
lambda(t) = a / (1 - a O(t)) therefore give kills at exactly the rate a.

f, O and lambda know the recurring weekly windows alone. Dates and holidays are freezes: nothing is
due in them, and nothing is caught up afterwards.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from chaosd.core import duration, seeded
from chaosd.core.interval import intersect
from chaosd.core.strikeable import (
    Strikeable,
    longest_open,
    most_blocked,
    recurring,
    weekly_share,
)
from chaosd.core.window import Windows, strikeable_intervals

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BLOCK = 16  # days planned from one look at the windows
_MOST_BLOCKED = 0.9  # a O(t): above, the rate would rise without bounds


@dataclass(frozen=True, slots=True)
class MeanTime:
    """For each workload one kill every `mean` of calendar time, at least `min_gap` apart."""

    mean: timedelta
    min_gap: timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """A workload (namespace/Kind/name) with its own, possibly lowered, rate.

    Raises:
        ValueError: `mean` is not above zero, or `min_gap` is below it.
    """

    workload: str
    mean: timedelta
    min_gap: timedelta

    def __post_init__(self) -> None:
        if self.mean <= timedelta(0) or self.min_gap < timedelta(0):
            raise ValueError("write a mean above zero and a gap of zero or more")


def instants(
    rates: Iterable[Rate],
    *,
    seed: str,
    policy: str,
    windows: Windows,
    deadline: timedelta,
    after: datetime,
    until: datetime,
) -> Iterator[tuple[datetime, str]]:
    """Yield (time, workload) of all candidates with after < time <= until, ascending.

    Every UTC day of every workload has randomness of its own, so that a day's candidates do not
    depend on when, for how long or for whom else one asks. Times are whole seconds in UTC.
    """
    chosen = tuple(rates)
    share = weekly_share(windows, deadline)
    if not chosen or not share:
        return
    gap = max(rate.min_gap for rate in chosen)
    first, last = _day_number(after), _day_number(until)
    for day in range(first, last + 1):
        block = day - day % _BLOCK
        plan = _plan(windows, deadline, block, gap)
        yield from (
            (_EPOCH + second * _SECOND, workload)
            for second, workload in _day(chosen, day, plan, share, (seed, policy))
            if after < _EPOCH + second * _SECOND <= until
        )


def check_meantime(
    schedule: MeanTime, windows: Windows, deadline: timedelta, cooldown: timedelta
) -> tuple[str, ...]:
    """Name what keeps a mean time from being met; each message says which numbers would do.

    Looked at are the recurring weekly windows, in a week without a change of the clock.
    """
    problems = []
    least = deadline + cooldown
    if schedule.min_gap < least:
        problems.append(
            f"minGap {duration.render(schedule.min_gap)} is shorter than deadline + cooldown: "
            f"write minGap: {duration.render(least)} or more"
        )
    share = weekly_share(windows, deadline)
    if not share:
        return (*problems, _never(windows, deadline))
    gap = max(schedule.min_gap, least)  # what it will be, once the first problem is put right
    allowed = _MOST_BLOCKED * share * (schedule.mean / _SECOND)
    blocked = most_blocked(windows, deadline, gap)
    if blocked >= allowed:
        mean = _round_up(blocked / (_MOST_BLOCKED * share))
        message = (
            f"minGap {duration.render(gap)} is too close to meanTimeBetweenKills "
            f"{duration.render(schedule.mean)} in these windows: "
            f"write meanTimeBetweenKills: {duration.render(mean)} or more"
        )
        smaller = _largest_gap(windows, deadline, allowed, gap)
        if smaller >= max(least, _SECOND):
            message += f", or minGap: {duration.render(smaller)} or less"
        problems.append(message)
    return tuple(problems)


# ------------------------------------------------------------------ one day of the process


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a block of days needs to know of the windows."""

    weekly: Strikeable  # by the recurring windows alone, from one gap before the block
    real: Strikeable  # what of it dates and holidays leave, in the block


@lru_cache(maxsize=16)
def _plan(windows: Windows, deadline: timedelta, block: int, gap: timedelta) -> _Plan:
    start = _EPOCH + block * _DAY
    end = start + _BLOCK * _DAY
    weekly_only = recurring(windows)
    weekly = list(strikeable_intervals(weekly_only, deadline, start - gap, end))
    real = weekly
    if windows != weekly_only:
        real = intersect(weekly, list(strikeable_intervals(windows, deadline, start, end)))
    return _Plan(Strikeable(weekly), Strikeable(real))


def _day(
    rates: tuple[Rate, ...], day: int, plan: _Plan, share: float, words: tuple[str, str]
) -> list[tuple[int, str]]:
    """List (Unix second, workload) of one UTC day, ascending."""
    start = day * 86_400
    if plan.real.until(start) == plan.real.until(start + 86_400):
        return []
    name = str(date(1970, 1, 1) + day * _DAY)
    most: dict[timedelta, int] = {}
    found = []
    for rate in rates:
        gap = rate.min_gap // _SECOND
        if rate.min_gap not in most:
            most[rate.min_gap] = plan.weekly.most_within(gap, start, start + 86_400)
        needed = 1 / (share * (rate.mean / _SECOND))
        peak = _intensity(needed, most[rate.min_gap])
        rng = random.Random(seeded.number(*words, rate.workload, name))
        last, elapsed = -1, 0.0
        while True:
            # Only random() gives the same numbers on every version of Python.
            elapsed -= math.log1p(-rng.random()) / peak
            if elapsed >= 86_400:
                break
            second, drawn = start + int(elapsed), rng.random() * peak
            if second == last or not plan.real.holds(second):
                continue
            if drawn < _intensity(needed, plan.weekly.within(second, gap)):
                found.append((second, rate.workload))
                last = second
    return sorted(found)


def _intensity(needed: float, blocked: int) -> float:
    """Give lambda = a / (1 - a O) for the rate a = `needed` and O = `blocked` seconds.

    Capped where a O passes what `check_meantime` lets through: the week in which the clock is put
    back can have an hour more than the weeks that were checked.
    """
    return needed / (1 - min(needed * blocked, _MOST_BLOCKED))


def _day_number(at: datetime) -> int:
    return (at - _EPOCH) // _DAY


# ------------------------------------------------------------------ advice


def _never(windows: Windows, deadline: timedelta) -> str:
    """Say why no time of the week is strikeable."""
    longest = longest_open(windows)
    if not longest:
        return "the weekly windows leave no time open: write an allow window that no denial covers"
    shorter = _round_down(longest / _SECOND - 1)
    return (
        f"no window is open for longer than the deadline {duration.render(deadline)}: "
        f"write windows longer than that, or deadline: {duration.render(shorter)} or less"
    )


def _largest_gap(
    windows: Windows, deadline: timedelta, allowed: float, gap: timedelta
) -> timedelta:
    """Find the largest gap, in round numbers, with less than `allowed` seconds of O(t)."""
    low, high = 0, gap // _SECOND
    while high - low > 1:
        middle = (low + high) // 2
        if most_blocked(windows, deadline, middle * _SECOND) < allowed:
            low = middle
        else:
            high = middle
    return _round_down(low)


def _grain(seconds: float) -> int:
    return 3_600 if seconds > 86_400 else 60 if seconds >= 120 else 1


def _round_up(seconds: float) -> timedelta:
    grain = _grain(seconds)
    return timedelta(seconds=(int(seconds) // grain + 1) * grain)


def _round_down(seconds: float) -> timedelta:
    grain = _grain(seconds)
    return timedelta(seconds=int(seconds) // grain * grain)
