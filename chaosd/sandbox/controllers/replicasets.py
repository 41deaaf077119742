"""The ReplicaSet controller."""

from __future__ import annotations

from datetime import datetime

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers.pods import delete_pod, make_pod
from chaosd.sandbox.objects import (
    Json,
    is_active,
    is_deleting,
    is_ready,
    split_available,
    without_empty,
)

REPLICA_SETS = "replicasets.apps"


def reconcile(cluster: Cluster, replica_set: Json, now: datetime) -> datetime | None:
    """Bring the number of active pods to what is asked, and write the status."""
    if is_deleting(replica_set):
        return None
    uid = replica_set["metadata"]["uid"]
    wanted = replica_set["spec"].get("replicas", 1)
    active = [pod for pod in cluster.dependents_of(uid, "pods") if is_active(pod)]
    for _ in range(wanted - len(active)):
        make_pod(cluster, cluster.resources[REPLICA_SETS], replica_set)
    if len(active) > wanted:
        for pod in sorted(active, key=_worth)[: len(active) - wanted]:
            delete_pod(cluster, pod)
    active = [pod for pod in cluster.dependents_of(uid, "pods") if is_active(pod)]
    return _write_status(cluster, replica_set, active, now)


def _worth(pod: Json) -> tuple[bool, bool, bool, str, str]:
    """Which pods go first when there are too many: unassigned, not running, unready, youngest."""
    born = pod["metadata"]["creationTimestamp"]
    youngest_first = "".join(chr(0x7F - ord(letter)) for letter in born)
    running = (pod.get("status") or {}).get("phase") == "Running"
    assigned = bool(pod["spec"].get("nodeName"))
    return assigned, running, is_ready(pod), youngest_first, pod["metadata"]["name"]


def _write_status(
    cluster: Cluster, replica_set: Json, active: list[Json], now: datetime
) -> datetime | None:
    ready = [pod for pod in active if is_ready(pod)]
    min_ready = replica_set["spec"].get("minReadySeconds", 0)
    available, soonest = split_available(ready, min_ready, now)
    copy = {**replica_set}
    copy["status"] = {
        "replicas": len(active),
        **without_empty(
            {
                "fullyLabeledReplicas": len(active),
                "readyReplicas": len(ready),
                "availableReplicas": len(available),
                "observedGeneration": replica_set["metadata"].get("generation", 1),
            }
        ),
    }
    cluster.put(REPLICA_SETS, copy)
    return soonest
