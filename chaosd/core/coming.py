"""The kills to come, as far as a running daemon can tell at once and for little work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

import msgspec
from msgspec import Struct

from chaosd.core.ledger import Ledger
from chaosd.core.model import Configuration
from chaosd.core.preview import kills_of, policy_slots, remembered
from chaosd.core.schedule import MeanTime, Rate, Slot

MOST_WORK = 105_000
"""Workloads times days that are looked through at most: a second or so of work."""
MOST_SLOTS = 3_000
"""Slots that are judged at most, most of which limits may refuse: as much work again."""


class ComingKill(Struct, frozen=True, rename="camel"):
    """A kill that would be made; ``workload`` is ``*`` where the draw decides at that moment."""

    time: datetime
    policy: str
    workload: str
    dry_run: bool


class Coming(Struct, frozen=True, rename="camel"):
    """The kills in (now, until], if each succeeds and recovers at once.

    As in ``chaosd plan``, limits, gaps and cooldowns count; halts by a command or an annotation and
    what is under way, do not. ``more``: there are further ones before ``until``. ``unknown`` says
    why policies have no plan here.
    """

    now: datetime
    until: datetime
    kills: tuple[ComingKill, ...]
    more: bool = False
    unknown: Mapping[str, str] = {}


def horizon(now: datetime, days: int, workloads: int) -> datetime:
    """How far ahead to look: ``days``, or fewer (at least one) with very many workloads."""
    return now + timedelta(days=max(1, min(days, MOST_WORK // max(1, workloads))))


def coming(
    configuration: Configuration,
    seed: str | None,
    rates: Mapping[str, Sequence[Rate]],
    ledger: Ledger,
    now: datetime,
    *,
    days: int,
    limit: int,
) -> Coming:
    """The next ``limit`` kills within ``days``.

    ``seed`` None: not known here. ``rates`` are the workloads of mean-time policies, without those
    that were not surveyed here.
    """
    unknown: dict[str, str] = {}
    for policy in configuration.policies:
        if seed is None:
            unknown[policy.name] = "the seed is the cluster's, and has not been read here yet"
        elif isinstance(policy.schedule, MeanTime) and policy.name not in rates:
            unknown[policy.name] = "its workloads are surveyed by the leader, and not yet here"
    known = tuple(one for one in configuration.policies if one.name not in unknown)
    workloads = sum(len(rates.get(one.name, ())) for one in known)
    until = horizon(now, days, workloads)
    asked = msgspec.structs.replace(configuration, policies=known)
    planned = _Bounded(policy_slots(asked, seed or "", rates, now, until))
    found = kills_of(planned, asked, rates, remembered(ledger, now))
    dry = {policy.name for policy in known if policy.dry_run}
    kills = tuple(
        ComingKill(one.at, one.policy, one.workload, one.policy in dry)
        for one in islice(found, limit + 1)
    )
    return Coming(now, planned.cut_at or until, kills[:limit], len(kills) > limit, unknown)


class _Bounded:
    """The first slots; ``cut_at`` is where the last of them is when there were too many."""

    def __init__(self, planned: Iterator[Slot]) -> None:
        self._planned = planned
        self.cut_at: datetime | None = None

    def __iter__(self) -> Iterator[Slot]:
        for number, slot in enumerate(self._planned, start=1):
            yield slot
            if number == MOST_SLOTS:
                self.cut_at = slot.at
                return
