"""Nodes and policies about them for tests: all fine, until a test changes something."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from chaosd.core.facts import NodeFacts, Owner, Phase, Taint
from chaosd.core.model import Action, NodeRules, Policy, Select, TargetKind
from tests.core import subjects
from tests.core.subjects import OPTED_IN, ago, pod

MASTER = {"node-role.kubernetes.io/control-plane": ""}
DRAINED = (Taint("chaosd.io/drain", "9f2c", "NoSchedule"),)
USUAL = NodeRules()
HARDER = [Action.REBOOT, Action.TERMINATE]
ACTIONS = [Action.DRAIN, *HARDER]

# What a pod may be that a drain leaves behind.
DAEMON: dict[str, object] = {"owner": Owner("DaemonSet", "agent", "d-1", "apps/v1")}
MIRROR: dict[str, object] = {
    "owner": Owner("Node", "n1", "n-1", "v1"),
    "annotations": {"kubernetes.io/config.mirror": "0f"},
}
FINISHED: dict[str, object] = {"phase": Phase.SUCCEEDED, "ready": False}


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


PODS = st.builds(
    lambda number, app, namespace, changes: pod(
        number, **{"labels": {"app": app}, "namespace": namespace, **changes}
    ),
    st.integers(1, 4),
    st.sampled_from(["web", "api"]),
    st.sampled_from(["shop", "other"]),
    st.sampled_from([{}, DAEMON, MIRROR, FINISHED, {"deleting": True}, {"ready": False}]),
)
