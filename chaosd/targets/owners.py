"""From a pod to its workload: the topmost owner inside apps and batch, without a request."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from chaosd.core.facts import Owner, PodFacts, WorkloadFacts
from chaosd.core.model import WorkloadKey

BARE = "Pod"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_HASH = "pod-template-hash"
_APPS = frozenset({"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"})
_BATCH = frozenset({"Job", "CronJob"})


def workload_of(pod: PodFacts) -> WorkloadKey | None:
    """The workload of ``pod`` as far as the pod itself tells; None: it has no nameable one.

    A Deployment's ReplicaSet is named after it and the hash that its pods carry
    (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#pod-template-hash-label).
    A Job is given as itself: whether a CronJob owns it, only the Job tells. A pod without a
    controller is its own workload, of kind Pod.
    """
    owner = pod.owner
    if owner is None:
        return WorkloadKey(pod.namespace, BARE, pod.name)
    group = owner.api_version.rpartition("/")[0]
    if group == "apps" and owner.kind == "ReplicaSet":
        suffix = "-" + pod.labels.get(_HASH, "")
        if len(suffix) > 1 and owner.name.endswith(suffix):
            return WorkloadKey(pod.namespace, "Deployment", owner.name.removesuffix(suffix))
    if _namesake(owner, group):
        return None
    return WorkloadKey(pod.namespace, owner.kind, owner.name)


def owned_by(pod: PodFacts, key: WorkloadKey) -> bool:
    """Whether ``pod`` is controlled directly by ``key``, a workload of somebody's own kind."""
    owner = pod.owner
    return owner is not None and (pod.namespace, owner.kind, owner.name) == (
        key.namespace,
        key.kind,
        key.name,
    )


def bare_pod(pod: PodFacts, *, metadata_only: bool = False) -> WorkloadFacts:
    """A pod that nothing controls, as a workload of one."""
    return WorkloadFacts(
        key=WorkloadKey(pod.namespace, BARE, pod.name),
        uid=pod.uid,
        created=pod.created,
        labels=pod.labels,
        annotations=pod.annotations,
        template_labels=pod.labels,
        template_annotations=pod.annotations,
        priority_class=pod.priority_class,
        deleting=pod.deleting,
        desired=1,
        replicas=None if metadata_only else 1,
        ready=None if metadata_only else int(pod.ready),
        finished=pod.finished,
    )


def own_kind(key: WorkloadKey, pods: Sequence[PodFacts]) -> WorkloadFacts:
    """A workload of somebody's own kind, known by its pods only.

    It is as old as its oldest pod at least; what its template says is what one of its pods says.
    """
    some = next(iter(pods), None)
    return WorkloadFacts(
        key=key,
        uid=some.owner.uid if some and some.owner else "",
        created=min((pod.created for pod in pods), default=LONG_AGO),
        template_labels=some.labels if some else {},
        template_annotations=some.annotations if some else {},
        priority_class=some.priority_class if some else "",
    )


def _namesake(owner: Owner, group: str) -> bool:
    """Somebody's own kind with the name of a known one: its key would name another object."""
    return (owner.kind in _APPS and group != "apps") or (owner.kind in _BATCH and group != "batch")
