"""When windows are open, over a range of time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from msgspec import Struct, field

from chaosd.core.model import Configuration, Policy
from chaosd.core.window import open_intervals, opening, strikeable_until

MOST_INTERVALS = 2000


class Span(Struct, frozen=True, rename="camel"):
    """A time that is open: half-open, in UTC."""

    start: datetime = field(name="from")
    end: datetime = field(name="until")


class PolicyAgenda(Struct, frozen=True, rename="camel"):
    """The windows of a policy: as they are now, and the open times in the range.

    ``next_change`` None: not for two years. ``strikeable_until`` is when the last action could
    start whose recovery deadline (``deadline_seconds``) is still inside; None: none may start now.
    ``more``: there are further intervals in the range.
    """

    policy: str
    open: bool
    because: tuple[str, ...]
    next_change: datetime | None
    strikeable_until: datetime | None
    deadline_seconds: float
    intervals: tuple[Span, ...]
    more: bool = False


class Agenda(Struct, frozen=True, rename="camel"):
    """Open times of each policy in [from, until); ``timezone`` is what their local times are in."""

    now: datetime
    start: datetime = field(name="from")
    end: datetime = field(name="until")
    timezone: str
    policies: tuple[PolicyAgenda, ...]


def agenda(
    configuration: Configuration,
    now: datetime,
    start: datetime,
    end: datetime,
    policies: Iterable[Policy] | None = None,
) -> Agenda:
    """The windows of ``policies`` (None: all of them) between two instants."""
    asked = configuration.policies if policies is None else policies
    found = tuple(_of(policy, now, start, end) for policy in asked)
    return Agenda(now, start, end, configuration.windows.zone, found)


def _of(policy: Policy, now: datetime, start: datetime, end: datetime) -> PolicyAgenda:
    state = opening(policy.windows, now)
    spans = list(islice(open_intervals(policy.windows, start, end), MOST_INTERVALS + 1))
    return PolicyAgenda(
        policy=policy.name,
        open=state.open,
        because=state.because,
        next_change=state.next_change,
        strikeable_until=strikeable_until(policy.windows, policy.deadline, now),
        deadline_seconds=policy.deadline.total_seconds(),
        intervals=tuple(Span(*span) for span in spans[:MOST_INTERVALS]),
        more=len(spans) > MOST_INTERVALS,
    )
