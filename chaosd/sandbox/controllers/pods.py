"""Making pods from templates, and naming templates by their hash."""

from __future__ import annotations

import hashlib

import msgspec

from chaosd.sandbox.cluster import NAME_ALPHABET, Cluster
from chaosd.sandbox.deletes import DeleteOptions, delete_object
from chaosd.sandbox.objects import Json, owner_reference, thaw
from chaosd.sandbox.prepare import default_pod_spec
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.targets import Target

TRACKING = "batch.kubernetes.io/job-tracking"
"""Holds a finished pod until its Job has counted it, so that none is counted twice or never."""


def template_hash(template: Json, length: int = 10) -> str:
    """A name for a pod template: the same template has the same name."""
    raw = msgspec.json.encode(template, order="deterministic")
    number = int.from_bytes(hashlib.sha256(raw).digest()[:16])
    letters = []
    for _ in range(length):
        number, at = divmod(number, len(NAME_ALPHABET))
        letters.append(NAME_ALPHABET[at])
    return "".join(letters)


def make_pod(
    cluster: Cluster,
    resource: Resource,
    owner: Json,
    *,
    name: str = "",
    labels: dict[str, str] | None = None,
    spec: Json | None = None,
    finalizers: list[str] | None = None,
) -> Json:
    """Create a pod from its owner's template, named `name` or after the owner with a suffix."""
    template = thaw(owner["spec"]["template"])
    meta = template.get("metadata") or {}
    owner_name = owner["metadata"]["name"]
    base = f"{owner_name[:57]}-"
    namespace = owner["metadata"]["namespace"]
    pod_meta: Json = {
        "name": name or base + cluster.suffix(),
        "namespace": namespace,
        "labels": {**(meta.get("labels") or {}), **(labels or {})},
        "ownerReferences": [owner_reference(resource.api_version, resource.kind, owner)],
        "generation": 1,
    }
    if meta.get("annotations"):
        pod_meta["annotations"] = dict(meta["annotations"])
    if not name:
        pod_meta["generateName"] = base
        while cluster.get("pods", namespace, pod_meta["name"]) is not None:
            pod_meta["name"] = base + cluster.suffix()
    if finalizers:
        pod_meta["finalizers"] = list(finalizers)
    pod_spec = {**(template.get("spec") or {}), **(spec or {})}
    default_pod_spec(pod_spec)
    status = {"phase": "Pending", "qosClass": "BestEffort"}
    return cluster.add("pods", {"metadata": pod_meta, "spec": pod_spec, "status": status})


def delete_pod(cluster: Cluster, pod: Json) -> None:
    """Delete a pod with its own grace period, as a controller does."""
    meta = pod["metadata"]
    target = Target(cluster.resources["pods"], meta["namespace"], meta["name"])
    delete_object(cluster, target, DeleteOptions())
