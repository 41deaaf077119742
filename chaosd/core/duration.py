"""Durations as people write them: ``90s``, ``1h30m``, ``2d``, ``1w``."""

from __future__ import annotations

from datetime import timedelta


def parse(text: str, *, zero: bool = False) -> timedelta:
    """Read a duration: whole numbers with the units w, d, h, m, s, in that order, each at most once.

    A day is 24 hours and a week 7 days, whatever daylight saving does.

    Raises:
        ValueError: with a message that says what to write instead. Zero is refused unless `zero`.
    """
    raise NotImplementedError


def render(value: timedelta) -> str:
    """Write a duration in a short form that `parse` reads back; fractions of a second are cut."""
    raise NotImplementedError
