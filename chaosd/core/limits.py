"""Limits, gaps and cooldowns, all read from the ledger so that they outlive every restart.

Limits are rolling: an intent counts for 60 minutes (24 hours) from its reservation, unless it was
refused or failed. Dry runs count apart from real kills, by the same rules.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from msgspec import Struct

from chaosd.core import duration
from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from chaosd.core.model import Code, Limits, Policy, Reason, Reasons
from chaosd.core.transitions import whole_again

HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
_GIVEN_BACK = (Result.REFUSED, Result.FAILED)


class Used(Struct, frozen=True):
    """How much of each limit is used."""

    hour: int
    day: int
    concurrent: int


def used(ledger: Ledger, now: datetime, *, dry_run: bool, policy: str | None = None) -> Used:
    """Count intents against limits: all of them, or one policy's."""
    reserved = _reserved(ledger, dry_run=dry_run, policy=policy)
    return Used(
        hour=sum(at > now - HOUR for at in reserved),
        day=sum(at > now - DAY for at in reserved),
        concurrent=sum(
            _counts(intent, dry_run=dry_run, policy=policy) for intent in ledger.intents.values()
        ),
    )


def frees_at(ledger: Ledger, limits: Limits, policy: Policy, now: datetime) -> datetime:
    """The first instant from ``now`` on at which the hour's and the day's limits leave room, if
    nothing more is reserved until then."""
    frees = now
    for some, whose in ((limits, None), (policy.limits, policy.name)):
        reserved = sorted(_reserved(ledger, dry_run=policy.dry_run, policy=whose))
        for limit, span in ((some.per_hour, HOUR), (some.per_day, DAY)):
            if limit is not None and len(reserved) >= limit:
                frees = max(frees, reserved[-limit] + span)
    return frees


def _counts(intent: Intent, *, dry_run: bool, policy: str | None) -> bool:
    return (
        intent.dry_run == dry_run
        and intent.result not in _GIVEN_BACK
        and (policy is None or intent.policy == policy)
    )


def _reserved(ledger: Ledger, *, dry_run: bool, policy: str | None) -> list[datetime]:
    """When what counts was reserved."""
    return [
        intent.reserved_at
        for intent in ledger.all_intents()
        if _counts(intent, dry_run=dry_run, policy=policy)
    ]


def limit_reasons(ledger: Ledger, limits: Limits, policy: Policy, now: datetime) -> Reasons:
    """Every limit, global or the policy's own, that leaves no room for one more intent."""
    asked = ((limits, None, "all policies"), (policy.limits, policy.name, f"policy {policy.name}"))
    return tuple(
        reason
        for some, whose, name in asked
        if some != Limits()
        for reason in _exceeded(used(ledger, now, dry_run=policy.dry_run, policy=whose), some, name)
    )


def _exceeded(count: Used, limits: Limits, whose: str) -> Reasons:
    asked = (
        (Code.LIMIT_PER_HOUR, count.hour, limits.per_hour, "in the last 60 minutes"),
        (Code.LIMIT_PER_DAY, count.day, limits.per_day, "in the last 24 hours"),
        (Code.LIMIT_CONCURRENT, count.concurrent, limits.concurrent, "not recovered yet"),
    )
    return tuple(
        Reason(code, f"{whose}: {n} of {limit} {when}")
        for code, n, limit, when in asked
        if limit is not None and n >= limit
    )


def rest_reasons(
    ledger: Ledger,
    workload: str,
    now: datetime,
    *,
    min_gap: timedelta,
    cooldown: timedelta,
    dry_run: bool,
) -> Reasons:
    """Why a workload may not be struck again yet: an open intent, the gap, the cooldown."""
    reasons: list[Reason] = []
    for intent in ledger.intents.values():
        if workload != intent.workload and workload not in intent.keys:
            continue
        if intent.verdict is Verdict.NOT_RECOVERED:
            hint = f"intent {intent.id} did not recover: chaosd forgive {intent.workload}"
            reasons.append(Reason(Code.UNRECOVERED, hint))
        elif not dry_run:
            reasons.append(Reason(Code.LOCKED, f"intent {intent.id} is under way"))
    kill = ledger.last_kill(workload, dry_run=dry_run)
    if kill is None:
        return tuple(reasons)
    gap_ends = kill.at + min_gap.total_seconds()
    if now.timestamp() < gap_ends:
        reasons.append(Reason(Code.MIN_GAP, f"{_left(gap_ends, now)} of the gap are left"))
    whole = whole_again(kill)
    if whole and now < whole + cooldown:
        left = _left((whole + cooldown).timestamp(), now)
        reasons.append(Reason(Code.COOLDOWN, f"{left} of the cooldown are left"))
    return tuple(reasons)


def _left(until: float, now: datetime) -> str:
    return duration.render(timedelta(seconds=math.ceil(until - now.timestamp())))
