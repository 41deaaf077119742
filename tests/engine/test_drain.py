"""A node is drained, held and put back, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.ledger import Halt, Intent, Result, StepState, Verdict
from chaosd.core.model import (
    Action,
    BudgetMode,
    Code,
    Configuration,
    Limits,
    Policy,
    Select,
    StepAction,
    TargetKind,
)
from chaosd.core.transitions import halt
from chaosd.core.undoing import call_off
from chaosd.sandbox import Cluster, scenarios
from tests.engine import troubles as on
from tests.engine.process import Process
from tests.engine.scene import Scene, codes, configured, policy

N1 = "Node/n1"
HOLD = 30


def drains(**fields: Any) -> Policy:
    """A live policy that drains nodes with the opt-in label, and holds them for half a minute."""
    usual: dict[str, Any] = {
        "target": TargetKind.NODE,
        "action": Action.DRAIN,
        "select": Select(min_age=timedelta(0)),
        "deadline": timedelta(minutes=4),
        "hold": timedelta(seconds=HOLD),
    }
    return policy("nodes", **{**usual, **fields})


def shop(cluster: Cluster) -> None:
    """Node n1 opted in and runs two of the pods of web and one of db; n2 to n4 have room."""
    for node in list(cluster.all("nodes")):
        with cluster.edit("nodes", "", node["metadata"]["name"]) as item:
            item["spec"]["unschedulable"] = True
    scenarios.node(cluster, "n1", zone="a", opt_in=True)
    scenarios.deployment(cluster, "shop", "web", 2)
    scenarios.stateful_set(cluster, "shop", "db", 1)
    scenarios.daemon_set(cluster, "shop", "agent")
    scenarios.settle(cluster)
    for name in ("n2", "n3", "n4"):
        scenarios.node(cluster, name, zone="a")


def begun(
    fill: Callable[[Cluster], None] = shop,
    configuration: Configuration | None = None,
    **options: Any,
) -> tuple[Scene, Process]:
    scene = Scene(configuration or configured(drains()), fill)
    process = scene.leader(**options)
    return scene, process


def only(scene: Scene) -> Intent:
    (intent,) = scene.ledger().all_intents()
    return intent


def taints(scene: Scene, node: str = "n1") -> list[str]:
    item = scene.cluster.get("nodes", "", node)
    assert item is not None
    return [
        one["value"] for one in item["spec"].get("taints", ()) if one["key"] == "chaosd.io/drain"
    ]


def pods_on(scene: Scene, node: str = "n1") -> list[str]:
    found = [pod for pod in scene.cluster.all("pods") if pod["spec"].get("nodeName") == node]
    return sorted(pod["metadata"]["name"].partition("-")[0] for pod in found)


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
    with cluster.edit("nodes", "", "n1") as item:
        item["spec"]["unschedulable"] = True


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


# ------------------------------------------------------------------ called off


def pinned(cluster: Cluster) -> None:
    """A budget that lets one pod of web go, whose replacement never becomes Ready."""
    shop(cluster)
    scenarios.pdb(cluster, "shop", "web", min_available=1)


def held(**options: Any) -> tuple[Scene, Process]:
    """A drain that has ended, in its hold."""
    scene, process = begun(**options)
    process.attempt(policy="nodes")
    scene.run(20)
    assert only(scene).result is Result.KILLED
    assert taints(scene) != []
    return scene, process


def paused(scene: Scene, _process: Process) -> None:
    stop = Halt("ann", "a test", scene.now())
    scene.rewrite(lambda ledger: halt(ledger, stop, "nodes"))


def gone_policy(scene: Scene, process: Process) -> None:
    scene.file.write(configured(policy("other")), "second")
    process.reload.step()


def turned_dry(scene: Scene, process: Process) -> None:
    scene.file.write(configured(drains(dry_run=True)), "second")
    process.reload.step()


def person(scene: Scene, _process: Process) -> None:
    scene.rewrite(lambda ledger: ledger_after(call_off(ledger, only(scene).id, "ann")))


def ledger_after(outcome: Any) -> Any:
    assert not hasattr(outcome, "reasons"), outcome
    return outcome


@pytest.mark.parametrize(
    "stop", [on.halted, on.annotated, on.halted_by_file, paused, gone_policy, turned_dry, person]
)
def test_what_calls_it_off_ends_the_hold(stop: Callable[[Scene, Process], None]) -> None:
    """The node takes pods again at once, though nothing else may be done."""
    scene, process = held()
    stop(scene, process)
    scene.run(5)
    assert taints(scene) == []
    assert only(scene).undo is not None
    assert only(scene).undo.done_at is not None  # type: ignore[union-attr]


@pytest.mark.parametrize("stop", [on.halted, on.annotated, paused, gone_policy, turned_dry])
def test_a_drain_under_way_is_called_off_and_put_back(
    stop: Callable[[Scene, Process], None],
) -> None:
    """No further pod is evicted, and the node takes pods again."""
    scene, process = begun()
    process.attempt(policy="nodes")
    stop(scene, process)
    scene.run(10)
    assert (taints(scene), pods_on(scene)) == ([], ["agent", "db", "web", "web"])
    assert only(scene).result is Result.REFUSED
    assert scene.victims() == []


def test_an_invalid_file_stops_evictions_and_the_hold_goes_on() -> None:
    """Undoing goes on while nothing new is struck."""
    scene, process = held()
    on.spoiled(scene, process)
    scene.run(10)
    assert taints(scene) != []
    scene.run(HOLD)
    assert taints(scene) == []


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


# ------------------------------------------------------------------ what people do meanwhile


def test_a_node_that_is_deleted_meanwhile_is_nobodys() -> None:
    """What comes under its name is not touched."""
    scene, _ = held()
    scene.cluster.remove("nodes", "", "n1")
    scenarios.node(scene.cluster, "n1", zone="a", opt_in=True)
    scene.run(HOLD + 10)
    assert only(scene).verdict is Verdict.CLOSED
    assert taints(scene) == []


def test_a_taint_that_a_person_removed_ends_the_drain() -> None:
    """Somebody wanted the node back: no further pod is evicted."""
    scene, process = begun()
    process.attempt(policy="nodes")
    with scene.cluster.edit("nodes", "", "n1") as item:
        item["spec"]["taints"] = []
    scene.run(10)
    assert scene.victims() == []
    assert only(scene).result is Result.REFUSED


def test_a_cordon_and_taints_of_others_are_theirs() -> None:
    """Only our own taint goes."""
    scene, _ = held()
    with scene.cluster.edit("nodes", "", "n1") as item:
        item["spec"]["unschedulable"] = True
        item["spec"]["taints"].append({"key": "mine", "value": "x", "effect": "NoSchedule"})
    scene.run(HOLD + 10)
    after = scene.cluster.get("nodes", "", "n1")
    assert after is not None
    assert [one["key"] for one in after["spec"]["taints"]] == ["mine"]
    assert after["spec"]["unschedulable"] is True


def test_budgets_that_refuse_are_asked_again_until_the_drain_is_over() -> None:
    """Half of the deadline is for evictions; then the node is put back, and what was evicted
    counts."""
    scene, process = begun()
    process.attempt(policy="nodes")
    scene.fault(do="status", status=429, path="/pods/db-0/eviction$")
    scene.run(150)
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
