"""What a strike cost an etcd cluster, folded from samples."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.leaderless import EtcdCost, Trace

START = datetime(2026, 3, 4, 10, tzinfo=UTC)

Sample = tuple[float, str | None, bool]


def folded(*samples: Sample) -> Trace:
    trace = Trace()
    for seconds, leader, read in samples:
        trace = trace.sampled(START + timedelta(seconds=seconds), leader, read=read)
    return trace


def cost(*samples: Sample, at: float) -> EtcdCost:
    return folded(*samples).so_far(START + timedelta(seconds=at))


@pytest.mark.parametrize(
    ("samples", "at", "expected"),
    [
        ((), 9, EtcdCost()),
        (((0, "a", True), (1, "a", True)), 9, EtcdCost(reads=2)),
        (
            ((0, "a", True), (1, "", False), (3, "b", True)),
            9,
            EtcdCost(leaderless=2, read_gap=3, reads=3, failed=1, leader_changes=1),
        ),
        (((0, "a", True), (2, "b", True)), 9, EtcdCost(reads=2, leader_changes=1)),
        (
            ((0, "a", True), (1, None, False)),
            9,
            EtcdCost(leaderless=8, read_gap=9, reads=2, failed=1),
        ),
        (
            ((0, "a", True), (1, "", True), (2, "a", True), (5, "", True), (6, "a", True)),
            9,
            EtcdCost(leaderless=2, reads=5),
        ),
        (
            ((0, "a", True), (1, "a", False), (2, "a", True), (3, "a", False), (9, "a", True)),
            9,
            EtcdCost(read_gap=7, reads=5, failed=2),
        ),
    ],
)
def test_costs(samples: tuple[Sample, ...], at: float, expected: EtcdCost) -> None:
    """Time without a leader adds up, of the gaps between reads the longest counts, and what lasts
    still counts up to now."""
    assert cost(*samples, at=at) == expected


samples = st.lists(
    st.tuples(st.sampled_from(["a", "b", "", None]), st.booleans()), min_size=1, max_size=20
)


@given(samples)
def test_costs_are_bounded_by_the_time_that_passed(said: list[tuple[str | None, bool]]) -> None:
    """And never shrink."""
    timed: list[Sample] = [(float(at), leader, read) for at, (leader, read) in enumerate(said)]
    last = EtcdCost()
    for upto in range(1, len(timed) + 1):
        now = cost(*timed[:upto], at=upto)
        assert 0 <= now.leaderless <= upto
        assert 0 <= now.read_gap <= upto
        assert now.reads == upto
        assert now.failed == sum(not read for _, read in said[:upto])
        assert now.leaderless >= last.leaderless
        assert now.read_gap >= last.read_gap
        last = now
