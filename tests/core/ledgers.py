"""Ledgers, intents, policies and configurations for tests: all fine, until a test changes them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from chaosd.core import transitions
from chaosd.core.ledger import Halt, Intent, Ledger, Step, StepState, Verdict
from chaosd.core.model import (
    Action,
    Code,
    Configuration,
    Limits,
    Policy,
    Reason,
    Select,
    TargetKind,
    Victim,
)
from chaosd.core.schedule import Every, Schedule, intent_id
from chaosd.core.transitions import Refusal, Writer
from chaosd.core.window import Windows

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday
SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
WEB = "shop/Deployment/web"
API = "shop/Deployment/api"
LEADER = Writer("chaosd-0.a1", 1)
STOP = Halt("ann", "release", NOW)


def did(outcome: Ledger | Refusal) -> Ledger:
    """The ledger of a command that must have been taken."""
    assert isinstance(outcome, Ledger), outcome
    return outcome


def led() -> Ledger:
    """A ledger in which LEADER leads."""
    return transitions.lead(Ledger(), LEADER.holder, NOW - HOUR)


def action(policy: str, workload: str, at: datetime, ordinal: int = 0) -> str:
    return f"{policy}/{workload}/{at:%Y-%m-%dT%H:%M:%S.%fZ}#{ordinal}"


def intent(
    policy: str = "web", workload: str = WEB, at: datetime = NOW, /, **changes: object
) -> Intent:
    """An intent with one reserved step, that locks its workload."""
    action_id = str(changes.get("action_id", action(policy, workload, at)))
    victim = Victim("shop", "web-1", "uid-1", "7", "n1")
    facts: dict[str, object] = {
        "id": intent_id(action_id),
        "action_id": action_id,
        "policy": policy,
        "target": TargetKind.POD,
        "action": Action.EVICT,
        "workload": workload,
        "victim": victim,
        "reserved_at": at,
        "deadline": 600.0,
        "recover_by": at + timedelta(minutes=10),
        "locks": (workload,),
        "steps": (Step(1, victim, LEADER.holder, LEADER.term, at, at + 10 * SECOND),),
    }
    return Intent(**{**facts, **changes})  # type: ignore[arg-type]


def reserved(ledger: Ledger, one: Intent) -> Ledger:
    return did(transitions.reserve(ledger, LEADER, one))


def settled(ledger: Ledger, one: Intent, state: StepState, at: datetime | None = None) -> Ledger:
    """`one` reserved, its only step settled as `state`, and finished."""
    at = at or one.reserved_at
    ledger = reserved(ledger, one)
    ledger = did(transitions.settle_step(ledger, LEADER, one.id, 1, state, "so it was", at))
    return did(transitions.finish_strikes(ledger, LEADER, one.id, at))


def killed(ledger: Ledger, one: Intent, at: datetime | None = None) -> Ledger:
    """`one` killed, and open until it recovers."""
    return settled(ledger, one, StepState.KILLED, at)


def healed(ledger: Ledger, one: Intent, at: datetime | None = None) -> Ledger:
    """`one` killed when it was reserved, and recovered at `at`."""
    at = at or one.reserved_at
    judged = transitions.judge(killed(ledger, one), LEADER, one.id, Verdict.RECOVERED, at)
    return did(judged)


def codes(reasons: Iterable[Reason]) -> list[Code]:
    """In the order in which the reasons were given."""
    return [reason.code for reason in reasons]


def refused(outcome: Ledger | Refusal) -> list[Code]:
    assert isinstance(outcome, Refusal)
    return codes(outcome.reasons)


def stuck(one: Intent | None = None) -> Ledger:
    """A ledger in which the kill of WEB (or this one) did not recover."""
    one = one or intent()
    judged = transitions.judge(
        killed(led(), one), LEADER, one.id, Verdict.NOT_RECOVERED, NOW + HOUR
    )
    return did(judged)


def dry(policy: str = "web", workload: str = WEB, at: datetime = NOW) -> Intent:
    return intent(policy, workload, at, dry_run=True)


def policy(name: str = "web", /, **changes: object) -> Policy:
    """A live policy that may strike at any time, every hour."""
    schedule: Schedule = Every(HOUR)
    facts: dict[str, object] = {
        "name": name,
        "target": TargetKind.POD,
        "action": Action.EVICT,
        "schedule": schedule,
        "select": Select(),
        "windows": Windows("UTC"),
        "limits": Limits(),
        "dry_run": False,
    }
    return Policy(**{**facts, **changes})  # type: ignore[arg-type]


def configuration(*policies: Policy, **changes: object) -> Configuration:
    facts: dict[str, object] = {
        "windows": Windows("UTC"),
        "policies": policies or (policy(),),
        "dry_run": False,
        "limits": Limits(),
    }
    return Configuration(**{**facts, **changes})  # type: ignore[arg-type]


def changed(one: Intent, **changes: object) -> Intent:
    return msgspec.structs.replace(one, **changes)
