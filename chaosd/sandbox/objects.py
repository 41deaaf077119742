"""Kubernetes objects as plain dicts, and the questions that everybody asks of them.

Stored objects are never changed in place: whoever wants another object copies one with `thaw`,
changes the copy, and puts it into the cluster. That makes snapshots and watch history free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias, TypeVar, cast

Json: TypeAlias = dict[str, Any]
"""A JSON object."""

Key: TypeAlias = tuple[str, str]
"""Namespace ("" for cluster-scoped kinds) and name."""

T = TypeVar("T")


def thaw(value: T) -> T:
    """A deep copy of a JSON value (several times faster than copy.deepcopy)."""
    return cast("T", _copy(value))


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {name: _copy(item) for name, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return value


def for_status(item: Json) -> Json:
    """A copy whose status alone may be changed in place: cheap, however heavy the object is."""
    return {**item, "status": thaw(item.get("status") or {})}


def without_nulls(value: T) -> T:
    """A copy without the keys whose value is null: the API server takes those as not set."""
    return cast("T", _pruned(value))


def _pruned(value: Any) -> Any:
    if type(value) is dict:
        return {name: _pruned(item) for name, item in value.items() if item is not None}
    if type(value) is list:
        return [_pruned(item) for item in value]
    return value


def stamp(when: datetime) -> str:
    """RFC 3339 in UTC with whole seconds, as metav1.Time is written."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """The time of a metav1.Time or MicroTime."""
    return datetime.fromisoformat(text).astimezone(UTC)


def key_of(item: Json) -> Key:
    """Where an object lives."""
    meta = item["metadata"]
    return meta.get("namespace", ""), meta["name"]


def labels_of(item: Json) -> dict[str, str]:
    """Its labels, {} where there are none."""
    return item["metadata"].get("labels") or {}


def annotations_of(item: Json) -> dict[str, str]:
    """Its annotations, {} where there are none."""
    return item["metadata"].get("annotations") or {}


def is_deleting(item: Json) -> bool:
    """Whether it has a deletionTimestamp."""
    return "deletionTimestamp" in item["metadata"]


def controller_of(item: Json) -> Json | None:
    """The owner reference with `controller: true`, if any."""
    for owner in item["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            return dict(owner)
    return None


def owner_reference(api_version: str, kind: str, owner: Json) -> Json:
    """A controller's reference to `owner`."""
    meta = owner["metadata"]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def find_condition(item: Json, kind: str) -> Json | None:
    """The condition of that type in its status."""
    for condition in (item.get("status") or {}).get("conditions") or ():
        if condition.get("type") == kind:
            return dict(condition)
    return None


def condition_is(item: Json, kind: str, status: str = "True") -> bool:
    """Whether the condition of that type has that status; a missing one has none."""
    found = find_condition(item, kind)
    return found is not None and found.get("status") == status


def set_condition(item: Json, kind: str, status: str, now: datetime, **fields: Any) -> None:
    """Set a condition in place, moving lastTransitionTime only when its status changes.

    `fields` are reason, message, lastUpdateTime and the like; None leaves one out.
    """
    conditions = item.setdefault("status", {}).setdefault("conditions", [])
    for condition in conditions:
        if condition.get("type") == kind:
            break
    else:
        condition = {"type": kind}
        conditions.append(condition)
    if condition.get("status") != status:
        condition["lastTransitionTime"] = stamp(now)
    condition["status"] = status
    for name, value in fields.items():
        if value is None:
            condition.pop(name, None)
        else:
            condition[name] = value


def is_finished(pod: Json) -> bool:
    """Whether a pod is in a phase that it does not leave."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def is_active(pod: Json) -> bool:
    """Whether a controller counts this pod: neither finished nor being deleted."""
    return not is_finished(pod) and not is_deleting(pod)


def is_ready(item: Json) -> bool:
    """Whether a pod or node has the condition Ready=True."""
    return condition_is(item, "Ready")


def ready_since(pod: Json) -> datetime | None:
    """When a pod became Ready, None if it is not."""
    found = find_condition(pod, "Ready")
    if found is None or found.get("status") != "True":
        return None
    return parse_time(found["lastTransitionTime"])


def available_at(pod: Json, min_ready_seconds: int) -> datetime | None:
    """When a Ready pod counts as available; None if it is not Ready."""
    since = ready_since(pod)
    return None if since is None else since + timedelta(seconds=min_ready_seconds)


def split_available(
    pods: Iterable[Json], min_ready_seconds: int, now: datetime
) -> tuple[list[Json], datetime | None]:
    """The available pods, and when the next Ready pod becomes available (None: none will)."""
    available: list[Json] = []
    soonest: datetime | None = None
    for pod in pods:
        at = available_at(pod, min_ready_seconds)
        if at is None:
            continue
        if at <= now:
            available.append(pod)
        elif soonest is None or at < soonest:
            soonest = at
    return available, soonest


def int_or_percent(value: int | str, total: int, *, round_up: bool) -> int:
    """An IntOrString against a total, as intstr.GetScaledValueFromIntOrPercent computes it.

    Raises ValueError for a string that is no percentage.
    """
    if isinstance(value, int):
        return value
    if not value.endswith("%") or not value[:-1].isdigit():
        raise ValueError("invalid value for IntOrString: invalid type: string is not a percentage")
    share = int(value[:-1]) * total / 100
    return math.ceil(share) if round_up else math.floor(share)


def without_empty(item: Json) -> Json:
    """The object without keys whose value is 0, "", None or empty, as Go's omitempty writes it."""
    return {name: value for name, value in item.items() if value not in (0, "", None, [], {})}
