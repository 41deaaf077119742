"""From workloads as they are on the wire to the facts of core, one reader for each kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from chaosd.core.facts import WorkloadFacts, job_desired
from chaosd.core.model import WorkloadKey
from chaosd.core.selector import Selector, from_label_selector
from chaosd.kube.records import (
    CronJob,
    DaemonSet,
    Job,
    LabelSelector,
    ObjectMeta,
    PodTemplate,
    Replicated,
    StatefulSet,
)
from chaosd.kube.resources import (
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Resource,
)

_ENDED = frozenset({"Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"})
_OURS = ("apps/", "batch/")


def is_topmost(meta: ObjectMeta) -> bool:
    """Whether nothing inside apps and batch controls it; an operator's resource may."""
    owner = meta.controller
    return owner is None or not owner.api_version.startswith(_OURS)


def deployment_facts(item: Replicated) -> WorkloadFacts:
    """A Deployment."""
    status = item.status
    return WorkloadFacts(
        **_identity("Deployment", item.metadata),
        **_template(item.spec.template),
        selector=_selector(item.spec.selector),
        observed_generation=status.observed_generation,
        desired=_or_one(item.spec.replicas),
        replicas=status.replicas,
        ready=status.ready_replicas,
        updated=status.updated_replicas,
        available=status.available_replicas,
        min_ready_seconds=item.spec.min_ready_seconds,
    )


def replica_set_facts(item: Replicated) -> WorkloadFacts:
    """A ReplicaSet, which never rolls anything out."""
    status = item.status
    return WorkloadFacts(
        **_identity("ReplicaSet", item.metadata),
        **_template(item.spec.template),
        selector=_selector(item.spec.selector),
        observed_generation=status.observed_generation,
        desired=_or_one(item.spec.replicas),
        replicas=status.replicas,
        ready=status.ready_replicas,
        available=status.available_replicas,
        min_ready_seconds=item.spec.min_ready_seconds,
    )


def stateful_set_facts(item: StatefulSet) -> WorkloadFacts:
    """A StatefulSet."""
    status = item.status
    rolling = item.spec.update_strategy.rolling_update
    return WorkloadFacts(
        **_identity("StatefulSet", item.metadata),
        **_template(item.spec.template),
        selector=_selector(item.spec.selector),
        observed_generation=status.observed_generation,
        desired=_or_one(item.spec.replicas),
        replicas=status.replicas,
        ready=status.ready_replicas,
        updated=status.updated_replicas,
        available=status.available_replicas,
        min_ready_seconds=item.spec.min_ready_seconds,
        partition=(rolling.partition or 0) if rolling else 0,
        current_revision=status.current_revision,
        update_revision=status.update_revision,
    )


def daemon_set_facts(item: DaemonSet) -> WorkloadFacts:
    """A DaemonSet: it wants as many pods as it finds nodes."""
    status = item.status
    return WorkloadFacts(
        **_identity("DaemonSet", item.metadata),
        **_template(item.spec.template),
        selector=_selector(item.spec.selector),
        observed_generation=status.observed_generation,
        desired=status.desired_number_scheduled,
        replicas=status.current_number_scheduled,
        ready=status.number_ready,
        updated=status.updated_number_scheduled,
        available=status.number_available,
        min_ready_seconds=item.spec.min_ready_seconds,
    )


def job_facts(item: Job) -> WorkloadFacts:
    """A Job: what it wants now follows from what it has done."""
    spec, status = item.spec, item.status
    ended = any(one.type in _ENDED and one.status == "True" for one in status.conditions or ())
    parallelism = _or_one(spec.parallelism)
    return WorkloadFacts(
        **_identity("Job", item.metadata),
        **_template(spec.template),
        selector=_selector(spec.selector),
        desired=job_desired(parallelism, spec.completions, status.succeeded, status.active),
        replicas=status.active,
        ready=status.ready,
        finished=ended,
        suspended=bool(spec.suspend),
    )


def cron_job_facts(item: CronJob) -> WorkloadFacts:
    """A CronJob; what it wants is known from its Jobs only."""
    return WorkloadFacts(
        **_identity("CronJob", item.metadata),
        **_template(item.spec.job_template.spec.template),
        finished=not item.status.active,
        suspended=bool(item.spec.suspend),
    )


class Kind(NamedTuple):
    """How a kind of workload is read: where, as what, and into facts."""

    resource: Resource
    record: type[Any]
    facts: Callable[[Any], WorkloadFacts]


KINDS = {
    kind.resource.kind: kind
    for kind in (
        Kind(DEPLOYMENTS, Replicated, deployment_facts),
        Kind(STATEFUL_SETS, StatefulSet, stateful_set_facts),
        Kind(DAEMON_SETS, DaemonSet, daemon_set_facts),
        Kind(REPLICA_SETS, Replicated, replica_set_facts),
        Kind(JOBS, Job, job_facts),
        Kind(CRON_JOBS, CronJob, cron_job_facts),
    )
}
"""Every kind of workload that can be read, by its name."""


def _identity(kind: str, meta: ObjectMeta) -> dict[str, Any]:
    return {
        "key": WorkloadKey(meta.namespace, kind, meta.name),
        "uid": meta.uid,
        "created": meta.creation_timestamp,
        "labels": meta.labels or {},
        "annotations": meta.annotations or {},
        "deleting": meta.deletion_timestamp is not None,
        "generation": meta.generation,
    }


def _template(template: PodTemplate) -> dict[str, Any]:
    return {
        "template_labels": template.metadata.labels or {},
        "template_annotations": template.metadata.annotations or {},
        "priority_class": template.spec.priority_class_name,
    }


def _selector(selector: LabelSelector | None) -> Selector | None:
    """What finds its pods; None when that can't be read, so that none are found."""
    try:
        return from_label_selector(selector)
    except ValueError:
        return None


def _or_one(count: int | None) -> int:
    """Replicas and parallelism are 1 when they are left out."""
    return 1 if count is None else count
