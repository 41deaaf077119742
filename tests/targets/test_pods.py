"""The pod target as a whole: from survey to recovery."""

from __future__ import annotations

import pytest

from chaosd.core.ledger import Intent
from chaosd.core.model import TargetKind, Victim, WorkloadKey
from chaosd.ports import Target
from chaosd.sandbox import Cluster, Controllers, Timings, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.intents import reserved
from tests.support.lab import Lab
from tests.targets.scopes import candidate, scope


def intent(lab: Lab, workload: str, struck: Victim, desired: int = 3) -> Intent:
    return reserved(struck, lab.clock.now(), workload=workload, desired=desired)[0]


def struck_one(lab: Lab, workload: str) -> Victim:
    """Delete one pod of a workload through the API, as a strike would."""
    key = WorkloadKey.parse(workload)
    asked = scope(lab)
    [first, *_] = PodTarget(lab.reads).expand(asked, candidate(workload))
    pod = lab.reads.pod(key.namespace, first.key.partition("/")[2])
    assert pod is not None
    found = Victim(pod.namespace, pod.name, pod.uid, pod.resource_version, pod.node)
    lab.reads.delete_pod(found, None, 5.0)
    return found


def fill(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "web", 3)
    scenarios.stateful_set(cluster, "shop", "db", 3)
    scenarios.daemon_set(cluster, "shop", "agent")
    scenarios.replica_set(cluster, "shop", "old", 3)
    scenarios.job(cluster, "shop", "once", parallelism=3, completions=3, run_seconds=1e6)
    cron_job = scenarios.cron_job(cluster, "shop", "nightly")
    with cluster.edit("cronjobs.batch", "shop", "nightly") as item:
        item["status"] = {"active": [{"name": "nightly-1"}]}
    scenarios.job(
        cluster,
        "shop",
        "nightly-1",
        parallelism=3,
        completions=3,
        run_seconds=1e6,
        cron_job=cron_job,
    )
    scenarios.pod(cluster, "shop", "alone")
    kind = scenarios.custom_kind(cluster, "Foo")
    owner = scenarios.custom(cluster, kind, "shop", "f")
    scenarios.pod(cluster, "shop", "f-0", owner=(kind, owner))


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        fill(cluster)
    return lab


def test_it_is_a_target(lab: Lab) -> None:
    """It serves pod policies (mypy holds the signatures), and a pod is one step."""
    target: Target = PodTarget(lab.reads)
    assert target.kind is TargetKind.POD
    coming = target.next(
        scope(lab), intent(lab, "shop/Deployment/web", Victim("shop", "x", "u", "1"))
    )
    assert (coming.victim, coming.wait_until) == (None, None)


@pytest.mark.parametrize(
    ("workload", "pods"),
    [
        ("shop/Deployment/web", 3),
        ("shop/StatefulSet/db", 3),
        ("shop/DaemonSet/agent", 2),
        ("shop/ReplicaSet/old", 3),
        ("shop/Job/once", 3),
        ("shop/CronJob/nightly", 3),
    ],
)
def test_a_workload_recovers_when_its_pod_was_replaced(lab: Lab, workload: str, pods: int) -> None:
    """Not whole while the victim is on its way out, whole when as many as wanted are Ready."""
    controllers = Controllers(lab.cluster, Timings())
    made = intent(lab, workload, struck_one(lab, workload), pods)
    target = PodTarget(lab.reads)
    seen = target.recovered(made, lab.clock.now())
    assert (seen.whole, seen.closed, seen.ready, seen.desired) == (False, False, pods - 1, pods)
    for _ in range(600):
        controllers.step()
        lab.clock.advance(1)
        if target.recovered(made, lab.clock.now()).whole:
            break
    seen = target.recovered(made, lab.clock.now())
    assert (seen.whole, seen.closed, seen.ready) == (True, False, pods)


@pytest.mark.parametrize(
    ("resource", "workload"),
    [
        ("deployments.apps", "shop/Deployment/web"),
        ("statefulsets.apps", "shop/StatefulSet/db"),
        ("jobs.batch", "shop/Job/once"),
        ("pods", "shop/Pod/alone"),
    ],
)
def test_a_workload_that_was_deleted_is_closed(lab: Lab, resource: str, workload: str) -> None:
    """Nothing will come back, so nothing is waited for."""
    name = workload.rpartition("/")[2]
    lab.cluster.remove(resource, "shop", name)
    seen = PodTarget(lab.reads).recovered(
        intent(lab, workload, Victim("shop", "x", "u", "1")), lab.clock.now()
    )
    assert (seen.whole, seen.closed) == (False, True)


def test_a_workload_scaled_to_zero_is_closed(lab: Lab) -> None:
    """Somebody wants no pods any more."""
    made = intent(lab, "shop/Deployment/web", struck_one(lab, "shop/Deployment/web"))
    with lab.cluster.edit("deployments.apps", "shop", "web") as item:
        item["spec"]["replicas"] = 0
    assert PodTarget(lab.reads).recovered(made, lab.clock.now()).closed


def test_a_kind_of_ones_own_is_not_taken_for_deleted(lab: Lab) -> None:
    """Without a pod it can't be seen; it is waited for until its pods are back."""
    made = intent(lab, "shop/Foo/f", struck_one(lab, "shop/Foo/f"), desired=1)
    lab.cluster.remove("pods", "shop", "f-0")
    seen = PodTarget(lab.reads).recovered(made, lab.clock.now())
    assert (seen.whole, seen.closed, seen.ready, seen.desired) == (False, False, 0, 1)
    kind = lab.cluster.resources["foos.example.com"]
    owner = lab.cluster.get("foos.example.com", "shop", "f") or {}
    scenarios.pod(lab.cluster, "shop", "f-1", owner=(kind, owner))
    scenarios.settle(lab.cluster)
    assert PodTarget(lab.reads).recovered(made, lab.clock.now()).whole
