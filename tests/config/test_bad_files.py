"""Every file in bad/ has mistakes, marked where they are made.

A comment ``# ! PATH | TEXT`` expects a problem on its own line whose message holds TEXT;
``# ? PATH | TEXT`` expects one that has no line.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chaosd.config import Problem, load

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILES = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
MARK = re.compile(r"# ([!?]) (\S*) ?\| (.*?)(?= # [!?] |$)")

Expected = tuple[str, int | None, str]


def expected(path: Path) -> list[Expected]:
    return [
        (where, number if kind == "!" else None, text)
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        for kind, where, text in MARK.findall(line)
    ]


def meets(problem: Problem, one: Expected) -> bool:
    return (problem.path, problem.line) == one[:2] and one[2] in problem.message


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_mistake_is_reported_at_its_place(path: Path) -> None:
    """Every marked mistake is a problem at that path and line, and there is no other problem."""
    result = load(path, {}, NOW)

    assert result.configuration is None
    marked = expected(path)
    assert marked
    missing = [one for one in marked if not any(meets(problem, one) for problem in result.problems)]
    surprising = [
        problem for problem in result.problems if not any(meets(problem, one) for one in marked)
    ]
    assert (missing, surprising) == ([], [])


def test_ten_mistakes_are_ten_problems() -> None:
    """A file with ten mistakes of different sorts gets all ten of them told, by line."""
    result = load(Path(__file__).parent / "bad" / "ten-mistakes.yaml", {}, NOW)

    assert len(result.problems) == 10
    lines = [problem.line or 0 for problem in result.problems]
    assert lines == sorted(lines)
