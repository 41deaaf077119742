"""What people are told to type can be typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command

from chaosd.cli.main import app
from monitoring.files import ROOT
from tests.monitoring.expressions import dashboard, panels
from tests.monitoring.rules import alerts

RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
PAGE = ROOT / "docs" / "monitoring.md"


def texts() -> Iterator[tuple[str, str]]:
    """Everything with commands in it, by where it stands."""
    for path in (*RUNBOOKS, PAGE):
        yield path.name, path.read_text()
    yield "dashboard", dashboard()["description"]
    for panel in panels():
        yield panel["title"], panel["description"]
    for name, rule in alerts().items():
        yield name, rule["annotations"]["description"]


def commands(text: str) -> set[str]:
    """The commands of chaosd in a text, in code or as lines of their own."""
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [*spans, *(line for block in blocks for line in block.splitlines())]
    flat = (" ".join(line.split()) for line in lines)
    return {line for line in flat if re.match(r"chaosd [a-z]", line)}


@pytest.mark.parametrize("text", [text for _, text in texts()], ids=[place for place, _ in texts()])
def test_commands_can_be_given(text: str) -> None:
    """Each parses as it stands there, in capitals for what to put in."""
    group: Any = get_command(app)
    for line in commands(text):
        words = shlex.split(line.partition(" | ")[0])[1:]
        top = group.make_context("chaosd", list(words))
        name, command, rest = group.resolve_command(top, words)
        if hasattr(command, "commands"):
            name, command, rest = command.resolve_command(top, rest)
        command.make_context(name, list(rest), parent=top)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_each_runbook_can_be_followed_at_night(path: Any) -> None:
    """It begins with its name, says how bad it is, has numbered steps with commands, and an end."""
    text = path.read_text()
    assert text.startswith(f"# {path.stem}\n")
    assert "**How bad is it?**" in text
    assert "**Over when**" in text
    assert re.search(r"^1\. ", text, re.MULTILINE)
    assert commands(text) or "kubectl" in text


def test_every_panel_that_names_a_runbook_names_one_that_is_there() -> None:
    """So do descriptions."""
    named = {name for _, text in texts() for name in re.findall(r"docs/(runbooks/\w+\.md)", text)}
    assert named
    assert [name for name in named if not (ROOT / "docs" / name).is_file()] == []
