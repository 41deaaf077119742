"""The garbage collector and the namespace controller."""

from __future__ import annotations

from datetime import datetime

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.deletes import DeleteOptions, delete_object
from chaosd.sandbox.objects import Json, is_deleting, key_of
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.targets import Target


def collect(cluster: Cluster, resource: Resource, item: Json) -> None:
    """Delete an object all of whose owners are gone."""
    owners = item["metadata"].get("ownerReferences") or ()
    if not owners or is_deleting(item):
        return
    namespace, name = key_of(item)
    for owner in owners:
        kind = cluster.resources.of_kind(owner["apiVersion"], owner["kind"])
        if kind is None:
            return  # a kind that is not served: nobody can tell, so nothing is deleted
        scope = namespace if kind.namespaced else ""
        found = cluster.get(kind.id, scope, owner["name"])
        if found is not None and found["metadata"]["uid"] == owner["uid"]:
            return
    target = Target(resource, namespace or None, name)
    delete_object(cluster, target, DeleteOptions())


def reconcile_namespace(cluster: Cluster, namespace: Json, _: datetime) -> datetime | None:
    """Empty a namespace that is being deleted, then remove it."""
    if not is_deleting(namespace):
        return None
    name = namespace["metadata"]["name"]
    left = 0
    for resource in cluster.resources:
        if not resource.namespaced:
            continue
        for item in cluster.all(resource.id, name):
            if not is_deleting(item):
                target = Target(resource, name, item["metadata"]["name"])
                delete_object(cluster, target, DeleteOptions())
        left += len(cluster.all(resource.id, name))
    if not left:
        cluster.remove("namespaces", "", name)
    return None
