"""A workload with all the pods that it owns, read now: what expanding, examining and observing
are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Struct

from chaosd.core.facts import Own, PodFacts, WorkloadFacts
from chaosd.core.model import WorkloadKey
from chaosd.targets.owners import BARE, bare_pod, own_kind, owned_by, workload_of
from chaosd.targets.reads import PodPages, Reads


class Family(Struct, frozen=True):
    """A workload and its pods.

    ``owners`` are the UIDs of what controls its pods directly (a Deployment's ReplicaSets, a
    CronJob's Jobs, else the workload itself); none for a bare pod.
    """

    workload: WorkloadFacts
    pods: tuple[PodFacts, ...]
    owners: frozenset[str]

    def owns(self, pod: PodFacts) -> bool:
        """Whether ``pod`` is one of the family."""
        if pod.owner is None:
            return pod.uid == self.workload.uid
        return pod.owner.uid in self.owners


def family_of(reads: Reads, key: WorkloadKey) -> Family | None:
    """Read a workload and its pods; None when there is no such workload.

    Costs a request for the workload, one for each page of its pods, and one or so for what stands
    between them. One of somebody's own kind is known by its pods only: without any it is not there.
    """
    if key.kind == BARE:
        return _bare(reads, key)
    if key.kind not in reads.kinds:
        return _of_own_kind(reads, key)
    workload = reads.workload(key)
    if workload is None:
        return None
    if key.kind == "CronJob":
        return _of_cron_job(reads, workload)
    owners = frozenset({workload.uid})
    if workload.selector is None:
        return Family(workload, (), owners)
    labels = workload.selector.text
    if key.kind == "Deployment":
        owners = reads.replica_sets(key.namespace, labels, workload.uid)
    pods = _owned(reads.pods(key.namespace, labels), owners)
    return Family(workload, pods, owners)


def family_now(reads: Reads, key: WorkloadKey) -> Family | None:
    """As :func:`family_of`, for what has been struck: one of somebody's own kind can't be seen
    without pods, so it is never taken for deleted."""
    family = family_of(reads, key)
    if family is None and key.kind not in {*reads.kinds, BARE}:
        return Family(own_kind(key, ()), (), frozenset())
    return family


def own_workload(reads: Reads, own: Own) -> WorkloadKey | None:
    """chaosd's own workload, whose other pods are chaosd's too; None outside the cluster."""
    for name in sorted(own.pods):
        pod = reads.pod(own.namespace, name)
        if pod is not None:
            return workload_of(pod)
    return None


def carries_opt_in(reads: Reads, workload: WorkloadFacts, opt_in: str) -> bool:
    """Whether a pod found by the workload's selector has the label ``opt_in`` (``key=value``)."""
    if workload.selector is not None:
        selectors = [workload.selector]
    elif workload.key.kind == "CronJob":
        jobs = reads.jobs(workload.key.namespace, workload.uid)
        selectors = [job.selector for job in jobs if job.selector and not job.finished]
    else:
        return False
    return any(
        page
        for selector in selectors
        for page in reads.pod_metadata(workload.key.namespace, _both(selector.text, opt_in))
    )


def _bare(reads: Reads, key: WorkloadKey) -> Family | None:
    pod = reads.pod(key.namespace, key.name)
    if pod is None or pod.owner is not None:
        return None
    return Family(bare_pod(pod), (pod,), frozenset())


def _of_own_kind(reads: Reads, key: WorkloadKey) -> Family | None:
    pods = _once(
        pod for page in reads.pods(key.namespace, "") for pod in page if owned_by(pod, key)
    )
    if not pods:
        return None
    owners = frozenset(pod.owner.uid for pod in pods if pod.owner)
    return Family(own_kind(key, pods), pods, owners)


def _of_cron_job(reads: Reads, workload: WorkloadFacts) -> Family:
    """The pods of its Jobs that go on; those Jobs together say what it wants now."""
    jobs = [job for job in reads.jobs(workload.key.namespace, workload.uid) if not job.finished]
    owners = frozenset(job.uid for job in jobs)
    pods = _once(
        pod
        for job in jobs
        if job.selector is not None
        for pod in _owned(reads.pods(job.key.namespace, job.selector.text), owners)
    )
    desired = sum(job.desired or 0 for job in jobs)
    workload = msgspec.structs.replace(workload, desired=desired, finished=not jobs)
    return Family(workload, pods, owners)


def _owned(pages: PodPages, owners: frozenset[str]) -> tuple[PodFacts, ...]:
    return _once(_those(pages, owners))


def _those(pages: PodPages, owners: frozenset[str]) -> Iterator[PodFacts]:
    for page in pages:
        for pod in page:
            if pod.owner is not None and pod.owner.uid in owners:
                yield pod


def _once(pods: Iterable[PodFacts]) -> tuple[PodFacts, ...]:
    """Each pod once, as it was seen last: a list that had to start again gives it twice."""
    return tuple({pod.uid: pod for pod in pods}.values())


def _both(selector: str, label: str) -> str:
    return f"{selector},{label}" if selector else label
