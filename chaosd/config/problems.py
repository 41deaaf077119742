"""Mistakes in a configuration, and where they were made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

KeyPath = tuple[str | int, ...]
"""The way to a value: keys of maps, numbers of list items; ``()`` is the whole file."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: the key path like ``policies[0].schedule.every``, the line, what to do.

    ``path`` is empty for the file as a whole, and begins with the variable's name for what an
    environment variable says. ``line`` counts from 1; None: it stands on no line.
    """

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line is not None else ""
        return ": ".join(filter(None, (where, self.path, self.message)))


@dataclass(frozen=True, slots=True)
class Places:
    """Where each value came from: a line of the file, or an environment variable."""

    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    variables: Mapping[KeyPath, str] = field(default_factory=dict)

    def problem(self, path: KeyPath, message: str, near: KeyPath = ()) -> Problem:
        """Make a problem at `path`.

        What is not written gets the line of what holds it, else that of `near`, else none.
        """
        for length in range(len(path), 0, -1):
            if variable := self.variables.get(path[:length]):
                rest = render_path(path[length:])
                dot = "." if rest and not rest.startswith("[") else ""
                return Problem(f"{variable}{dot}{rest}", None, message)
        around = (path[:length] for length in range(len(path), 0, -1))
        fallback = self.lines.get(near) if near or not path else None
        line = next((self.lines[one] for one in around if one in self.lines), fallback)
        return Problem(render_path(path), line, message)


def render_path(path: KeyPath) -> str:
    """Write a key path as people read it: ``policies[0].select.labels``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{shown(part)}]"
    return text


def in_order(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Sort by line, those without one last; what is the same is said once."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda one: (one.line is None, one.line or 0)))


def shown(text: str) -> str:
    """Quote a text for a message: short, on one line, whatever it holds."""
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."
    return repr(cut)


def found(value: object, *, secret: bool = False) -> str:
    """Say what a value read from YAML is, for "expected ..., found ...".

    What may be a ``secret`` that somebody wrote in a wrong place is not shown.
    """
    match value:
        case str() if secret:
            return "found a text"
        case int() | float() if secret and not isinstance(value, bool):
            return "found a number"
        case None:
            return "found nothing"
        case bool():
            return f"found {str(value).lower()}"
        case int() | float():
            return f"found the number {value}"
        case str():
            return f"found the text {shown(value)}"
        case list():
            return "found a list"
        case dict():
            keys = ", ".join(shown(str(key)) for key in [*value][:3])
            return f"found a map ({keys})" if keys else "found an empty map"
        case _:
            return f"found {shown(str(value))}"
