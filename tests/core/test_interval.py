"""Interval arithmetic against sets of whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.interval import Interval, intersect, merge, subtract

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
RAW = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)


def intervals(raw: list[tuple[int, int]]) -> list[Interval]:
    return [(ZERO + timedelta(seconds=start), ZERO + timedelta(seconds=end)) for start, end in raw]


def members(found: list[Interval]) -> set[int]:
    seconds = [((s - ZERO).seconds, (e - ZERO).seconds) for s, e in found]
    return {second for start, end in seconds for second in range(start, end)}


@given(RAW)
def test_merging_keeps_the_members_and_leaves_gaps_between(raw: list[tuple[int, int]]) -> None:
    """The same seconds, in ascending intervals that neither overlap nor touch."""
    merged = merge(intervals(raw))
    assert members(merged) == {second for start, end in raw for second in range(start, end)}
    assert all(left[1] < right[0] for left, right in pairwise(merged))
    assert all(start < end for start, end in merged)


@given(RAW, RAW)
def test_intersecting_and_subtracting_are_those_of_sets(
    left: list[tuple[int, int]], right: list[tuple[int, int]]
) -> None:
    """Both operations agree with sets, and give merged lists again."""
    one, other = merge(intervals(left)), merge(intervals(right))
    assert members(intersect(one, other)) == members(one) & members(other)
    assert members(subtract(one, other)) == members(one) - members(other)
    assert merge(intersect(one, other)) == intersect(one, other)
    assert merge(subtract(one, other)) == subtract(one, other)
