"""Writing to the terminal: text for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from chaosd.cli.failures import Mistakes, Place
from chaosd.core.model import Reasons

_NOT_A_TERMINAL = 200
"""Columns where no terminal says how wide it is, so that lines are not broken for programs."""


class Output(StrEnum):
    """How a command answers."""

    TEXT = "text"
    JSON = "json"


@cache
def _console(*, stderr: bool, terminal: bool) -> Console:
    width = None if terminal else _NOT_A_TERMINAL
    return Console(
        stderr=stderr, markup=False, highlight=False, emoji=False, soft_wrap=True, width=width
    )


def out() -> Console:
    """Standard output."""
    return _console(stderr=False, terminal=sys.stdout.isatty())


def err() -> Console:
    """Standard error: what is no part of the answer."""
    return _console(stderr=True, terminal=sys.stderr.isatty())


def note(text: str) -> None:
    """Something worth knowing beside the answer."""
    err().print(text, style="dim" if err().is_terminal else None)


def complain(text: str) -> None:
    """Why the command fails."""
    err().print(f"chaosd: {text}", style="red" if err().is_terminal else None)


def print_json(value: object) -> None:
    """One JSON document, indented; instants in RFC 3339, in UTC."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def zulu(at: datetime) -> str:
    """An instant as RFC 3339, in UTC."""
    text = at.astimezone(UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")


def local(at: datetime, zone: str) -> str:
    """An instant as people in ``zone`` read it, with the UTC time where that is another."""
    text = f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M:%S} {zone}"
    return text if zone == "UTC" else f"{text} ({zulu(at)})"


def table(*columns: str, title: str = "") -> Table:
    """An empty table; fill it with ``add_row``."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def print_mistakes(found: Mistakes) -> None:
    """All mistakes of a file, on standard error: a table on a terminal, else a line for each."""
    if not err().is_terminal:
        for place in found.places:
            line = f":{place.line}" if place.line is not None else ""
            key = f"{place.path}: " if place.path else ""
            say = f"{found.file}{line}: {key}{place.message}"
            err().print(place.message if found.file in place.message else say)
        return
    count = len(found.places)
    complain(f"{found.file} has {count} mistake{'' if count == 1 else 's'}")
    rows = table("line", "key", "what is wrong, and what to write")
    for place in found.places:
        rows.add_row(str(place.line or ""), place.path, place.message)
    err().print(rows)


def mistakes_json(places: Iterable[Place]) -> list[dict[str, object]]:
    """Mistakes as programs read them."""
    return [{"path": place.path, "line": place.line, "message": place.message} for place in places]


def reasons_text(reasons: Reasons, indent: str = "  ") -> str:
    """One line for each reason."""
    return "\n".join(f"{indent}{reason}" for reason in reasons)


def reasons_json(reasons: Reasons) -> list[dict[str, str]]:
    """Reasons as programs read them: a bounded code, and a detail for people."""
    return [{"code": str(reason.code), "detail": reason.detail} for reason in reasons]
