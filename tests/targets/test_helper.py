"""The helper pod: what it is told, and how it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import StepState
from chaosd.core.model import StepAction, Victim
from chaosd.helper.order import read_order
from chaosd.ports import Fenced, ServerFault, Struck, Unanswered
from chaosd.sandbox import Denial, Rule
from chaosd.targets.helper import GRACE, fence, helper_name, helper_pod, strike
from tests.support.intents import ID
from tests.support.lab import Lab
from tests.targets.helpers import (
    BOTH,
    CRASH,
    EARLY,
    FIRST,
    HELPER,
    LATE,
    PODS,
    helper_lab,
    helper_pod_of,
    order,
)

FAILED = StepState.FAILED


@pytest.fixture
def lab() -> Lab:
    return helper_lab()


# ---- what it is


@BOTH
def test_the_manifest_says_what_the_pod_may_and_for_how_long(lab: Lab, action: StepAction) -> None:
    """Privileged on the very node, without a token, once, for a minute at most."""
    intent, step = order(lab, action)
    manifest = helper_pod(intent, step)
    assert manifest["metadata"] == {
        "name": f"chaosd-helper-{ID}",
        "namespace": "chaosd-helper",
        "labels": {
            "app.kubernetes.io/name": "chaosd-helper",
            "chaosd.io/helper": str(action),
            "chaosd.io/intent": ID,
        },
    }
    spec = manifest["spec"]
    [container] = spec.pop("containers")
    assert spec == {
        "nodeName": step.victim.node,
        "restartPolicy": "Never",
        "activeDeadlineSeconds": 60,
        "terminationGracePeriodSeconds": 1,
        "hostPID": True,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "tolerations": [{"operator": "Exists"}],
    }
    assert container["image"] == HELPER.image
    assert container["command"] == ["python", "-m", "chaosd.helper"]
    assert container["securityContext"]["privileged"] is True
    assert container["securityContext"]["runAsUser"] == 0
    assert container["terminationMessagePolicy"] == "File"
    assert container["resources"]["limits"] == {"memory": "64Mi"}


@BOTH
def test_the_program_understands_what_it_is_told(lab: Lab, action: StepAction) -> None:
    """The victim's identity, from the reservation until 30 s after the last moment to strike."""
    intent, step = order(lab, action)
    told = read_order(helper_pod(intent, step)["spec"]["containers"][0]["args"])
    assert told.action == str(action)
    assert step.victim.identity.endswith(told.identity)
    assert told.not_before == step.reserved_at
    assert told.not_after == step.strike_by + GRACE
    assert told.log == Path("/dev/termination-log")


@BOTH
def test_it_does_not_outlast_its_window(lab: Lab, action: StepAction) -> None:
    """A window that closes sooner for actions closes for the helper too."""
    intent, step = order(lab, action)
    closes = step.strike_by + EARLY
    intent = msgspec.structs.replace(intent, window_until=closes)
    told = read_order(helper_pod(intent, step)["spec"]["containers"][0]["args"])
    assert told.not_after == closes


def test_its_name_is_a_legal_name() -> None:
    """Whatever the intent."""
    assert len(helper_name(ID)) < 63


# ---- making it


@BOTH
def test_a_strike_makes_the_pod_once(lab: Lab, action: StepAction) -> None:
    """Then it is under way; one that is there already is as good."""
    intent, step = order(lab, action)
    lab.requests()
    made = Struck(None, f"helper pod {helper_name(ID)} was made")
    assert strike(lab.reads, intent, step, 5.0) == made
    assert lab.asked() == [f"create {PODS}"]
    again = strike(lab.reads, intent, step, 5.0)
    assert (again.state, "already" in again.detail) == (None, True)
    stored = helper_pod_of(lab) or {}
    assert stored["spec"]["nodeName"] == step.victim.node


@pytest.mark.parametrize(
    "rule",
    [
        Rule(do="status", status=403, verbs=("create",)),
        Rule(do="status", status=422, verbs=("create",)),
        Rule(do="status", status=429, verbs=("create",)),
    ],
)
def test_a_pod_that_may_not_be_made_is_a_failure(lab: Lab, rule: Rule) -> None:
    """As with a quota, or a namespace that does not allow privileged pods: nothing happened."""
    lab.fault(rule)
    intent, step = order(lab, CRASH)
    struck = strike(lab.reads, intent, step, 5.0)
    assert struck.state is FAILED
    assert struck.detail.startswith(f"no helper pod was made: {rule.status}")


def test_without_its_namespace_or_a_connection_it_fails(lab: Lab) -> None:
    """A namespace that nobody made, a right that is missing, a refused connection."""
    intent, step = order(lab, CRASH, helper=msgspec.structs.replace(HELPER, namespace="none"))
    assert 'namespaces "none" not found' in strike(lab.reads, intent, step, 5.0).detail
    intent, step = order(lab, CRASH)
    lab.sandbox.access.deny(Denial("create", "", "pods"))
    struck = strike(lab.reads, intent, step, 5.0)
    assert (struck.state, "cannot create" in struck.detail) == (FAILED, True)
    lab.transport.refused = True
    assert strike(lab.reads, intent, step, 5.0).state is FAILED


@pytest.mark.parametrize(
    "changes",
    [
        {"helper": None},
        {"victim": Victim("shop", "web-1", "u", "1", "", container="app", identity=FIRST)},
        {"victim": Victim("shop", "web-1", "u", "1", "node-a", container="app")},
    ],
)
def test_what_no_helper_can_do_is_not_asked_for(lab: Lab, changes: dict[str, Any]) -> None:
    """Without a place for it, a node or something to know the victim by, nothing is sent."""
    intent, step = order(lab, CRASH, **changes)
    lab.requests()
    struck = strike(lab.reads, intent, step, 5.0)
    assert (struck.state, "can crash" in struck.detail) == (FAILED, True)
    assert lab.asked() == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("do", ["lost", "status"])
def test_a_lost_answer_leaves_it_open(lab: Lab, do: Any, when: Any) -> None:
    """The pod may have been made, and nothing is sent again."""
    lab.fault(Rule(do=do, when=when, verbs=("create",), count=1))
    intent, step = order(lab, CRASH)
    lab.requests()
    with pytest.raises((Unanswered, ServerFault)):
        strike(lab.reads, intent, step, 5.0)
    assert lab.asked() == [f"create {PODS}"]
    assert fence(lab.reads, intent, step, lab.clock.now() + EARLY) == Fenced(None)
    known = fence(lab.reads, intent, step, lab.clock.now() + LATE)
    if when == "before":
        assert known == Fenced(FAILED, "no helper pod is there, and nothing was struck")
