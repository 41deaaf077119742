"""A preview of kills: the same schedules and the same admission as the reality, on an imagined
ledger in which every kill succeeds and its workload is whole again at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from chaosd.core.admission import Circumstances, admit
from chaosd.core.ledger import KEEP, Intent, LastKill, Ledger, Result, workload_hash
from chaosd.core.limits import rest_reasons
from chaosd.core.model import EVERY_WORKLOAD, Configuration, Limits, Policy, Victim
from chaosd.core.schedule import MeanTime, Rate, Slot, intent_id, slots


class Kill(Struct, frozen=True):
    """A kill that would be made: workload ``*`` where the draw decides."""

    at: datetime
    policy: str
    workload: str


def policy_slots(
    configuration: Configuration,
    seed: str,
    rates: Mapping[str, Sequence[Rate]],
    after: datetime,
    until: datetime,
) -> Iterator[Slot]:
    """The slots of all policies in order; ``rates`` are the workloads of mean-time policies.

    The planner runs these very slots.
    """
    streams = [
        slots(
            policy.schedule,
            seed=seed,
            policy=policy.name,
            windows=policy.windows,
            deadline=policy.deadline,
            workloads=rates.get(policy.name, ()),
            after=after,
            until=until,
        )
        for policy in configuration.policies
    ]
    return heapq.merge(*streams, key=lambda slot: (slot.at, slot.policy, slot.workload))


def preview(
    configuration: Configuration,
    seed: str,
    rates: Mapping[str, Sequence[Rate]],
    after: datetime,
    until: datetime,
    ledger: Ledger | None = None,
) -> Iterator[Kill]:
    """The kills in (after, until], starting from ``ledger`` (none: nothing was ever killed)."""
    ledger = ledger or Ledger()
    gaps = {(name, rate.workload): rate.min_gap for name, some in rates.items() for rate in some}
    for slot in policy_slots(configuration, seed, rates, after, until):
        policy = configuration.policy(slot.policy)
        if policy is None:
            continue
        gap = gaps.get((policy.name, slot.workload), timedelta(0))
        for ordinal in range(policy.count):
            if not _would_strike(ledger, configuration, policy, slot, ordinal, gap):
                continue
            ledger = _killed(ledger, configuration, policy, slot, ordinal)
            yield Kill(slot.at, policy.name, slot.workload)


def _would_strike(
    ledger: Ledger,
    configuration: Configuration,
    policy: Policy,
    slot: Slot,
    ordinal: int,
    gap: timedelta,
) -> bool:
    around = Circumstances(now=slot.at)
    if admit(ledger, configuration, policy, slot.action_id(ordinal), slot.at, around):
        return False
    if slot.workload == EVERY_WORKLOAD:
        return True
    if ordinal and isinstance(policy.schedule, MeanTime):
        return False
    return not rest_reasons(
        ledger,
        slot.workload,
        slot.at,
        min_gap=gap,
        cooldown=policy.cooldown,
        dry_run=policy.dry_run,
    )


def _killed(
    ledger: Ledger, configuration: Configuration, policy: Policy, slot: Slot, ordinal: int
) -> Ledger:
    """The ledger after a kill that succeeded and recovered at once."""
    action_id = slot.action_id(ordinal)
    intent = Intent(
        id=intent_id(action_id),
        action_id=action_id,
        policy=policy.name,
        target=policy.target,
        action=policy.action,
        workload=slot.workload,
        victim=Victim("", "", "", ""),
        reserved_at=slot.at,
        deadline=policy.deadline.total_seconds(),
        recover_by=slot.at + policy.deadline,
        dry_run=policy.dry_run,
        result=Result.DRY_RUN if policy.dry_run else Result.KILLED,
        closed_at=slot.at,
    )
    # Only what a limit may still ask for is kept, so that a year's preview stays linear.
    outcomes = ledger.outcomes
    oldest = next(iter(outcomes.values()), None)
    if oldest and (not _limited(configuration) or oldest.reserved_at < slot.at - 2 * KEEP):
        outcomes = {key: one for key, one in outcomes.items() if one.reserved_at > slot.at - KEEP}
    kill = {workload_hash(slot.workload): LastKill(int(slot.at.timestamp()), 0)}
    if slot.workload == EVERY_WORKLOAD:
        kill = {}
    field = "last_dry_kills" if policy.dry_run else "last_kills"
    return msgspec.structs.replace(
        ledger,
        outcomes={**outcomes, intent.id: intent},
        **{field: {**getattr(ledger, field), **kill}},
    )


def _limited(configuration: Configuration) -> bool:
    none = Limits(None, None, configuration.limits.concurrent)
    return configuration.limits != none or any(
        policy.limits.per_hour or policy.limits.per_day for policy in configuration.policies
    )
