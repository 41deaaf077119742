"""Between local wall-clock time and instants: zones, and hours that the clock skips or repeats."""

from __future__ import annotations

import difflib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

# Instants outside of this range are refused, so that sums with days and durations never overflow.
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9900, 1, 1, tzinfo=UTC)

_SECOND = timedelta(seconds=1)


def utc(value: datetime) -> datetime:
    """Convert an aware time to UTC.

    Raises:
        ValueError: it has no zone, or lies outside the years 1900 to 9899.
    """
    if value.utcoffset() is None:
        raise ValueError(
            f"{value.isoformat()} has no time zone: write {value.isoformat()}Z for UTC"
        )
    if not EARLIEST <= value < LATEST:
        raise ValueError(f"{value.isoformat()} is out of range: write a year from 1900 to 9899")
    return value.astimezone(UTC)


def parse_zone(text: str) -> str:
    """Check the IANA name of a time zone, such as ``Europe/Berlin``, and return it.

    Raises:
        ValueError: no such zone; the message names the nearest ones.
    """
    try:
        if text != "localtime":  # where a machine has it, it means something else on each machine
            return ZoneInfo(text).key
    except (KeyError, ValueError, OSError):
        pass
    known = {name.lower(): name for name in sorted(available_timezones() - {"localtime"})}
    places = {name.rpartition("/")[2]: name for name in known}
    wanted = text.strip().lower().replace(" ", "_")[:64]
    near = difflib.get_close_matches(wanted, known, n=1 if wanted in known else 3, cutoff=0.8)
    near += [places[name] for name in difflib.get_close_matches(wanted, places, n=1, cutoff=0.8)]
    names = " or ".join(dict.fromkeys(known[name] for name in near))
    raise ValueError(
        f"unknown time zone {text[:64]!r}: write {names or 'an IANA name such as Europe/Berlin'}"
    )


def instant(local: datetime, zone: ZoneInfo, *, earlier: bool) -> datetime:
    """Find the instant (UTC) of the naive wall-clock time `local`.

    A time that the clock skips is taken at the first instant after the skip. Of a time that comes
    twice, `earlier` takes the first, else the second.
    """
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first <= second:
        return first if earlier else second
    # In a skipped hour (PEP 495) fold 0 counts with the offset from before the change and so lands
    # at or after it, fold 1 the other way round: the change is the first instant in (second, first]
    # with the new offset.
    before = second.astimezone(zone).utcoffset()
    while first - second > _SECOND:
        middle = second + (first - second) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == before:
            second = middle
        else:
            first = middle
    return first
