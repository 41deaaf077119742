"""How much of the time is strikeable: counted up to any instant, and over the recurring week."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from chaosd.core.interval import Interval
from chaosd.core.window import Always, Rule, Weekly, Windows, open_intervals, strikeable_intervals

_SECOND = timedelta(seconds=1)
_WEEK = timedelta(weeks=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(2024, 1, 1, tzinfo=UTC)  # any Monday: in UTC all weeks are the same


class Strikeable:
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
        """Count the strikeable seconds in the `gap` seconds before `second`."""
        return self.until(second) - self.until(second - gap)

    def most_within(self, gap: int, low: int, high: int) -> int:
        """Find the most that `within` counts for any second in [low, high]."""
        # Between the edges of intervals, and these moved by the gap, the count is linear.
        edges = [*self.starts, *self.ends]
        edges += [edge + gap for edge in edges]
        inside = [low, high, *(edge for edge in edges if low < edge < high)]
        return max(self.within(edge, gap) for edge in inside)


def recurring(windows: Windows) -> Windows:
    """Drop dates and holidays; an allow layer that has nothing else counts as always."""

    def kept(rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        return tuple(rule for rule in rules if isinstance(rule, Weekly | Always))

    layers = tuple(layer for layer in map(kept, windows.allow) if layer)
    return Windows(windows.zone, layers, kept(windows.deny))


def _plain(windows: Windows) -> Windows:
    """Put the recurring windows into a zone without clock changes, where all weeks are alike."""
    weekly = recurring(windows)
    return Windows("UTC", weekly.allow, weekly.deny)


@lru_cache(maxsize=64)
def weekly_share(windows: Windows, deadline: timedelta) -> float:
    """Give the strikeable share of the week, 0 to 1, by the recurring windows alone."""
    intervals = strikeable_intervals(_plain(windows), deadline, _MONDAY, _MONDAY + _WEEK)
    return sum((end - start) / _WEEK for start, end in intervals)


def most_blocked(windows: Windows, deadline: timedelta, gap: timedelta) -> float:
    """Give the most strikeable seconds that any `gap` of the recurring weeks holds."""
    weeks, rest = divmod(gap, _WEEK)
    start = _MONDAY - rest
    found = Strikeable(strikeable_intervals(_plain(windows), deadline, start, _MONDAY + _WEEK))
    low = (_MONDAY - _EPOCH) // _SECOND
    most = found.most_within(rest // _SECOND, low, low + 604_800)
    return weeks * weekly_share(windows, deadline) * 604_800 + most


def longest_open(windows: Windows) -> timedelta:
    """Give the length of the longest open interval of the week; zero when there is none."""
    intervals = open_intervals(_plain(windows), _MONDAY, _MONDAY + 2 * _WEEK)
    return max((end - start for start, end in intervals), default=timedelta(0))
