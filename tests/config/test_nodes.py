"""What a policy for nodes, and one that needs helper pods, becomes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaosd.config import load_text
from chaosd.core.model import Action, Helper, NodeRules, Policy, TargetKind

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def only_policy(text: str) -> Policy:
    """The one policy of a configuration: `text` are its keys beside name and schedule."""
    whole = f"policies: [{{name: a, schedule: {{every: 1d}}, {text}}}]"
    found = load_text(whole, {}, NOW)
    assert found.configuration is not None, found.problems
    (policy,) = found.configuration.policies
    return policy


def test_every_key_of_a_node_policy_is_mapped() -> None:
    """What bounds a policy for nodes arrives in the core's words."""
    found = only_policy(
        "target: node, action: drain, hold: 2m, deadline: 10m, select: {nodes: pool=spot},"
        "node: {maxUnavailable: 2, pool: pool, minNodes: 0, lastOfZone: true, controlPlane: true,"
        " emptyDir: true}"
    )

    assert (found.target, found.action) == (TargetKind.NODE, Action.DRAIN)
    assert (found.hold, found.deadline) == (timedelta(minutes=2), timedelta(minutes=10))
    assert found.node == NodeRules(2, "pool", 0, True, True, True)


@pytest.mark.parametrize(
    ("text", "deadline", "hold"),
    [
        ("target: pod, action: evict", 600, 0),
        ("target: node, action: drain", 900, 300),
        ("target: node, action: drain, deadline: 10m", 600, 200),
        ("target: node, action: drain, deadline: 1h", 3600, 300),
        ("target: node, action: drain, hold: 0s", 900, 0),
        ("target: node, action: terminate", 900, 0),
    ],
)
def test_deadline_and_hold_that_are_not_written(text: str, deadline: int, hold: int) -> None:
    """Nodes get longer than pods, and are held at most for a third of that."""
    found = only_policy(text)

    assert (found.deadline.total_seconds(), found.hold.total_seconds()) == (deadline, hold)


def test_node_rules_that_are_not_written_are_those_of_the_core() -> None:
    """The defaults are in one place."""
    assert only_policy("target: node, action: drain").node == NodeRules()


def test_a_helper_takes_its_image_from_the_environment() -> None:
    """The chart says which image it is; the file says where helper pods may be."""
    text = """
helper: {namespace: chaosd-helper}
policies: [{name: a, target: pod, action: crash, container: web, schedule: {every: 1d}}]
"""
    found = load_text(text, {"CHAOSD_HELPER__IMAGE": "example.com/chaosd:1.0"}, NOW).configuration

    assert found is not None
    assert found.helper == Helper("chaosd-helper", "example.com/chaosd:1.0")
    assert (found.policies[0].action, found.policies[0].container) == (Action.CRASH, "web")


def test_an_image_alone_makes_no_helper() -> None:
    """What the chart always sets must not switch privileged pods on."""
    found = load_text("policies: []", {"CHAOSD_HELPER__IMAGE": "example.com/chaosd"}, NOW)

    assert found.configuration is not None
    assert found.configuration.helper is None
