"""The API servers that are ready, as they keep themselves in an EndpointSlice; and addresses."""

from __future__ import annotations

import os
from typing import Any

import pytest

from chaosd.core.facts import NodeFacts
from chaosd.kube.node_reads import KubeNodeReads
from tests.contract.manifests import deployment
from tests.contract.site import Place
from tests.support.waiting import until

SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"


@pytest.mark.parametrize(
    ("conditions", "service", "known"),
    [
        ({"ready": True}, "kubernetes", True),
        ({}, "kubernetes", True),
        ({"ready": False}, "kubernetes", False),
        ({"ready": True}, "other", False),
    ],
)
def test_ready_addresses(
    place: Place, conditions: dict[str, Any], service: str, known: bool
) -> None:
    """Those of the Service ``kubernetes`` alone; what says nothing of readiness is ready."""
    name = f"contract-{os.urandom(3).hex()}"
    made = {
        "metadata": {"name": name, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.7"], "conditions": conditions}],
        "ports": [{"name": "https", "port": 6443}],
    }
    place.admin.ok("POST", SLICES, made)
    try:
        found = KubeNodeReads(place.admin.api).api_servers()
    finally:
        place.admin.ok("DELETE", f"{SLICES}/{name}")
    assert ("192.0.2.7" in found) is known


def test_addresses_of_nodes(place: Place) -> None:
    """As the status has them, each once, but for empty ones."""
    status = {
        "addresses": [{"type": t, "address": "192.0.2.9"} for t in ("InternalIP", "Hostname")]
    }
    name = f"node-{os.urandom(3).hex()}"
    place.admin.ok("POST", "/api/v1/nodes", {"metadata": {"name": name}, "status": status})

    def both() -> tuple[NodeFacts, list[Any]] | None:
        """Two looks at the same state: a kubelet's stand-in changes it as it sees the node."""
        raw = place.admin.ok("GET", f"/api/v1/nodes/{name}")
        node = KubeNodeReads(place.admin.api).node(name)
        same = node is not None and node.resource_version == raw["metadata"]["resourceVersion"]
        return (node, raw["status"]["addresses"]) if node is not None and same else None

    try:
        node, raw = until(both)
    finally:
        place.admin.ok("DELETE", f"/api/v1/nodes/{name}")
    assert set(node.addresses) | {""} == {one["address"] for one in raw} | {""}
    assert len(node.addresses) == len(set(node.addresses) - {""})


def test_pods_at_an_address(place: Place) -> None:
    """The server finds them, whole, in whatever namespace."""
    place.workload("deployments", deployment("web", 2))
    reads = KubeNodeReads(place.admin.api)
    one, other = (pod for page in reads.pods(place.name, "app=web") for pod in page)
    found = {str(pod): pod for pod in reads.pods_at(one.ips[0])}
    assert found[str(one)].containers[0].name
    assert (str(other) in found) is (one.ips == other.ips)
    assert reads.pods_at("192.0.2.200") == []
