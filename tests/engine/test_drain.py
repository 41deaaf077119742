"""A node is drained, held and put back, whoever leads meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.model import BudgetMode, Code, Limits, StepAction
from chaosd.sandbox import Cluster, scenarios
from tests.engine.cluster_side import cordon
from tests.engine.drains import HOLD, begun, drains, held, pods_on, shop, taints
from tests.engine.scene import codes, configured, only

N1 = "Node/n1"


def test_a_drain_is_a_taint_evictions_a_hold_and_the_way_back() -> None:
    """The DaemonSet's pod stays, the others go one by one, and after the hold the node is as it
    was."""
    scene, process = begun()
    before = scene.cluster.get("nodes", "", "n1")
    assert pods_on(scene) == ["agent", "db", "web", "web"]
    ended = process.attempt(policy="nodes")
    assert ended.intent is not None, ended
    assert taints(scene) == [ended.intent.id]
    scene.run(20)
    intent = only(scene)
    assert pods_on(scene) == ["agent"]
    assert [step.action for step in intent.steps] == [StepAction.TAINT] + [StepAction.EVICT] * 3
    assert {step.state for step in intent.steps[1:]} == {StepState.KILLED}
    assert (intent.result, intent.verdict) == (Result.KILLED, None)
    assert taints(scene) == [intent.id]
    scene.run(HOLD + 10)
    assert taints(scene) == []
    assert only(scene).verdict is Verdict.RECOVERED
    after = scene.cluster.get("nodes", "", "n1")
    assert before is not None
    assert after is not None
    assert {**after["spec"], "taints": []} == {**before["spec"], "taints": []}
    assert after["metadata"].get("annotations", {}) == before["metadata"].get("annotations", {})


def test_limits_count_a_drain_once_and_its_workloads_rest() -> None:
    """One an hour is one drain; the workloads that lost pods have their cooldown."""
    cool = drains(cooldown=timedelta(hours=1))
    scene, process = begun(configuration=configured(cool, limits=Limits(per_hour=1, concurrent=1)))
    process.attempt(policy="nodes")
    scene.run(HOLD + 40)
    assert only(scene).verdict is Verdict.RECOVERED
    assert codes(process.attempt(policy="nodes")) >= {Code.LIMIT_PER_HOUR}
    ledger = scene.ledger()
    for name in ("shop/Deployment/web", "shop/StatefulSet/db", N1):
        kill = ledger.last_kill(name, dry_run=False)
        assert kill is not None, name
        assert kill.healed >= 0


def test_a_dry_run_changes_nothing() -> None:
    """The node keeps its pods and gets no taint."""
    scene, process = begun(configuration=configured(drains(dry_run=True)))
    ended = process.attempt(policy="nodes")
    assert ended.result == "dryRun", ended
    scene.run(60)
    assert (taints(scene), pods_on(scene)) == ([], ["agent", "db", "web", "web"])


# ------------------------------------------------------------------ not begun


def bare_pod(cluster: Cluster) -> None:
    shop(cluster)
    scenarios.pod(cluster, "shop", "alone", node_name="n1")


def tight_budget(cluster: Cluster) -> None:
    shop(cluster)
    scenarios.pdb(cluster, "shop", "db", min_available=1)


def vetoed_pod(cluster: Cluster) -> None:
    shop(cluster)
    for pod in cluster.all("pods"):
        if pod["metadata"]["name"].startswith("db"):
            with cluster.edit("pods", "shop", pod["metadata"]["name"]) as item:
                item["metadata"]["labels"]["chaosd.io/enabled"] = "false"


def vetoed_namespace(cluster: Cluster) -> None:
    shop(cluster)
    with cluster.edit("namespaces", "", "shop") as item:
        item["metadata"].setdefault("labels", {})["chaosd.io/enabled"] = "false"


def vetoed_workload(cluster: Cluster) -> None:
    shop(cluster)
    with cluster.edit("deployments.apps", "shop", "web") as item:
        item["metadata"].setdefault("labels", {})["chaosd.io/enabled"] = "False"


def no_room(cluster: Cluster) -> None:
    shop(cluster)
    for name in ("n2", "n3", "n4"):
        with cluster.edit("nodes", "", name) as item:
            item["status"]["allocatable"]["pods"] = "1"


def cordoned(cluster: Cluster) -> None:
    shop(cluster)
    cordon(cluster, "n1")


@pytest.mark.parametrize(
    ("fill", "code"),
    [
        (bare_pod, Code.NO_CONTROLLER),
        (tight_budget, Code.DISRUPTION_BUDGET),
        (vetoed_pod, Code.VETOED),
        (vetoed_namespace, Code.VETOED),
        (vetoed_workload, Code.VETOED),
        (no_room, Code.NO_CAPACITY),
        (cordoned, Code.NO_CANDIDATE),
    ],
)
def test_a_drain_that_may_not_end_is_not_begun(fill: Callable[[Cluster], None], code: Code) -> None:
    """Nothing is written, and the reason can be read."""
    scene, process = begun(fill)
    ended = process.attempt(policy="nodes")
    assert code in codes(ended), ended
    assert (taints(scene), list(scene.ledger().all_intents())) == ([], [])


# ------------------------------------------------------------------ budgets on the way


def test_budgets_that_refuse_are_asked_again_until_the_drain_is_over() -> None:
    """Half of the deadline is for evictions; then the node is put back without a hold, since
    nothing is to be learned from one that still serves, and what was evicted counts."""
    scene, process = begun()
    process.attempt(policy="nodes")
    scene.fault(do="status", status=429, path="/pods/db-0/eviction$")
    scene.run(125)
    intent = only(scene)
    assert pods_on(scene) == ["agent", "db"]
    assert intent.result is Result.KILLED
    assert intent.detail.startswith("not drained in time: 1 pods left; shop/db-0: ")
    assert "429" in intent.detail
    refused = [step for step in intent.steps if step.state is StepState.REFUSED]
    assert len(refused) == 1
    assert taints(scene) == []


def test_bypass_deletes_instead_of_evicting() -> None:
    """A budget that allows nothing does not keep a policy that bypasses budgets."""
    scene, process = begun(tight_budget, configuration=configured(drains(pdb=BudgetMode.BYPASS)))
    process.attempt(policy="nodes")
    scene.run(30)
    assert pods_on(scene) == ["agent"]
    assert {step.action for step in only(scene).steps[1:]} == {StepAction.DELETE}


# ------------------------------------------------------------------ crashes and other leaders


def test_another_leader_puts_back_what_the_first_took() -> None:
    """The process dies in the hold: the next one removes the taint."""
    scene, process = held()
    process.alive = False
    scene.process("b")
    scene.run(HOLD + 90)
    assert taints(scene) == []
    assert only(scene).verdict is Verdict.RECOVERED


def test_another_leader_goes_on_with_the_drain() -> None:
    """The process dies after the taint: the next one evicts the rest, under its own term."""
    scene, process = begun()
    process.attempt(policy="nodes")
    process.alive = False
    scene.process("b")
    scene.run(HOLD + 90)
    intent = only(scene)
    assert [step.holder for step in intent.steps] == ["a", "b", "b", "b"]
    assert (taints(scene), intent.verdict) == ([], Verdict.RECOVERED)


@pytest.mark.parametrize(("when", "drained"), [("before", False), ("after", True)])
def test_the_lost_answer_of_a_taint_is_fenced(when: str, drained: bool) -> None:
    """It is seen on the node whether it got there; either way nothing of ours stays."""
    scene, process = begun()
    scene.fault(do="lost", when=when, verbs=("patch",), path="/nodes/n1$", count=1)
    process.attempt(policy="nodes")
    scene.run(HOLD + 40)
    intent = only(scene)
    assert (intent.result is Result.KILLED) == drained
    assert (scene.victims() != []) == drained
    assert taints(scene) == []
    item = scene.cluster.get("nodes", "", "n1")
    assert item is not None
    assert not [key for key in item["metadata"].get("annotations", {}) if key.startswith("chaosd")]
