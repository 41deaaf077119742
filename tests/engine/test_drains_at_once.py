"""Several drains at once, and what rests after one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from chaosd.core.admission import Circumstances
from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.model import BudgetMode, Code, NodeRules, WorkloadKey
from chaosd.core.status import status
from chaosd.engine.explain import Explainer
from chaosd.sandbox import Cluster, scenarios
from tests.engine.cluster_side import cordon
from tests.engine.drains import HOLD, begun, drains, pods_on, reboots, shop, with_helpers
from tests.engine.helper_side import HELPERS
from tests.engine.process import Process
from tests.engine.scene import Scene, configured, only


def two_pools(cluster: Cluster, replicas: int = 20) -> None:
    """n1 and n2 opted in, each alone with its own workload in a pool of its own."""
    cordon(cluster)
    for number in (1, 2):
        labels = {"pool": f"p{number}"}
        scenarios.node(cluster, f"n{number}", zone="a", labels=labels, opt_in=True)
        scenarios.deployment(cluster, "shop", f"web{number}", replicas)
        scenarios.settle(cluster)
        cordon(cluster, f"n{number}")
    for number in (1, 2):
        cordon(cluster, f"n{number}", on=False)
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
        cordon(cluster, "n2", "n3", "n4")
        cron = scenarios.cron_job(cluster, "shop", "nightly")
        scenarios.job(cluster, "shop", "nightly-1", cron_job=cron, run_seconds=900)
        scenarios.settle(cluster)
        cordon(cluster, "n2", "n3", "n4", on=False)

    scene, process = begun(fill)
    assert "nightly" in pods_on(scene)
    process.attempt(policy="nodes")
    scene.run(HOLD + 40)
    assert scene.ledger().last_kill("shop/CronJob/nightly", dry_run=False)


# ------------------------------------------------------------------ what explain says


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
        cordon(cluster, "m12")

    scene, process = begun(fill, configured(drains(node=rules, cooldown=cool)))
    assert explained(scene, process, "m11") == set()
    process.attempt(policy="nodes", workload="Node/n1")
    assert Code.LOCKED in explained(scene, process, "m11")
    scene.run(HOLD + 40)
    assert only(scene).verdict is Verdict.RECOVERED
    assert "web1" in pods_on(scene, "m11")
    assert explained(scene, process, "m11") == {Code.COOLDOWN}
