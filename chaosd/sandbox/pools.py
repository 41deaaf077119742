"""The cluster of the scenario `nodes`: two pools of machines, and reasons to spare some of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.objects import Json
from chaosd.sandbox.scenarios import (
    api_servers,
    daemon_set,
    deployment,
    namespace,
    node,
    pdb,
    pod,
    settle,
    stateful_set,
)
from chaosd.sandbox.volumes import local_volume

ZONES = ("zone-a", "zone-b", "zone-c")
POOLS = ("general", "spot")
POOL = "pool"
"""The label that names a node's pool."""
_SMALL: Json = {"resources": {"requests": {"cpu": "250m", "memory": "256Mi"}}}


def nodes(cluster: Cluster, age: timedelta = timedelta(days=3)) -> Cluster:
    """Six nodes in two pools and three zones, all of it Ready and `age` old; the same cluster.

    - general-1 and spot-1 are opted in, and nothing speaks against draining them: the budgets of
      shop/web, api and cart (a StatefulSet) let one pod go at a time.
    - spot-2 is opted in and runs shop/payments, whose budget lets no pod go, ever.
    - spot-3 is opted in and runs shop/toolbox, a pod that nobody would bring back.
    - general-3 is opted in and runs shop/search, whose data lives on its disk.
    - general-2 is not opted in. (Of the workloads, shop/web is: for policies with target pod.)
    - logging/agent is a DaemonSet; kube-system as usual; chaosd and chaosd-helper are empty
      namespaces for chaosd itself.
    """
    with cluster.backdated(age):
        for pool in POOLS:
            for number, zone in enumerate(ZONES, 1):
                name = f"{pool}-{number}"
                opt_in = None if name == "general-2" else True
                node(cluster, name, zone=zone, labels={POOL: pool}, opt_in=opt_in)
        for name in ("default", "chaosd", "chaosd-helper"):
            namespace(cluster, name)
        api_servers(cluster, "10.0.0.254")
        _particular(cluster)
        _everywhere(cluster)
        settle(cluster)
    return cluster


def _particular(cluster: Cluster) -> None:
    with _only(cluster, "spot-2"):
        deployment(cluster, "shop", "payments", 1, container=_SMALL)
        pdb(cluster, "shop", "payments", min_available=1)
    with _only(cluster, "spot-3"):
        pod(cluster, "shop", "toolbox", container=_SMALL)
    with _only(cluster, "general-3"):
        local_volume(cluster, "shop", "index", "general-3")
        claim = {"name": "index", "persistentVolumeClaim": {"claimName": "index"}}
        deployment(cluster, "shop", "search", 1, container=_SMALL, pod_spec={"volumes": [claim]})


def _everywhere(cluster: Cluster) -> None:
    deployment(cluster, "shop", "web", 6, container=_SMALL, opt_in=True)
    pdb(cluster, "shop", "web", min_available=4)
    deployment(cluster, "shop", "api", 4, container=_SMALL)
    pdb(cluster, "shop", "api", max_unavailable=1)
    stateful_set(cluster, "shop", "cart", 3, container=_SMALL)
    pdb(cluster, "shop", "cart", max_unavailable=1)
    daemon_set(cluster, "logging", "agent")
    critical = {"priorityClassName": "system-cluster-critical"}
    deployment(cluster, "kube-system", "coredns", 2, pod_spec=critical)
    everywhere = {
        "priorityClassName": "system-node-critical",
        "tolerations": [{"operator": "Exists"}],
    }
    daemon_set(cluster, "kube-system", "kube-proxy", pod_spec=everywhere)


@contextmanager
def _only(cluster: Cluster, name: str) -> Iterator[None]:
    """What is built in here comes to that node."""
    others = [node["metadata"]["name"] for node in cluster.all("nodes")]
    others.remove(name)
    for other in others:
        with cluster.edit("nodes", "", other) as item:
            item["spec"]["unschedulable"] = True
    yield
    settle(cluster)
    for other in others:
        with cluster.edit("nodes", "", other) as item:
            del item["spec"]["unschedulable"]
