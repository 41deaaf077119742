"""The pod action `crash`: one container of one pod, by a helper pod."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.facts import Own
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import Action, BudgetMode, Examined, Impact, StepAction
from chaosd.sandbox import Controllers, Timings, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.intents import reserved
from tests.support.lab import Lab
from tests.targets.helpers import (
    FIRST,
    HELPER,
    LATE,
    SECOND,
    helper_ended,
    helper_lab,
    helper_pod_of,
    run_containers,
)
from tests.targets.scopes import candidate, codes, found, inside, pods_of, scope

WEB = "shop/Deployment/web"
RESPECT, BYPASS = BudgetMode.RESPECT, BudgetMode.BYPASS
DEFAULT = "kubectl.kubernetes.io/default-container"


@pytest.fixture
def lab() -> Lab:
    return helper_lab()


def examined(lab: Lab, **policy: Any) -> Examined:
    """The first pod of the Deployment, looked at for a crash."""
    policy = {"helper": HELPER, "action": Action.CRASH, **policy}
    name = pods_of(lab, "shop", "web")[0]
    return PodTarget(lab.reads).examine(scope(lab, **policy), inside(WEB, name))


def annotate(lab: Lab, container: str) -> None:
    for name in pods_of(lab, "shop", "web"):
        with lab.cluster.edit("pods", "shop", name) as item:
            item["metadata"].setdefault("annotations", {})[DEFAULT] = container


@pytest.mark.parametrize("pdb", [RESPECT, BYPASS])
def test_the_victim_is_a_container_of_the_pod(lab: Lab, pdb: BudgetMode) -> None:
    """Known by its ID; what goes down with it is the pod, whatever else runs on its node."""
    name = pods_of(lab, "shop", "web")[0]
    seen = examined(lab, pdb=pdb)
    assert (seen.reasons, seen.first, seen.desired) == ((), StepAction.CRASH, 3)
    assert seen.victim is not None
    assert (seen.victim.name, seen.victim.container, seen.victim.identity) == (name, "app", FIRST)
    assert seen.victim.node in ("node-a", "node-b")
    assert seen.impact == Impact(crashed=(f"shop/{name}",), workloads=(WEB,), locks=(WEB,))


@pytest.mark.parametrize(
    ("pdb", "first"), [(RESPECT, StepAction.EVICT), (BYPASS, StepAction.DELETE)]
)
def test_an_eviction_names_no_container(lab: Lab, pdb: BudgetMode, first: StepAction) -> None:
    """Its step says whether budgets are asked."""
    seen = examined(lab, action=Action.EVICT, pdb=pdb, helper=None)
    assert seen.first is first
    assert seen.victim is not None
    assert (seen.victim.container, seen.victim.identity) == ("", "")


@pytest.mark.parametrize(
    ("named", "annotated", "container"),
    [
        ("", "", "app"),
        ("log", "", "log"),
        ("", "log", "log"),
        ("app", "log", "app"),
    ],
)
def test_whose_process_it_is(lab: Lab, named: str, annotated: str, container: str) -> None:
    """The policy's, else the one that the pod calls its default, else the first."""
    if annotated:
        annotate(lab, annotated)
    victim = examined(lab, container=named).victim
    assert victim is not None
    assert victim.container == container
    assert (victim.identity == FIRST) is (container == "app")
    assert victim.identity != ""


@pytest.mark.parametrize(
    ("named", "annotated", "detail"),
    [
        ("db", "", "the policy names container 'db'; it has app, log"),
        ("", "db", f"its annotation {DEFAULT} names container 'db'; it has app, log"),
    ],
)
def test_a_container_that_is_not_there(lab: Lab, named: str, annotated: str, detail: str) -> None:
    """No other one is taken instead."""
    annotate(lab, annotated or "app")
    [reason] = examined(lab, container=named).reasons
    assert str(reason) == f"noContainer: {detail}"


def test_a_container_that_does_not_run(lab: Lab) -> None:
    """There is nothing to kill, although the pod has not noticed yet."""
    run_containers(lab, pods_of(lab, "shop", "web")[0], app="")
    [reason] = examined(lab).reasons
    assert str(reason) == "notReady: container app does not run"


def test_without_a_helper_no_pod_is_a_candidate(lab: Lab) -> None:
    """Whoever asks is told why."""
    assert codes(examined(lab, helper=None).reasons) == {"noHelper"}
    asked = scope(lab, action=Action.CRASH)
    expanded = found(PodTarget(lab.reads).expand(asked, candidate(WEB)))
    assert set(map(frozenset, expanded.values())) == {frozenset({"noHelper"})}


@pytest.mark.parametrize(("pdb", "reasons"), [(RESPECT, {"disruptionBudget"}), (BYPASS, set())])
def test_a_budget_must_allow_one_to_go(lab: Lab, pdb: BudgetMode, reasons: set[str]) -> None:
    """It is looked at, as nothing enforces it."""
    scenarios.pdb(lab.cluster, "shop", "web", min_available=3)
    scenarios.settle(lab.cluster)
    assert codes(examined(lab, pdb=pdb).reasons) == reasons


def test_a_helper_pod_is_no_victim(lab: Lab) -> None:
    """Whatever it is labelled besides."""
    for name in pods_of(lab, "shop", "web"):
        with lab.cluster.edit("pods", "shop", name) as item:
            item["metadata"]["labels"]["chaosd.io/helper"] = "crash"
    assert codes(examined(lab).reasons) == {"ownPod"}


# ---- from the strike to the recovery


def order(lab: Lab) -> tuple[Intent, Step]:
    """The intent for the first pod, as it is reserved."""
    victim = examined(lab).victim
    assert victim is not None
    return reserved(victim, lab.clock.now(), StepAction.CRASH, helper=HELPER)


def test_a_crash_from_strike_to_recovery(lab: Lab) -> None:
    """The helper is made, has struck, and is removed; whole once the container runs anew."""
    target = PodTarget(lab.reads, Own("chaosd", frozenset()))
    intent, step = order(lab)
    name = step.victim.name
    assert target.strike(intent, step, 5.0).state is None
    assert target.fence(intent, step, lab.clock.now()).known is None
    run_containers(lab, name, app="")
    scenarios.set_pod_ready(lab.cluster, "shop", name, False)
    helper_ended(lab, 0, "killed process 210")
    assert target.fence(intent, step, lab.clock.now()).known is StepState.KILLED
    assert helper_pod_of(lab) is None
    assert lab.sandbox.journal.removals[-1].name.startswith("chaosd-helper-")
    intent = msgspec.structs.replace(intent)
    seen = target.recovered(intent, lab.clock.now())
    assert (seen.whole, seen.closed) == (False, False)
    assert seen.detail.endswith(f"container app of {name} has not restarted")
    run_containers(lab, name, app=SECOND)
    assert not target.recovered(intent, lab.clock.now()).whole
    scenarios.set_pod_ready(lab.cluster, "shop", name, True)
    assert target.recovered(intent, lab.clock.now()).whole


def test_a_pod_that_was_deleted_meanwhile_is_replaced(lab: Lab) -> None:
    """Then the workload is whole by its other pods."""
    target = PodTarget(lab.reads)
    intent, step = order(lab)
    target.strike(intent, step, 5.0)
    lab.cluster.remove("pods", "shop", step.victim.name)
    assert target.fence(intent, step, lab.clock.now()).known is StepState.KILLED
    seen = target.recovered(intent, lab.clock.now())
    assert (seen.whole, seen.ready) == (False, 2)
    scenarios.settle(lab.cluster)
    assert target.recovered(intent, lab.clock.now()).whole


def test_a_namesake_is_not_the_victim() -> None:
    """A StatefulSet's next pod of that name counts as any other."""
    lab = helper_lab()
    target = PodTarget(lab.reads)
    intent, step = order(lab)
    target.strike(intent, step, 5.0)
    lab.cluster.remove("pods", "shop", step.victim.name)
    scenarios.settle(lab.cluster)
    heir = msgspec.structs.replace(step.victim, name=pods_of(lab, "shop", "web")[0])
    renamed = msgspec.structs.replace(intent, victim=heir)
    assert target.recovered(renamed, lab.clock.now()).whole


def test_what_a_helper_refused_leaves_the_pod_as_it_is(lab: Lab) -> None:
    """The pod itself is never touched by a fence of a crash."""
    target = PodTarget(lab.reads)
    intent, step = order(lab)
    target.strike(intent, step, 5.0)
    before = lab.cluster.get("pods", "shop", step.victim.name)
    helper_ended(lab, 3, "it is too late\n")
    fenced = target.fence(intent, step, lab.clock.now())
    assert (fenced.known, fenced.detail) == (StepState.REFUSED, "it is too late")
    late = target.fence(intent, step, lab.clock.now() + LATE)
    assert late.known is StepState.FAILED
    assert lab.cluster.get("pods", "shop", step.victim.name) == before


def test_a_crash_in_a_cluster_that_acts_on_it(lab: Lab) -> None:
    """The node's kubelet runs the helper, restarts the container, and the pod is Ready again."""
    controllers = Controllers(lab.cluster, Timings())
    target = PodTarget(lab.reads)
    intent, step = order(lab)
    assert target.strike(intent, step, 5.0).state is None
    for _ in range(60):
        controllers.step()
        if known := target.fence(intent, step, lab.clock.now()).known:
            break
        lab.clock.advance(1)
    assert known is StepState.KILLED
    assert not target.recovered(intent, lab.clock.now()).whole
    for _ in range(120):
        controllers.step()
        if target.recovered(intent, lab.clock.now()).whole:
            break
        lab.clock.advance(1)
    seen = target.recovered(intent, lab.clock.now())
    assert (seen.whole, seen.ready) == (True, 3)
    pod = lab.reads.pod("shop", step.victim.name)
    assert pod is not None
    assert (pod.uid, pod.containers[0].id == FIRST) == (step.victim.uid, False)
    assert helper_pod_of(lab) is None
