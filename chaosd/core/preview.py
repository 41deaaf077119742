"""A preview of kills: the same schedules and the same admission as the reality, on an imagined
ledger in which every kill succeeds and its workload is whole again at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """The kills in (after, until], starting from ``ledger`` (none: nothing was ever killed).

    A halt and open intents of ``ledger`` hold for as long as the preview goes.
    """
    planned = policy_slots(configuration, seed, rates, after, until)
    return kills_of(planned, configuration, rates, ledger)


def kills_of(
    planned: Iterable[Slot],
    configuration: Configuration,
    rates: Mapping[str, Sequence[Rate]],
    ledger: Ledger | None = None,
) -> Iterator[Kill]:
    """The kills of these slots, as in :func:`preview`."""
    ledger = _copied(ledger or Ledger())
    gaps = {(name, rate.workload): rate.min_gap for name, some in rates.items() for rate in some}
    for slot in planned:
        policy = configuration.policy(slot.policy)
        if policy is None:
            continue
        gap = gaps.get((policy.name, slot.workload), timedelta(0))
        for ordinal in range(policy.count):
            if not _would_strike(ledger, configuration, policy, slot, ordinal, gap):
                continue
            _remember(ledger, configuration, policy, slot, ordinal)
            yield Kill(slot.at, policy.name, slot.workload)


def remembered(ledger: Ledger, before: datetime) -> Ledger:
    """What limits, gaps and cooldowns of a preview may look back at: what is over ``before`` it."""
    unix = before.timestamp()

    def closed(intent: Intent) -> bool:
        stamps = (intent.reserved_at, intent.settled_at, intent.verdict_at, intent.closed_at)
        return all(at <= before for at in stamps if at)

    def past(kills: Mapping[str, LastKill]) -> dict[str, LastKill]:
        return {key: kill for key, kill in kills.items() if kill.at + max(kill.healed, 0) <= unix}

    return Ledger(
        outcomes={key: one for key, one in ledger.outcomes.items() if closed(one)},
        last_kills=past(ledger.last_kills),
        last_dry_kills=past(ledger.last_dry_kills),
    )


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


def _copied(ledger: Ledger) -> Ledger:
    """A ledger that can be changed in place: a new one for each kill would make long previews of
    many workloads quadratic."""
    return msgspec.structs.replace(
        ledger,
        outcomes=dict(ledger.outcomes),
        last_kills=dict(ledger.last_kills),
        last_dry_kills=dict(ledger.last_dry_kills),
    )


def _remember(
    ledger: Ledger, configuration: Configuration, policy: Policy, slot: Slot, ordinal: int
) -> None:
    """Put a kill that succeeded and recovered at once into the ledger, as far as a gap, a cooldown
    or a limit may ask for it."""
    if slot.workload != EVERY_WORKLOAD:
        kills = ledger.last_dry_kills if policy.dry_run else ledger.last_kills
        kills[workload_hash(slot.workload)] = LastKill(int(slot.at.timestamp()), 0)
    if not _rolling(configuration.limits) and not _rolling(policy.limits):
        return
    _forget(ledger.outcomes, slot.at)
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
    ledger.outcomes[intent.id] = intent


def _rolling(limits: Limits) -> bool:
    return limits.per_hour is not None or limits.per_day is not None


def _forget(outcomes: dict[str, Intent], now: datetime) -> None:
    """Drop what no limit counts any more; seldom, so that it costs little for each kill."""
    oldest = next(iter(outcomes.values()), None)
    if oldest is None or oldest.reserved_at > now - 2 * KEEP:
        return
    kept = {key: one for key, one in outcomes.items() if one.reserved_at > now - KEEP}
    outcomes.clear()
    outcomes.update(kept)
