"""Why a candidate's workload may not be struck again yet, by its own rate."""

from __future__ import annotations

from datetime import datetime, timedelta

from chaosd.core.eligibility import rate_of
from chaosd.core.ledger import Ledger
from chaosd.core.limits import rest_reasons
from chaosd.core.model import Candidate, Policy, Reasons
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
