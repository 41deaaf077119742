"""Volumes that live on one node, and the claims on them: objects only, nothing is stored."""

from __future__ import annotations

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.objects import Json
from chaosd.sandbox.prepare import default

_ROOM = {"storage": "10Gi"}


def local_volume(cluster: Cluster, ns: str, claim: str, node: str) -> Json:
    """A PersistentVolume of kind local on a node, bound to a claim of that name; the volume."""
    values = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": "local"}
    volume: Json = {
        "metadata": {"name": f"{node}-{claim}"},
        "spec": {
            **common,
            "capacity": _ROOM,
            "local": {"path": f"/disks/{claim}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [values]}]}},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": ns, "name": claim},
        },
        "status": {"phase": "Bound"},
    }
    claimed: Json = {
        "metadata": {"name": claim, "namespace": ns},
        "spec": {**common, "volumeName": f"{node}-{claim}", "resources": {"requests": _ROOM}},
        "status": {"phase": "Bound", "capacity": _ROOM, "accessModes": ["ReadWriteOnce"]},
    }
    for kind, item in (("persistentvolumes", volume), ("persistentvolumeclaims", claimed)):
        default(cluster.resources[kind], item)
    cluster.add("persistentvolumeclaims", claimed)
    return cluster.add("persistentvolumes", volume)
