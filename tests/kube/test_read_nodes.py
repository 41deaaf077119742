"""Pods with their size and what ties them to their node, volumes, and quantities, as facts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.facts import (
    ContainerFacts,
    NodeFacts,
    Placed,
    PodFacts,
    Resources,
    Taint,
    Toleration,
)
from chaosd.kube.quantities import amount
from chaosd.kube.read_nodes import local_claim, placed_facts, whole_pod_facts
from chaosd.kube.read_pods import node_facts, pod_facts
from chaosd.kube.records import Node, Pod
from chaosd.kube.records_nodes import PersistentVolume, SizedPod, WholePod
from chaosd.ports import Unanswered

META = {"name": "web-1", "namespace": "shop", "creationTimestamp": "2026-01-05T09:00:00Z"}
MI = 1 << 20


def wire(item: dict[str, Any], into: type[Any]) -> Any:
    return msgspec.json.decode(msgspec.json.encode(item), type=into)


def pod(spec: dict[str, Any], **status: Any) -> PodFacts:
    item = {"metadata": META, "spec": spec, "status": status}
    return whole_pod_facts(wire(item, WholePod))


def needs(cpu: str = "", memory: str = "", **more: Any) -> dict[str, Any]:
    asked = {key: text for key, text in (("cpu", cpu), ("memory", memory)) if text}
    return {"name": "main", "resources": {"requests": asked}, **more}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("0", 0),
        ("100m", 100),
        ("1", 1000),
        ("1.5", 1500),
        ("0.0001", 1),
        ("1100u", 2),
        ("2k", 2_000_000),
        ("1e3", 1_000_000),
    ],
)
def test_cpu_in_thousandths(text: str, expected: int) -> None:
    """Rounded up to the next thousandth, as the scheduler does."""
    assert amount(text, 1000) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("128Mi", 128 * MI), ("1G", 10**9), ("129e6", 129_000_000), ("128974848000m", 128_974_848)],
)
def test_memory_in_bytes(text: str, expected: int) -> None:
    """Binary, decimal and exponent forms (Kubernetes' own examples of one amount)."""
    assert amount(text) == expected


@pytest.mark.parametrize("text", ["lots", "Mi", "NaN", "Infinity", "1kI"])
def test_what_is_no_quantity(text: str) -> None:
    """An answer that can't be understood is as good as none."""
    with pytest.raises(Unanswered, match="can't read the quantity"):
        amount(text)


SIDECAR = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("spec", "cpu", "memory"),
    [
        ({"containers": [{"name": "main"}]}, 0, 0),
        ({"containers": [needs("100m", "64Mi"), needs("200m")]}, 300, 64 * MI),
        ({"containers": [needs("100m")], "initContainers": [needs("50m", "1Mi")]}, 100, MI),
        ({"containers": [needs("100m")], "initContainers": [needs("500m")] * 2}, 500, 0),
        ({"containers": [needs("100m")], "initContainers": [needs("50m", **SIDECAR)]}, 150, 0),
        (
            {
                "containers": [needs("100m")],
                "initContainers": [needs("50m", **SIDECAR), needs("200m")],
            },
            250,
            0,
        ),
        (
            {
                "containers": [needs("100m")],
                "initContainers": [needs("200m"), needs("50m", **SIDECAR)],
            },
            200,
            0,
        ),
        ({"containers": [needs("100m")], "overhead": {"cpu": "250m", "memory": "1Mi"}}, 350, MI),
        (
            {
                "containers": [needs("100m", "1Mi")],
                "resources": {"requests": {"cpu": "1"}},
                "overhead": {"cpu": "10m"},
            },
            1010,
            MI,
        ),
    ],
    ids=[
        "nothing",
        "sum",
        "larger of each resource",
        "init containers run alone",
        "sidecar adds",
        "init after sidecar",
        "init before sidecar",
        "overhead",
        "pod-level instead",
    ],
)
def test_requests(spec: dict[str, Any], cpu: int, memory: int) -> None:
    """What the scheduler counts; the small view of a pod says the same as the whole."""
    assert pod(spec).requests == Resources(cpu, memory, 1)
    small = wire({"metadata": META, "spec": {"nodeName": "node-a", **spec}}, SizedPod)
    assert placed_facts(small) == Placed("node-a", Resources(cpu, memory, 1))


def test_what_ties_a_pod_to_its_node() -> None:
    """Volumes by kind, selectors and tolerations; memory and configuration tie nothing."""
    found = pod(
        {
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [
                {"key": "team", "value": "x", "effect": "NoSchedule"},
                {"operator": "Exists"},
            ],
            "volumes": [
                {"name": "scratch", "emptyDir": {}},
                {"name": "ram", "emptyDir": {"medium": "Memory"}},
                {"name": "huge", "emptyDir": {"medium": "HugePages-2Mi"}},
                {"name": "logs", "hostPath": {"path": "/var/log"}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}},
                {"name": "tmp", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
                {"name": "config", "configMap": {"name": "c"}},
            ],
        }
    )
    assert found.node_selector == {"disk": "ssd"}
    assert found.tolerations == (
        Toleration("team", "Equal", "x", "NoSchedule"),
        Toleration("", "Exists"),
    )
    assert found.empty_dirs == ("scratch",)
    assert found.host_paths == ("logs",)
    assert found.claims == ("data-0", "web-1-tmp")


def test_containers_that_run_have_their_id() -> None:
    """By name, sidecars too; one that waits has none, one that has ended says how."""
    running = {"running": {"startedAt": "2026-01-05T09:00:00Z"}}
    ended = {"exitCode": 3, "message": "too late", "reason": "Error"}
    found = pod(
        {
            "containers": [{"name": "main", "image": "a"}, {"name": "second"}, {"name": "third"}],
            "initContainers": [{"name": "setup"}, {"name": "proxy", **SIDECAR}],
        },
        containerStatuses=[
            {"name": "third", "containerID": "containerd://old", "state": {"terminated": ended}},
            {"name": "main", "containerID": "containerd://m", "state": running},
            {"name": "second", "state": {"waiting": {"reason": "ContainerCreating"}}},
        ],
        initContainerStatuses=[
            {"name": "setup", "containerID": "containerd://s", "state": {"terminated": {}}},
            {"name": "proxy", "containerID": "containerd://p", "state": running},
        ],
    )
    assert found.containers == (
        ContainerFacts("a", name="main", id="containerd://m"),
        ContainerFacts(name="second"),
        ContainerFacts(name="third", exit_code=3, message="too late"),
        ContainerFacts(name="proxy", id="containerd://p"),
    )


def test_the_rest_of_a_whole_pod_is_as_in_a_list() -> None:
    """Nothing that a list tells is told otherwise of one pod."""
    item = {
        "metadata": {**META, "uid": "u", "labels": {"app": "web"}},
        "spec": {"nodeName": "node-a", "containers": [needs("1", image="a", args=["b"])]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }
    listed, whole = pod_facts(wire(item, Pod)), whole_pod_facts(wire(item, WholePod))
    more = {"containers": listed.containers, "requests": listed.requests}
    assert msgspec.structs.replace(whole, **more) == listed


def test_a_whole_node() -> None:
    """Every fact of a node is where the rules look for it."""
    item = {
        "metadata": {**META, "name": "node-a", "uid": "u", "resourceVersion": "7"},
        "spec": {
            "unschedulable": True,
            "providerID": "aws:///eu-west-1a/i-0abc",
            "taints": [{"key": "team", "value": "x", "effect": "NoSchedule"}],
        },
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "allocatable": {"cpu": "3920m", "memory": "15Gi", "pods": "58", "vendor/gpu": "1"},
            "nodeInfo": {"bootID": "b", "machineID": "m"},
        },
    }
    found: NodeFacts = node_facts(wire(item, Node))
    assert (found.uid, found.resource_version, found.boot_id) == ("u", "7", "b")
    assert found.created.isoformat() == "2026-01-05T09:00:00+00:00"
    assert found.ready
    assert found.unschedulable
    assert found.taints == (Taint("team", "x", "NoSchedule"),)
    assert found.allocatable == Resources(3920, 15 << 30, 58)
    assert found.provider_id == "aws:///eu-west-1a/i-0abc"
    bare = node_facts(wire({"metadata": META}, Node))
    assert (bare.ready, bare.unschedulable, bare.taints) == (False, False, ())
    assert (bare.allocatable, bare.boot_id, bare.provider_id) == (Resources(), "", "")


CLAIM = {"namespace": "shop", "name": "data-0"}


def affinity(*terms: dict[str, Any]) -> dict[str, Any]:
    return {"nodeAffinity": {"required": {"nodeSelectorTerms": [*terms]}}}


def on(key: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": "In", "values": ["a"]}]}


ZONE = "topology.kubernetes.io/zone"


@pytest.mark.parametrize(
    ("spec", "local"),
    [
        ({"local": {"path": "/disk"}}, True),
        ({"hostPath": {"path": "/disk"}}, True),
        (affinity(on("kubernetes.io/hostname")), True),
        (affinity(on(ZONE), on("kubernetes.io/hostname")), True),
        (affinity({"matchFields": [{"key": "metadata.name", "operator": "In"}]}), True),
        (affinity(on(ZONE)), False),
        ({"csi": {"driver": "ebs.csi.aws.com"}}, False),
        ({}, False),
    ],
)
def test_local_volumes(spec: dict[str, Any], *, local: bool) -> None:
    """Volumes that live on one node, by their claims; what nobody claimed is nobody's."""
    bound = wire({"metadata": META, "spec": {**spec, "claimRef": CLAIM}}, PersistentVolume)
    assert local_claim(bound) == ("shop/data-0" if local else "")
    free = wire({"metadata": META, "spec": spec}, PersistentVolume)
    assert local_claim(free) == ""
