"""Whether a workload is whole again after one of its pods was struck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chaosd.core.facts import PodFacts, Recovery, WorkloadFacts
from chaosd.core.wholeness import nothing_wanted


def recovery(
    workload: WorkloadFacts | None,
    pods: Sequence[PodFacts],
    victim_uid: str,
    desired_then: int,
    now: datetime,
) -> Recovery:
    """How far ``workload`` is, by ``pods``, all that it owns (status lags).

    Whole: the victim is gone, and as many pods as are desired now are Ready for their
    minReadySeconds. Closed: nothing will come back, for the workload was deleted (None), is scaled
    to zero, is finished, or was a bare pod. ``desired_then`` stands in where the workload does not
    say what it desires.
    """
    least = timedelta(seconds=workload.min_ready_seconds if workload else 0)
    desired = workload.desired if workload else 0
    if desired is None:
        desired = desired_then
    ready = sum(_serves(pod, victim_uid, least, now) for pod in pods)
    victim = next((pod for pod in pods if pod.uid == victim_uid), None)
    if closing := _closing(workload, victim):
        return Recovery(whole=False, closed=True, ready=ready, desired=desired, detail=closing)
    spell = f" for {workload.min_ready_seconds} s" if workload and least else ""
    detail = f"{ready} of {desired} pods Ready{spell}"
    if victim is not None:
        state = "on its way out" if victim.deleting else "there"
        detail += f", {victim.name} is still {state}"
    whole = victim is None and ready >= desired
    return Recovery(whole=whole, ready=ready, desired=desired, detail=detail)


def _serves(pod: PodFacts, victim_uid: str, least: timedelta, now: datetime) -> bool:
    """Whether ``pod`` is Ready, has been for ``least``, and stays."""
    if pod.uid == victim_uid or pod.deleting or pod.finished or not pod.ready:
        return False
    return not least or (pod.ready_since is not None and now - pod.ready_since >= least)


def _closing(workload: WorkloadFacts | None, victim: PodFacts | None) -> str:
    """Why nothing will come back; empty when something will."""
    if workload is None:
        return "the workload was deleted"
    if workload.deleting:
        return "the workload is being deleted"
    if workload.finished:
        return "the workload has finished"
    if nothing_wanted(workload):
        return "the workload is suspended" if workload.suspended else "it was scaled to zero"
    if workload.key.kind == "Pod" and victim is None:
        return "it was a bare pod, which nothing brings back"
    return ""
