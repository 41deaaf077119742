"""Volumes and the claims on them: objects only, nothing is stored."""

from __future__ import annotations

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.objects import Json, thaw
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
    return _add(cluster, volume, claimed)


def claim_template(name: str) -> Json:
    """An item of a StatefulSet's volumeClaimTemplates: a disk in the network."""
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": "network"}
    return {"metadata": {"name": name}, "spec": {**spec, "resources": {"requests": _ROOM}}}


def claimed_volumes(cluster: Cluster, stateful_set: Json, pod: str) -> list[Json]:
    """The volumes that a StatefulSet gives to a pod of this name; makes the claims on them, bound,
    that are not there yet. They outlive the pod."""
    found: list[Json] = []
    ns = stateful_set["metadata"]["namespace"]
    for template in stateful_set["spec"].get("volumeClaimTemplates") or ():
        name = template["metadata"]["name"]
        claim = f"{name}-{pod}"
        found.append({"name": name, "persistentVolumeClaim": {"claimName": claim}})
        if cluster.get("persistentvolumeclaims", ns, claim) is None:
            _provide(cluster, template, ns, claim, stateful_set["spec"]["selector"])
    return found


def _provide(cluster: Cluster, template: Json, ns: str, name: str, selector: Json) -> None:
    spec = thaw(template["spec"])
    volume_name = f"pvc-{cluster.new_uid()}"
    room = (spec.get("resources") or {}).get("requests") or _ROOM
    modes = spec.get("accessModes") or ["ReadWriteOnce"]
    volume: Json = {
        "metadata": {"name": volume_name},
        "spec": {
            "accessModes": modes,
            "storageClassName": spec.get("storageClassName", ""),
            "persistentVolumeReclaimPolicy": "Delete",
            "capacity": room,
            "csi": {"driver": "sandbox.chaosd.io", "volumeHandle": volume_name},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": ns, "name": name},
        },
        "status": {"phase": "Bound"},
    }
    labels = dict(selector.get("matchLabels") or {})
    claim: Json = {
        "metadata": {"name": name, "namespace": ns, "labels": labels},
        "spec": {**spec, "volumeName": volume_name},
        "status": {"phase": "Bound", "capacity": room, "accessModes": modes},
    }
    _add(cluster, volume, claim)


def _add(cluster: Cluster, volume: Json, claim: Json) -> Json:
    for kind, item in (("persistentvolumes", volume), ("persistentvolumeclaims", claim)):
        default(cluster.resources[kind], item)
    cluster.add("persistentvolumeclaims", claim)
    return cluster.add("persistentvolumes", volume)
