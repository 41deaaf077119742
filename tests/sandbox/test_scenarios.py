"""Ready-made clusters."""

from __future__ import annotations

import pytest

from chaosd.sandbox import Cluster, Controllers, ManualClock
from chaosd.sandbox.bulk import bulk
from chaosd.sandbox.demo import demo
from chaosd.sandbox.objects import is_ready, labels_of
from chaosd.sandbox.pools import POOL, nodes
from chaosd.sandbox.templates import OPT_IN


@pytest.fixture
def cluster() -> Cluster:
    return demo(Cluster(ManualClock().now, seed=1))


def test_the_demo_cluster_is_ready(cluster: Cluster) -> None:
    """Nothing is pending, and the controllers find nothing to change."""
    assert all(is_ready(pod) for pod in cluster.all("pods"))
    assert len(cluster.all("pods")) == 25
    before = cluster.revision
    assert Controllers(cluster).step() is None
    assert cluster.revision == before


def test_the_demo_cluster_has_every_common_case(cluster: Cluster) -> None:
    """Opted in by workload and by namespace, vetoed, refused by a budget, not opted in."""
    shop = {
        item["metadata"]["name"]: labels_of(item).get(OPT_IN)
        for kind in ("deployments.apps", "statefulsets.apps")
        for item in cluster.all(kind, "shop")
    }
    assert shop == {"web": "true", "api": "true", "cart": "true", "search": "true"}
    team = cluster.get("namespaces", "", "team-a")
    assert team is not None
    assert labels_of(team)[OPT_IN] == "true"
    assert len(cluster.all("deployments.apps", "team-a")) == 2
    allowed = {
        item["metadata"]["name"]: item["status"]["disruptionsAllowed"]
        for item in cluster.all("poddisruptionbudgets.policy")
    }
    assert allowed == {"web": 1, "search": 0}
    vetoes = [pod for pod in cluster.all("pods") if labels_of(pod).get(OPT_IN) == "false"]
    assert [labels_of(pod)["app"] for pod in vetoes] == ["api"]
    assert OPT_IN not in labels_of(cluster.all("daemonsets.apps", "logging")[0])
    zones = {labels_of(node)["topology.kubernetes.io/zone"] for node in cluster.all("nodes")}
    assert len(zones) == 3
    priorities = {pod["spec"].get("priority") for pod in cluster.all("pods", "kube-system")}
    assert priorities == {2_000_000_000, 2_000_001_000}


def test_the_cluster_with_two_pools() -> None:
    """Six nodes, five of them opted in, three with a pod that speaks against a drain; all Ready."""
    cluster = nodes(Cluster(ManualClock().now, seed=1))
    before = cluster.revision
    assert Controllers(cluster).step() is None
    assert cluster.revision == before
    assert all(is_ready(one) for kind in ("pods", "nodes") for one in cluster.all(kind))
    kinds = {labels_of(one)["topology.kubernetes.io/zone"] for one in cluster.all("nodes")}
    pools = [labels_of(one)[POOL] for one in cluster.all("nodes")]
    assert (len(kinds), pools) == (3, ["general"] * 3 + ["spot"] * 3)
    opted = [one["metadata"]["name"] for one in cluster.all("nodes") if OPT_IN in labels_of(one)]
    assert opted == ["general-1", "general-3", "spot-1", "spot-2", "spot-3"]
    where = {labels_of(pod)["app"]: pod["spec"]["nodeName"] for pod in cluster.all("pods", "shop")}
    assert (where["payments"], where["toolbox"], where["search"]) == (
        "spot-2",
        "spot-3",
        "general-3",
    )
    allowed = {
        item["metadata"]["name"]: item["status"]["disruptionsAllowed"]
        for item in cluster.all("poddisruptionbudgets.policy")
    }
    assert allowed == {"api": 1, "cart": 1, "payments": 0, "web": 2}
    assert not any("unschedulable" in one["spec"] for one in cluster.all("nodes"))
    [volume] = cluster.all("persistentvolumes")
    assert volume["spec"]["claimRef"]["name"] == "index"


def test_a_large_cluster_is_whole() -> None:
    """Bulk objects are what the controllers would have made: they find no pod to make or take."""
    cluster = Cluster(ManualClock().now)
    bulk(cluster, deployments=40, pods_each=3, namespaces=4, nodes=5, opted_in=0.25)
    names = [pod["metadata"]["name"] for pod in cluster.all("pods")]
    assert len(names) == 120
    opted = [item for item in cluster.all("deployments.apps") if OPT_IN in labels_of(item)]
    assert len(opted) == 10
    assert Controllers(cluster).step() is None
    assert [pod["metadata"]["name"] for pod in cluster.all("pods")] == names
