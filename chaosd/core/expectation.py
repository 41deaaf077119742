"""How many kills a week to expect of a policy, before anything has happened: for people.

Asked of the recurring weekly windows alone, since freezes and holidays make a week an unusual one.
A preview (:mod:`chaosd.core.preview`) gives the very times; this gives the rate, at any size of
cluster at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

import msgspec
from msgspec import Struct

from chaosd.core.model import Configuration, Limits, Policy
from chaosd.core.schedule import Cron, Every, MeanTime, Rate, slots
from chaosd.core.strikeable import Strikeable, recurring, weekly_share
from chaosd.core.window import strikeable_intervals

WEEK = timedelta(weeks=1)
_LOOK_AHEAD = 52 * WEEK
_MOST_SLOTS = 7 * 24 * 60 + 1


class Expectation(Struct, frozen=True, rename="camel"):
    """Kills a week: what the schedule asks for, and the most that limits, cooldown and the number
    of workloads let through (None: nothing bounds it)."""

    asked: float
    most: float | None = None

    @property
    def kills(self) -> float:
        """How many to expect: no more than either."""
        return self.asked if self.most is None else min(self.asked, self.most)


def expectation(policy: Policy, eligible: int, rates: Iterable[Rate], now: datetime) -> Expectation:
    """What a policy does in an ordinary week.

    ``eligible`` is how many workloads it may choose from, ``rates`` are a mean-time policy's;
    ``now`` is where a cron expression is looked at from, for a year at most.
    """
    bounds = [bound for bound in (_by_limits(policy.limits, policy),) if bound is not None]
    if isinstance(policy.schedule, MeanTime):
        share = weekly_share(policy.windows, policy.deadline)
        asked = sum(WEEK / rate.mean for rate in rates) if share else 0.0
    else:
        asked = policy.count * _slots_a_week(policy, now)
        if policy.cooldown:
            # Struck again only when it has rested: what one workload takes is bounded too.
            bounds.append(eligible * (WEEK / policy.cooldown))
    if not eligible:
        bounds.append(0.0)
    return Expectation(asked, min(bounds, default=None))


def together(configuration: Configuration, each: Sequence[Expectation]) -> Expectation:
    """What policies do in an ordinary week together, under the global limits."""
    limits = configuration.limits
    bounds = [24 * 7 * limits.per_hour] if limits.per_hour is not None else []
    bounds += [7 * limits.per_day] if limits.per_day is not None else []
    return Expectation(sum(one.kills for one in each), min(bounds, default=None))


def kill_intervals(
    configuration: Configuration, rates: Mapping[str, Sequence[Rate]], now: datetime
) -> dict[str, float]:
    """Seconds of open window time between two kills of each policy in an ordinary week, if every
    slot finds a victim; a policy that is expected to kill nothing is left out.

    ``rates`` are those of mean-time policies. Cooldowns and how fast things recover are not in it.
    """
    # Cron expressions take long to look through, and a day makes no difference.
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    each = [
        expectation(
            msgspec.structs.replace(policy, cooldown=timedelta(0)),
            len(own) if isinstance(policy.schedule, MeanTime) else 1,
            own,
            day,
        )
        for policy in configuration.policies
        for own in [rates.get(policy.name, ())]
    ]
    found = dict[str, float]()
    for dry_run in (False, True):  # counted apart, by the same limits
        alike = [
            (policy, one)
            for policy, one in zip(configuration.policies, each, strict=True)
            if policy.dry_run == dry_run and one.kills
        ]
        asked = sum(one.kills for _, one in alike)
        let_through = together(configuration, [one for _, one in alike]).kills
        for policy, one in alike:
            if let_through:
                found[policy.name] = _open_seconds(policy) / (one.kills / asked * let_through)
    return found


def _open_seconds(policy: Policy) -> float:
    """Seconds of an ordinary week in which the windows are open."""
    return weekly_share(policy.windows, timedelta(0)) * WEEK.total_seconds()


def _by_limits(limits: Limits, policy: Policy) -> float | None:
    share = weekly_share(policy.windows, policy.deadline)
    hourly = limits.per_hour * 24 * 7 * share if limits.per_hour is not None else None
    daily = 7.0 * limits.per_day if limits.per_day is not None else None
    return min((bound for bound in (hourly, daily) if bound is not None), default=None)


@lru_cache(maxsize=64)
def _slots_a_week(policy: Policy, now: datetime) -> float:
    """Slots that fall into strikeable time."""
    schedule = policy.schedule
    if isinstance(schedule, Every):
        return weekly_share(policy.windows, policy.deadline) * (WEEK / schedule.every)
    if not isinstance(schedule, Cron):
        raise TypeError(f"{schedule!r} has no slots of its own")
    until = now + _LOOK_AHEAD
    found = list(islice(_cron_slots(policy, now, until), _MOST_SLOTS))
    if len(found) == _MOST_SLOTS:
        # Cron is no finer than a minute, so this is a week at least; whole ones are not biased.
        until = now + (found[-1] - now) // WEEK * WEEK
        found = [at for at in found if at <= until]
    weekly = recurring(policy.windows)
    open_times = Strikeable(strikeable_intervals(weekly, policy.deadline, now, until + WEEK))
    hits = sum(open_times.holds(int(at.timestamp())) for at in found)
    return hits / ((until - now) / WEEK)


def _cron_slots(policy: Policy, after: datetime, until: datetime) -> Iterable[datetime]:
    return (
        slot.at
        for slot in slots(
            policy.schedule,
            seed="",
            policy=policy.name,
            windows=policy.windows,
            deadline=policy.deadline,
            workloads=(),
            after=after,
            until=until,
        )
    )
