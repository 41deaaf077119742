"""Kills at a mean time for each workload: a thinned Poisson process over the weekly windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from chaosd.core.window import Windows


@dataclass(frozen=True, slots=True)
class MeanTime:
    """One kill for each workload every `mean` of calendar time, at least `min_gap` apart."""

    mean: timedelta
    min_gap: timedelta


@dataclass(frozen=True, slots=True)
class Rate:
    """A workload (namespace/Kind/name) with its own, possibly lowered, rate."""

    workload: str
    mean: timedelta
    min_gap: timedelta


def check_meantime(
    schedule: MeanTime, windows: Windows, deadline: timedelta, cooldown: timedelta
) -> tuple[str, ...]:
    """Name what keeps a mean time from being met; each message says which numbers would do."""
    raise NotImplementedError
