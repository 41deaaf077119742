"""Scenes of drains: a node that opted in, with pods of workloads, and others with room for them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chaosd.core.ledger import Result
from chaosd.core.model import Action, Configuration, Policy, Select, TargetKind
from chaosd.sandbox import Cluster, scenarios
from tests.engine.cluster_side import cordon
from tests.engine.helper_side import HELPER, HELPERS
from tests.engine.process import Process
from tests.engine.scene import Scene, configured, only, policy

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


def reboots(**fields: Any) -> Configuration:
    """One policy that reboots."""
    return configured(drains(action=Action.REBOOT, **fields), helper=HELPER)


def ends(**fields: Any) -> Configuration:
    """One policy that ends machines."""
    return configured(drains(action=Action.TERMINATE, **fields))


def shop(cluster: Cluster) -> None:
    """Node n1 opted in and runs two of the pods of web and one of db; n2 to n4 have room."""
    cordon(cluster)
    scenarios.node(cluster, "n1", zone="a", opt_in=True)
    scenarios.deployment(cluster, "shop", "web", 2)
    scenarios.stateful_set(cluster, "shop", "db", 1)
    scenarios.daemon_set(cluster, "shop", "agent")
    scenarios.settle(cluster)
    for name in ("n2", "n3", "n4"):
        scenarios.node(cluster, name, zone="a")


def with_helpers(cluster: Cluster) -> None:
    """The same, and a namespace for helper pods."""
    shop(cluster)
    scenarios.namespace(cluster, HELPERS)


def begun(
    fill: Callable[[Cluster], None] = shop,
    configuration: Configuration | None = None,
    **options: Any,
) -> tuple[Scene, Process]:
    """A scene of a drain, with a leader."""
    scene = Scene(configuration or configured(drains()), fill)
    return scene, scene.leader(**options)


def held(**options: Any) -> tuple[Scene, Process]:
    """A drain that has ended, in its hold."""
    scene, process = begun(**options)
    process.attempt(policy="nodes")
    scene.run(20)
    assert only(scene).result is Result.KILLED
    assert taints(scene) != []
    return scene, process


def taints(scene: Scene, node: str = "n1") -> list[str]:
    """The values of chaosd's taints on a node."""
    item = scene.cluster.get("nodes", "", node)
    assert item is not None
    return [
        one["value"] for one in item["spec"].get("taints", ()) if one["key"] == "chaosd.io/drain"
    ]


def pods_on(scene: Scene, node: str = "n1") -> list[str]:
    """The workloads of the pods on a node, once for each pod."""
    found = [pod for pod in scene.cluster.all("pods") if pod["spec"].get("nodeName") == node]
    return sorted(pod["metadata"]["name"].partition("-")[0] for pod in found)
