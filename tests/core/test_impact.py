"""What a step takes down, as guards are asked about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaosd.core.impact import impact_of
from chaosd.core.ledger import Step
from chaosd.core.model import Impact, StepAction, Victim

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
