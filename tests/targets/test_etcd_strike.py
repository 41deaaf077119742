"""Members of declared clusters as victims: struck, fenced, and back again."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from chaosd.core.ledger import StepState
from chaosd.core.quorum import Member, Picture
from chaosd.ports import Unanswered
from chaosd.sandbox import scenarios
from chaosd.targets.etcd_strike import MARGIN, heir_of
from tests.targets.etcd_asked import (
    examined,
    moving,
    reserved,
)
from tests.targets.etcd_lab import HELPER, pods_lab, stacked_lab
from tests.targets.helpers import LATE


def test_a_kill_by_eviction() -> None:
    """Whole when the old pod is gone and its member is back."""
    lab = pods_lab()
    intent, step = reserved(lab, examined(lab))
    assert lab.target.strike(intent, step, 5.0).state is StepState.KILLED
    lab.clock.advance(5)
    assert not lab.target.recovered(intent, lab.clock.now()).whole
    scenarios.settle(lab.cluster)
    lab.clock.advance(5)
    seen = lab.target.recovered(intent, lab.clock.now())
    assert (seen.whole, seen.ready, seen.desired) == (True, 1, 1)
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.KILLED


def test_a_pod_that_went_right_after_its_member_was_seen_well() -> None:
    """A member answers until its pod's grace period is over: what was seen a second ago, while the
    pod was still there, does not make the cluster whole."""
    lab = pods_lab()
    intent, step = reserved(lab, examined(lab))
    assert lab.target.strike(intent, step, 5.0).state is StepState.KILLED
    seen = lab.target.recovered(intent, lab.clock.now())
    assert (seen.whole, seen.detail) == (False, "data/etcd-1 is still there")
    assert lab.guard.healed(lab.configuration(), intent, lab.clock.now()) is not None
    lab.clock.advance(1)
    lab.cluster.remove("pods", "data", "etcd-1")
    seen = lab.target.recovered(intent, lab.clock.now())
    held = lab.guard.healed(lab.configuration(), intent, lab.clock.now())
    assert held is not None
    assert (seen.whole, held.whole) == (False, False)


def test_a_fence_of_an_eviction() -> None:
    """A late one fails."""
    lab = pods_lab()
    intent, step = reserved(lab, examined(lab))
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.FAILED
    assert lab.target.strike(intent, step, 5.0).state is StepState.REFUSED


@pytest.mark.parametrize("static", [True, False])
def test_a_kill_by_a_helper(static: bool) -> None:
    """It is made, and nobody knows until it is late and nothing was heard of it."""
    lab = stacked_lab(static=static)
    scenarios.namespace(lab.cluster, HELPER.namespace)
    intent, step = reserved(lab, examined(lab, "cp-1", helper=HELPER))
    assert lab.target.strike(intent, step, 5.0).state is None
    assert lab.target.fence(intent, step, lab.clock.now()).known is None
    made = lab.cluster.all("pods", HELPER.namespace)
    [pod] = list(made)
    assert pod["spec"]["nodeName"] == "cp-1"
    assert pod["spec"]["containers"][0]["args"][0] == ("crash" if static else "kill")
    lab.clock.advance(LATE.total_seconds())
    lab.cluster.remove("pods", HELPER.namespace, pod["metadata"]["name"])
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.FAILED
    seen = lab.target.recovered(intent, lab.clock.now())
    assert (seen.whole, "has not restarted" in seen.detail) == (not static, static)


def test_a_move() -> None:
    """Once, to a healthy follower; who leads then tells."""
    lab = pods_lab()
    intent, step = moving(lab)
    struck = lab.target.strike(intent, step, 5.0)
    assert struck.state is StepState.KILLED
    [(old, new)] = lab.etcd.moves
    assert (old, new in ("a1", "a2")) == ("a0", True)
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.KILLED
    assert lab.target.recovered(intent, lab.clock.now()).whole
    again = lab.target.strike(intent, step, 5.0)
    assert (again.state, len(lab.etcd.moves)) == (StepState.REFUSED, 1)


def test_a_move_that_is_refused() -> None:
    """The leader says no."""
    lab = pods_lab()
    intent, step = moving(lab)
    lab.etcd.refuses = True
    assert lab.target.strike(intent, step, 5.0).state is StepState.REFUSED
    assert lab.etcd.moves == []


def test_a_move_whose_answer_was_lost() -> None:
    """Nothing is sent again: the look tells."""
    lab = pods_lab()
    intent, step = moving(lab)
    lab.etcd.lost_answer = True
    with pytest.raises(Unanswered):
        lab.target.strike(intent, step, 5.0)
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.KILLED


def test_a_fence_of_a_move() -> None:
    """The same leader means that nothing happened, once nothing can come any more; no leader, or
    nobody to ask, means that nobody knows."""
    lab = pods_lab()
    intent, step = moving(lab)
    assert lab.target.fence(intent, step, step.strike_by + MARGIN).known is None
    late = step.strike_by + MARGIN + timedelta(seconds=1)
    assert lab.target.fence(intent, step, late).known is StepState.FAILED
    for member in lab.etcd.members.values():
        member.up = False
    assert lab.target.fence(intent, step, late).known is None


def test_a_move_in_a_cluster_that_is_not_declared_any_more() -> None:
    """It is not sent; what was sent is taken to have happened, and is over."""
    lab = pods_lab()
    intent, step = moving(lab)
    lab.declared = ()
    lab.clusters.learn(lab.configuration())
    assert lab.target.strike(intent, step, 5.0).state is StepState.FAILED
    assert lab.target.fence(intent, step, step.strike_by).known is None
    late = step.strike_by + MARGIN + timedelta(seconds=1)
    assert lab.target.fence(intent, step, late).known is StepState.KILLED
    assert lab.target.recovered(intent, late).closed


def test_the_end_of_an_action_takes_nothing_back() -> None:
    """One step, and nothing owed."""
    lab = pods_lab()
    intent, _ = moving(lab)
    assert not lab.target.many_steps(intent)
    assert lab.target.next(lab.scope(), intent).victim is None
    assert lab.target.undo(intent, lab.clock.now(), early=False).done


@pytest.mark.parametrize(
    ("applied", "heir"),
    [((100, 99, 98), "b"), ((100, 98, 99), "c"), ((100, -5000, 99), "c"), ((5000, 1, 2), None)],
)
def test_the_follower_with_the_least_lag(applied: tuple[int, int, int], heir: str | None) -> None:
    """One that has caught up; among equals a draw by the intent."""
    lab = pods_lab()
    members = tuple(
        Member(id=one, leader="a", applied=at) for one, at in zip("abc", applied, strict=True)
    )
    picture = Picture(name="main", at=lab.clock.now(), members=members)
    chosen = heir_of(picture, "0123")
    assert (chosen.id if chosen else None) == heir
    even = msgspec.structs.replace(
        picture, members=tuple(msgspec.structs.replace(member, applied=7) for member in members)
    )
    drawn = {one.id for n in range(40) if (one := heir_of(even, str(n))) is not None}
    assert drawn == {"b", "c"}
