"""The draw: stable, fair, in little memory, and blind to the order of what it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.draw import lowest, rank
from chaosd.core.model import Candidate, Code, Reason, WorkloadKey

ACTION = "web/*/2026-03-04T10:00:00Z#0"


def candidate(key: str) -> Candidate:
    return Candidate(key, WorkloadKey("shop", "Deployment", key))


def drawn(keys: list[str], seed: str, action_id: str, depth: int = 50) -> list[str]:
    found = lowest(map(candidate, keys), seed, action_id, depth)
    return [one.key for one in found]


@pytest.mark.parametrize(
    ("seed", "action_id", "key", "start"),
    [
        ("seed", ACTION, "shop/Deployment/web", "9a4ad5c64803e4b0"),
        ("seed", ACTION, "shop/web-7f-x1", "9ae262d280424cc4"),
        ("seed", "web/*/2026-03-04T10:00:00Z#1", "shop/Deployment/web", "d6c15b7b72224387"),
        ("0b6f6f1e-3c59-4f3e-9a39-0d3f5a7c1c55", ACTION, "shop/Deployment/web", "3449a1f0d00854fc"),
        ("Köln", ACTION, "shop/Deployment/web", "32f5ca431d911bf0"),
    ],
)
def test_ranks_never_change(seed: str, action_id: str, key: str, start: str) -> None:
    """Another version of chaosd or of Python draws the same victims."""
    assert f"{rank(seed, action_id, key):064x}"[:16] == start


def test_a_draw_never_changes() -> None:
    """The order of a whole draw, written down."""
    keys = [f"shop/Deployment/app-{number}" for number in range(10)]
    assert [key[-1] for key in drawn(keys, "seed", ACTION)] == list("8159270634")


def test_texts_do_not_run_into_each_other() -> None:
    """Where one text ends matters, as another seed, action or key is another draw."""
    assert len({rank("a", "bc", "d"), rank("ab", "c", "d"), rank("a", "b", "cd")}) == 3


KEYS = st.lists(st.sampled_from([f"ns/Kind/{number}" for number in range(30)]), max_size=60)


@given(KEYS, st.integers(1, 40), st.text(max_size=5), st.randoms(use_true_random=False))
def test_the_lowest_ranks_come_first(
    keys: list[str], depth: int, seed: str, random: Random
) -> None:
    """As if all were ranked and sorted, each key once, in whatever order they come."""
    expected = sorted(set(keys), key=lambda key: rank(seed, ACTION, key))[:depth]
    assert drawn(keys, seed, ACTION, depth) == expected
    random.shuffle(keys)
    assert drawn(keys, seed, ACTION, depth) == expected


def test_a_candidate_that_comes_again_stands_as_it_was_last_seen() -> None:
    """A list that had to be started again does not bring back what was true before."""
    old = candidate("a")
    new = Candidate("a", old.workload, (Reason(Code.TERMINATING),))
    assert lowest([old, candidate("b"), new], "s", ACTION) == sorted(
        [new, candidate("b")], key=lambda one: rank("s", ACTION, one.key)
    )


def test_nothing_to_draw_from() -> None:
    """An empty draw is empty."""
    assert lowest([], "seed", ACTION) == []


def test_only_what_may_be_drawn_is_kept() -> None:
    """Thousands of candidates pass by, and hardly more than the draw itself is ever alive."""
    alive = 0

    class Tracked(Candidate, frozen=True):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    most = 0

    def passing() -> Iterator[Candidate]:
        nonlocal alive, most
        for number in range(2_000):
            alive += 1
            most = max(most, alive)
            yield Tracked(str(number), WorkloadKey("shop", "Deployment", str(number)))

    assert len(lowest(passing(), "seed", ACTION, depth=5)) == 5
    assert most <= 10


# Chi-square, 9 degrees of freedom: 27.88 is exceeded by 1 fair draw in 1,000 (NIST/SEMATECH
# e-Handbook of Statistical Methods, table 1.3.6.7.4). Seeds are fixed: it never fails by chance.
CRITICAL = 27.877


@pytest.mark.parametrize("seed", ["one", "two", "3f1c0f9e-5f5e-4e0a-9d0e-8f0a4a1f2b3c", ""])
@pytest.mark.parametrize("prefix", ["shop/Deployment/web-", "a/StatefulSet/", ""])
def test_every_workload_is_as_likely(seed: str, prefix: str) -> None:
    """Over many slots the first places are spread evenly, whatever the names."""
    keys = [f"{prefix}{number}" for number in range(10)]
    draws = 4_000
    actions = (f"web/*/{1_700_000_000 + 3600 * slot}#0" for slot in range(draws))
    firsts = Counter(min(keys, key=lambda key: rank(seed, action, key)) for action in actions)
    even = draws / len(keys)
    assert sum((firsts[key] - even) ** 2 / even for key in keys) < CRITICAL


def test_neighbouring_slots_and_ordinals_are_independent() -> None:
    """Who came first says nothing about who comes first next: pairs are spread evenly, too."""
    keys = [f"shop/Deployment/{number}" for number in range(3)]
    actions = [f"web/*/{slot}#{ordinal}" for slot in range(4_500) for ordinal in range(2)]
    firsts = [min(keys, key=lambda key: rank("seed", action, key)) for action in actions]
    pairs = Counter(zip(firsts[::2], firsts[1::2], strict=True))
    even = 4_500 / 9
    # 8 degrees of freedom: 26.12 at 1 in 1,000.
    assert sum((pairs[a, b] - even) ** 2 / even for a in keys for b in keys) < 26.124
