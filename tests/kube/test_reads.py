"""Facts and strikes against a simulated cluster."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.facts import PodFacts
from chaosd.core.model import Victim, WorkloadKey
from chaosd.kube.reads import FENCED
from chaosd.ports import Conflict, Invalid, NotFound, TooManyRequests
from chaosd.sandbox import scenarios
from chaosd.targets.reads import Reads
from tests.support.lab import Lab

EVERYWHERE = None


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "shop", "web", 2, opt_in=True)
        scenarios.stateful_set(cluster, "shop", "db", 2)
        scenarios.daemon_set(cluster, "shop", "agent")
        scenarios.replica_set(cluster, "shop", "old", 1)
        cron_job = scenarios.cron_job(cluster, "shop", "nightly")
        scenarios.job(cluster, "shop", "nightly-1", cron_job=cron_job, run_seconds=1e6)
        scenarios.job(cluster, "shop", "once", run_seconds=1e6)
        scenarios.deployment(cluster, "other", "web", 1)
        scenarios.pdb(cluster, "shop", "web", min_available=2)
    return lab


def listed(lab: Lab, kind: str, namespace: str | None = "shop", labels: str = "") -> list[str]:
    pages = lab.reads.workloads(kind, namespace, labels)
    return [str(workload.key) for page in pages for workload in page]


def some_pod(lab: Lab, labels: str = "app=web") -> PodFacts:
    return next(pod for page in lab.reads.pods("shop", labels) for pod in page)


def victim(pod: PodFacts, **changes: Any) -> Victim:
    found = Victim(pod.namespace, pod.name, pod.uid, pod.resource_version, pod.node)
    return msgspec.structs.replace(found, **changes)


def test_it_is_what_targets_ask_for(lab: Lab) -> None:
    """The adapter fits the Protocol of the other room (mypy holds the signatures)."""
    reads: Reads = lab.reads
    assert reads.kinds == {
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Job",
        "CronJob",
    }


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("Deployment", ["web"]),
        ("StatefulSet", ["db"]),
        ("DaemonSet", ["agent"]),
        ("ReplicaSet", ["old"]),
        ("Job", ["once"]),
        ("CronJob", ["nightly"]),
    ],
)
def test_only_topmost_workloads_are_listed_and_read(lab: Lab, kind: str, names: list[str]) -> None:
    """A Deployment's ReplicaSet and a CronJob's Job are no workloads of their own."""
    assert listed(lab, kind) == [f"shop/{kind}/{name}" for name in names]
    found = lab.reads.workload(WorkloadKey("shop", kind, names[0]))
    assert found is not None
    assert str(found.key) == f"shop/{kind}/{names[0]}"
    assert lab.reads.workload(WorkloadKey("shop", kind, "nobody")) is None


def test_what_is_owned_is_not_found_by_its_own_name(lab: Lab) -> None:
    """Asked for by name, a CronJob's Job is no workload either."""
    assert lab.reads.workload(WorkloadKey("shop", "Job", "nightly-1")) is None


def test_lists_are_selected_on_the_server(lab: Lab) -> None:
    """Namespace and labels narrow what is sent."""
    assert listed(lab, "Deployment", EVERYWHERE) == ["other/Deployment/web", "shop/Deployment/web"]
    assert listed(lab, "Deployment", EVERYWHERE, "chaosd.io/enabled=true") == [
        "shop/Deployment/web"
    ]


def test_counts(lab: Lab) -> None:
    """Counting sees the whole cluster, pods too."""
    assert lab.reads.count("Deployment") == 2
    assert lab.reads.count("Pod") == len(lab.cluster.all("pods"))


def test_what_stands_between_a_workload_and_its_pods(lab: Lab) -> None:
    """ReplicaSets and Jobs are found by the UID of their owner."""
    web = lab.reads.workload(WorkloadKey("shop", "Deployment", "web"))
    nightly = lab.reads.workload(WorkloadKey("shop", "CronJob", "nightly"))
    assert web is not None
    assert nightly is not None
    owner = some_pod(lab).owner
    assert owner is not None
    assert lab.reads.replica_sets("shop", "app=web", web.uid) == {owner.uid}
    assert lab.reads.replica_sets("shop", "app=web", "another") == frozenset()
    [job] = lab.reads.jobs("shop", nightly.uid)
    assert str(job.key) == "shop/Job/nightly-1"
    assert lab.reads.jobs("shop", "another") == []
    pairs = [pair for page in lab.reads.job_owners(EVERYWHERE) for pair in page]
    assert pairs == [(job.key, nightly.key)]


def test_pods(lab: Lab) -> None:
    """Pods come in a list or as metadata; one alone comes with its containers, or is missing."""
    pod = some_pod(lab)
    assert pod.ready
    alone = lab.reads.pod("shop", pod.name)
    assert alone is not None
    assert [(one.name, bool(one.id)) for one in alone.containers] == [("main", True)]
    known = msgspec.structs.replace(alone, containers=pod.containers, requests=pod.requests)
    assert known == pod
    assert lab.reads.pod("shop", "nobody") is None
    slim = [one for page in lab.reads.pod_metadata(EVERYWHERE, "app=web") for one in page]
    assert len(slim) == 3
    assert {(one.ready, one.node, one.containers) for one in slim} == {(False, "", ())}
    assert pod.uid in {one.uid for one in slim}


def test_nodes_and_namespaces(lab: Lab) -> None:
    """Each is found by name or label, or not at all."""
    node = lab.reads.node("node-a")
    assert node is not None
    assert node.ready
    assert lab.reads.node("nobody") is None
    assert lab.reads.node_names("pool=b") == {"node-b"}
    namespace = lab.reads.namespace("shop")
    assert namespace is not None
    assert lab.reads.namespace("nobody") is None
    [[found]] = lab.reads.namespaces("kubernetes.io/metadata.name=shop")
    assert found == namespace


def test_budgets(lab: Lab) -> None:
    """The budgets of a namespace with their counters."""
    [budget] = lab.reads.budgets("shop")
    assert (budget.name, budget.current_healthy, budget.disruptions_allowed) == ("web", 2, 0)
    assert lab.reads.budgets("other") == []


def test_a_deletion_names_the_very_pod(lab: Lab) -> None:
    """UID and resourceVersion are preconditions, and the grace period is the one asked for."""
    pod = some_pod(lab)
    for wrong in (victim(pod, uid="another"), victim(pod, resource_version="1")):
        with pytest.raises(Conflict):
            lab.reads.delete_pod(wrong, None, 5.0)
    assert lab.sandbox.journal.removals == []
    lab.reads.delete_pod(victim(pod), 7, 5.0)
    [removal] = lab.sandbox.journal.removals
    assert (removal.uid, removal.by) == (pod.uid, "delete")
    stored = lab.cluster.get("pods", "shop", pod.name) or {}
    assert stored["metadata"]["deletionGracePeriodSeconds"] == 7


def test_an_eviction_asks_the_budget(lab: Lab) -> None:
    """A pod that a budget holds stays; another goes, with its own grace period."""
    with pytest.raises(TooManyRequests) as refused:
        lab.reads.evict(victim(some_pod(lab)), None, 5.0)
    assert "needs 2 healthy pods and has 2 currently" in refused.value.causes[0]
    free = some_pod(lab, "app=db")
    with pytest.raises(Conflict):
        lab.reads.evict(victim(free, uid="another"), None, 5.0)
    with pytest.raises(NotFound):
        lab.reads.evict(victim(free, name="nobody"), None, 5.0)
    lab.requests()
    lab.reads.evict(victim(free), None, 5.5)
    [removal] = lab.sandbox.journal.removals
    assert (removal.uid, removal.by) == (free.uid, "eviction")
    [request] = lab.requests()
    assert (request.path, request.query) == (
        f"/api/v1/namespaces/shop/pods/{free.name}/eviction",
        "timeout=5s",
    )
    stored = lab.cluster.get("pods", "shop", free.name) or {}
    assert stored["metadata"]["deletionGracePeriodSeconds"] == 30


def test_a_fence_makes_a_late_strike_fail(lab: Lab) -> None:
    """After the touch, what names the old resourceVersion is refused; other conditions stay."""
    pod = some_pod(lab)
    before = (lab.cluster.get("pods", "shop", pod.name) or {})["status"]["conditions"]
    touched = lab.reads.fence_pod(victim(pod), "intent a")
    assert touched.ready
    assert touched.resource_version != pod.resource_version
    with pytest.raises(Conflict):
        lab.reads.delete_pod(victim(pod), None, 5.0)
    free = some_pod(lab, "app=db")
    lab.reads.fence_pod(victim(free), "intent a")
    with pytest.raises(Conflict):
        lab.reads.evict(victim(free), None, 5.0)
    conditions = (lab.cluster.get("pods", "shop", pod.name) or {})["status"]["conditions"]
    assert [one for one in conditions if one["type"] != FENCED] == before
    [mine] = [one for one in conditions if one["type"] == FENCED]
    assert (mine["status"], mine["message"]) == ("True", "intent a")


def test_a_fence_sent_again_changes_nothing_and_another_intent_does(lab: Lab) -> None:
    """Fencing is harmless to repeat, and every intent's own."""
    pod = some_pod(lab)
    first = lab.reads.fence_pod(victim(pod), "intent a")
    assert lab.reads.fence_pod(victim(pod), "intent a") == first
    second = lab.reads.fence_pod(victim(pod), "intent b")
    assert second.resource_version != first.resource_version


def test_a_fence_touches_no_other_pod(lab: Lab) -> None:
    """A pod of the same name with another UID is left alone."""
    pod = some_pod(lab)
    before = lab.reads.pod("shop", pod.name)
    with pytest.raises(Invalid):
        lab.reads.fence_pod(victim(pod, uid="another"), "intent a")
    assert lab.reads.pod("shop", pod.name) == before
    with pytest.raises(NotFound):
        lab.reads.fence_pod(victim(pod, name="nobody"), "intent a")


def test_a_terminating_pod_can_be_fenced(lab: Lab) -> None:
    """What was struck already shows it when it is touched."""
    pod = some_pod(lab)
    lab.reads.delete_pod(victim(pod), None, 5.0)
    assert lab.reads.fence_pod(victim(pod), "intent a").deleting
