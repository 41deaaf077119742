"""The scale subresource (autoscaling/v1 Scale) of Deployments, ReplicaSets and StatefulSets."""

from __future__ import annotations

from typing import Any

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.errors import MODIFIED, bad_request, conflict
from chaosd.sandbox.objects import Json, thaw
from chaosd.sandbox.targets import Target
from chaosd.sandbox.verbs import patch_or_refuse, read_object


def read_scale(cluster: Cluster, target: Target) -> Json:
    """The Scale of a workload."""
    return _scale_of(read_object(cluster, target))


def write_scale(
    cluster: Cluster, target: Target, media_type: str, body: Any, *, dry_run: bool
) -> Json:
    """Put (no media type) or patch a Scale; the Scale as it is then."""
    workload = read_object(cluster, target)
    current = _scale_of(workload)
    wanted = patch_or_refuse(media_type, current, body) if media_type else body
    if not isinstance(wanted, dict):
        raise bad_request("a Scale must be an object")
    version = (wanted.get("metadata") or {}).get("resourceVersion")
    if version and version != workload["metadata"]["resourceVersion"]:
        raise conflict(target.resource, target.name, MODIFIED)
    replicas = (wanted.get("spec") or {}).get("replicas", 0)
    if type(replicas) is not int or replicas < 0:
        raise bad_request("spec.replicas must be an integer that is not negative")
    copy = thaw(workload)
    if replicas != copy["spec"].get("replicas", 1):
        copy["spec"]["replicas"] = replicas
        copy["metadata"]["generation"] = copy["metadata"].get("generation", 0) + 1
    return _scale_of(copy if dry_run else cluster.put(target.resource.id, copy))


def _scale_of(workload: Json) -> Json:
    meta = workload["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: meta[name] for name in kept if name in meta},
        "spec": {"replicas": workload["spec"].get("replicas", 1)},
        "status": {
            "replicas": (workload.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }
