"""What is written about the commands is true of them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from chaosd.cli.main import app
from tests.cli.support import EXAMPLES, ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CLI = (ROOT / "docs" / "cli.md").read_text()
GIVEN = re.compile(r"^\s*(?:#\s+|\$ )?(chaosd (?:[a-z]).*?)(?:\s{2,}#.*)?$")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)(#[^)]*)?\)")


def commands() -> Iterator[tuple[str, Any]]:
    """Every command by its name, `ledger show` and its like too."""
    group: Any = get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {sub}", one) for sub, one in command.commands.items())
        else:
            yield name, command


COMMANDS = dict(commands())
EVERYWHERE = {"--kubeconfig", "--context", "--namespace", "--output", "--help", "--yes"}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_names_every_command_and_option(name: str) -> None:
    """Those that many commands share are named once, at the top."""
    section = next(
        (part for part in CLI.split("\n### ") if f"`chaosd {name}" in part.splitlines()[0]), ""
    )
    assert section, f"chaosd {name} is not in docs/cli.md"
    options = {
        text
        for option in COMMANDS[name].params
        for text in option.opts
        if text.startswith("--") and text not in EVERYWHERE
    }
    if name != "sandbox":
        assert [text for text in sorted(options) if text not in section] == []
    assert [text for text in EVERYWHERE if text not in CLI] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_readme_names_every_command(name: str) -> None:
    """In its table; `ledger` with all three."""
    readme = (ROOT / "README.md").read_text()
    first, _, second = name.partition(" ")
    assert f"`chaosd {first}" in readme
    assert second in readme


def quoted(path: Path) -> list[str]:
    """The lines of a file that give a command."""
    text = path.read_text()
    if path.suffix == ".md":
        fenced = re.findall(r"^\s*```(\w*)\n(.*?)^\s*```", text, re.DOTALL | re.MULTILINE)
        text = "\n".join(body for language, body in fenced if language in ("", "sh", "console"))
    return [match[1] for line in text.splitlines() if (match := GIVEN.match(line))]


@pytest.mark.parametrize("path", [*PAGES, *EXAMPLES], ids=lambda path: path.name)
def test_commands_that_are_quoted_can_be_given(path: Path) -> None:
    """Each parses as it stands there."""
    group: Any = get_command(app)
    for line in quoted(path):
        words = shlex.split(line, comments=True)[1:]
        top = group.make_context("chaosd", list(words))
        name, command, rest = group.resolve_command(top, words)
        if hasattr(command, "commands"):
            name, command, rest = command.resolve_command(top, rest)
        command.make_context(name, list(rest), parent=top)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """Files that are linked are there, and so are the headings."""
    missing = []
    for target, anchor in LINK.findall(path.read_text()):
        found = path.parent / target
        if not found.exists():
            missing.append(target)
        elif anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings]
            if anchor[1:] not in slugs:
                missing.append(target + anchor)
    assert missing == []
