"""What people do to a node and its pods in the middle of a drain."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.core.ledger import Result, Verdict
from chaosd.sandbox import Cluster, scenarios
from tests.engine.cluster_side import cordon
from tests.engine.drains import HOLD, begun, held, taints
from tests.engine.scene import Scene, only


def many(cluster: Cluster, replicas: int = 30, **options: Any) -> None:
    """n1 opted in and runs many pods of web; n2 to n4 have room for all of them."""
    cordon(cluster)
    scenarios.node(cluster, "n1", zone="a", opt_in=True)
    scenarios.deployment(cluster, "shop", "web", replicas, **options)
    scenarios.settle(cluster)
    for name in ("n2", "n3", "n4"):
        scenarios.node(cluster, name, zone="a")


def sixty(cluster: Cluster) -> None:
    many(cluster, 60)


def test_a_node_that_is_deleted_meanwhile_is_nobodys() -> None:
    """What comes under its name is not touched."""
    scene, _ = held()
    scene.cluster.remove("nodes", "", "n1")
    scenarios.node(scene.cluster, "n1", zone="a", opt_in=True)
    scene.run(HOLD + 10)
    assert only(scene).verdict is Verdict.CLOSED
    assert taints(scene) == []


# ------------------------------------------------------------------ taints


def test_a_taint_that_a_person_removed_ends_the_drain() -> None:
    """Somebody wanted the node back: no further pod is evicted."""
    scene, process = begun()
    process.attempt(policy="nodes")
    with scene.cluster.edit("nodes", "", "n1") as item:
        item["spec"]["taints"] = []
    scene.run(10)
    assert scene.victims() == []
    assert only(scene).result is Result.REFUSED


def test_a_taint_removed_amid_evictions_ends_them_at_once() -> None:
    """Pods that come back to the node are not evicted again."""
    scene, process = begun(sixty)
    process.attempt(policy="nodes")

    def untaint() -> None:
        with scene.cluster.edit("nodes", "", "n1") as item:
            item["spec"]["taints"] = []
        cordon(scene.cluster, "n2", "n3", "n4")

    scene.at(scene.seconds() + 1.5, untaint)
    scene.run(2)
    struck = len(scene.victims())
    scene.run(30)
    assert len(scene.victims()) <= struck + 10
    assert "removed the taint" in only(scene).detail


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


def test_pods_that_tolerate_the_taint_are_not_evicted_again_and_again() -> None:
    """They come back to the node, as after kubectl drain, which leaves them there then."""
    scene, process = begun(
        lambda cluster: many(cluster, 2, pod_spec={"tolerations": [{"operator": "Exists"}]})
    )
    process.attempt(policy="nodes")
    cordon(scene.cluster, "n2", "n3", "n4")
    scene.run(60)
    assert len(scene.victims()) <= 4
    assert taints(scene) == []


# ------------------------------------------------------------------ vetoes


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
