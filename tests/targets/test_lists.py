"""Where a kind is listed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.targets.lists import places, worth_counting

MANY = [f"ns-{number:04}" for number in range(300)]


@pytest.mark.parametrize(
    ("namespaces", "total", "everywhere"),
    [
        (MANY[:1], 1, False),
        (MANY[:2], 10_000, False),
        (MANY[:5], 20, True),
        (MANY[:10], 100, True),
        (MANY[:10], 10_000, False),
        (MANY, 5_000, True),
        (MANY, 10_000, False),
        (MANY, None, False),
        ([], 0, False),
    ],
)
def test_the_cheaper_way_is_taken(
    namespaces: list[str], total: int | None, everywhere: bool
) -> None:
    """Few namespaces of a large cluster are read one by one, many of a small one at once."""
    expected: list[str | None] = [None] if everywhere else [*sorted(namespaces)]
    assert places(namespaces, total) == expected


@given(st.integers(0, 300), st.integers(0, 100_000))
def test_one_list_is_never_preferred_for_more_requests(count: int, total: int) -> None:
    """Whatever the numbers, pages of the whole cluster are fewer than lists of namespaces."""
    if places(MANY[:count], total) == [None]:
        assert -(-total // 500) < count


def test_counting_is_worth_it_for_many_only() -> None:
    """Below a handful of namespaces a count costs more than it can save."""
    assert [worth_counting(MANY[:n]) for n in (0, 1, 4, 5, 300)] == [
        False,
        False,
        False,
        True,
        True,
    ]
