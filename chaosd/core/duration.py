"""Durations as people write them: ``90s``, ``1h30m``, ``2d``, ``1w``."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_ORDERED = re.compile("".join(rf"(?:([0-9]+){unit})?" for unit in _UNITS))
_TERM = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*")
_WORDS = {
    unit: unit[0] for unit in ("second", "minute", "hour", "day", "week", "sec", "min", "hr", "wk")
}
_EXAMPLES = "such as 90s, 1h30m, 2d or 1w"
_LONGEST = 36_500 * 86_400  # a hundred years: sums with any date in use stay in range
_MOST_DIGITS = 12


def parse(text: str, *, zero: bool = False) -> timedelta:
    """Read a duration: whole numbers with units w, d, h, m, s, in that order, each at most once.

    A day is 24 hours and a week 7 days, whatever daylight saving does.

    Raises:
        ValueError: with a message that says what to write instead. Zero is refused unless `zero`.
    """
    match = _ORDERED.fullmatch(text) if text else None
    if match is None or any(len(number or "") > _MOST_DIGITS for number in match.groups()):
        raise ValueError(_complaint(text.strip().lower()))
    seconds = sum(
        int(number or 0) * unit
        for number, unit in zip(match.groups(), _UNITS.values(), strict=True)
    )
    if seconds > _LONGEST:
        raise ValueError("longer than a hundred years: write 36500d or less")
    if not seconds and not zero:
        raise ValueError(f"zero is too short: write a duration of at least 1s, {_EXAMPLES}")
    return timedelta(seconds=seconds)


def render(value: timedelta) -> str:
    """Write a duration in a short form that `parse` reads back; fractions of a second are cut.

    One unit where its number stays below 100 (``90s``, ``36h``), else the large units first
    (``2h13m5s``). Weeks appear only when they are whole. What is negative gets a leading minus,
    which `parse` refuses.
    """
    if value < timedelta(0):
        return f"-{render(-value)}"
    left = value // timedelta(seconds=1)
    if not left:
        return "0s"
    if left % _UNITS["w"] == 0:
        return f"{left // _UNITS['w']}w"
    for unit, length in _UNITS.items():
        if left % length == 0 and left // length < 100:
            return f"{left // length}{unit}"
    parts = []
    for unit in "dhms":
        number, left = divmod(left, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts)


def _complaint(text: str) -> str:
    """Say what is wrong with a duration that does not parse, and what to write."""
    if not text:
        return f"empty: write a duration {_EXAMPLES}"
    if text.startswith("-"):
        return f"a duration can't be negative: write one {_EXAMPLES}"
    meant = _meant(text)
    return f"not a duration: write {meant or f'one {_EXAMPLES}'}"


def _meant(text: str) -> str | None:
    """Guess the legal spelling of `text`: fractions, spaces, long units, another order."""
    if len(text) > 40:
        return None
    seconds, at = 0.0, 0
    while term := _TERM.match(text, at):
        number, word = term.groups()
        if not word:
            bare = number == text and number.isdigit() and 0 < int(number) < 10_000
            return " or ".join(f"{number}{unit}" for unit in "smh") if bare else None
        unit = word if word in _UNITS else _WORDS.get(word.removesuffix("s"))
        if unit is None:
            return None
        seconds += float(number) * _UNITS[unit]
        at = term.end()
    if at < len(text) or not 1 <= seconds <= _LONGEST or seconds % 1:
        return None
    return render(timedelta(seconds=seconds))
