"""What a daemon tells, as tests read it: log lines, and metrics as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families as parse

Line = dict[str, Any]


def with_values(lines: Iterable[Line], event: str, **fields: object) -> list[Line]:
    """The log lines of an event with these values."""
    wanted = {"event": event, **fields}
    return [line for line in lines if wanted.items() <= line.items()]


def samples(families: Iterable[Metric], name: str) -> Iterator[tuple[dict[str, str], float]]:
    """The labels and values of a metric's samples."""
    for family in families:
        yield from ((one.labels, one.value) for one in family.samples if one.name == name)


def total(families: Iterable[Metric] | str, name: str, **labels: str) -> float:
    """The sum of a metric's samples that have these labels; of its text, too."""
    found = parse(families) if isinstance(families, str) else families
    return sum(value for has, value in samples(found, name) if labels.items() <= has.items())
