"""Scheduler and kubelets: pods are bound, start, become Ready, finish."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.sandbox import Cluster, Controllers, ManualClock, Timings, scenarios
from chaosd.sandbox.objects import find_condition, is_ready, parse_time
from tests.sandbox.support import MERGE, PODS, World, make_world


def pod_named(world: World, name: str = "p") -> dict[str, Any]:
    found = world.cluster.get("pods", "shop", name)
    assert found is not None
    return found


def test_a_pod_takes_time_to_become_ready() -> None:
    """Pending, bound, ContainerCreating, then Running and Ready after its start time."""
    world = make_world(nodes=1)
    scenarios.pod(world.cluster, "shop", "p", start_seconds=10)
    world.controllers.step()
    assert pod_named(world)["status"]["phase"] == "Pending"
    world.pass_time(1)
    assert pod_named(world)["spec"]["nodeName"] == "node-0"
    waiting = pod_named(world)["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] == "ContainerCreating"
    world.pass_time(8)
    assert not is_ready(pod_named(world))
    world.pass_time(2)
    status = pod_named(world)["status"]
    ready = find_condition(pod_named(world), "Ready")
    assert ready is not None
    assert status["phase"] == "Running"
    assert parse_time(ready["lastTransitionTime"]) > parse_time(status["startTime"])
    assert status["hostIP"] == "10.0.0.2"
    assert status["containerStatuses"][0]["containerID"].startswith("sandbox://")


def test_the_step_says_when_to_come_back() -> None:
    """The returned time is when something happens, and never lies in the past."""
    world = make_world(nodes=1)
    scenarios.pod(world.cluster, "shop", "p", start_seconds=10)
    steps = 0
    while (wake := world.controllers.step()) is not None:
        assert wake > world.clock.now()
        before = world.cluster.revision
        world.clock.set(wake)
        world.controllers.step()
        assert world.cluster.revision > before
        steps += 1
    assert steps == 2  # bound; running
    assert is_ready(pod_named(world))


@pytest.mark.parametrize("seed", [1, 2])
def test_delays_come_from_the_seed(seed: int) -> None:
    """Two clusters of one seed go the same way at the same times."""

    def history() -> list[tuple[object, ...]]:
        clock = ManualClock()
        cluster = Cluster(clock.now, seed)
        found: list[tuple[object, ...]] = []
        cluster.subscribe(lambda change: found.append((change.at, change.resource, change.key)))
        scenarios.node(cluster, "node")
        scenarios.deployment(cluster, "shop", "web", 3)
        scenarios.pass_time(Controllers(cluster), clock, 60)
        return found

    assert history() == history()


def test_instant_timings_need_no_time() -> None:
    """What `settle` uses."""
    world = make_world()
    scenarios.deployment(world.cluster, "shop", "web", 5)
    assert Controllers(world.cluster, Timings.instant()).step() is None
    assert all(is_ready(pod) for pod in world.pods("web"))


@pytest.mark.parametrize("typo", ["soon", ""])
def test_a_typo_in_an_annotation_stops_nothing(typo: str) -> None:
    """The pod then starts in the usual time."""
    world = make_world(nodes=1)
    annotations = {"sandbox.chaosd.io/start-seconds": typo}
    scenarios.pod(world.cluster, "shop", "p", pod_annotations=annotations)
    world.pass_time(10)
    assert is_ready(pod_named(world))


def test_readiness_follows_the_annotation() -> None:
    """never-ready holds for starting and for running pods, and can be taken back."""
    world = make_world(nodes=1)
    scenarios.pod(world.cluster, "shop", "p", never_ready=True)
    world.pass_time(20)
    assert pod_named(world)["status"]["phase"] == "Running"
    assert not is_ready(pod_named(world))
    body = {"metadata": {"annotations": {"sandbox.chaosd.io/never-ready": None}}}
    world.ok("PATCH", f"{PODS}/p", body, MERGE)
    world.pass_time(1)
    assert is_ready(pod_named(world))
    scenarios.set_pod_ready(world.cluster, "shop", "p", False)
    world.pass_time(100)
    assert not is_ready(pod_named(world))
    scenarios.set_pod_ready(world.cluster, "shop", "p", True)
    assert is_ready(pod_named(world))


@pytest.mark.parametrize(
    ("node", "pod_spec", "bound"),
    [
        ({}, {}, True),
        ({"labels": {"pool": "a"}}, {"nodeSelector": {"pool": "a"}}, True),
        ({"labels": {"pool": "a"}}, {"nodeSelector": {"pool": "b"}}, False),
        ({"taints": [{"key": "k", "effect": "NoSchedule"}]}, {}, False),
        ({"taints": [{"key": "k", "effect": "PreferNoSchedule"}]}, {}, True),
        (
            {"taints": [{"key": "k", "effect": "NoSchedule"}]},
            {"tolerations": [{"key": "k", "operator": "Exists"}]},
            True,
        ),
        (
            {"taints": [{"key": "k", "value": "v", "effect": "NoExecute"}]},
            {"tolerations": [{"key": "k", "value": "w", "effect": "NoExecute"}]},
            False,
        ),
        (
            {"taints": [{"key": "k", "value": "v", "effect": "NoExecute"}]},
            {"tolerations": [{"key": "k", "value": "v", "effect": "NoExecute"}]},
            True,
        ),
        ({"pods": 0}, {}, False),
    ],
)
def test_where_a_pod_may_run(node: dict[str, Any], pod_spec: dict[str, Any], bound: bool) -> None:
    """Node selectors, taints and tolerations, room."""
    world = make_world(nodes=0)
    scenarios.node(world.cluster, "only", **node)
    scenarios.pod(world.cluster, "shop", "p", pod_spec=pod_spec)
    world.pass_time(5)
    assert ("nodeName" in pod_named(world)["spec"]) is bound
    if not bound:
        scheduled = find_condition(pod_named(world), "PodScheduled")
        assert scheduled is not None
        assert scheduled["reason"] == "Unschedulable"


def test_a_waiting_pod_is_bound_when_a_node_comes() -> None:
    """Uncordoning wakes the scheduler."""
    world = make_world(nodes=1)
    with world.cluster.edit("nodes", "", "node-0") as node:
        node["spec"]["unschedulable"] = True
    scenarios.pod(world.cluster, "shop", "p")
    world.pass_time(60)
    assert "nodeName" not in pod_named(world)["spec"]
    with world.cluster.edit("nodes", "", "node-0") as node:
        del node["spec"]["unschedulable"]
    world.pass_time(10)
    assert is_ready(pod_named(world))


def test_replicas_spread_over_nodes() -> None:
    """Six pods on three nodes: two each."""
    world = make_world()
    scenarios.deployment(world.cluster, "shop", "web", 6)
    scenarios.settle(world.cluster)
    on = [pod["spec"]["nodeName"] for pod in world.pods("web")]
    assert sorted(on) == ["node-0", "node-0", "node-1", "node-1", "node-2", "node-2"]


def test_pods_of_a_node_that_is_not_ready() -> None:
    """They lose their readiness, can't stop, and come back with the node."""
    world = make_world(nodes=1)
    scenarios.pod(world.cluster, "shop", "p")
    scenarios.pod(world.cluster, "shop", "q")
    scenarios.settle(world.cluster)
    scenarios.set_node_ready(world.cluster, "node-0", False)
    world.ok("DELETE", f"{PODS}/q")
    world.pass_time(600)
    assert not is_ready(pod_named(world))
    assert pod_named(world, "q")["metadata"]["deletionTimestamp"]
    scenarios.set_node_ready(world.cluster, "node-0", True)
    world.pass_time(5)
    assert is_ready(pod_named(world))
    assert world.cluster.get("pods", "shop", "q") is None


def test_pods_of_a_node_that_is_gone_go_too() -> None:
    """The pod garbage collector."""
    world = make_world(nodes=1)
    scenarios.pod(world.cluster, "shop", "p")
    scenarios.settle(world.cluster)
    world.ok("DELETE", "/api/v1/nodes/node-0")
    world.pass_time(1)
    assert world.cluster.get("pods", "shop", "p") is None


def sized(cpu: str, memory: str = "1Mi") -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu, "memory": memory}}}


@pytest.mark.parametrize(
    ("container", "why"),
    [
        (sized("4001m"), "0/1 nodes are available: 1 Insufficient cpu."),
        (sized("1", "30Gi"), "0/1 nodes are available: 1 Insufficient memory."),
        ({"resources": {"limits": {"cpu": 4.5}}}, "0/1 nodes are available: 1 Insufficient cpu."),
    ],
)
def test_pods_that_find_no_room_wait(container: dict[str, Any], why: str) -> None:
    """Requests count against what a node can give; what is only limited is requested, too. When
    another pod goes, there is room."""
    world = make_world(nodes=1)
    scenarios.pod(world.cluster, "shop", "big", container=sized("4", "4Gi"))
    scenarios.settle(world.cluster)
    scenarios.pod(world.cluster, "shop", "p", container=container)
    world.pass_time(20)
    scheduled = find_condition(pod_named(world), "PodScheduled") or {}
    assert (scheduled["status"], scheduled["message"]) == ("False", why)
    world.ok("DELETE", f"{PODS}/big", {"gracePeriodSeconds": 0})
    world.pass_time(20)
    assert is_ready(pod_named(world))


def test_the_reasons_of_all_nodes_are_told() -> None:
    """As `kubectl describe pod` shows them."""
    world = make_world(nodes=3)
    with world.cluster.edit("nodes", "", "node-0") as node:
        node["spec"]["taints"] = [{"key": "team", "value": "x", "effect": "NoSchedule"}]
    with world.cluster.edit("nodes", "", "node-1") as node:
        node["spec"]["unschedulable"] = True
    scenarios.pod(world.cluster, "shop", "p", pod_spec={"nodeSelector": {"disk": "ssd"}})
    with world.cluster.edit("nodes", "", "node-0") as node:
        node["metadata"]["labels"]["disk"] = "ssd"
    world.pass_time(5)
    scheduled = find_condition(pod_named(world), "PodScheduled") or {}
    assert scheduled["message"] == (
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, "
        "1 node(s) had untolerated taint(s), 1 node(s) were unschedulable."
    )
