"""Times that people write on the command line."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from chaosd.cli.failures import Mistaken
from chaosd.cli.output import zulu

_FIRST, _LAST = 1970, 2199


def now() -> datetime:
    """This machine's time, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


def parse_time(option: str, text: str | None, zone: str = "UTC") -> datetime:
    """An instant in RFC 3339, in UTC; None is now.

    ``zone`` is what people who write no offset probably mean. Raises Mistaken.
    """
    if text is None:
        return now()
    written = text.strip().upper()
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise Mistaken(f"{option} {text!r} is no time: write one like {zulu(now())}") from None
    if at.tzinfo is None:
        there = at.replace(tzinfo=ZoneInfo(zone)).isoformat()
        meant = f"{there} ({zone})" if zone != "UTC" else ""
        choices = " or ".join(filter(None, (meant, f"{at.isoformat()}Z (UTC)")))
        raise Mistaken(f"{option} {text!r} has no offset from UTC: write {choices}")
    if not _FIRST < at.year < _LAST:
        raise Mistaken(f"{option} {text!r}: write a year from {_FIRST + 1} to {_LAST - 1}")
    return at.astimezone(UTC)
