"""What is known of what a helper pod did, and when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.ledger import StepState
from chaosd.core.model import StepAction
from chaosd.ports import CallFailed, Fenced, Unanswered
from chaosd.sandbox import Denial, Rule, scenarios
from chaosd.targets.helper import GRACE, MARGIN, fence, helper_name, strike
from tests.support.intents import ID
from tests.support.lab import Lab
from tests.targets.helpers import (
    BOTH,
    CRASH,
    EARLY,
    HELPER,
    LATE,
    PODS,
    REBOOT,
    SECOND,
    Change,
    ended,
    helper_ended,
    helper_lab,
    helper_pod_of,
    made_not,
    node_victim,
    nothing,
    order,
    past_its_deadline,
    pod_victim,
    pulling,
    restart,
    run_containers,
    running,
)

KILLED, REFUSED, FAILED = StepState.KILLED, StepState.REFUSED, StepState.FAILED


@pytest.fixture
def lab() -> Lab:
    return helper_lab()


# ---- what its end tells


def fenced(lab: Lab, action: StepAction, change: Change, after: timedelta) -> Fenced:
    """Strike, let ``change`` happen, and look ``after`` the reservation."""
    intent, step = order(lab, action)
    assert strike(lab.reads, intent, step, 5.0).state is None
    change(lab)
    return fence(lab.reads, intent, step, step.reserved_at + after)


@BOTH
@pytest.mark.parametrize(
    ("change", "early", "late", "detail"),
    [
        (ended(0), KILLED, KILLED, "as it was told"),
        (ended(3), REFUSED, REFUSED, "as it was told"),
        (ended(2), FAILED, FAILED, "as it was told"),
        (ended(4), None, REFUSED, "as it was told"),
        (ended(1), None, FAILED, "as it was told, and nothing was struck"),
        (ended(137), None, FAILED, "as it was told, and nothing was struck"),
        (past_its_deadline, None, FAILED, "the helper pod Failed, and nothing was struck"),
        (nothing, None, None, ""),
        (pulling, None, None, ""),
        (running, None, None, ""),
    ],
)
def test_the_end_of_the_pod_tells(
    lab: Lab,
    action: StepAction,
    change: Change,
    early: StepState | None,
    late: StepState | None,
    detail: str,
) -> None:
    """What it says itself is believed; what it doesn't say is known once it can't strike any more.
    Its pod goes when the outcome is known, or when it is too late for it."""
    seen = fenced(lab, action, change, EARLY)
    assert seen.known is early
    assert (helper_pod_of(lab) is None) is (early is not None)
    lab = helper_lab()
    seen = fenced(lab, action, change, LATE)
    assert seen == Fenced(late, detail)
    pod = helper_pod_of(lab)
    assert pod is None or "deletionTimestamp" in pod["metadata"]


@BOTH
def test_until_then_it_is_open(lab: Lab, action: StepAction) -> None:
    """A helper that was made late may still strike, and clocks differ: its pod stays."""
    intent, step = order(lab, action)
    strike(lab.reads, intent, step, 5.0)
    last = step.strike_by + GRACE + MARGIN
    assert fence(lab.reads, intent, step, last) == Fenced(None)
    assert "deletionTimestamp" not in (helper_pod_of(lab) or {})["metadata"]


@BOTH
def test_after_that_its_pod_is_deleted_and_awaited(lab: Lab, action: StepAction) -> None:
    """Nothing is said before the kubelet has seen its end; then nothing has happened."""
    intent, step = order(lab, action)
    strike(lab.reads, intent, step, 5.0)
    now = step.reserved_at + LATE
    lab.requests()
    for _ in range(3):
        assert fence(lab.reads, intent, step, now) == Fenced(None)
    assert [line for line in lab.asked() if line.startswith("delete")] == [
        f"delete {PODS}/{helper_name(ID)}"
    ]
    lab.cluster.remove("pods", HELPER.namespace, helper_name(ID))
    gone = Fenced(FAILED, "no helper pod is there, and nothing was struck")
    assert fence(lab.reads, intent, step, now) == gone


# ---- what became of the victim


def run(lab: Lab, container: str) -> None:
    run_containers(lab, pod_victim(lab).name, app=container)


def gone(lab: Lab, kind: str) -> None:
    victim = pod_victim(lab) if kind == "pods" else node_victim(lab)
    lab.cluster.remove(kind, victim.namespace, victim.name)


def replaced(lab: Lab) -> None:
    """Another pod of that name."""
    victim = pod_victim(lab)
    lab.cluster.remove("pods", "shop", victim.name)
    scenarios.pod(lab.cluster, "shop", victim.name)


DEEDS: list[tuple[StepAction, Change, str]] = [
    (CRASH, lambda lab: run(lab, SECOND), f"container app runs as {SECOND} now"),
    (CRASH, lambda lab: run(lab, ""), "container app has ended"),
    (CRASH, lambda lab: gone(lab, "pods"), "the pod is gone"),
    (CRASH, replaced, "the pod is gone"),
    (REBOOT, restart, "the machine has restarted: boot ID 11111111-2222-4333-8444-555555555555"),
    (REBOOT, lambda lab: gone(lab, "nodes"), "the node is gone"),
]


@pytest.mark.parametrize(("action", "deed", "detail"), DEEDS)
@pytest.mark.parametrize("after", [EARLY, LATE])
@pytest.mark.parametrize("helper", [nothing, running, ended(3), ended(4), past_its_deadline])
def test_the_deed_tells_before_all_else(
    lab: Lab,
    action: StepAction,
    deed: Change,
    detail: str,
    after: timedelta,
    helper: Change,
) -> None:
    """Also when a second run of the helper refused, and whoever did it: that is the safe side."""
    intent, step = order(lab, action)
    strike(lab.reads, intent, step, 5.0)
    helper(lab)
    deed(lab)
    assert fence(lab.reads, intent, step, step.reserved_at + after) == Fenced(KILLED, detail)
    pod = helper_pod_of(lab)
    assert pod is None or "deletionTimestamp" in pod["metadata"]


def test_another_container_of_the_pod_tells_nothing(lab: Lab) -> None:
    """A sidecar that restarts meanwhile is not the victim."""
    seen = fenced(lab, CRASH, lambda lab: run_containers(lab, pod_victim(lab).name, log=""), EARLY)
    assert seen == Fenced(None)


@BOTH
@pytest.mark.parametrize("helper", [running, pulling, made_not])
def test_a_victim_that_is_away_counts_as_struck(
    lab: Lab, action: StepAction, helper: Change
) -> None:
    """A machine that does not come back from its restart, or a node that nobody can ask."""

    def away(lab: Lab) -> None:
        helper(lab)
        scenarios.set_node_ready(lab.cluster, "node-a", False)
        scenarios.set_pod_ready(lab.cluster, "shop", pod_victim(lab).name, False)

    assert fenced(lab, action, away, EARLY) == Fenced(None)
    seen = fenced(helper_lab(), action, away, LATE)
    assert seen.known is KILLED
    assert seen.detail.endswith("is not Ready, and its helper was not heard of: taken to be struck")


# ---- looking goes wrong


@BOTH
@pytest.mark.parametrize("path", ["/chaosd-helper/pods/", "/(shop/pods|nodes)/"])
def test_what_can_not_be_seen_is_not_known(lab: Lab, action: StepAction, path: str) -> None:
    """Neither the helper nor its victim: a later look tells."""
    intent, step = order(lab, action)
    strike(lab.reads, intent, step, 5.0)
    helper_ended(lab, 3)
    lab.fault(Rule(do="lost", verbs=("get",), path=path))
    with pytest.raises(CallFailed):
        fence(lab.reads, intent, step, step.reserved_at + EARLY)
    lab.sandbox.faults.clear()
    assert fence(lab.reads, intent, step, step.reserved_at + EARLY).known is REFUSED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_deletion_without_an_answer_is_tried_again(lab: Lab, when: Any) -> None:
    """The outcome is told once the helper's pod is gone, or known to be."""
    lab.fault(Rule(do="lost", when=when, verbs=("delete",), count=1))
    intent, step = order(lab, CRASH)
    strike(lab.reads, intent, step, 5.0)
    run(lab, SECOND)
    with pytest.raises(Unanswered):
        fence(lab.reads, intent, step, step.reserved_at + EARLY)
    assert fence(lab.reads, intent, step, step.reserved_at + EARLY).known is KILLED


def test_without_the_right_to_delete_the_outcome_is_told_all_the_same(lab: Lab) -> None:
    """A pod that has ended and stays behind does no harm."""
    lab.sandbox.access.deny(Denial("delete", "", "pods"))
    assert fenced(lab, CRASH, ended(0), EARLY).known is KILLED
    assert helper_pod_of(lab) is not None


def test_an_intent_without_a_helper_has_failed(lab: Lab) -> None:
    """Nothing can have been made for it."""
    intent, step = order(lab, REBOOT, helper=None)
    assert fence(lab.reads, intent, step, step.strike_by).known is FAILED
