"""Recovery over time, as marks whose places are per cent of the plot: a browser draws them at any
width without making the words smaller."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from chaosd.core.kills import KillRecord
from chaosd.core.ledger import Verdict
from chaosd.core.status_parts import State
from chaosd.core.words import several
from chaosd.report.page.words import clock, seconds, words

_SPANS = [timedelta(minutes=m) for m in (20, 60, 120, 240, 480, 960, 1680)]
# A quarter of each is a round number of minutes.
_MOST = 400
_ROOM = 0.92
"""Where the highest mark is: some room is left above it."""


class Shape(StrEnum):
    """Marks differ in shape, not in colour alone."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "notRecovered"
    RECOVERING = "recovering"


class Mark(Struct, frozen=True):
    """One kill: ``x`` and ``y`` are per cent from the left and from the top."""

    x: float
    y: float
    shape: Shape
    title: str


class Tick(Struct, frozen=True):
    """A line of the grid, and its label."""

    at: float
    label: str


class Chart(Struct, frozen=True):
    """A plot; ``summary`` says in words what is to be seen."""

    marks: tuple[Mark, ...]
    times: tuple[Tick, ...]
    heights: tuple[Tick, ...]
    summary: str


def chart(records: Sequence[KillRecord], now: datetime) -> Chart | None:
    """Plot the real kills among ``records``; None when there is nothing to plot."""
    shaped = [(one, shape) for one in records[:_MOST] if (shape := _shape(one))]
    if not shaped:
        return None
    oldest = min(one.at for one, _ in shaped)
    span = next((some for some in _SPANS if oldest >= now - some), max(_SPANS[-1], now - oldest))
    top = _nice(max(_height(one, now) for one, _ in shaped))
    begin = now - span
    marks = tuple(
        Mark(
            x=_percent((one.at - begin) / span),
            y=_percent(1 - _ROOM * min(_height(one, now) / top, 1)),
            shape=shape,
            title=_title(one, shape, now),
        )
        for one, shape in reversed(shaped)
    )
    quarters = [begin + span * n / 4 for n in range(5)]
    times = tuple(Tick(25.0 * n, f"{at:%H:%M}") for n, at in enumerate(quarters))
    heights = tuple(Tick(_percent(1 - _ROOM * n / 2), seconds(top * n / 2)) for n in (1, 2))
    return Chart(marks, times, heights, _summary(shaped))


def _shape(one: KillRecord) -> Shape | None:
    if one.dry_run:
        return None
    if one.verdict is Verdict.NOT_RECOVERED:
        return Shape.NOT_RECOVERED
    if one.seconds is not None:
        return Shape.RECOVERED
    return Shape.RECOVERING if one.state is State.RECOVERING else None


def _height(one: KillRecord, now: datetime) -> float:
    """How long it took, or has taken so far; what never recovered stands at its deadline."""
    if one.seconds is not None:
        return max(one.seconds, 0.0)
    until = min(now, one.recover_by) if one.verdict is None else one.recover_by
    return max((until - one.at).total_seconds(), 0.0)


def _title(one: KillRecord, shape: Shape, now: datetime) -> str:
    took = seconds(one.seconds) if shape is Shape.RECOVERED else ""
    said = f"recovered in {took}" if took else words(shape)
    return f"{one.workload}, {clock(one.at, now)} UTC: {said}"


def _summary(shaped: Sequence[tuple[KillRecord, Shape]]) -> str:
    took = sorted(one.seconds for one, _ in shaped if one.seconds is not None)
    missed = sum(shape is Shape.NOT_RECOVERED for _, shape in shaped)
    still = sum(shape is Shape.RECOVERING for _, shape in shaped)
    said = [f"{len(took)} recovered, {_speed(took)}"] if took else []
    if missed:
        said.append(f"{missed:,} did not recover in time")
    elif took:
        said.append("none missed its deadline")
    if still:
        said.append(f"{several(still, 'is', 'are')} recovering")
    return "; ".join(said) + "."


def _speed(took: Sequence[float]) -> str:
    """How long it took, from fast to slow, in as many words as the numbers are worth."""
    fastest, half, slowest = (seconds(one) for one in (took[0], statistics.median(took), took[-1]))
    if fastest == slowest:
        return f"in {slowest}" if len(took) == 1 else f"each in {slowest}"
    if len(took) == 2:
        return f"in {fastest} and {slowest}"
    if half == slowest:
        return f"the slowest in {slowest}"
    return f"half of them within {half}, the slowest in {slowest}"


def _nice(highest: float) -> float:
    """The next of 1, 2, 5, 10, 20, 30, 60 ... seconds, so that the grid has round numbers."""
    steps = [2, 4, 10, 20, 40, 60, 120, 240, 600, 1200, 3600]
    return next((float(step) for step in steps if highest <= step), highest)


def _percent(share: float) -> float:
    return round(100 * min(max(share, 0.0), 1.0), 2)
