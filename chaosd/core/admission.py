"""May anything be struck now? Every answer is collected, so that people see all of them.

The same function decides for a preview and for the reality.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from chaosd.core import duration
from chaosd.core.ledger import Intent, Ledger
from chaosd.core.limits import limit_reasons
from chaosd.core.model import (
    BudgetMode,
    Code,
    Configuration,
    Policy,
    Reason,
    Reasons,
    TargetKind,
    WorkloadKey,
)
from chaosd.core.schedule import intent_id
from chaosd.core.window import is_open, opening, strikeable_until
from chaosd.core.words import verb

MAX_LATE = timedelta(seconds=30)
MAX_SKEW = 5.0
_HALTED_BY_FILE = Reason(Code.HALTED, "by the configuration: halted: true")


class Circumstances(Struct, frozen=True):
    """What the process knows of itself and its surroundings at this instant.

    ``skew`` is in seconds, None when unknown. ``annotation_halt`` is the text of a
    ``chaosd.io/halt`` annotation on the ledger, None when there is none. ``problems`` are those of
    the configuration file as it is now; ``changed`` says that it changed since the slot began.
    """

    now: datetime
    leading: bool = True
    stopping: bool = False
    skew: float | None = 0.0
    problems: tuple[str, ...] = ()
    changed: bool = False
    annotation_halt: str | None = None


def admit(
    ledger: Ledger,
    configuration: Configuration,
    policy: Policy,
    action_id: str,
    at: datetime,
    around: Circumstances,
) -> Reasons:
    """All reasons why the action of slot ``at`` may not be taken now; none means it may."""
    return (
        *_process_reasons(around),
        *_halt_reasons(ledger, configuration, policy.name, around),
        *_slot_reasons(ledger, action_id, at, around),
        *_clock_reasons(ledger, around),
        *window_reasons(policy, around.now),
        *limit_reasons(ledger, configuration.limits, policy, around.now),
    )


def may_go_on(
    ledger: Ledger, configuration: Configuration, intent: Intent, around: Circumstances
) -> Reasons:
    """Why an open intent may not take its next step now: everything but limits, which count an
    intent once."""
    over = intent.window_until is not None and around.now >= intent.window_until
    return (
        *_process_reasons(around),
        *_halt_reasons(ledger, configuration, intent.policy, around),
        *_clock_reasons(ledger, around),
        *((Reason(Code.WINDOW_CLOSED, "the window it began in is over"),) if over else ()),
    )


def may_strike(
    configuration: Configuration | None,
    intent: Intent,
    now: datetime,
    problems: Sequence[str] = (),
) -> Reasons:
    """Why the reserved step of an open intent may not be sent: what the newest ``configuration``
    (None: there is none) says against it, and the ``problems`` of the file as it is at this very
    moment, while there are any. The ledger was asked when the step was reserved."""
    if problems or configuration is None:
        problem = problems[0] if problems else "there is no valid configuration"
        return (Reason(Code.CONFIGURATION_INVALID, problem),)
    halted = (_HALTED_BY_FILE,) if configuration.halted else ()
    return (*halted, *_unwanted(configuration, intent, now))


def ending(
    ledger: Ledger, configuration: Configuration, intent: Intent, around: Circumstances
) -> str:
    """Why an open intent of several steps is called off, so that what it took is put back now:
    a halt, a pause, a configuration that does not want it any more, or a person; "" for nothing."""
    if intent.ended_by:
        return f"called off by {intent.ended_by}"
    against = (
        *_halt_reasons(ledger, configuration, intent.policy, around),
        *_unwanted(configuration, intent, around.now),
    )
    return str(against[0]) if against else ""


def window_reasons(policy: Policy, now: datetime) -> Reasons:
    """Why the policy's windows don't let an action start now, if they don't."""
    if strikeable_until(policy.windows, policy.deadline, now):
        return ()
    state = opening(policy.windows, now)
    because = "; ".join(state.because)
    if not state.open:
        return (Reason(Code.WINDOW_CLOSED, because),)
    deadline = f"the deadline of {duration.render(policy.deadline)}"
    if state.next_change is None:
        return (Reason(Code.WINDOW_TOO_SHORT, f"{deadline} is longer than anybody can look ahead"),)
    detail = f"open only until {state.next_change:%Y-%m-%dT%H:%M:%SZ}, within {deadline}"
    return (Reason(Code.WINDOW_TOO_SHORT, detail),)


def _process_reasons(around: Circumstances) -> Reasons:
    reasons = []
    if around.stopping:
        reasons.append(Reason(Code.STOPPING, "this process is being stopped"))
    if not around.leading:
        reasons.append(Reason(Code.NOT_LEADING, "this process does not hold the lease"))
    if around.problems:
        reasons.append(Reason(Code.CONFIGURATION_INVALID, around.problems[0]))
    if around.changed:
        reasons.append(Reason(Code.CONFIGURATION_CHANGED, "it changed since the slot began"))
    return tuple(reasons)


def _halt_reasons(
    ledger: Ledger, configuration: Configuration, policy: str, around: Circumstances
) -> Reasons:
    reasons = []
    if ledger.halt:
        reasons.append(Reason(Code.HALTED, f"by {ledger.halt.who}: {ledger.halt.why}"))
    if around.annotation_halt is not None:
        why = around.annotation_halt or "no reason given"
        reasons.append(Reason(Code.HALTED, f"by annotation: {why}"))
    if configuration.halted:
        reasons.append(_HALTED_BY_FILE)
    if pause := ledger.paused.get(policy):
        reasons.append(Reason(Code.POLICY_PAUSED, f"by {pause.who}: {pause.why}"))
    return tuple(reasons)


def _unwanted(configuration: Configuration, intent: Intent, now: datetime) -> Reasons:
    """Why a configuration that came after ``intent`` was reserved does not want it any more."""
    policy = configuration.policy(intent.policy)
    if policy is None:
        return (_otherwise(f"policy {intent.policy} is not configured any more"),)
    if (policy.target, policy.action) != (intent.target, intent.action):
        asks, struck = verb(policy.action).one, verb(intent.action).one
        return (_otherwise(f"policy {policy.name} asks for {asks} now, not for {struck}"),)
    reasons = []
    if policy.dry_run:
        reasons.append(_otherwise(f"policy {policy.name} is a dry run now"))
    if intent.pdb is BudgetMode.BYPASS and policy.pdb is BudgetMode.RESPECT:
        reasons.append(_otherwise(f"policy {policy.name} respects PodDisruptionBudgets now"))
    of_etcd = policy.target is TargetKind.ETCD
    if of_etcd and WorkloadKey.parse(intent.workload).name not in policy.clusters:
        detail = f"policy {policy.name} does not name {intent.workload} any more"
        reasons.append(Reason(Code.NOT_OPTED_IN, detail))
    if not is_open(policy.windows, now):
        because = "; ".join(opening(policy.windows, now).because)
        reasons.append(Reason(Code.WINDOW_CLOSED, because))
    return tuple(reasons)


def _otherwise(detail: str) -> Reason:
    return Reason(Code.CONFIGURATION_CHANGED, detail)


def _slot_reasons(ledger: Ledger, action_id: str, at: datetime, around: Circumstances) -> Reasons:
    reasons = []
    if ledger.find(intent_id(action_id)):
        reasons.append(Reason(Code.ALREADY_ATTEMPTED, action_id))
    if around.now - at > MAX_LATE:
        late = int((around.now - at).total_seconds())
        reasons.append(Reason(Code.TOO_LATE, f"{late} s after its slot"))
    reasons += [
        Reason(Code.UNSETTLED_INTENT, f"the outcome of intent {intent.id} is not known yet")
        for intent in ledger.unsettled()
    ]
    return tuple(reasons)


def _clock_reasons(ledger: Ledger, around: Circumstances) -> Reasons:
    reasons = []
    if around.skew is None:
        reasons.append(Reason(Code.CLOCK_UNKNOWN, "the API server's time is not known"))
    elif abs(around.skew) > MAX_SKEW:
        detail = f"the API server's clock differs by {around.skew:+.1f} s"
        reasons.append(Reason(Code.CLOCK_SKEW, detail))
    newest = ledger.newest()
    if newest and around.now < newest:
        reasons.append(Reason(Code.CLOCK_BACKWARDS, f"the ledger has an entry of {newest}"))
    return tuple(reasons)
