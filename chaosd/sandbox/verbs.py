"""Create, update and patch of one object, and its scale subresource."""

from __future__ import annotations

from typing import Any

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.deletes import finish_if_released
from chaosd.sandbox.errors import (
    MODIFIED,
    ApiError,
    already_exists,
    bad_request,
    conflict,
    forbidden,
    invalid,
    method_not_allowed,
    not_found,
)
from chaosd.sandbox.objects import Json, is_deleting, stamp, thaw, without_nulls
from chaosd.sandbox.patches import (
    JSON_PATCH,
    MERGE_PATCH,
    STRATEGIC_PATCH,
    PatchError,
    apply_patch,
)
from chaosd.sandbox.prepare import check_identity, default, missing_namespace, validate
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.shapes import check_shape
from chaosd.sandbox.targets import Target

_CONDITIONAL_ONLY = frozenset({"leases.coordination.k8s.io", "poddisruptionbudgets.policy"})
_KEPT_META = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
)


def read_object(cluster: Cluster, target: Target) -> Json:
    """The object a target names. Raises the 404."""
    item = cluster.get(target.resource.id, target.scope, target.name)
    if item is None:
        raise not_found(target.resource, target.name)
    return item


def create_object(cluster: Cluster, target: Target, item: Json, *, dry_run: bool) -> Json:
    """Store a new object and return it."""
    resource = target.resource
    if resource.namespaced and target.namespace is None:
        raise method_not_allowed()
    item = _read_in(resource, item)
    check_identity(resource, item, target.scope, "")
    meta = item["metadata"]
    if meta.get("resourceVersion"):
        raise ApiError(500, "", "resourceVersion should not be set on objects to be created")
    if resource.namespaced:
        _require_namespace(cluster, target)
    if not meta.get("name") and meta.get("generateName"):
        meta["name"] = meta["generateName"] + cluster.suffix()
    for field in ("deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
        meta.pop(field, None)
    meta["uid"] = cluster.new_uid()
    meta["creationTimestamp"] = stamp(cluster.now())
    if resource.status and resource.id != "nodes":
        item.pop("status", None)
    if resource.status and resource.generation:
        meta["generation"] = 1
    default(resource, item)
    validate(resource, item)
    if cluster.get(resource.id, target.scope, meta["name"]) is not None:
        raise already_exists(resource, meta["name"])
    stored = _bare(item)
    return stored if dry_run else cluster.add(resource.id, stored)


def _require_namespace(cluster: Cluster, target: Target) -> None:
    namespace = cluster.get("namespaces", "", target.scope)
    if namespace is None:
        raise missing_namespace(target.scope)
    if is_deleting(namespace):
        raise forbidden(
            target.resource,
            target.name,
            f"unable to create new content in namespace {target.scope} because it is being "
            "terminated",
        )


def update_object(
    cluster: Cluster, target: Target, item: Json, *, dry_run: bool
) -> tuple[Json, bool]:
    """Replace an object, or its status; the stored object and whether it was created."""
    resource = target.resource
    item = _read_in(resource, item)
    check_identity(resource, item, target.scope, target.name)
    existing = cluster.get(resource.id, target.scope, target.name)
    uid = item["metadata"].get("uid")
    if existing is None:
        if not resource.create_on_update or target.subresource:
            raise not_found(resource, target.name)
        if uid:
            raise _uid_conflict(resource, target.name, uid, "")
        item["metadata"].pop("resourceVersion", None)
        return create_object(cluster, target, item, dry_run=dry_run), True
    # To a PUT the UID is a precondition, which is looked at before anything else.
    if uid and uid != existing["metadata"]["uid"]:
        raise _uid_conflict(resource, target.name, uid, existing["metadata"]["uid"])
    _check_version(resource, existing, item)
    return _replace(cluster, target, existing, item, dry_run=dry_run), False


def _check_version(resource: Resource, existing: Json, item: Json) -> None:
    """Raises the 409 of a resourceVersion that is not the stored object's."""
    name, version = existing["metadata"]["name"], item["metadata"].get("resourceVersion")
    if not version and (resource.custom or resource.id in _CONDITIONAL_ONLY):
        why = "Invalid value: 0: must be specified for an update"
        causes = [("FieldValueInvalid", "metadata.resourceVersion", why)]
        raise invalid(resource, name, causes, kind=resource.plural)
    if version and version != existing["metadata"]["resourceVersion"]:
        raise conflict(resource, name, MODIFIED)


def _check_uid(resource: Resource, existing: Json, patched: Json) -> None:
    """Raises the 422 of a patch that names another UID: to a patch it is a field like others."""
    meta = existing["metadata"]
    wanted = patched["metadata"].get("uid")
    if wanted and wanted != meta["uid"]:
        why = f'Invalid value: "{wanted}": field is immutable'
        raise invalid(resource, meta["name"], [("FieldValueInvalid", "metadata.uid", why)])


def _uid_conflict(resource: Resource, name: str, wanted: str, found: str) -> ApiError:
    key = f"/registry/{resource.plural}"
    why = (
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, "
        f"AdditionalErrorMsg: Precondition failed: UID in precondition: {wanted}, UID in object "
        f"meta: {found}"
    )
    return conflict(resource, name, why)


def _replace(
    cluster: Cluster, target: Target, existing: Json, item: Json, *, dry_run: bool
) -> Json:
    resource = target.resource
    item = _bare(item)
    meta = item["metadata"]
    for field in _KEPT_META:
        meta.pop(field, None)
        if field in existing["metadata"]:
            meta[field] = existing["metadata"][field]
    meta["resourceVersion"] = existing["metadata"]["resourceVersion"]
    if target.subresource == "status":
        meta["labels"] = existing["metadata"].get("labels")
        if meta["labels"] is None:
            del meta["labels"]
        item = {**existing, "metadata": meta, "status": item.get("status", {})}
    else:
        if resource.status:
            item.pop("status", None)
            if "status" in existing:
                item["status"] = existing["status"]
        default(resource, item)
        _raise_generation(resource, existing, item)
    validate(resource, item)
    if dry_run:
        return item
    stored = cluster.put(resource.id, item)
    finish_if_released(cluster, resource, stored)
    return stored


def _raise_generation(resource: Resource, existing: Json, item: Json) -> None:
    if "generation" not in existing["metadata"]:
        return
    changed = item.get("spec") != existing.get("spec")
    if resource.id == "deployments.apps":
        # Its annotations are copied to its ReplicaSets, so they count as part of the spec.
        was = existing["metadata"].get("annotations") or {}
        changed = changed or (item["metadata"].get("annotations") or {}) != was
    if changed:
        item["metadata"]["generation"] = existing["metadata"]["generation"] + 1


def patch_object(
    cluster: Cluster, target: Target, media_type: str, patch: Any, *, dry_run: bool
) -> Json:
    """Patch an object or its status and return what is stored."""
    resource = target.resource
    kinds = [JSON_PATCH, MERGE_PATCH] + ([] if resource.custom else [STRATEGIC_PATCH])
    if media_type not in kinds:
        message = "415: Unsupported Media Type"
        raise ApiError(415, "UnsupportedMediaType", message, details={})
    existing = read_object(cluster, target)
    patched = patch_or_refuse(media_type, with_kind(resource, thaw(existing)), patch)
    patched = _read_in(resource, patched)
    try:
        check_shape(resource, patched)
    except ApiError as error:
        raise ApiError(422, "Invalid", f' "" is invalid: patch: {error}', details={}) from error
    check_identity(resource, patched, target.scope, target.name)
    meta = patched["metadata"]
    if not meta.get("resourceVersion"):
        meta["resourceVersion"] = existing["metadata"]["resourceVersion"]
    _check_version(resource, existing, patched)
    _check_uid(resource, existing, patched)
    return _replace(cluster, target, existing, patched, dry_run=dry_run)


def patch_or_refuse(media_type: str, target: Json, patch: Any) -> Json:
    """The patched copy. Raises the 400 or 422 of a patch that can't be applied."""
    try:
        patched = apply_patch(media_type, target, patch)
    except PatchError as error:
        if error.applies:
            raise bad_request(str(error)) from error
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", message, details={}) from error
    patched["metadata"] = dict(patched.get("metadata") or {})
    return patched


def with_kind(resource: Resource, item: Json) -> Json:
    """The object as it leaves the API: with its kind and apiVersion in front."""
    return {"kind": resource.kind, "apiVersion": resource.api_version, **item}


def _read_in(resource: Resource, item: Json) -> Json:
    return item if resource.custom else without_nulls(item)


def _bare(item: Json) -> Json:
    return {name: value for name, value in item.items() if name not in ("kind", "apiVersion")}
