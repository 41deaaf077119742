"""When something may start: allow and deny windows in local wall-clock time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Weekly:
    """The same hours on some days of every week."""

    days: frozenset[int]  # 0 is Monday
    start: int  # seconds after local midnight
    end: int  # up to 86400; at or before `start` it lies on the next day
    name: str = ""


@dataclass(frozen=True, slots=True)
class Dates:
    """Local days from `first` to `last`, both included."""

    first: date
    last: date
    name: str = ""


@dataclass(frozen=True, slots=True)
class Holidays:
    """The public holidays of a country (ISO 3166-1 code) or of one of its subdivisions."""

    country: str
    subdivision: str | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class Always:
    """All the time."""

    name: str = ""


Rule = Weekly | Dates | Holidays | Always


@dataclass(frozen=True, slots=True)
class Windows:
    """Allow layers and denials: open is what lies in every layer and in no denial.

    A time lies in a layer when any of its rules holds it. No layers: always open.
    """

    zone: str  # IANA
    allow: tuple[tuple[Rule, ...], ...] = ()
    deny: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether windows are open at an instant, and why."""

    open: bool
    because: tuple[str, ...]
    next_change: datetime | None  # UTC; None: none within two years


def opening(windows: Windows, now: datetime) -> Opening:
    """Tell whether `windows` are open at `now`, with readable reasons and the next change."""
    raise NotImplementedError


def open_intervals(
    windows: Windows, after: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the open times in [after, until): half-open, merged, clipped, ascending, in UTC."""
    raise NotImplementedError


def strikeable_intervals(
    windows: Windows, deadline: timedelta, after: datetime, until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """Yield each open interval less its last `deadline`, clipped to [after, until)."""
    raise NotImplementedError


def strikeable_until(windows: Windows, deadline: timedelta, now: datetime) -> datetime | None:
    """Give the (exclusive) end of the strikeable interval that holds `now`; None outside of all."""
    raise NotImplementedError


def parse_days(text: str) -> frozenset[int]:
    """Read days like ``Mon-Fri``, ``Sat,Sun``, ``Fri-Mon`` or ``Mon``; 0 is Monday.

    Raises:
        ValueError: with a message that says what to write instead.
    """
    raise NotImplementedError


def parse_clock(text: str, *, end: bool = False) -> int:
    """Read ``HH:MM`` as seconds after midnight; ``24:00`` only as an `end`.

    Raises:
        ValueError: with a message that says what to write instead.
    """
    raise NotImplementedError
