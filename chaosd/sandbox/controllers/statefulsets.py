"""The StatefulSet controller: ordered names, one at a time unless Parallel."""

from __future__ import annotations

from datetime import datetime

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers.pods import delete_pod, make_pod, template_hash
from chaosd.sandbox.objects import (
    Json,
    available_at,
    is_deleting,
    is_finished,
    is_ready,
    labels_of,
    split_available,
    without_empty,
)
from chaosd.sandbox.volumes import claimed_volumes

STATEFUL_SETS = "statefulsets.apps"
REVISION_LABEL = "controller-revision-hash"


def reconcile(cluster: Cluster, stateful_set: Json, now: datetime) -> datetime | None:
    """Make the first missing pod, take away the last superfluous or outdated one, write status."""
    if is_deleting(stateful_set):
        return None
    revision = f"{stateful_set['metadata']['name']}-{_revision(stateful_set)}"
    parallel = stateful_set["spec"].get("podManagementPolicy") == "Parallel"
    settled = _replace_missing(cluster, stateful_set, revision, parallel, now)
    if settled or parallel:
        settled = _scale_down(cluster, stateful_set, parallel) and settled
    if settled:
        _roll(cluster, stateful_set, revision)
    return _write_status(cluster, stateful_set, revision, now)


def _revision(stateful_set: Json) -> str:
    return template_hash(stateful_set["spec"]["template"], 9)


def _pods(cluster: Cluster, stateful_set: Json) -> dict[int, Json]:
    """The pods that stand, terminating ones too (their names are taken), by ordinal."""
    prefix = f"{stateful_set['metadata']['name']}-"
    found: dict[int, Json] = {}
    for pod in cluster.dependents_of(stateful_set["metadata"]["uid"], "pods"):
        ordinal = pod["metadata"]["name"].removeprefix(prefix)
        if ordinal.isdigit():
            found[int(ordinal)] = pod
    return dict(sorted(found.items()))


def _replace_missing(
    cluster: Cluster, stateful_set: Json, revision: str, parallel: bool, now: datetime
) -> bool:
    """Make pods up to the wanted number; whether all of them stand, available."""
    pods = _pods(cluster, stateful_set)
    min_ready = stateful_set["spec"].get("minReadySeconds", 0)
    name = stateful_set["metadata"]["name"]
    settled = True
    for ordinal in range(stateful_set["spec"].get("replicas", 1)):
        pod = pods.get(ordinal)
        if pod is not None and is_finished(pod) and not is_deleting(pod):
            delete_pod(cluster, pod)
            pod = cluster.get("pods", pod["metadata"]["namespace"], pod["metadata"]["name"])
        if pod is None:
            pod_name = f"{name}-{ordinal}"
            pod = make_pod(
                cluster,
                cluster.resources[STATEFUL_SETS],
                stateful_set,
                name=pod_name,
                labels={
                    REVISION_LABEL: revision,
                    "statefulset.kubernetes.io/pod-name": pod_name,
                    "apps.kubernetes.io/pod-index": str(ordinal),
                },
                spec=_own_spec(cluster, stateful_set, pod_name),
            )
        at = available_at(pod, min_ready)
        if is_deleting(pod) or at is None or at > now:
            settled = False
            if not parallel:
                break
    return settled


def _own_spec(cluster: Cluster, stateful_set: Json, pod_name: str) -> Json:
    """What one pod's spec has besides its template's: its name, and volumes of its own."""
    own: Json = {"hostname": pod_name}
    claimed = claimed_volumes(cluster, stateful_set, pod_name)
    if claimed:
        names = {volume["name"] for volume in claimed}
        shared = stateful_set["spec"]["template"]["spec"].get("volumes") or ()
        own["volumes"] = [*(one for one in shared if one["name"] not in names), *claimed]
    return own


def _scale_down(cluster: Cluster, stateful_set: Json, parallel: bool) -> bool:
    """Take away pods above the wanted number, highest first; whether none was left to take."""
    wanted = stateful_set["spec"].get("replicas", 1)
    superfluous = [pod for at, pod in _pods(cluster, stateful_set).items() if at >= wanted]
    for pod in reversed(superfluous):
        if not is_deleting(pod):
            delete_pod(cluster, pod)
        if not parallel:
            break
    return not superfluous


def _roll(cluster: Cluster, stateful_set: Json, revision: str) -> None:
    """Delete the highest pod of an old template; the next round makes it anew."""
    strategy = stateful_set["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return
    partition = (strategy.get("rollingUpdate") or {}).get("partition", 0)
    pods = _pods(cluster, stateful_set)
    for ordinal in sorted(pods, reverse=True):
        old = labels_of(pods[ordinal]).get(REVISION_LABEL) != revision
        if ordinal >= partition and old:
            delete_pod(cluster, pods[ordinal])
            return


def _write_status(
    cluster: Cluster, stateful_set: Json, revision: str, now: datetime
) -> datetime | None:
    pods = list(_pods(cluster, stateful_set).values())
    standing = [pod for pod in pods if not is_deleting(pod)]
    min_ready = stateful_set["spec"].get("minReadySeconds", 0)
    available, soonest = split_available(standing, min_ready, now)
    updated = [pod for pod in standing if labels_of(pod).get(REVISION_LABEL) == revision]
    current = (stateful_set.get("status") or {}).get("currentRevision") or revision
    wanted = stateful_set["spec"].get("replicas", 1)
    if len(updated) == len(pods) == wanted and all(is_ready(pod) for pod in updated):
        current = revision
    on_current = [pod for pod in standing if labels_of(pod).get(REVISION_LABEL) == current]
    copy = {**stateful_set}
    copy["status"] = {
        "replicas": len(pods),
        "availableReplicas": len(available),
        **without_empty(
            {
                "observedGeneration": stateful_set["metadata"].get("generation", 1),
                "readyReplicas": sum(1 for pod in standing if is_ready(pod)),
                "currentReplicas": len(on_current),
                "updatedReplicas": len(updated),
                "currentRevision": current,
                "updateRevision": revision,
            }
        ),
        "collisionCount": 0,
    }
    cluster.put(STATEFUL_SETS, copy)
    return soonest
