"""While a drain waits, it asks no more often than ``kubectl drain`` would."""

from __future__ import annotations

from functools import partial

import pytest

from chaosd.core.ledger import Result
from chaosd.sandbox import Cluster, scenarios
from tests.engine.cluster_side import NAMESPACE, cordon
from tests.engine.drains import drains, pods_on
from tests.engine.scene import Scene, configured, only

WAIT = 60
"""Seconds; kubectl asks once in each for a pod on its way out, once in five for one refused."""


def node(cluster: Cluster, pods: int, stop: float, budget: bool) -> None:
    """Node n1 with the pods of web, which take their time to end; n2 has room for them."""
    cordon(cluster)
    scenarios.node(cluster, "n1", opt_in=True)
    spec = {"terminationGracePeriodSeconds": 600}
    scenarios.deployment(cluster, "shop", "web", pods, stop_seconds=stop, pod_spec=spec)
    if budget:
        scenarios.pdb(cluster, "shop", "web", max_unavailable=1)
    scenarios.settle(cluster)
    scenarios.node(cluster, "n2")


def asked(scene: Scene) -> list[str]:
    """What the cluster was asked since the last call, but for chaosd's own objects."""
    journal = scene.sandbox.api.journal
    found = [f"{one.verb} {one.path}" for one in journal.requests]
    journal.clear()
    own = f"/namespaces/{NAMESPACE}/"
    return [one for one in found if own not in one and not one.endswith("/events")]


@pytest.mark.parametrize("pods", [1, 2, 6])
def test_pods_on_their_way_out_are_looked_at_as_often_as_by_kubectl(pods: int) -> None:
    """However few there are, and the end of the last one is seen."""
    scene = Scene(configured(drains()), partial(node, pods=pods, stop=90, budget=False))
    scene.leader().attempt(policy="nodes")
    scene.run(15)
    asked(scene)
    scene.run(WAIT)
    assert 0 < len(asked(scene)) <= pods * WAIT
    assert only(scene).left == pods
    scene.run(40)
    assert (only(scene).result, pods_on(scene)) == (Result.KILLED, [])


def test_a_pod_that_its_budget_keeps_is_asked_for_as_often_as_by_kubectl() -> None:
    """The replacement of the first one finds no node, until it does."""
    scene = Scene(configured(drains()), partial(node, pods=2, stop=0, budget=True))
    process = scene.leader()
    process.attempt(policy="nodes")
    cordon(scene.cluster, "n2")
    scene.run(15)
    asked(scene)
    scene.run(WAIT)
    looks = asked(scene)
    assert any(one.endswith("poddisruptionbudgets") for one in looks)
    assert not any(one.endswith("eviction") for one in looks)
    assert len(looks) <= WAIT / 5
    assert pods_on(scene) == ["web"]
    cordon(scene.cluster, "n2", on=False)
    scene.run(30)
    assert pods_on(scene) == []
