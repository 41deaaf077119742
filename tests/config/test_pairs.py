"""Any number of mistakes in one file are so many problems, whichever they are."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.config import load_text
from tests.config import mistakes_of_etcd, mistakes_of_policies, mistakes_of_types
from tests.config.mistakes import LINES, Mistake

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MISTAKES = (*mistakes_of_etcd.MISTAKES, *mistakes_of_policies.MISTAKES)
EVERY = (*MISTAKES, *mistakes_of_types.MISTAKES)


def problems(*mistakes: Mistake) -> set[tuple[str, str, str]]:
    """What a file with these mistakes is told: path, name of the line, message."""
    lines = dict(LINES)
    for mistake in mistakes:
        lines |= mistake.lines
    written = {name: line for name, line in lines.items() if line}
    result = load_text("\n".join(written.values()), {}, NOW)
    assert (result.configuration is None) == bool(mistakes), result.problems
    names = [*written]
    return {
        (one.path, names[one.line - 1] if one.line else "nowhere", one.message)
        for one in result.problems
    }


def told(mistake: Mistake, found: set[tuple[str, str, str]]) -> bool:
    line = mistake.line or next(iter(mistake.lines))
    return any(
        (path, where) == (mistake.path, line) and mistake.words in message
        for path, where, message in found
    )


def together(one: Mistake, other: Mistake) -> bool:
    """Whether both can be made in one file."""
    apart = one.lines.keys().isdisjoint(other.lines) and one.line not in other.lines
    free = one.name not in other.unless and other.name not in one.unless
    return apart and free and other.line not in one.lines


@cache
def paths(mistake: Mistake) -> frozenset[str]:
    """Where something is told when it is made alone."""
    return frozenset(path for path, _, _ in problems(mistake))


def test_without_a_mistake_nothing_is_told() -> None:
    """What the mistakes are made in is right."""
    assert problems() == set()


def group(mistake: Mistake) -> str:
    """The declaration or policy that it is about, as far as it is about one."""
    return mistake.path.partition(".")[0]


def batches(first: Mistake) -> list[list[Mistake]]:
    """All mistakes that can be made beside the first, in as few files as will do: those about the
    same thing one by one, the others with each other."""
    found: list[list[Mistake]] = []
    for second in (one for one in MISTAKES if together(first, one)):
        if group(second) == group(first):
            if MISTAKES.index(second) > MISTAKES.index(first):
                found.append([first, second])
            continue
        fits = (
            batch
            for batch in found
            if group(batch[-1]) != group(first) and all(together(one, second) for one in batch)
        )
        batch = next(fits, None)
        if batch is None:
            found.append([first, second])
        else:
            batch.append(second)
    return found


@pytest.mark.parametrize("first", MISTAKES, ids=lambda one: one.name)
def test_no_mistake_hides_another(first: Mistake) -> None:
    """Each is told at its line beside every other one, and no two make a third."""
    for batch in batches(first):
        found = problems(*batch)
        assert [one.name for one in batch if not told(one, found)] == []
        known = {path for one in batch for path in paths(one)}
        assert [one for one in found if one[0] not in known] == []


@given(st.permutations(EVERY), st.integers(2, len(EVERY)))
@settings(max_examples=25, deadline=None)
def test_however_many_mistakes_are_told_at_once(order: list[Mistake], most: int) -> None:
    """A file with any of them that can be made together is told of each, and of nothing else."""
    made: list[Mistake] = []
    for one in order:
        if len(made) < most and all(together(one, other) for other in made):
            made.append(one)
    found = problems(*made)
    assert [one.name for one in made if not told(one, found)] == []
    known = {path for one in made for path in paths(one)}
    assert [one for one in found if one[0] not in known] == []
