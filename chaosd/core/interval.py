"""Arithmetic of half-open time intervals: sorted lists of (start, end) with start < end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

Interval = tuple[datetime, datetime]


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Sort, drop what is empty, and join what overlaps or touches."""
    merged: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[0] < interval[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def intersect(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """Keep what lies in both of two merged lists."""
    common: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            common.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return common


def subtract(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """Keep what lies in the merged list `left` and not in the merged list `right`."""
    if not left:
        return []
    first, last = left[0][0], left[-1][1]
    starts = [first, *(end for _, end in right)]
    ends = [*(start for start, _ in right), last]
    return intersect(left, [gap for gap in zip(starts, ends, strict=True) if gap[0] < gap[1]])
