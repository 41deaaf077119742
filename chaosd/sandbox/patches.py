"""The three patch formats of the API server: JSON merge, JSON patch, strategic merge.

RFC 7386, RFC 6902, and
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
with the merge keys of the fields that the served kinds have.
"""

from __future__ import annotations

from typing import Any

from chaosd.sandbox.objects import Json, thaw

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"

MERGE_KEYS = {
    "addresses": "type",
    "conditions": "type",
    "containers": "name",
    "env": "name",
    "ephemeralContainers": "name",
    "hostAliases": "ip",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "ownerReferences": "uid",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
MERGED_SETS = frozenset({"finalizers"})
_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


class PatchError(ValueError):
    """A patch that can't be read (400), or one that does not apply (`applies` False: 422)."""

    def __init__(self, message: str, *, applies: bool = True) -> None:
        super().__init__(message)
        self.applies = applies


def apply_patch(kind: str, target: Json, patch: Any) -> Json:
    """The patched copy of `target`. `kind` is one of the three media types."""
    if kind == JSON_PATCH:
        return json_patch(target, patch)
    if not isinstance(patch, dict):
        raise PatchError("the patch must be a JSON object")
    merged = strategic_merge(target, patch) if kind == STRATEGIC_PATCH else merge(target, patch)
    return dict(merged)


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge(merged.get(name), value)
    return merged


def strategic_merge(target: Any, patch: Json) -> Json:
    """A strategic merge of two objects."""
    directive = patch.get("$patch")
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != "$patch"}
    if directive == "delete":
        return {}
    merged: Json = dict(target) if isinstance(target, dict) else {}
    if "$retainKeys" in patch:
        merged = {name: value for name, value in merged.items() if name in patch["$retainKeys"]}
    for name, value in patch.items():
        if name.startswith(_DELETE_FROM):
            field = name.removeprefix(_DELETE_FROM)
            merged[field] = [item for item in merged.get(field) or () if item not in value]
    for name, value in patch.items():
        if name.startswith("$"):
            continue
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = strategic_merge(merged.get(name), value)
        elif isinstance(value, list):
            order = patch.get(_ORDER + name)
            merged[name] = _merge_lists(name, merged.get(name) or [], value, order)
        else:
            merged[name] = value
    return merged


def _merge_lists(name: str, target: list[Any], patch: list[Any], order: Any) -> list[Any]:
    if name in MERGED_SETS:
        return list(dict.fromkeys([*target, *patch]))
    merge_key = MERGE_KEYS.get(name)
    if merge_key is None or not all(isinstance(item, dict) for item in patch):
        return patch
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    merged = list(target)
    for item in patch:
        if merge_key not in item:
            raise PatchError(f"map: {item} does not contain declared merge key: {merge_key}")
        at = _index_of(merged, merge_key, item[merge_key])
        if item.get("$patch") == "delete":
            if at is not None:
                del merged[at]
        elif at is None:
            merged.append(strategic_merge({}, item))
        else:
            merged[at] = strategic_merge(merged[at], item)
    if isinstance(order, list):
        ranks = {str(entry.get(merge_key)): rank for rank, entry in enumerate(order)}
        merged.sort(key=lambda entry: ranks.get(str(entry.get(merge_key)), len(ranks)))
    return merged


def _index_of(items: list[Any], merge_key: str, value: Any) -> int | None:
    for at, item in enumerate(items):
        if isinstance(item, dict) and item.get(merge_key) == value:
            return at
    return None


def json_patch(target: Json, operations: Any) -> Json:
    """RFC 6902."""
    if not isinstance(operations, list):
        raise PatchError("a JSON patch must be a list of operations")
    document: Any = thaw(target)
    for operation in operations:
        try:
            document = _operate(document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError) as error:
            if isinstance(error, PatchError):
                raise
            raise PatchError(f"{operation} does not apply: {error}", applies=False) from error
    return dict(document)


def _operate(document: Any, operation: Json) -> Any:
    op, path = operation["op"], operation["path"]
    if op == "test":
        if _read(document, path) != operation.get("value"):
            raise PatchError(f"testing value {path} failed", applies=False)
        return document
    if op in ("move", "copy"):
        value = thaw(_read(document, operation["from"]))
        if op == "move":
            document = _write(document, operation["from"], None, "remove")
        return _write(document, path, value, "add")
    if op not in ("add", "remove", "replace"):
        raise PatchError(f"unknown operation {op!r}")
    return _write(document, path, thaw(operation.get("value")), op)


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise PatchError(f"{path!r} is no JSON pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _read(document: Any, path: str) -> Any:
    for part in _parts(path):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def _write(document: Any, path: str, value: Any, op: str) -> Any:
    parts = _parts(path)
    if not parts:
        return value
    parent = document
    for part in parts[:-1]:
        parent = parent[int(part)] if isinstance(parent, list) else parent[part]
    last = parts[-1]
    if isinstance(parent, list):
        at = len(parent) if last == "-" else int(last)
        if op == "add":
            parent.insert(at, value)
        elif op == "remove":
            del parent[at]
        else:
            parent[at] = value
    elif op == "add":
        parent[last] = value
    else:
        parent[last]  # must exist
        if op == "remove":
            del parent[last]
        else:
            parent[last] = value
    return document
