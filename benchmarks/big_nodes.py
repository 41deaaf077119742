"""What makes a node as heavy as a busy API server sends it: 10 KB, most of it the images it has."""

from __future__ import annotations

from typing import Any

from benchmarks.big_pods import CREATED

IMAGES = 50
"""As many as a kubelet reports unless it is told otherwise (``nodeStatusMaxImages``)."""
_KINDS = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")


def images() -> list[dict[str, Any]]:
    """The images of a node's status: the same on every node."""
    return [
        {
            "names": [
                f"registry.example.com/team/service-{number}@sha256:{number:064x}",
                f"registry.example.com/team/service-{number}:1.42.0",
            ],
            "sizeBytes": 100_000_000 + number,
        }
        for number in range(IMAGES)
    ]


def info(number: int) -> dict[str, str]:
    """What a node's kubelet says of its machine: all that it must say."""
    return {
        "architecture": "amd64",
        "bootID": f"{number:08x}-0000-4000-8000-000000000000",
        "containerRuntimeVersion": "containerd://2.1.0",
        "kernelVersion": "6.12.0",
        "kubeProxyVersion": "",
        "kubeletVersion": "v1.36.3",
        "machineID": f"{number:032x}",
        "operatingSystem": "linux",
        "osImage": "Example Linux 12",
        "systemUUID": f"{number:08x}-0000-4000-9000-000000000000",
    }


def managed_fields() -> list[dict[str, Any]]:
    """Who wrote which of its fields."""
    conditions: dict[str, Any] = {
        f'k:{{"type":"{kind}"}}': {"f:lastHeartbeatTime": {}, "f:message": {}, "f:reason": {}}
        for kind in _KINDS
    }
    sizes: dict[str, Any] = {
        f"f:{name}": {} for name in ("cpu", "memory", "pods", "ephemeral-storage")
    }
    asked: dict[str, Any] = {"f:metadata": {"f:labels": {".": {}, "f:kubernetes.io/hostname": {}}}}
    told: dict[str, Any] = {"f:allocatable": sizes, "f:capacity": sizes, "f:conditions": conditions}
    told |= {"f:images": {}, "f:nodeInfo": {"f:bootID": {}, "f:kernelVersion": {}}}
    return [
        _manager("kubectl-label", asked),
        _manager("kubelet", {"f:status": told}) | {"subresource": "status"},
    ]


def _manager(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "manager": name,
        "operation": "Update",
        "apiVersion": "v1",
        "time": CREATED,
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
