"""Intents as an attempt writes them down, for tests of what comes after that."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Action, StepAction, TargetKind, Victim

ID = "0123456789abcdef0123"
WEB = "shop/Deployment/web"


def reserved(
    victim: Victim, now: datetime, action: StepAction = StepAction.EVICT, **fields: Any
) -> tuple[Intent, Step]:
    """An intent on this victim, a pod of WEB unless told otherwise or a node, and its one step,
    reserved now. ``fields`` are the intent's."""
    step = Step(1, victim, "chaosd-0", 1, now, now + timedelta(seconds=10), action=action)
    usual: dict[str, Any] = {
        "target": TargetKind.POD,
        "action": Action.CRASH if action is StepAction.CRASH else Action.EVICT,
        "workload": WEB,
    }
    if victim.kind == "Node":
        usual = {
            "target": TargetKind.NODE,
            "action": Action.REBOOT,
            "workload": f"Node/{victim.name}",
        }
    usual |= {
        "id": ID,
        "action_id": "web/*/x#0",
        "policy": "web",
        "victim": victim,
        "reserved_at": now,
        "deadline": 600.0,
        "recover_by": now + timedelta(minutes=10),
        "desired": 3,
        "steps": (step,),
    }
    return Intent(**{**usual, **fields}), step
