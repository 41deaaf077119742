"""Whether a workload is whole, by its own status: nothing of it may be under way or missing.

Rules of rest are those of ``kubectl rollout status``, for every kind.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status
"""

from __future__ import annotations

from chaosd.core.facts import WorkloadFacts
from chaosd.core.model import Code, Reason, Reasons


def whole_reasons(workload: WorkloadFacts) -> Reasons:
    """Every reason why ``workload`` is not whole, as far as its own object tells.

    A kind that does not say how many pods it desires (own kinds, CronJob) is judged by its pods.
    """
    if _plainly_whole(workload):
        return ()
    found = (
        (Code.TERMINATING, "it is being deleted" if workload.deleting else ""),
        (Code.FINISHED, _finished(workload)),
        (Code.TOO_FEW_REPLICAS, _nothing_wanted(workload)),
        (Code.STATUS_STALE, _stale(workload)),
        (Code.ROLLOUT, _rollout(workload)),
        (Code.NOT_ALL_READY, _missing(workload)),
    )
    return tuple([Reason(code, detail) for code, detail in found if detail])


def rolling_out(workload: WorkloadFacts) -> bool:
    """Whether pods of an older template are still to be replaced.

    A StatefulSet rests below its partition; one with ``OnDelete`` rests when all its pods are of
    the new revision, since a kill would update a pod.
    """
    updated, desired = workload.updated, workload.desired
    if updated is None or desired is None or updated >= desired - workload.partition:
        return False
    return not workload.update_revision or workload.current_revision != workload.update_revision


def nothing_wanted(workload: WorkloadFacts) -> bool:
    """Whether it desires no pod at all: scaled to zero, or a suspended Job.

    A suspended CronJob starts no new Job, but leaves the active ones alone.
    """
    return workload.desired == 0 or (workload.suspended and workload.key.kind != "CronJob")


def _plainly_whole(workload: WorkloadFacts) -> bool:
    """The short way for the many: every figure is the same, and nothing else is to be weighed."""
    desired = workload.desired
    return (
        workload.ready == desired == workload.replicas
        and bool(desired)
        and workload.updated in (None, desired)
        and workload.observed_generation in (None, workload.generation)
        and not (
            workload.deleting
            or workload.min_ready_seconds
            or workload.finished
            or workload.suspended
        )
    )


def _finished(workload: WorkloadFacts) -> str:
    if not workload.finished:
        return ""
    return "no Job of it is active" if workload.key.kind == "CronJob" else "it has finished"


def _nothing_wanted(workload: WorkloadFacts) -> str:
    if workload.finished or not nothing_wanted(workload):
        return ""
    return "it is suspended" if workload.suspended else "it is scaled to zero"


def _stale(workload: WorkloadFacts) -> str:
    seen, now = workload.observed_generation, workload.generation
    if seen is None or seen == now:
        return ""
    return f"its status is of generation {seen}, its spec of {now}"


def _rollout(workload: WorkloadFacts) -> str:
    if rolling_out(workload):
        return f"{workload.updated} of {workload.desired} replicas are updated"
    replicas, desired = workload.replicas, workload.desired
    if replicas is not None and desired is not None and replicas > desired:
        return f"{replicas} pods where {desired} are desired"
    return ""


def _missing(workload: WorkloadFacts) -> str:
    ready, desired, available = workload.ready, workload.desired, workload.available
    if ready is None or desired is None:
        return ""
    if ready < desired:
        return f"{ready} of {desired} replicas Ready"
    if workload.min_ready_seconds and available is not None and available < desired:
        return (
            f"{available} of {desired} replicas Ready for {workload.min_ready_seconds} s"
            " (minReadySeconds)"
        )
    return ""
