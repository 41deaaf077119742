"""What a benchmark finds: figures, each with its unit, its baseline and its goal; how they look."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

_NOT_A_TERMINAL = 132


@dataclass(frozen=True)
class Figure:
    """One number. ``baseline`` is what it is compared with, in the same unit and from the same run.

    ``at_most`` is the goal for the value, ``ratio_at_most`` the one for the ratio.
    """

    what: str
    value: float
    unit: str
    baseline: float | None = None
    against: str = ""
    at_most: float | None = None
    ratio_at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """The value in units of its baseline; None when there is none."""
        return self.value / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        """Whether the goal was met; None when there is none."""
        if self.at_most is not None:
            return self.value <= self.at_most
        if self.ratio_at_most is not None and self.ratio is not None:
            return self.ratio <= self.ratio_at_most
        return None

    def as_json(self) -> dict[str, object]:
        """All of it, with the ratio and whether the goal was met."""
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def as_table(title: str, figures: Sequence[Figure]) -> Table:
    """One benchmark's figures for people."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("")
    table.add_column("value", justify="right")
    table.add_column("unit")
    table.add_column("ratio", justify="right")
    table.add_column("of")
    table.add_column("goal")
    for one in figures:
        table.add_row(
            one.what, number(one.value), one.unit, times(one.ratio), one.against, _goal(one)
        )
    return table


def console() -> Console:
    """Where tables go; wide enough where no terminal says how wide it is."""
    return Console(width=None if sys.stdout.isatty() else _NOT_A_TERMINAL, highlight=False)


def number(value: float) -> str:
    """Three digits that mean something."""
    if value >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if value < 1 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def times(ratio: float | None) -> str:
    """A ratio as people say it: ``2.3 x``, or ``1/24`` for what is far smaller."""
    if ratio is None:
        return ""
    if 0 < ratio < 0.5:
        return f"1/{number(1 / ratio)}"
    return f"{number(ratio)} x"


def missed(found: Mapping[str, Iterable[Figure]]) -> list[str]:
    """The figures that don't reach their goal."""
    return [
        f"{name}: {one.what}: {number(one.value)} {one.unit} {times(one.ratio)}".rstrip()
        for name, figures in found.items()
        for one in figures
        if one.met is False
    ]


def _goal(one: Figure) -> str:
    if one.met is None:
        return ""
    limit = times(one.ratio_at_most) if one.at_most is None else number(one.at_most)
    return f"{'met' if one.met else 'MISSED'}: at most {limit}"
