"""Nodes at the edges: what people do in the middle of a drain, and what must not stay for ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.admission import Circumstances
from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.model import (
    Action,
    BudgetMode,
    Code,
    Configuration,
    Helper,
    NodeRules,
    WorkloadKey,
)
from chaosd.core.status import status
from chaosd.engine.explain import Explainer
from chaosd.ports import Answered, NotSent, Unanswered
from chaosd.sandbox import Cluster, Denial, scenarios
from tests.engine.machines import Machines, raising
from tests.engine.process import Process
from tests.engine.scene import Scene, configured
from tests.engine.test_drain import HOLD, begun, drains, only, pods_on, shop, taints

HELPERS = "chaosd-helper"


def reboots(**fields: Any) -> Configuration:
    """One policy that reboots."""
    helper = Helper(HELPERS, "chaosd:1")
    return configured(drains(action=Action.REBOOT, **fields), helper=helper)


def ends(**fields: Any) -> Configuration:
    """One policy that ends machines."""
    return configured(drains(action=Action.TERMINATE, **fields))


def with_helpers(cluster: Cluster) -> None:
    shop(cluster)
    scenarios.namespace(cluster, HELPERS)


def many(cluster: Cluster, replicas: int = 30, **options: Any) -> None:
    """n1 opted in and runs many pods of web; n2 to n4 have room for all of them."""
    for node in list(cluster.all("nodes")):
        with cluster.edit("nodes", "", node["metadata"]["name"]) as item:
            item["spec"]["unschedulable"] = True
    scenarios.node(cluster, "n1", zone="a", opt_in=True)
    scenarios.deployment(cluster, "shop", "web", replicas, **options)
    scenarios.settle(cluster)
    for name in ("n2", "n3", "n4"):
        scenarios.node(cluster, name, zone="a")


def sixty(cluster: Cluster) -> None:
    many(cluster, 60)


# ------------------------------------------------------------------ the last strike did not come


def test_a_reboot_that_the_helper_refuses_gives_the_node_back() -> None:
    """The machine was not restarted: the node is as after any drain, and recovers."""
    scene, process = begun(with_helpers, reboots())
    process.attempt(policy="nodes")
    scene.fault(do="status", status=403, verbs=("create",), path=f"/{HELPERS}/pods$")
    scene.run(20)
    intent = only(scene)
    assert (intent.result, intent.steps[-1].state) == (Result.KILLED, StepState.FAILED)
    assert taints(scene) == []
    scene.run(5)
    assert only(scene).verdict is Verdict.RECOVERED


def test_an_end_that_was_refused_gives_the_node_back() -> None:
    """The cloud says no after the drain."""
    cloud = Machines(before=raising(Answered(400, "OperationNotPermitted", "protected")))
    scene, process = begun(configuration=ends(), clouds=(cloud,))
    cloud.scene = scene
    process.attempt(policy="nodes")
    scene.run(25)
    assert cloud.ended == {}
    assert taints(scene) == []
    assert only(scene).verdict is Verdict.RECOVERED


@pytest.mark.parametrize("configuration", [reboots(), ends()])
def test_what_is_not_drained_in_time_is_neither_rebooted_nor_ended(
    configuration: Configuration,
) -> None:
    """A budget refuses to the end: the node is put back then, not at the deadline."""
    cloud = Machines()
    scene, process = begun(with_helpers, configuration, clouds=(cloud,))
    cloud.scene = scene
    process.attempt(policy="nodes")
    scene.fault(do="status", status=429, path="/pods/db-0/eviction$")
    scene.run(128)
    assert "not drained in time" in only(scene).detail
    assert (taints(scene), cloud.ended) == ([], {})
    scene.run(5)
    assert only(scene).verdict is Verdict.RECOVERED


def test_what_is_not_drained_in_time_is_not_held() -> None:
    """Nothing is to be learned from a node that still serves."""
    scene, process = begun()
    process.attempt(policy="nodes")
    scene.fault(do="status", status=429, path="/pods/db-0/eviction$")
    scene.run(125)
    assert "not drained in time" in only(scene).detail
    assert taints(scene) == []


# ------------------------------------------------------------------ people in the middle of a drain


def test_a_taint_removed_amid_evictions_ends_them_at_once() -> None:
    """Pods that come back to the node are not evicted again."""
    scene, process = begun(sixty)
    process.attempt(policy="nodes")

    def untaint() -> None:
        with scene.cluster.edit("nodes", "", "n1") as item:
            item["spec"]["taints"] = []
        for name in ("n2", "n3", "n4"):
            with scene.cluster.edit("nodes", "", name) as item:
                item["spec"]["unschedulable"] = True

    scene.at(scene.seconds() + 1.5, untaint)
    scene.run(2)
    struck = len(scene.victims())
    scene.run(30)
    assert len(scene.victims()) <= struck + 10
    assert "removed the taint" in only(scene).detail


def veto_pods(scene: Scene) -> None:
    for pod in list(scene.cluster.all("pods")):
        if pod["spec"].get("nodeName") == "n1":
            with scene.cluster.edit("pods", "shop", pod["metadata"]["name"]) as item:
                item["metadata"]["labels"]["chaosd.io/enabled"] = "false"


def veto_node(scene: Scene) -> None:
    with scene.cluster.edit("nodes", "", "n1") as item:
        item["metadata"]["labels"]["chaosd.io/enabled"] = "false"


def opt_out(scene: Scene) -> None:
    with scene.cluster.edit("nodes", "", "n1") as item:
        del item["metadata"]["labels"]["chaosd.io/enabled"]


@pytest.mark.parametrize("veto", [veto_pods, veto_node, opt_out])
def test_a_veto_amid_evictions_ends_them(veto: Any) -> None:
    """Who says no in the middle of a drain is heard."""
    scene, process = begun(sixty)
    process.attempt(policy="nodes")
    scene.at(scene.seconds() + 1.5, lambda: veto(scene))
    scene.run(2)
    struck = len(scene.victims())
    scene.run(20)
    assert len(scene.victims()) == struck
    assert only(scene).result is Result.KILLED
    assert "chaosd.io/enabled" in only(scene).detail
    assert taints(scene) == []


def test_pods_that_tolerate_the_taint_are_not_evicted_again_and_again() -> None:
    """They come back to the node, as after kubectl drain, which leaves them there then."""
    scene, process = begun(
        lambda cluster: many(cluster, 2, pod_spec={"tolerations": [{"operator": "Exists"}]})
    )
    process.attempt(policy="nodes")
    for name in ("n2", "n3", "n4"):
        with scene.cluster.edit("nodes", "", name) as item:
            item["spec"]["unschedulable"] = True
    scene.run(60)
    assert len(scene.victims()) <= 4
    assert taints(scene) == []


# ------------------------------------------------------------------ nothing of ours stays


def test_a_step_that_nobody_can_settle_keeps_no_node() -> None:
    """The answer of an eviction is lost, and its pod can't be fenced: the taint goes at the
    deadline all the same."""
    scene, process = begun()
    process.attempt(policy="nodes")
    scene.fault(do="lost", when="before", verbs=("create",), path="/eviction$", count=1)
    scene.sandbox.api.access.deny(Denial("patch", "", "pods/status"))
    scene.run(120)
    assert only(scene).unsettled
    assert taints(scene) != []
    scene.run(130)
    assert only(scene).unsettled
    assert taints(scene) == []
    scene.sandbox.api.access.allow_all()
    scene.run(20)
    assert only(scene).result is not None
    assert scene.ledger().intents == {}


def test_a_cloud_that_tells_nothing_does_not_stop_everything_for_ever() -> None:
    """Its answer was lost and nobody may ask it: once no request can be heard any more, the
    machine is taken to be ended."""
    cloud = Machines(after=raising(Unanswered("no answer")))
    scene, process = begun(configuration=ends(), clouds=(cloud,))
    cloud.scene = scene
    cloud.down = NotSent("no credentials")
    process.attempt(policy="nodes")
    scene.run(60)
    assert only(scene).unsettled
    scene.run(260)
    assert not only(scene).unsettled
    assert taints(scene) == []
    assert only(scene).verdict is Verdict.NOT_RECOVERED


# ------------------------------------------------------------------ several at once


def two_pools(cluster: Cluster, replicas: int = 20) -> None:
    """n1 and n2 opted in, each alone with its own workload in a pool of its own."""
    for node in list(cluster.all("nodes")):
        with cluster.edit("nodes", "", node["metadata"]["name"]) as item:
            item["spec"]["unschedulable"] = True
    for number in (1, 2):
        labels = {"pool": f"p{number}"}
        scenarios.node(cluster, f"n{number}", zone="a", labels=labels, opt_in=True)
        scenarios.deployment(cluster, "shop", f"web{number}", replicas)
        scenarios.settle(cluster)
        with cluster.edit("nodes", "", f"n{number}") as item:
            item["spec"]["unschedulable"] = True
    for number in (1, 2):
        with cluster.edit("nodes", "", f"n{number}") as item:
            del item["spec"]["unschedulable"]
        for more in (1, 2):
            scenarios.node(cluster, f"m{number}{more}", zone="a", labels={"pool": f"p{number}"})


def test_two_drains_go_on_side_by_side() -> None:
    """What one writes into the ledger does not keep the other waiting."""
    rules = NodeRules(pool="pool", max_unavailable=2, min_nodes=1)
    scene, process = begun(two_pools, configured(drains(node=rules)))
    process.attempt(policy="nodes")
    scene.clock.advance(1)
    second = process.attempt(policy="nodes")
    assert second.intent, second
    for number in (1, 2):
        scenarios.pdb(scene.cluster, "shop", f"web{number}", min_available=19)
    scene.settle()
    scene.run(6)
    struck = [name.partition("-")[0] for name in scene.victims()]
    assert struck.count("shop/web1") > 1
    assert struck.count("shop/web2") > 1


def test_a_node_that_was_struck_counts_as_away_before_it_shows() -> None:
    """A machine restarts at once, and its node is Ready for a while: one is away already."""
    rules = NodeRules(pool="pool", max_unavailable=1, min_nodes=1)

    def fill(cluster: Cluster) -> None:
        two_pools(cluster, 2)
        scenarios.namespace(cluster, HELPERS)

    config = reboots(pdb=BudgetMode.BYPASS, node=rules)
    scene, process = begun(fill, config, without=("observe",))
    assert process.attempt(policy="nodes").result == "unknown"
    process.observer.step()
    scene.rewrite(settled_but_ready)
    ended = process.attempt(scene.now() + timedelta(seconds=1), policy="nodes")
    assert ended.result == "skipped", ended


def settled_but_ready(ledger: Any) -> Any:
    """The helper has struck; the node's own status does not know yet."""
    (intent,) = ledger.intents.values()
    step = msgspec.structs.replace(
        intent.steps[0], state=StepState.KILLED, settled_at=intent.reserved_at
    )
    done = msgspec.structs.replace(
        intent, steps=(step,), result=Result.KILLED, settled_at=intent.reserved_at
    )
    return msgspec.structs.replace(ledger, intents={done.id: done})


# ------------------------------------------------------------------ who lost pods rests


def test_workloads_rest_after_a_reboot_without_a_drain() -> None:
    """All that ran there went down with the machine."""
    cool = timedelta(hours=1)
    scene, process = begun(with_helpers, reboots(pdb=BudgetMode.BYPASS, cooldown=cool))
    process.attempt(policy="nodes")
    scene.run(60)
    assert only(scene).verdict is Verdict.RECOVERED
    for name in ("shop/Deployment/web", "shop/StatefulSet/db", "Node/n1"):
        kill = scene.ledger().last_kill(name, dry_run=False)
        assert kill is not None, name
        assert kill.healed >= 0


def test_a_cron_job_rests_after_its_pod_was_evicted() -> None:
    """Its Job is another every time: the CronJob is what has a cooldown."""

    def fill(cluster: Cluster) -> None:
        shop(cluster)
        for name in ("n2", "n3", "n4"):
            with cluster.edit("nodes", "", name) as item:
                item["spec"]["unschedulable"] = True
        cron = scenarios.cron_job(cluster, "shop", "nightly")
        scenarios.job(cluster, "shop", "nightly-1", cron_job=cron, run_seconds=900)
        scenarios.settle(cluster)
        for name in ("n2", "n3", "n4"):
            with cluster.edit("nodes", "", name) as item:
                item["spec"]["unschedulable"] = False

    scene, process = begun(fill)
    assert "nightly" in pods_on(scene)
    process.attempt(policy="nodes")
    scene.run(HOLD + 40)
    assert scene.ledger().last_kill("shop/CronJob/nightly", dry_run=False)


# ------------------------------------------------------------------ guards before the end


def fleet_shrinks(scene: Scene) -> None:
    for name in ("n2", "n3"):
        scenarios.set_node_ready(scene.cluster, name, False)


def vetoed_daemon(scene: Scene) -> None:
    with scene.cluster.edit("daemonsets.apps", "shop", "agent") as item:
        item["metadata"].setdefault("labels", {})["chaosd.io/enabled"] = "false"


@pytest.mark.parametrize("happens", [fleet_shrinks, vetoed_daemon])
def test_guards_are_asked_again_before_a_machine_is_ended(happens: Any) -> None:
    """A drain takes long; what spoke for the end at its beginning may not speak for it any more."""
    cloud = Machines()
    rules = NodeRules(min_nodes=2)
    scene, process = begun(configuration=ends(node=rules), clouds=(cloud,))
    cloud.scene = scene
    process.attempt(policy="nodes")
    happens(scene)
    scene.run(30)
    assert cloud.ended == {}
    assert only(scene).result is not None
    assert taints(scene) == []


# ------------------------------------------------------------------ what explain says


def test_a_pool_that_is_busy_does_not_keep_another_from_its_turn() -> None:
    """The lock of the first node that is drawn speaks against that one alone."""

    def fill(cluster: Cluster) -> None:
        two_pools(cluster, 2)
        for name in ("m11", "m12"):
            with cluster.edit("nodes", "", name) as item:
                item["metadata"]["labels"]["chaosd.io/enabled"] = "true"
        with cluster.edit("nodes", "", "n1") as item:
            item["metadata"]["labels"]["chaosd.io/enabled"] = "false"

    rules = NodeRules(pool="pool", max_unavailable=2, min_nodes=1)
    policies = [drains(node=rules), msgspec.structs.replace(drains(node=rules), name="second")]
    for wait in range(1, 6):
        scene, process = begun(fill, configured(*policies))
        first = process.attempt(policy="nodes", workload="Node/m11")
        assert first.intent is not None, first
        scene.clock.advance(wait)
        second = process.attempt(policy="second")
        assert second.intent is not None, second
        assert second.intent.workload == "Node/n2"


def explained(scene: Scene, process: Process, node: str) -> set[Code]:
    ledger, configuration = scene.ledger(), scene.configuration
    standing = status(ledger, configuration, Circumstances(scene.now()))
    context = process.context
    asked = Explainer(configuration, context.targets, (), ledger, standing, scene.clock)
    (found,) = asked.workload(WorkloadKey("", "Node", node))
    (one,) = found.workloads
    return {reason.code for reason in one.reasons}


def test_explain_says_what_a_reservation_would() -> None:
    """A workload that rests and a pool that is busy speak against a node."""
    rules = NodeRules(pool="pool", max_unavailable=2, min_nodes=0)
    cool = timedelta(hours=1)

    def fill(cluster: Cluster) -> None:
        two_pools(cluster, 2)
        with cluster.edit("nodes", "", "m11") as item:
            item["metadata"]["labels"]["chaosd.io/enabled"] = "true"
        with cluster.edit("nodes", "", "m12") as item:
            item["spec"]["unschedulable"] = True

    scene, process = begun(fill, configured(drains(node=rules, cooldown=cool)))
    assert explained(scene, process, "m11") == set()
    process.attempt(policy="nodes", workload="Node/n1")
    assert Code.LOCKED in explained(scene, process, "m11")
    scene.run(HOLD + 40)
    assert only(scene).verdict is Verdict.RECOVERED
    assert "web1" in pods_on(scene, "m11")
    assert explained(scene, process, "m11") == {Code.COOLDOWN}
