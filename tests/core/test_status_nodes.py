"""Nodes that are owed back, as people are told of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import Intent, Result, Step, StepState, Verdict
from chaosd.core.model import Action, StepAction, TargetKind, Undo, Victim
from chaosd.core.status_nodes import Phase, nodes_held
from tests.core.test_status import ledger, open_intent, seen
from tests.report.scene import START

NODE = Victim("", "n1", "u-1", "7", "n1", "Node")
TAINTED = START - timedelta(minutes=6)


def drain(**changes: Any) -> Intent:
    """A drain that has one pod left, tainted 6 minutes ago."""
    at = TAINTED - timedelta(seconds=2)
    taint = Step(
        number=1,
        victim=NODE,
        holder="chaosd-0.aaaa",
        term=3,
        reserved_at=at,
        strike_by=at + timedelta(seconds=10),
        state=StepState.DONE,
        settled_at=TAINTED,
        action=StepAction.TAINT,
    )
    plain = open_intent(
        id="a" * 20,
        policy="weekly",
        target=TargetKind.NODE,
        action=Action.DRAIN,
        workload="Node/n1",
        victim=NODE,
        reserved_at=at,
        recover_by=at + timedelta(minutes=15),
        result=None,
        settled_at=None,
        steps=(taint,),
        undo=Undo("n1", "u-1", "a" * 20),
        hold=300.0,
        left=1,
        seen="1 pods left; shop/web-1: disruptionBudget",
    )
    return msgspec.structs.replace(plain, **changes)


EMPTY = {"result": Result.KILLED, "settled_at": START - timedelta(minutes=1)}


@pytest.mark.parametrize(
    ("changes", "phase", "until"),
    [
        ({}, Phase.DRAINING, timedelta(minutes=9)),
        (EMPTY, Phase.HELD, timedelta(minutes=4)),
        ({**EMPTY, "hold": 3000.0}, Phase.HELD, timedelta(minutes=9)),
        ({**EMPTY, "action": Action.REBOOT}, Phase.REBOOTING, timedelta(minutes=9)),
        ({**EMPTY, "action": Action.TERMINATE}, Phase.ENDING, timedelta(minutes=9)),
        ({"ended_by": "ann"}, Phase.PUTTING_BACK, timedelta(minutes=9)),
        ({**EMPTY, "result": Result.REFUSED}, Phase.PUTTING_BACK, timedelta(minutes=9)),
        ({"recover_by": START}, Phase.PUTTING_BACK, timedelta(0)),
    ],
)
def test_why_a_node_is_away_and_until_when(
    changes: dict[str, Any], phase: Phase, until: timedelta
) -> None:
    """It is back when its hold is over, and never later than the deadline."""
    (held,) = nodes_held([drain(**changes)], START)

    assert held.phase is phase
    assert abs(held.until - START - until) <= timedelta(seconds=2)
    assert (held.node, held.since, held.left) == ("n1", TAINTED, 1)


def test_what_is_back_or_was_never_taken_is_not_held() -> None:
    """Pods, dry runs and nodes that are back owe nothing."""
    back = Undo("n1", "u-1", "a" * 20, START)

    assert nodes_held([open_intent(), drain(dry_run=True), drain(undo=back)], START) == ()


def test_before_its_taint_is_known_a_node_counts_from_its_reservation() -> None:
    """The taint may be there: nobody knows yet."""
    (reserved,) = drain().steps
    step = msgspec.structs.replace(reserved, state=StepState.RESERVED, settled_at=None)
    (held,) = nodes_held([drain(steps=(step,))], START)

    assert held.since == drain().reserved_at


def test_the_longest_held_comes_first() -> None:
    """Whoever looks sees what is worst at the top."""
    late = drain(id="b" * 20, undo=Undo("n2", "u-2", "b" * 20), steps=(), reserved_at=START)

    assert [one.node for one in nodes_held([late, drain()], START)] == ["n1", "n2"]


def test_the_status_has_them() -> None:
    """A held node stands in the status, with the command that puts it back."""
    (held,) = seen(ledger(drain())).nodes_held

    assert held.command == "chaosd undo n1"


def test_an_unrecovered_node_that_is_still_held_is_put_back_first() -> None:
    """Forgiving it would be refused, so the other command is shown."""
    stuck = drain(**EMPTY, verdict=Verdict.NOT_RECOVERED)
    back = msgspec.structs.replace(stuck, undo=Undo("n1", "u-1", "a" * 20, START))

    assert [one.command for one in seen(ledger(stuck)).unrecovered] == ["chaosd undo n1"]
    assert [one.command for one in seen(ledger(back)).unrecovered] == ["chaosd forgive Node/n1"]
