"""Whether a workload is whole again after one of its pods was struck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chaosd.core.facts import PodFacts, Recovery, WorkloadFacts
from chaosd.core.model import Victim
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
    desired, least = _wanted(workload, desired_then)
    ready = sum(_serves(pod, victim_uid, least, now) for pod in pods)
    victim = next((pod for pod in pods if pod.uid == victim_uid), None)
    if closing := _closing(workload, victim):
        return Recovery(whole=False, closed=True, ready=ready, desired=desired, detail=closing)
    detail = _counted(ready, desired, least)
    if victim is not None:
        state = "on its way out" if victim.deleting else "there"
        detail += f", {victim.name} is still {state}"
    whole = victim is None and ready >= desired
    return Recovery(whole=whole, ready=ready, desired=desired, detail=detail)


def crash_recovery(
    workload: WorkloadFacts | None,
    pods: Sequence[PodFacts],
    victim: PodFacts | None,
    crashed: Victim,
    desired_then: int,
    now: datetime,
) -> Recovery:
    """How far ``workload`` is after the crash of a container, whose pod stays and restarts it.

    ``victim`` is that pod as it is now, None when it is gone. Whole: the container runs under
    another ID, and as many pods as are desired now are Ready, the victim among them. A victim that
    somebody deleted meanwhile, or that ended with its container, is to be replaced as
    :func:`recovery` has it.
    """
    others = [pod for pod in pods if pod.uid != crashed.uid]
    if victim is None or victim.finished:
        return recovery(workload, others, crashed.uid, desired_then, now)
    if victim.deleting:
        return recovery(workload, (*others, victim), crashed.uid, desired_then, now)
    desired, least = _wanted(workload, desired_then)
    ready = sum(_serves(pod, "", least, now) for pod in (*others, victim))
    if closing := _closing(workload, victim):
        return Recovery(whole=False, closed=True, ready=ready, desired=desired, detail=closing)
    now_as = {one.name: one.id for one in victim.containers}.get(crashed.container, "")
    back = now_as not in ("", crashed.identity)
    detail = _counted(ready, desired, least)
    if not back:
        detail += f", container {crashed.container} of {victim.name} has not restarted"
    elif not _serves(victim, "", least, now):
        detail += f", {victim.name} is not"
        back = False
    return Recovery(whole=back and ready >= desired, ready=ready, desired=desired, detail=detail)


def _wanted(workload: WorkloadFacts | None, desired_then: int) -> tuple[int, timedelta]:
    """How many pods, each Ready for how long."""
    if workload is None:
        return 0, timedelta(0)
    desired = desired_then if workload.desired is None else workload.desired
    return desired, timedelta(seconds=workload.min_ready_seconds)


def _counted(ready: int, desired: int, least: timedelta) -> str:
    spell = f" for {least.total_seconds():.0f} s" if least else ""
    return f"{ready} of {desired} pods Ready{spell}"


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
