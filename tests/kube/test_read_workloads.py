"""Workloads of every kind as facts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.facts import WorkloadFacts
from chaosd.core.model import WorkloadKey
from chaosd.core.selector import Selector
from chaosd.kube.read_workloads import KINDS, is_topmost
from chaosd.kube.records import Metadata

CREATED = "2026-01-05T09:00:00Z"
TEMPLATE = {
    "metadata": {"labels": {"app": "web"}, "annotations": {"t": "1"}, "creationTimestamp": None},
    "spec": {"priorityClassName": "high", "containers": [{"name": "a", "image": "b"}]},
}
SELECTOR = {"matchLabels": {"app": "web"}}


def facts(kind: str, spec: dict[str, Any], status: dict[str, Any], **meta: Any) -> WorkloadFacts:
    metadata = {"name": "web", "namespace": "shop", "creationTimestamp": CREATED, **meta}
    item = {"metadata": metadata, "spec": spec, "status": status}
    return KINDS[kind].facts(msgspec.convert(item, KINDS[kind].record, strict=False))


def spec_of(kind: str) -> dict[str, Any]:
    if kind == "CronJob":
        return {"jobTemplate": {"spec": {"template": TEMPLATE}}}
    return {"template": TEMPLATE, "selector": SELECTOR}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_all_kinds_have(kind: str) -> None:
    """Name, labels, template and selector are read alike."""
    found = facts(
        kind,
        spec_of(kind),
        {},
        uid="u",
        generation=4,
        labels={"chaosd.io/enabled": "true"},
        annotations={"a": "b"},
        deletionTimestamp=CREATED,
    )
    assert found.key == WorkloadKey("shop", kind, "web")
    assert (found.uid, found.generation, found.deleting) == ("u", 4, True)
    assert found.labels == {"chaosd.io/enabled": "true"}
    assert found.annotations == {"a": "b"}
    assert found.template_labels == {"app": "web"}
    assert found.template_annotations == {"t": "1"}
    assert found.priority_class == "high"
    assert found.selector == (None if kind == "CronJob" else Selector.parse("app=web"))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "ReplicaSet"])
def test_replicas_and_status(kind: str) -> None:
    """Counters come from the status; a missing replica count means one."""
    status = {"observedGeneration": 3, "replicas": 5, "readyReplicas": 4, "availableReplicas": 2}
    found = facts(kind, {**spec_of(kind), "replicas": 6, "minReadySeconds": 9}, status)
    assert (found.observed_generation, found.desired, found.replicas) == (3, 6, 5)
    assert (found.ready, found.available, found.min_ready_seconds) == (4, 2, 9)
    assert facts(kind, spec_of(kind), {}).desired == 1
    assert facts(kind, {**spec_of(kind), "replicas": 0}, {}).desired == 0
    assert facts(kind, spec_of(kind), {}).observed_generation == 0


def test_a_rollout_is_told_by_updated_replicas() -> None:
    """A Deployment and a StatefulSet say how many pods are new; a ReplicaSet rolls out nothing."""
    status = {"updatedReplicas": 2}
    assert facts("Deployment", spec_of("Deployment"), status).updated == 2
    assert facts("StatefulSet", spec_of("StatefulSet"), status).updated == 2
    assert facts("ReplicaSet", spec_of("ReplicaSet"), status).updated is None


def test_a_stateful_set_has_revisions_and_a_partition() -> None:
    """What a partitioned rollout is judged by."""
    spec = {**spec_of("StatefulSet"), "updateStrategy": {"rollingUpdate": {"partition": 2}}}
    found = facts("StatefulSet", spec, {"currentRevision": "a", "updateRevision": "b"})
    assert (found.partition, found.current_revision, found.update_revision) == (2, "a", "b")
    on_delete = {**spec_of("StatefulSet"), "updateStrategy": {"type": "OnDelete"}}
    assert facts("StatefulSet", on_delete, {}).partition == 0


def test_a_daemon_set_wants_what_its_nodes_want() -> None:
    """The number of pods is scheduled, not asked for."""
    status = {
        "observedGeneration": 1,
        "desiredNumberScheduled": 5,
        "currentNumberScheduled": 4,
        "numberReady": 3,
        "updatedNumberScheduled": 2,
        "numberAvailable": 1,
    }
    found = facts("DaemonSet", spec_of("DaemonSet"), status)
    assert (found.desired, found.replicas, found.ready, found.updated, found.available) == (
        5,
        4,
        3,
        2,
        1,
    )


@pytest.mark.parametrize(
    ("spec", "status", "desired"),
    [
        ({}, {}, 1),
        ({"parallelism": 3, "completions": 10}, {"active": 3, "succeeded": 2}, 3),
        ({"parallelism": 3, "completions": 10}, {"active": 1, "succeeded": 9}, 1),
        ({"parallelism": 3}, {"active": 3}, 3),
        ({"parallelism": 3}, {"active": 2, "succeeded": 1}, 2),
        ({"parallelism": 0}, {}, 0),
    ],
)
def test_a_job_wants_what_is_left_of_it(
    spec: dict[str, Any], status: dict[str, Any], desired: int
) -> None:
    """How many pods a Job wants follows from what it has done."""
    assert facts("Job", {**spec_of("Job"), **spec}, status).desired == desired


@pytest.mark.parametrize(
    ("condition", "finished"),
    [
        ({"type": "Complete", "status": "True"}, True),
        ({"type": "Failed", "status": "True"}, True),
        ({"type": "FailureTarget", "status": "True"}, True),
        ({"type": "SuccessCriteriaMet", "status": "True"}, True),
        ({"type": "Complete", "status": "False"}, False),
        ({"type": "Suspended", "status": "True"}, False),
    ],
)
def test_a_job_that_ends(condition: dict[str, str], finished: bool) -> None:
    """A Job is finished from the moment that its end is decided."""
    found = facts("Job", {**spec_of("Job"), "suspend": True}, {"conditions": [condition]})
    assert (found.finished, found.suspended) == (finished, True)


@pytest.mark.parametrize(
    ("active", "finished"), [(None, True), ([], True), ([{"name": "x"}], False)]
)
def test_a_cron_job_runs_when_a_job_does(active: list[Any] | None, finished: bool) -> None:
    """What a CronJob wants is not known from itself, but whether it runs anything is."""
    found = facts("CronJob", {**spec_of("CronJob"), "suspend": False}, {"active": active})
    assert (found.finished, found.desired, found.suspended) == (finished, None, False)


def test_a_selector_that_cannot_be_read_finds_nothing() -> None:
    """Pods are not guessed."""
    selector = {"matchExpressions": [{"key": "a", "operator": "Near"}]}
    assert facts("Deployment", {"template": TEMPLATE, "selector": selector}, {}).selector is None


@pytest.mark.parametrize(
    ("api_version", "controller", "topmost"),
    [
        ("apps/v1", True, False),
        ("batch/v1", True, False),
        ("apps/v1", False, True),
        ("argoproj.io/v1alpha1", True, True),
        ("apps.kruise.io/v1", True, True),
    ],
)
def test_the_topmost_owner_is_inside_apps_and_batch(
    api_version: str, controller: bool, topmost: bool
) -> None:
    """What an operator's resource owns is still the workload."""
    owner = {"kind": "X", "name": "x", "uid": "u", "apiVersion": api_version}
    metadata = {
        "name": "web",
        "creationTimestamp": CREATED,
        "ownerReferences": [{**owner, "controller": controller}],
    }
    item = msgspec.convert({"metadata": metadata}, Metadata, strict=False)
    assert is_topmost(item.metadata) is topmost
