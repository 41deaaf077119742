"""The Job controller: pods until enough have succeeded, or too many have failed."""

from __future__ import annotations

from datetime import datetime

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers.pods import TRACKING, delete_pod, make_pod
from chaosd.sandbox.deletes import finish_if_released
from chaosd.sandbox.objects import (
    Json,
    condition_is,
    for_status,
    is_active,
    is_deleting,
    is_finished,
    is_ready,
    set_condition,
    stamp,
    thaw,
    without_empty,
)

JOBS = "jobs.batch"


def reconcile(cluster: Cluster, job: Json, now: datetime) -> datetime | None:
    """Count finished pods, make new ones, write the status."""
    if is_deleting(job) or job["spec"].get("suspend"):
        return None
    copy = for_status(job)
    status = copy["status"]
    status.setdefault("startTime", stamp(now))
    _count(cluster, job, status)
    if not is_done(copy):
        _conclude(copy, now)
    uid = job["metadata"]["uid"]
    active = [pod for pod in cluster.dependents_of(uid, "pods") if is_active(pod)]
    if is_done(copy):
        for pod in active:
            delete_pod(cluster, pod)
        active = []
    else:
        active += _make_missing(cluster, job, status, len(active))
    status["active"] = len(active)
    status["ready"] = sum(1 for pod in active if is_ready(pod))
    copy["status"] = {**without_empty(status), "ready": status["ready"]}
    cluster.put(JOBS, copy)
    return None


def is_done(job: Json) -> bool:
    """Whether a Job is complete or has failed for good."""
    return condition_is(job, "Complete") or condition_is(job, "Failed")


def _count(cluster: Cluster, job: Json, status: Json) -> None:
    for pod in cluster.dependents_of(job["metadata"]["uid"], "pods"):
        finalizers = pod["metadata"].get("finalizers") or []
        if TRACKING not in finalizers or not is_finished(pod):
            continue
        field = "succeeded" if pod["status"]["phase"] == "Succeeded" else "failed"
        status[field] = status.get(field, 0) + 1
        released = thaw(pod)
        released["metadata"]["finalizers"] = [one for one in finalizers if one != TRACKING]
        if not released["metadata"]["finalizers"]:
            del released["metadata"]["finalizers"]
        stored = cluster.put("pods", released)
        finish_if_released(cluster, cluster.resources["pods"], stored)


def _conclude(job: Json, now: datetime) -> None:
    spec, status = job["spec"], job["status"]
    if status.get("succeeded", 0) >= spec.get("completions", 1):
        status["completionTime"] = stamp(now)
        for kind in ("SuccessCriteriaMet", "Complete"):
            reason = "CompletionsReached"
            message = "Reached expected number of succeeded pods"
            set_condition(job, kind, "True", now, reason=reason, message=message)
    elif status.get("failed", 0) > spec.get("backoffLimit", 6):
        for kind in ("FailureTarget", "Failed"):
            reason = "BackoffLimitExceeded"
            message = "Job has reached the specified backoff limit"
            set_condition(job, kind, "True", now, reason=reason, message=message)


def _make_missing(cluster: Cluster, job: Json, status: Json, active: int) -> list[Json]:
    spec = job["spec"]
    left = spec.get("completions", 1) - status.get("succeeded", 0)
    wanted = min(spec.get("parallelism", 1), left) - active
    name = job["metadata"]["name"]
    labels = {
        "batch.kubernetes.io/job-name": name,
        "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
        "job-name": name,
        "controller-uid": job["metadata"]["uid"],
    }
    return [
        make_pod(cluster, cluster.resources[JOBS], job, labels=labels, finalizers=[TRACKING])
        for _ in range(wanted)
    ]
