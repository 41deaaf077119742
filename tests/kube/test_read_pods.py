"""Pods, nodes, namespaces and budgets as facts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from chaosd.core.facts import ContainerFacts, Owner, PodFacts
from chaosd.core.selector import Selector
from chaosd.kube.read_pods import (
    budget_facts,
    namespace_facts,
    node_facts,
    pod_facts,
    pod_metadata_facts,
)
from chaosd.kube.records import Budget, Metadata, Node, Pod

CREATED = "2026-01-05T09:00:00Z"
MADE = datetime(2026, 1, 5, 9, tzinfo=UTC)


def meta(name: str = "web-1", **fields: Any) -> dict[str, Any]:
    return {"name": name, "creationTimestamp": CREATED, **fields}


def pod(metadata: dict[str, Any] | None = None, **parts: Any) -> PodFacts:
    item = {"metadata": metadata or meta(), "spec": {}, **parts}
    return pod_facts(msgspec.convert(item, Pod, strict=False))


def test_a_whole_pod() -> None:
    """Every fact of a running pod is where the rules look for it."""
    owner = {"kind": "ReplicaSet", "name": "web-7f", "uid": "rs", "apiVersion": "apps/v1"}
    metadata = meta(
        namespace="shop",
        uid="u",
        resourceVersion="7",
        labels={"app": "web"},
        annotations={"a": "b"},
        managedFields=[{"manager": "kubelet", "fieldsV1": {"f:x": {}}}],
        ownerReferences=[{**owner, "uid": "other"}, {**owner, "controller": True}],
    )
    found = pod(
        metadata,
        spec={"nodeName": "node-a", "priorityClassName": "high", "containers": []},
        status={
            "phase": "Running",
            "conditions": [
                {"type": "PodScheduled", "status": "False"},
                {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-05T10:00:00Z"},
            ],
        },
    )
    assert found == PodFacts(
        namespace="shop",
        name="web-1",
        uid="u",
        resource_version="7",
        created=MADE,
        labels={"app": "web"},
        annotations={"a": "b"},
        phase="Running",
        ready=True,
        ready_since=datetime(2026, 1, 5, 10, tzinfo=UTC),
        node="node-a",
        owner=Owner("ReplicaSet", "web-7f", "rs", "apps/v1"),
        priority_class="high",
    )


@pytest.mark.parametrize(
    ("status", "ips"),
    [
        ({}, ()),
        ({"podIP": "10.1.0.7"}, ("10.1.0.7",)),
        (
            {"podIP": "10.1.0.7", "podIPs": [{"ip": "10.1.0.7"}, {"ip": "fd00::7"}]},
            ("10.1.0.7", "fd00::7"),
        ),
    ],
)
def test_addresses_of_a_pod(status: dict[str, Any], ips: tuple[str, ...]) -> None:
    """Each once, and that of its node apart."""
    found = pod(status={**status, "hostIP": "10.0.0.1"})
    assert (found.ips, found.host_ip) == (ips, "10.0.0.1")


@pytest.mark.parametrize("status", ["False", "Unknown", "", "true"])
def test_only_a_true_ready_condition_is_ready(status: str) -> None:
    """Doubt is not Ready."""
    found = pod(status={"phase": "Running", "conditions": [{"type": "Ready", "status": status}]})
    assert not found.ready


@pytest.mark.parametrize("parts", [{}, {"status": {}}, {"status": {"conditions": None}}])
def test_a_new_pod_is_nothing_yet(parts: dict[str, Any]) -> None:
    """A pod without a status is neither Ready nor in any phase, owned by nobody, on no node."""
    found = pod(None, **parts)
    assert (found.ready, found.phase, found.owner, found.node) == (False, "Unknown", None, "")


def test_a_pod_on_its_way_out() -> None:
    """A deletionTimestamp is what makes a pod terminating."""
    assert pod(meta(deletionTimestamp=CREATED)).deleting


def test_an_owner_that_does_not_control_is_none() -> None:
    """Only the controller is the owner."""
    owner = {"kind": "Foo", "name": "f", "uid": "u", "apiVersion": "x/v1", "controller": False}
    assert pod(meta(ownerReferences=[owner])).owner is None


def test_containers_and_sidecars() -> None:
    """What runs is told by image, command with its arguments, and ports; init containers end."""
    found = pod(
        spec={
            "containers": [
                {"name": "a", "image": "etcd:3.6", "command": ["etcd"], "args": ["--x"]},
                {"name": "b", "image": "b", "ports": [{"containerPort": 2379}, {"name": "n"}]},
            ],
            "initContainers": [
                {"name": "c", "image": "init"},
                {"name": "d", "image": "sidecar", "restartPolicy": "Always"},
            ],
        }
    )
    assert found.containers == (
        ContainerFacts("etcd:3.6", ("etcd", "--x")),
        ContainerFacts("b", (), (2379, 0)),
        ContainerFacts("sidecar"),
    )


def test_metadata_tells_less() -> None:
    """A pod by its metadata has no readiness, node or containers to be judged by."""
    item = {"metadata": meta(namespace="shop", uid="u", labels={"a": "b"})}
    found = pod_metadata_facts(msgspec.convert(item, Metadata, strict=False).metadata)
    assert (found.name, found.labels, found.ready, found.node) == ("web-1", {"a": "b"}, False, "")


@pytest.mark.parametrize(
    ("status", "ready"), [("True", True), ("Unknown", False), ("False", False)]
)
def test_a_node(status: str, ready: bool) -> None:
    """A node whose kubelet is silent is Unknown, which is not ready."""
    item = {
        "metadata": meta("node-a", labels={"pool": "spot"}, deletionTimestamp=CREATED),
        "status": {"conditions": [{"type": "Ready", "status": status}]},
    }
    found = node_facts(msgspec.convert(item, Node, strict=False))
    assert (found.name, found.ready, found.labels, found.deleting) == (
        "node-a",
        ready,
        {"pool": "spot"},
        True,
    )


def test_a_namespace() -> None:
    """A namespace without labels has none."""
    item = msgspec.convert({"metadata": meta("shop")}, Metadata, strict=False)
    assert namespace_facts(item.metadata).labels == {}


def budget(selector: Any, **status: Any) -> Any:
    item = {"metadata": meta("b", generation=2), "spec": {"selector": selector}, "status": status}
    return budget_facts(msgspec.convert(item, Budget, strict=False))


def test_a_budget() -> None:
    """Every counter of a budget comes over, and whom it has let go."""
    found = budget(
        {"matchLabels": {"app": "web"}},
        disruptionsAllowed=1,
        currentHealthy=3,
        desiredHealthy=2,
        expectedPods=3,
        observedGeneration=2,
        disruptedPods={"web-1": CREATED},
    )
    assert found.selector == Selector.parse("app=web")
    assert (found.disruptions_allowed, found.current_healthy, found.desired_healthy) == (1, 3, 2)
    assert (found.expected_pods, found.generation, found.observed_generation) == (3, 2, 2)
    assert found.disrupted_pods == frozenset({"web-1"})


@pytest.mark.parametrize(
    ("selector", "covers"),
    [
        (None, None),
        ({}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Near", "values": []}]}, True),
        ({"matchLabels": {"app": "other"}}, False),
    ],
)
def test_which_pods_a_budget_covers(selector: Any, covers: bool | None) -> None:
    """No selector covers nothing, an empty one all, one that can't be read all too."""
    found = budget(selector).selector
    assert (None if found is None else found.matches({"app": "web"})) == covers
