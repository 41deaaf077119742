"""Why a candidate, and what else would go down with it, may not be struck again yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from chaosd.core.eligibility import rate_of
from chaosd.core.ledger import Ledger
from chaosd.core.limits import rest_reasons
from chaosd.core.model import Candidate, Code, Impact, Policy, Reason, Reasons
from chaosd.core.schedule import MeanTime, Rate


def rest_of(ledger: Ledger, policy: Policy, candidate: Candidate, now: datetime) -> Reasons:
    """The gap (only mean-time schedules have one), the cooldown, and open intents."""
    gap = timedelta(0)
    if isinstance(policy.schedule, MeanTime):
        rate = rate_of(policy.schedule, candidate.workload, candidate.annotations)
        if not isinstance(rate, Rate):
            return (rate,)
        gap = rate.min_gap
    return rest_reasons(
        ledger,
        str(candidate.workload),
        now,
        min_gap=gap,
        cooldown=policy.cooldown,
        dry_run=policy.dry_run,
    )


def rest_of_impact(
    ledger: Ledger, policy: Policy, candidate: Candidate, impact: Impact, now: datetime
) -> Reasons:
    """The cooldown and open intents of every other workload that would lose pods, and the locks
    (a pool's) that another intent holds."""
    others = [name for name in impact.workloads if name != str(candidate.workload)]
    resting = tuple(
        Reason(reason.code, f"{other}: {reason.detail}")
        for other in others
        for reason in rest_reasons(
            ledger,
            other,
            now,
            min_gap=timedelta(0),
            cooldown=policy.cooldown,
            dry_run=policy.dry_run,
        )
    )
    if policy.dry_run:
        return resting
    held = {key: one.id for one in ledger.intents.values() for key in one.locks}
    mine = [key for key in impact.locks if key in held and key != str(candidate.workload)]
    locked = (Reason(Code.LOCKED, f"{key} is held by intent {held[key]}") for key in mine)
    return (*resting, *locked)
