"""All guards together: what they object to, what must be held for them, and whether it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from chaosd.core.admission import may_strike
from chaosd.core.facts import Recovery
from chaosd.core.impact import drawn_by, impact_of
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import (
    Code,
    Configuration,
    Examined,
    Impact,
    Reason,
    Reasons,
    TargetKind,
)
from chaosd.ports import Guard, Guarded, Loaded


def object_to(
    guards: Sequence[Guard], configuration: Configuration, impact: Impact, now: datetime
) -> Guarded:
    """What all guards say of an impact."""
    said = [guard.object_to(configuration, impact, now) for guard in guards]
    reasons = [reason for one in said for reason in one.reasons]
    locks = [lock for one in said for lock in one.locks]
    return Guarded(tuple(dict.fromkeys(reasons)), tuple(dict.fromkeys(locks)))


def with_locks(examined: Examined, locks: tuple[str, ...]) -> Examined:
    """The candidate, whose intent is to hold ``locks`` too."""
    if not locks:
        return examined
    held = tuple(dict.fromkeys((*examined.impact.locks, *locks)))
    return msgspec.structs.replace(
        examined, impact=msgspec.structs.replace(examined.impact, locks=held)
    )


def against_step(
    guards: Sequence[Guard], loaded: Loaded, intent: Intent, step: Step, now: datetime
) -> Reasons:
    """Why ``step`` may not be sent after all: between its reservation and this moment, or since its
    intent began, the configuration and what the guards watch may have changed. What the intent does
    not hold it may not touch, and a member of etcd must still have the role that its policy asks
    for. Raises CallFailed."""
    configuration = loaded.configuration
    against = may_strike(configuration, intent, now, loaded.problems)
    policy = configuration.policy(intent.policy) if configuration else None
    if against or configuration is None or policy is None:
        return against
    impact = impact_of(step, intent.locks)
    if intent.target is TargetKind.ETCD:
        impact = msgspec.structs.replace(impact, drawn=drawn_by(policy, intent, step))
    guarded = object_to(guards, configuration, impact, now)
    missing = [lock for lock in guarded.locks if lock not in intent.locks]
    return (
        *guarded.reasons,
        *(Reason(Code.LOCKED, f"{lock} is not held by this action") for lock in missing),
    )


def healed(
    guards: Sequence[Guard],
    configuration: Configuration | None,
    intent: Intent,
    recovery: Recovery,
    now: datetime,
) -> Recovery:
    """``recovery`` as far as all guards agree: what they watch must be whole too, also when the
    workload is gone for good."""
    if configuration is None:
        return recovery
    for guard in guards:
        held = guard.healed(configuration, intent, now)
        if held is None:
            continue
        details = [recovery.detail or _counted(recovery), held.detail]
        recovery = msgspec.structs.replace(
            recovery,
            whole=recovery.whole and held.whole,
            closed=recovery.closed and held.whole,
            detail="; ".join(dict.fromkeys(detail for detail in details if detail)),
            costs={**recovery.costs, **held.costs},
        )
    return recovery


def _counted(recovery: Recovery) -> str:
    return f"{recovery.ready} of {recovery.desired} Ready"
