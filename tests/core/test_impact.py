"""What a step takes down, as guards are asked about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaosd.core.etcd_model import Drawn
from chaosd.core.impact import drawn_by, impact_of, role_of
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import (
    Action,
    Impact,
    Limits,
    MemberRole,
    Policy,
    Select,
    StepAction,
    TargetKind,
    Victim,
)
from chaosd.core.schedule import Every
from chaosd.core.window import Windows

NOW = datetime(2026, 3, 4, 10, tzinfo=UTC)
POD = Victim("shop", "web-1", "u", "7", "node-a")
NODE = Victim("", "node-a", "u", "7", "node-a", "Node")
MEMBER = Victim("", "etcd-0", "a0", "", "node-a", "Member")
LOCKS = ("Etcd/main",)


@pytest.mark.parametrize(
    ("action", "victim", "impact"),
    [
        (StepAction.EVICT, POD, Impact(pods=("shop/web-1",), locks=LOCKS)),
        (StepAction.DELETE, POD, Impact(pods=("shop/web-1",), locks=LOCKS)),
        (StepAction.CRASH, POD, Impact(crashed=("shop/web-1",), locks=LOCKS)),
        (StepAction.TAINT, NODE, Impact(nodes=("node-a",))),
        (StepAction.REBOOT, NODE, Impact(machines=("node-a",), locks=LOCKS)),
        (StepAction.KILL_PROCESS, NODE, Impact(machines=("node-a",), locks=LOCKS)),
        (
            StepAction.TERMINATE,
            NODE,
            Impact(machines=("node-a",), disks_lost=True, locks=LOCKS),
        ),
        (StepAction.MOVE_LEADER, MEMBER, Impact(locks=LOCKS)),
    ],
)
def test_the_impact_of_a_step(action: StepAction, victim: Victim, impact: Impact) -> None:
    """Never less than what goes down."""
    step = Step(1, victim, "a", 1, NOW, NOW + timedelta(seconds=10), action=action)
    assert impact_of(step, LOCKS) == impact


def test_every_action_has_one() -> None:
    """No kind of step goes past the guards."""
    for action in StepAction:
        step = Step(1, POD, "a", 1, NOW, NOW, action=action)
        assert impact_of(step, LOCKS) != Impact()


PROCESS = Victim("", "node-a", "u", "7", "node-a", "Node", container="etcd:2380", identity="b")


@pytest.mark.parametrize(
    ("first", "victim", "drawn"),
    [
        (StepAction.EVICT, POD, Drawn("Etcd/main", MemberRole.FOLLOWER)),
        (StepAction.CRASH, POD, Drawn("Etcd/main", MemberRole.FOLLOWER)),
        (
            StepAction.KILL_PROCESS,
            PROCESS,
            Drawn("Etcd/main", MemberRole.FOLLOWER, peer_port=2380),
        ),
        (StepAction.MOVE_LEADER, MEMBER, Drawn("Etcd/main", MemberRole.LEADER, member="a0")),
    ],
)
def test_the_member_that_a_step_strikes(first: StepAction, victim: Victim, drawn: Drawn) -> None:
    """By all that the ledger has of it; what the policy asks for is what it says now."""
    action = Action.MOVE_LEADER if first is StepAction.MOVE_LEADER else Action.KILL
    policy = Policy(
        "etcd",
        TargetKind.ETCD,
        action,
        Every(timedelta(hours=1)),
        Select(),
        Windows("UTC"),
        Limits(),
        clusters=("main",),
        member=MemberRole.ANY if action is Action.MOVE_LEADER else MemberRole.FOLLOWER,
    )
    step = Step(1, victim, "a", 1, NOW, NOW, action=first)
    intent = Intent("i", "a", "etcd", TargetKind.ETCD, action, "Etcd/main", victim, NOW, 60.0, NOW)
    assert drawn_by(policy, intent, step) == drawn
    assert role_of(policy) is drawn.role
