"""Removing objects: preconditions, grace, finalizers, propagation, dry run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.errors import bad_request, details_of, not_found, precondition_conflict
from chaosd.sandbox.objects import Json, is_deleting, is_finished, parse_time, stamp, thaw
from chaosd.sandbox.requests import Request, is_dry_run
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.targets import Target


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a DeleteOptions body, or the query of a DELETE, asks for."""

    grace: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False
    orphan: bool = False

    @classmethod
    def read(cls, body: Any, request: Request | None = None) -> DeleteOptions:
        """From a body (None or {}: none), or else the query. Raises the API error."""
        if body is not None and not isinstance(body, dict):
            raise bad_request("DeleteOptions must be an object")
        found: Json = dict(body or {})
        if request is not None and not found:
            grace = request.param("gracePeriodSeconds")
            if grace:
                found["gracePeriodSeconds"] = _integer(grace)
            found["propagationPolicy"] = request.param("propagationPolicy") or None
        preconditions = found.get("preconditions") or {}
        grace_value = found.get("gracePeriodSeconds")
        if grace_value is not None and type(grace_value) is not int:
            raise bad_request("gracePeriodSeconds must be an integer")
        dry = is_dry_run(found.get("dryRun")) or (request is not None and request.dry_run)
        return cls(
            grace=grace_value,
            uid=preconditions.get("uid") or None,
            resource_version=preconditions.get("resourceVersion") or None,
            dry_run=dry,
            orphan=found.get("propagationPolicy") == "Orphan",
        )


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def delete_object(cluster: Cluster, target: Target, options: DeleteOptions) -> Json:
    """Delete one object; the answer's body: the object, or a Status."""
    resource = target.resource
    item = cluster.get(resource.id, target.scope, target.name)
    if item is None:
        raise not_found(resource, target.name)
    check_preconditions(resource, item, options)
    if options.orphan and not options.dry_run:
        _orphan(cluster, item)
    if resource.id == "pods":
        return _delete_pod(cluster, item, options)
    if resource.id == "namespaces" or item["metadata"].get("finalizers"):
        return _mark_deleting(cluster, resource, item, options)
    if not options.dry_run:
        item = cluster.remove(resource.id, target.scope, target.name)
    if resource.returns_deleted:
        return item
    details = details_of(resource, target.name, uid=item["metadata"]["uid"])
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def check_preconditions(resource: Resource, item: Json, options: DeleteOptions) -> None:
    """Raises the 409 for a UID or resourceVersion that is not the object's."""
    meta = item["metadata"]
    if options.uid is not None and options.uid != meta["uid"]:
        raise precondition_conflict(
            resource,
            meta["name"],
            f"the UID in the precondition ({options.uid}) does not match the UID in record "
            f"({meta['uid']}). The object might have been deleted and then recreated",
        )
    wanted = options.resource_version
    if wanted is not None and wanted != meta["resourceVersion"]:
        raise precondition_conflict(
            resource,
            meta["name"],
            f"the ResourceVersion in the precondition ({wanted}) does not match the "
            f"ResourceVersion in record ({meta['resourceVersion']}). The object might have been "
            "modified",
        )


def _delete_pod(cluster: Cluster, pod: Json, options: DeleteOptions) -> Json:
    grace = _grace(pod, options)
    meta = pod["metadata"]
    if is_deleting(pod) and grace:
        current = meta.get("deletionGracePeriodSeconds", 0)
        if options.grace is None or grace >= current:
            return pod
        asked_at = parse_time(meta["deletionTimestamp"]) - timedelta(seconds=current)
    else:
        asked_at = cluster.now()
    copy = thaw(pod)
    copy["metadata"]["deletionTimestamp"] = stamp(asked_at + timedelta(seconds=grace))
    copy["metadata"]["deletionGracePeriodSeconds"] = grace
    if not is_deleting(pod) and "generation" in meta:
        copy["metadata"]["generation"] = meta["generation"] + 1
    if options.dry_run:
        return copy
    if grace == 0 and not meta.get("finalizers"):
        cluster.remove("pods", meta["namespace"], meta["name"])
        return copy
    return cluster.put("pods", copy)


def _grace(pod: Json, options: DeleteOptions) -> int:
    """Seconds, as podStrategy.CheckGracefulDelete decides: 0 for what has nothing to stop."""
    spec = pod.get("spec") or {}
    if not spec.get("nodeName") or is_finished(pod):
        return 0
    if options.grace is not None:
        return options.grace if options.grace >= 0 else 1
    return int(spec.get("terminationGracePeriodSeconds", 30))


def _mark_deleting(
    cluster: Cluster, resource: Resource, item: Json, options: DeleteOptions
) -> Json:
    if is_deleting(item):
        return item
    copy = thaw(item)
    meta = copy["metadata"]
    meta["deletionTimestamp"] = stamp(cluster.now())
    if resource.id == "namespaces":
        copy.setdefault("status", {})["phase"] = "Terminating"
    else:
        meta["deletionGracePeriodSeconds"] = 0
        if "generation" in meta:
            meta["generation"] += 1
    return copy if options.dry_run else cluster.put(resource.id, copy)


def _orphan(cluster: Cluster, owner: Json) -> None:
    uid = owner["metadata"]["uid"]
    for resource, item in cluster.dependents(uid):
        copy = thaw(item)
        left = [ref for ref in copy["metadata"]["ownerReferences"] if ref["uid"] != uid]
        copy["metadata"]["ownerReferences"] = left
        cluster.put(resource, copy)


def finish_if_released(cluster: Cluster, resource: Resource, item: Json) -> bool:
    """Remove an object that only its finalizers held, once they are gone; whether it went."""
    meta = item["metadata"]
    if not is_deleting(item) or meta.get("finalizers") or resource.id == "namespaces":
        return False
    if resource.id == "pods" and meta.get("deletionGracePeriodSeconds", 0) > 0:
        return False
    cluster.remove(resource.id, meta.get("namespace", ""), meta["name"])
    return True


def dry(options: DeleteOptions) -> DeleteOptions:
    """The same options as a dry run."""
    return replace(options, dry_run=True)
