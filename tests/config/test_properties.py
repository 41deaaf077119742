"""Whatever is in a file: a configuration or problems, never anything else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.config import LoadResult, load, load_content, load_text
from chaosd.config.document import read
from chaosd.config.environment import variables

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
EXAMPLES = [path.read_text() for path in sorted((Path(__file__).parents[2] / "config").glob("*"))]
BAD = [path.read_bytes() for path in sorted((Path(__file__).parent / "bad").glob("*"))]

WORDS = st.sampled_from(
    "1h 0s 5d -1m Mon-Fri Sat,Sun 09:00 24:00 25:00 2026-12-18 always pod evict web Pod "
    "DE BE UTC Europe/Berlin a=b ( [ * true false".split()
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | WORDS
KEYS = st.sampled_from(
    "dryRun windows allow deny weekly days from to dates first last holidays country subdivision "
    "limits perHour concurrent policies name target action schedule every cron jitter minGap "
    "meanTimeBetweenKills select kinds namespaces deadline cooldown count seed".split()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def is_one_or_the_other(result: LoadResult) -> bool:
    """Exactly one of a configuration and problems is there, and every problem can be shown."""
    for problem in result.problems:
        assert problem.message
        assert problem.line is None or problem.line >= 1
        str(problem).encode()
    return (result.configuration is None) == bool(result.problems)


@given(st.binary(max_size=200))
def test_any_bytes(content: bytes) -> None:
    """No bytes make loading fail."""
    assert is_one_or_the_other(load_content(content, {}, NOW))


@given(st.text(max_size=100))
def test_any_text(text: str) -> None:
    """No text makes loading fail."""
    assert is_one_or_the_other(load_text(text, {}, NOW))


@given(st.text(alphabet="{}[]:,-?&*!|>'\"%@`#~<= \n\tab01x.", max_size=40))
def test_any_punctuation(text: str) -> None:
    """Nothing that YAML makes of its own signs makes loading fail."""
    assert is_one_or_the_other(load_text(text, {}, NOW))


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_any_values_under_known_keys(values: dict[str, Any]) -> None:
    """Keys that chaosd knows, in the wrong places and with any values, don't make loading fail."""
    assert is_one_or_the_other(load_text(yaml.safe_dump(values), {}, NOW))


@given(st.data())
@settings(max_examples=60)
def test_an_example_with_one_value_replaced(data: st.DataObject) -> None:
    """A valid file stays one or gets problems when any of its values becomes something else."""
    values = read(data.draw(st.sampled_from(EXAMPLES))).value
    holder: Any = values
    while True:
        keys = range(len(holder)) if isinstance(holder, list) else [*holder]
        key = data.draw(st.sampled_from([*keys]))
        if not isinstance(holder[key], list | dict) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = data.draw(VALUES)

    assert is_one_or_the_other(load_text(yaml.safe_dump(values), {}, NOW))


@given(st.sampled_from(EXAMPLES), st.integers(0, 3000), st.binary(max_size=3))
@settings(max_examples=40)
def test_an_example_with_some_bytes_replaced(text: str, at: int, other: bytes) -> None:
    """A slip of the finger anywhere in a valid file doesn't make loading fail."""
    content = text.encode()
    content = content[:at] + other + content[at + len(other) :]

    assert is_one_or_the_other(load_content(content, {}, NOW))


@given(st.dictionaries(st.sampled_from([*variables()]), st.text() | WORDS, max_size=3))
def test_any_override(environ: dict[str, str]) -> None:
    """No variable makes loading fail."""
    assert is_one_or_the_other(load_text("policies: []", environ, NOW))


@given(st.dictionaries(st.text().map("CHAOSD_".__add__), st.text(), max_size=3))
def test_any_variable(environ: dict[str, str]) -> None:
    """No variable that only begins like ours makes loading fail."""
    assert is_one_or_the_other(load_text("policies: []", environ, NOW))


@pytest.mark.parametrize("content", BAD)
def test_problems_do_not_depend_on_each_other(content: bytes) -> None:
    """A second look at the same file tells the same."""
    assert load_content(content, {}, NOW) == load_content(content, {}, NOW)


def test_the_present_is_the_default(tmp_path: Path) -> None:
    """Without a time, windows are looked at from now on."""
    path = tmp_path / "chaosd.yaml"
    path.write_text("windows: {allow: [{dates: {first: 2000-01-01, last: 2000-01-02}}]}")

    assert any(problem.path == "windows" for problem in load(path, {}).problems)
