"""Words of the page: times, codes and numbers as people read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from chaosd.core.duration import render
from chaosd.core.reasons import Code, Reason

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DAY = timedelta(days=1)
_KNOWN = {
    "dryRun": "dry run",
    "notRecovered": "not recovered",
    "underWay": "under way",
    "puttingBack": "being put back",
    "perHour": "per hour",
    "perDay": "per day",
    "concurrent": "at once",
    "limitConcurrent": "limit at once",
}
_CODES = {str(code) for code in Code}


def stamp(at: datetime) -> str:
    """An instant for programs, in the attribute of a ``time`` element."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


def clock(at: datetime, now: datetime) -> str:
    """An instant in UTC: the time alone where it is today's."""
    if at.date() == now.date():
        return f"{at:%H:%M:%S}"
    return f"{at:%b} {at.day}, {at:%H:%M}" if at.year == now.year else f"{at:%Y-%m-%d %H:%M}"


def away(at: datetime, now: datetime) -> str:
    """How far an instant is, as exactly as people want to know."""
    distance = abs(at - now)
    if distance < timedelta(seconds=1):
        return "now"
    text = render(_rounded(distance))
    return f"in {text}" if at > now else f"{text} ago"


def _rounded(distance: timedelta) -> timedelta:
    """Seconds below ten minutes, minutes below a day, then hours, then days."""
    for below, unit in (
        (timedelta(minutes=10), timedelta(seconds=1)),
        (_DAY, timedelta(minutes=1)),
        (14 * _DAY, timedelta(hours=1)),
    ):
        if distance < below:
            return max(distance // unit, 1) * unit
    return distance // _DAY * _DAY


def words(code: object) -> str:
    """A code or another name in camelCase, as words."""
    text = str(code)
    return _KNOWN.get(text) or _HUMP.sub(" ", text).lower()


def because(text: str) -> tuple[str, str]:
    """A reason as a status gives it (``policy: code: detail``), as a heading and its detail."""
    policy, colon, rest = text.partition(": ")
    if policy in _CODES:
        return words(policy), rest
    code, _, detail = rest.partition(": ")
    if colon and code in _CODES:
        return f"{policy}: {words(code)}", detail
    return text, ""


def reason(one: Reason) -> tuple[str, str]:
    """A reason's heading and its detail."""
    return words(one.code), one.detail


def seconds(value: float | None) -> str:
    """A span that was measured."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    return f"{value:.0f} s" if value < 120 else render(timedelta(seconds=round(value)))
