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
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from chaosd.core import duration, seeded
from chaosd.core.interval import Interval, intersect
from chaosd.core.window import Always, Rule, Weekly, Windows, open_intervals, strikeable_intervals

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)  # any Monday: in UTC all weeks are the same
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
    share = _share(windows, deadline)
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
    share = _share(windows, deadline)
    if not share:
        return (*problems, _never(windows, deadline))
    gap = max(schedule.min_gap, least)  # what it will be, once the first problem is put right
    allowed = _MOST_BLOCKED * share * (schedule.mean / _SECOND)
    blocked = _most_open(windows, deadline, gap)
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


class _Strikeable:
    """Strikeable time in Unix seconds, and how much of it there is up to any instant."""

    def __init__(self, intervals: Iterable[Interval]) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.before: list[int] = []  # seconds before each start
        total = 0
        for start, end in intervals:
            self.starts.append((start - _EPOCH) // _SECOND)
            self.ends.append((end - _EPOCH) // _SECOND)
            self.before.append(total)
            total += self.ends[-1] - self.starts[-1]

    def until(self, second: int) -> int:
        """Count the strikeable seconds before `second`."""
        at = bisect_right(self.starts, second) - 1
        if at < 0:
            return 0
        return self.before[at] + min(second, self.ends[at]) - self.starts[at]

    def holds(self, second: int) -> bool:
        """Tell whether `second` is strikeable."""
        at = bisect_right(self.starts, second) - 1
        return at >= 0 and second < self.ends[at]

    def within(self, second: int, gap: int) -> int:
        """Count O(t): the strikeable seconds in the `gap` seconds before `second`."""
        return self.until(second) - self.until(second - gap)

    def most_within(self, gap: int, low: int, high: int) -> int:
        """Find the largest O(t) for t in [low, high]: O is linear between these edges."""
        edges = [*self.starts, *self.ends]
        edges += [edge + gap for edge in edges]
        inside = [low, high, *(edge for edge in edges if low < edge < high)]
        return max(self.within(edge, gap) for edge in inside)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a block of days needs to know of the windows."""

    weekly: _Strikeable  # by the recurring windows alone, from one gap before the block
    real: _Strikeable  # what of it dates and holidays leave, in the block


@lru_cache(maxsize=16)
def _plan(windows: Windows, deadline: timedelta, block: int, gap: timedelta) -> _Plan:
    start = _EPOCH + block * _DAY
    end = start + _BLOCK * _DAY
    recurring = _recurring(windows)
    weekly = list(strikeable_intervals(recurring, deadline, start - gap, end))
    real = weekly
    if windows != recurring:
        real = intersect(weekly, list(strikeable_intervals(windows, deadline, start, end)))
    return _Plan(_Strikeable(weekly), _Strikeable(real))


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


# ------------------------------------------------------------------ the week


def _recurring(windows: Windows) -> Windows:
    """Drop dates and holidays; an allow layer that has nothing else counts as always."""

    def kept(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in rules if isinstance(rule, Weekly | Always))

    layers = tuple(layer for layer in map(kept, windows.allow) if layer)
    return Windows(windows.zone, layers, kept(windows.deny))


def _plain(windows: Windows) -> Windows:
    """Put the recurring windows into a zone without clock changes, where all weeks are alike."""
    recurring = _recurring(windows)
    return Windows("UTC", recurring.allow, recurring.deny)


@lru_cache(maxsize=64)
def _share(windows: Windows, deadline: timedelta) -> float:
    """Give f, the strikeable share of the week."""
    intervals = strikeable_intervals(_plain(windows), deadline, _MONDAY, _MONDAY + _WEEK)
    return sum((end - start) / _WEEK for start, end in intervals)


def _most_open(windows: Windows, deadline: timedelta, gap: timedelta) -> float:
    """Give the largest O(t) of the week, in seconds."""
    weeks, rest = divmod(gap, _WEEK)
    start = _MONDAY - rest
    found = _Strikeable(strikeable_intervals(_plain(windows), deadline, start, _MONDAY + _WEEK))
    low = (_MONDAY - _EPOCH) // _SECOND
    most = found.most_within(rest // _SECOND, low, low + 604_800)
    return weeks * _share(windows, deadline) * 604_800 + most


def _never(windows: Windows, deadline: timedelta) -> str:
    """Say why no time of the week is strikeable."""
    intervals = open_intervals(_plain(windows), _MONDAY, _MONDAY + 2 * _WEEK)
    longest = max((end - start for start, end in intervals), default=None)
    if longest is None:
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
        if _most_open(windows, deadline, middle * _SECOND) < allowed:
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
