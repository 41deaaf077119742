"""Workloads by name: a file that lists them, and which policies may choose from them."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from chaosd.cli.failures import Mistakes
from chaosd.core.eligibility import Sift
from chaosd.core.facts import Own, WorkloadFacts
from chaosd.core.model import Code, Configuration, Policy, TargetKind, WorkloadKey
from chaosd.core.schedule import MeanTime, Rate
from chaosd.daemon.naming import parse_workload

_BY_NAME = frozenset(
    {
        Code.NAMESPACE_NOT_SELECTED,
        Code.SYSTEM_NAMESPACE,
        Code.KIND_NOT_SELECTED,
        Code.NAME_NOT_SELECTED,
    }
)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class LineMistake(Struct, frozen=True):
    """A line that names no workload."""

    line: int | None
    message: str
    path: str = ""


def read_workloads(path: Path) -> tuple[WorkloadKey, ...]:
    """The workloads in a file, one ``namespace/Kind/name`` (or ``Node/name``) a line, each once;
    ``-`` reads standard input. Empty lines and those that begin with # are skipped.

    Raises Mistakes.
    """
    name = str(path)
    try:
        text = sys.stdin.read() if name == "-" else path.read_text(encoding="utf-8")
    except OSError as error:
        raise Mistakes(name, [LineMistake(None, f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        expected = "not UTF-8 text: write one namespace/Kind/name a line"
        raise Mistakes(name, [LineMistake(None, expected)]) from None
    found: dict[WorkloadKey, None] = {}
    mistakes: list[LineMistake] = []
    for number, line in enumerate(text.splitlines(), start=1):
        written = line.strip()
        if not written or written.startswith("#"):
            continue
        try:
            found[parse_workload(written)] = None
        except ValueError as error:
            mistakes.append(LineMistake(number, str(error)))
    if mistakes:
        raise Mistakes(name, mistakes)
    return tuple(found)


def rates_by_name(
    configuration: Configuration, keys: Sequence[WorkloadKey]
) -> dict[str, list[Rate]]:
    """The rates of mean-time policies over workloads of which only names are known.

    Each is taken to have opted in and to carry the labels that a policy selects; namespaces, kinds
    and names are judged as they would be in the cluster.
    """
    return {
        policy.name: [
            Rate(str(key), policy.schedule.mean, policy.schedule.min_gap)
            for key in sorted(_selected(configuration, policy, keys))
        ]
        for policy in configuration.policies
        if isinstance(policy.schedule, MeanTime)
    }


def _selected(
    configuration: Configuration, policy: Policy, keys: Iterable[WorkloadKey]
) -> Iterator[WorkloadKey]:
    if policy.target is TargetKind.NODE:
        names = re.compile(policy.select.names)
        yield from (key for key in keys if key.target is policy.target and names.search(key.name))
        return
    sift = Sift(configuration, policy, _LONG_AGO, Own())
    named = configuration.namespaces
    for key in keys:
        if key.target is not policy.target or (named is not None and key.namespace not in named):
            continue
        reasons = sift.reasons(WorkloadFacts(key=key, created=_LONG_AGO), {})
        if not any(reason.code in _BY_NAME for reason in reasons):
            yield key
