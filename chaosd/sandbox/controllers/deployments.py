"""The Deployment controller: ReplicaSets per template, rolling updates, status."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers.pods import template_hash
from chaosd.sandbox.objects import (
    Json,
    annotations_of,
    int_or_percent,
    is_deleting,
    owner_reference,
    set_condition,
    stamp,
    thaw,
    without_empty,
)

DEPLOYMENTS = "deployments.apps"
REPLICA_SETS = "replicasets.apps"
HASH_LABEL = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"


def reconcile(cluster: Cluster, deployment: Json, now: datetime) -> datetime | None:
    """Own one ReplicaSet per template, move replicas to the newest, write the status."""
    if is_deleting(deployment):
        return None
    uid = deployment["metadata"]["uid"]
    name = template_hash(deployment["spec"]["template"])
    old = cluster.dependents_of(uid, REPLICA_SETS)
    current = next((one for one in old if _hash_of(one) == name), None)
    others = [one for one in old if _hash_of(one) != name]
    if current is None:
        if deployment["spec"].get("paused"):
            _write_status(cluster, deployment, None, others, now)
            return None
        current = _new_replica_set(cluster, deployment, name, others)
    current = _promote(cluster, current, others)
    current = _scale(cluster, deployment, current, others)
    others = [one for one in cluster.dependents_of(uid, REPLICA_SETS) if _hash_of(one) != name]
    _write_status(cluster, deployment, current, others, now)
    return None


def _hash_of(replica_set: Json) -> str:
    return str((replica_set["metadata"].get("labels") or {}).get(HASH_LABEL, ""))


def _new_replica_set(cluster: Cluster, deployment: Json, name: str, others: list[Json]) -> Json:
    meta, spec = deployment["metadata"], deployment["spec"]
    template = thaw(spec["template"])
    labels = template.setdefault("metadata", {}).setdefault("labels", {})
    labels[HASH_LABEL] = name
    selector = thaw(spec["selector"])
    selector.setdefault("matchLabels", {})[HASH_LABEL] = name
    annotations = {
        key: value
        for key, value in annotations_of(deployment).items()
        if key != "kubectl.kubernetes.io/last-applied-configuration"
    }
    annotations[REVISION] = str(_last_revision(others) + 1)
    replica_spec: Json = {"replicas": 0, "selector": selector, "template": template}
    if spec.get("minReadySeconds"):
        replica_spec["minReadySeconds"] = spec["minReadySeconds"]
    return cluster.add(
        REPLICA_SETS,
        {
            "metadata": {
                "name": f"{meta['name']}-{name}",
                "namespace": meta["namespace"],
                "labels": dict(labels),
                "annotations": annotations,
                "generation": 1,
                "ownerReferences": [owner_reference("apps/v1", "Deployment", deployment)],
            },
            "spec": replica_spec,
            "status": {"replicas": 0},
        },
    )


def _last_revision(replica_sets: list[Json]) -> int:
    found = (annotations_of(one).get(REVISION, "0") for one in replica_sets)
    return max((int(text) for text in found if text.isdecimal()), default=0)


def _promote(cluster: Cluster, current: Json, others: list[Json]) -> Json:
    """An old template that is rolled back to becomes the newest revision."""
    last = _last_revision(others)
    if _last_revision([current]) > last:
        return current
    annotations = {**annotations_of(current), REVISION: str(last + 1)}
    metadata = {**current["metadata"], "annotations": annotations}
    return cluster.put(REPLICA_SETS, {**current, "metadata": metadata})


def _scale(cluster: Cluster, deployment: Json, current: Json, others: list[Json]) -> Json:
    """One step of the rollout; the current ReplicaSet afterwards."""
    spec = deployment["spec"]
    wanted = spec.get("replicas", 1)
    surge, unavailable = _bounds(spec, wanted)
    old_total = sum(one["spec"].get("replicas", 0) for one in others)
    now_has = current["spec"].get("replicas", 0)
    if old_total == 0:
        target = wanted
    elif (spec.get("strategy") or {}).get("type") == "Recreate":
        _shrink(cluster, others, old_total)
        gone = all((one.get("status") or {}).get("replicas", 0) == 0 for one in others)
        target = wanted if gone else now_has
    else:
        target = max(now_has, min(wanted, wanted + surge - old_total))
        target = min(target, wanted)
        _shrink_old(cluster, current, others, wanted - unavailable)
    if target != now_has:
        return _resize(cluster, current, target)
    return current


def _bounds(spec: Json, wanted: int) -> tuple[int, int]:
    """maxSurge and maxUnavailable as numbers; never both 0."""
    rolling: dict[str, Any] = (spec.get("strategy") or {}).get("rollingUpdate") or {}
    surge = int_or_percent(rolling.get("maxSurge", "25%"), wanted, round_up=True)
    unavailable = int_or_percent(rolling.get("maxUnavailable", "25%"), wanted, round_up=False)
    return (surge, unavailable) if surge or unavailable else (surge, 1)


def _shrink_old(cluster: Cluster, current: Json, others: list[Json], floor: int) -> None:
    """Take away old replicas as far as `floor` of all stay available; unhealthy ones first."""
    total = sum(one["spec"].get("replicas", 0) for one in [current, *others])
    new_missing = current["spec"].get("replicas", 0) - _available(current)
    spare = total - floor - new_missing
    for one in others:
        broken = one["spec"].get("replicas", 0) - _available(one)
        taken = max(0, min(spare, broken))
        if taken:
            _resize(cluster, one, one["spec"]["replicas"] - taken)
    fresh = [cluster.get(REPLICA_SETS, *_key(one)) or one for one in others]
    available = _available(current) + sum(_available(one) for one in fresh)
    _shrink(cluster, fresh, available - floor)


def _shrink(cluster: Cluster, replica_sets: list[Json], by: int) -> None:
    for one in replica_sets:
        has = one["spec"].get("replicas", 0)
        taken = max(0, min(by, has))
        if taken:
            _resize(cluster, one, has - taken)
            by -= taken


def _available(replica_set: Json) -> int:
    status = replica_set.get("status") or {}
    return int(min(status.get("availableReplicas", 0), replica_set["spec"].get("replicas", 0)))


def _resize(cluster: Cluster, replica_set: Json, replicas: int) -> Json:
    copy = thaw(replica_set)
    copy["spec"]["replicas"] = replicas
    copy["metadata"]["generation"] = copy["metadata"].get("generation", 0) + 1
    return cluster.put(REPLICA_SETS, copy)


def _key(item: Json) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _write_status(
    cluster: Cluster,
    deployment: Json,
    current: Json | None,
    others: list[Json],
    now: datetime,
) -> None:
    everything = [*others, *([current] if current else [])]

    def total(field: str) -> int:
        return sum((one.get("status") or {}).get(field, 0) for one in everything)

    wanted = deployment["spec"].get("replicas", 1)
    updated = (current.get("status") or {}).get("replicas", 0) if current else 0
    replicas, available = total("replicas"), total("availableReplicas")
    copy = {**deployment}
    conditions = (deployment.get("status") or {}).get("conditions")
    copy["status"] = without_empty(
        {
            "observedGeneration": deployment["metadata"].get("generation", 1),
            "replicas": replicas,
            "updatedReplicas": updated,
            "readyReplicas": total("readyReplicas"),
            "availableReplicas": available,
            "unavailableReplicas": max(0, max(replicas, wanted) - available),
        }
    )
    if conditions:
        copy["status"]["conditions"] = thaw(conditions)
    _set_conditions(copy, current, wanted, updated, replicas, available, now)
    if current:
        revision = {REVISION: annotations_of(current).get(REVISION)}
        annotations = {**annotations_of(deployment), **revision}
        copy["metadata"] = {**deployment["metadata"], "annotations": annotations}
    cluster.put(DEPLOYMENTS, copy)


def _set_conditions(
    deployment: Json,
    current: Json | None,
    wanted: int,
    updated: int,
    replicas: int,
    available: int,
    now: datetime,
) -> None:
    _, unavailable = _bounds(deployment["spec"], wanted)
    enough = available >= wanted - unavailable
    what = "has" if enough else "does not have"
    _condition(
        deployment,
        "Available",
        "True" if enough else "False",
        "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        f"Deployment {what} minimum availability.",
        now,
    )
    if current is None:
        return
    name = current["metadata"]["name"]
    done = updated == wanted == replicas == available
    reason = "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"
    message = (
        f'ReplicaSet "{name}" has successfully progressed.'
        if done
        else f'ReplicaSet "{name}" is progressing.'
    )
    known = {one["type"]: one for one in deployment["status"].get("conditions") or ()}.get(
        "Progressing", {}
    )
    if not done and known.get("reason") == "NewReplicaSetAvailable" and updated == replicas:
        # A complete rollout stays complete when pods are merely replaced.
        return
    _condition(deployment, "Progressing", "True", reason, message, now)


def _condition(
    item: Json, kind: str, status: str, reason: str, message: str, now: datetime
) -> None:
    known = {one["type"]: one for one in item["status"].get("conditions") or ()}.get(kind, {})
    same = (known.get("status"), known.get("reason")) == (status, reason)
    updated = known.get("lastUpdateTime") if same else stamp(now)
    set_condition(item, kind, status, now, reason=reason, message=message, lastUpdateTime=updated)
