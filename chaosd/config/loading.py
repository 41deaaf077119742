"""A configuration file, and what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from chaosd.config import mapping
from chaosd.config.checks import check
from chaosd.config.document import LONGEST, Document, decode, read
from chaosd.config.environment import Overrides, overrides
from chaosd.config.problems import Places, Problem, found, in_order
from chaosd.config.settings import Layers
from chaosd.config.validating import Draft, draft
from chaosd.core.model import Configuration


@dataclass(frozen=True, slots=True)
class LoadResult:
    """A whole valid configuration, or every mistake in it, by line; never both."""

    configuration: Configuration | None
    problems: tuple[Problem, ...] = ()


def load(
    path: str | os.PathLike[str], environ: Mapping[str, str], now: datetime | None = None
) -> LoadResult:
    """Read a configuration file; ``CHAOSD_*`` variables in `environ` override it.

    Whether windows ever open is looked at from `now`, the present when not given.
    """
    return load_content(read_file(path), environ, now)


def load_content(
    content: bytes | Problem, environ: Mapping[str, str], now: datetime | None = None
) -> LoadResult:
    """Read a configuration from what `read_file` gives: the bytes of a file, or why not."""
    text = content if isinstance(content, Problem) else decode(content)
    if isinstance(text, Problem):
        return LoadResult(None, in_order((text, *overrides(environ).problems)))
    return _load(read(text), overrides(environ), now or datetime.now(UTC))


def load_text(text: str, environ: Mapping[str, str], now: datetime | None = None) -> LoadResult:
    """Read a configuration from a text."""
    return load_content(text.encode("utf-8", "surrogatepass"), environ, now)


def read_file(path: str | os.PathLike[str]) -> bytes | Problem:
    """Read a file, but not much more of it than a configuration may have."""
    shown = os.fspath(path).encode("utf-8", "replace").decode()
    try:
        with open(path, "rb") as file:
            return file.read(LONGEST + 1)
    except FileNotFoundError:
        message = f"no such file: {shown}; check the path"
    except IsADirectoryError:
        message = f"{shown} is a directory: name the file in it, such as {shown}/chaosd.yaml"
    except PermissionError:
        message = f"{shown} may not be read by this user: allow it with chmod"
    except (OSError, ValueError) as error:
        message = f"{shown!r} can't be read ({error}): name a file with YAML"
    return Problem("", None, message)


def _load(document: Document, given: Overrides, now: datetime) -> LoadResult:
    problems = [*document.problems, *given.problems]
    values = _values(document, problems)
    if values is None:
        return LoadResult(None, in_order(problems))
    places = Places(document.lines, given.names)
    result = draft(Layers(values, _without_nothing(given.values)), places)
    if not isinstance(result, Draft):
        return LoadResult(None, in_order((*problems, *result)))
    check(result, now)
    problems += result.problems
    if problems:
        return LoadResult(None, in_order(problems))
    return LoadResult(mapping.configuration(result.settings))


def _values(document: Document, problems: list[Problem]) -> dict[str, Any] | None:
    """The keys at the top of a file; None, and a problem, when it has none."""
    value = document.value
    if isinstance(value, dict) and {"apiVersion", "kind"} <= value.keys():
        message = (
            "a Kubernetes object: write what stands in the ConfigMap under data, in a file by "
            "itself"
        )
    elif isinstance(value, dict):
        return _without_nothing(value)
    elif value is None and not document.problems:
        message = "empty: write a configuration; one that does nothing is policies: []"
    elif value is None:
        return None
    else:
        message = f"expected keys such as dryRun, windows and policies, {found(value)}"
    problems.append(Problem("", document.lines.get(()), message))
    return None


def _without_nothing(values: dict[str, Any]) -> dict[str, Any]:
    """Drop keys with nothing behind them: they count as not written."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kept(one) for key, one in value.items() if one is not None}
        return [kept(one) for one in value] if isinstance(value, list) else value

    return {key: kept(one) for key, one in values.items() if one is not None}
