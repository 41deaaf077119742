"""Nodes and policies about them for tests: all fine, until a test changes something."""

from __future__ import annotations

import msgspec

from chaosd.core.facts import NodeFacts, Taint
from chaosd.core.model import Action, NodeRules, Policy, Select, TargetKind
from tests.core import subjects
from tests.core.subjects import OPTED_IN, ago

MASTER = {"node-role.kubernetes.io/control-plane": ""}
DRAINED = (Taint("chaosd.io/drain", "9f2c", "NoSchedule"),)
USUAL = NodeRules()


def policy(
    action: Action = Action.DRAIN, rules: NodeRules = USUAL, select: Select | None = None
) -> Policy:
    return msgspec.structs.replace(
        subjects.policy(select), target=TargetKind.NODE, action=action, node=rules
    )


def node(name: str = "n1", /, **changes: object) -> NodeFacts:
    """Ready, opted in, a day old, of a cloud."""
    facts: dict[str, object] = {
        "labels": {"pool": "spot", **OPTED_IN},
        "created": ago(days=1),
        "provider_id": f"aws:///eu-west-1a/i-{name}",
    }
    return subjects.node(name=name, **{**facts, **changes})
