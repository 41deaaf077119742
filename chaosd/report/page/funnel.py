"""A survey's reasons, as bars."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from chaosd.report.page.words import words

ELIGIBLE = "eligible"


class Bar(Struct, frozen=True):
    """One reason: ``share`` is per cent of the longest bar."""

    code: str
    words: str
    count: int
    share: float


class Funnel(Struct, frozen=True):
    """The bars that are shown, those that pass first; ``more`` are left out. One candidate may have
    several reasons, so counts do not add up to how many there are."""

    bars: tuple[Bar, ...]
    more: int = 0


def funnel(counts: Mapping[str, int], most: int) -> Funnel:
    """Candidates by reason code (``eligible`` for none), the most frequent reasons first."""
    ranked = sorted(counts.items(), key=lambda one: (one[0] != ELIGIBLE, -one[1], one[0]))
    longest = max(counts.values(), default=0) or 1
    bars = tuple(
        Bar(code, words(code), count, round(100 * count / longest, 1))
        for code, count in ranked[:most]
    )
    return Funnel(bars, len(ranked) - len(bars))
