"""The cluster of the demo: something to kill, and every common reason not to."""

from __future__ import annotations

from datetime import timedelta

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.objects import Json, thaw
from chaosd.sandbox.scenarios import (
    api_servers,
    daemon_set,
    deployment,
    namespace,
    node,
    pdb,
    settle,
    stateful_set,
)
from chaosd.sandbox.templates import OPT_IN

ZONES = ("zone-a", "zone-b", "zone-c")


def demo(cluster: Cluster, age: timedelta = timedelta(days=3)) -> Cluster:
    """Three nodes in three zones and a shop, all of it Ready and `age` old; the same cluster.

    - shop/web, api, cart (StatefulSet), search: opted in. A PodDisruptionBudget lets go of one web
      pod at a time, and of no search pod, ever. One api pod vetoes with "false".
    - team-a: the namespace is opted in, with everything in it (frontend, worker).
    - logging/agent (DaemonSet) and kube-system: not opted in.
    - chaosd: an empty namespace for chaosd itself.
    """
    with cluster.backdated(age):
        for number, zone in enumerate(ZONES, 1):
            node(cluster, f"node-{number}", zone=zone)
        for name in ("default", "chaosd"):
            namespace(cluster, name)
        api_servers(cluster, "10.0.0.254")
        _shop(cluster)
        namespace(cluster, "team-a", opt_in=True)
        deployment(cluster, "team-a", "frontend", 3)
        deployment(cluster, "team-a", "worker", 2)
        daemon_set(cluster, "logging", "agent")
        _system(cluster)
        settle(cluster)
        veto = thaw(_first_pod(cluster, "shop", "api"))
        veto["metadata"]["labels"][OPT_IN] = "false"
        cluster.put("pods", veto)
        settle(cluster)
    return cluster


def _shop(cluster: Cluster) -> None:
    deployment(cluster, "shop", "web", 4, opt_in=True, labels={"tier": "frontend"})
    pdb(cluster, "shop", "web", min_available=3)
    deployment(cluster, "shop", "api", 3, opt_in=True, labels={"tier": "backend"})
    stateful_set(cluster, "shop", "cart", 3, opt_in=True, labels={"tier": "backend"})
    deployment(cluster, "shop", "search", 2, opt_in=True, labels={"tier": "backend"})
    pdb(cluster, "shop", "search", min_available=2)


def _system(cluster: Cluster) -> None:
    critical = {"priorityClassName": "system-cluster-critical"}
    deployment(cluster, "kube-system", "coredns", 2, pod_spec=critical)
    everywhere = {
        "priorityClassName": "system-node-critical",
        "tolerations": [{"operator": "Exists"}],
    }
    daemon_set(cluster, "kube-system", "kube-proxy", pod_spec=everywhere)


def _first_pod(cluster: Cluster, ns: str, app: str) -> Json:
    pods = cluster.all("pods", ns)
    return next(pod for pod in pods if pod["metadata"]["labels"].get("app") == app)
