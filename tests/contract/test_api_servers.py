"""The API servers that are ready, as they keep themselves in an EndpointSlice; and addresses."""

from __future__ import annotations

import os
from typing import Any

import pytest

from chaosd.kube.node_reads import KubeNodeReads
from tests.contract.site import Place

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


def test_addresses_of_pods_and_nodes(place: Place) -> None:
    """As their statuses have them, each once."""
    status = {
        "addresses": [{"type": t, "address": "192.0.2.9"} for t in ("InternalIP", "Hostname")]
    }
    name = f"node-{os.urandom(3).hex()}"
    place.admin.ok("POST", "/api/v1/nodes", {"metadata": {"name": name}, "status": status})
    try:
        node = KubeNodeReads(place.admin.api).node(name)
    finally:
        place.admin.ok("DELETE", f"/api/v1/nodes/{name}")
    assert node is not None
    assert "192.0.2.9" in node.addresses
    assert len(node.addresses) == len(set(node.addresses))
