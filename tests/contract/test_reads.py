"""Facts about workloads, pods, nodes and budgets, as chaosd reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaosd.core.facts import PodFacts, WorkloadFacts
from chaosd.core.model import WorkloadKey
from tests.contract.manifests import (
    OPT_IN,
    budget,
    cron_job,
    daemon_set,
    deployment,
    job,
    pod,
    replica_set,
    stateful_set,
)
from tests.contract.site import Place, Site
from tests.support.waiting import until


@pytest.fixture(scope="module")
def shop(site: Site) -> Place:
    """A namespace with one workload of each kind, all of them whole."""
    place = site.namespace(team="shop")
    place.workload("deployments", deployment("web", 2, labels=OPT_IN))
    place.workload("statefulsets", stateful_set("db", 2))
    place.workload("replicasets", replica_set("old"))
    place.make("daemonsets", daemon_set("agent"))
    until(lambda: ((place.get("daemonsets", "agent") or {})["status"]).get("numberReady") == 3)
    nightly = place.make("cronjobs", cron_job("nightly"))
    endless = {"endless": "yes"}
    place.make("jobs", job("nightly-1", owner=nightly, labels=endless))
    place.make("jobs", job("once", labels=endless))
    until(lambda: all(ready(place, name) for name in ("nightly-1", "once")))
    place.make("pods", pod("bare"))
    until(lambda: (place.get("pods", "bare") or {})["status"].get("phase") == "Running")
    place.budget(budget("web", minAvailable=1), 2)
    return place


def ready(place: Place, job_name: str) -> bool:
    return bool((place.get("jobs", job_name) or {})["status"].get("ready") == 1)


def workload(place: Place, kind: str, name: str) -> WorkloadFacts:
    found = place.reads.workload(WorkloadKey(place.name, kind, name))
    assert found is not None
    return found


def some_pod(place: Place, app: str) -> PodFacts:
    return next(pod for page in place.reads.pods(place.name, f"app={app}") for pod in page)


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
def test_topmost_workloads(shop: Place, kind: str, names: list[str]) -> None:
    """Listed and read by name, without those that another controls."""
    listed = [one for page in shop.reads.workloads(kind, shop.name, "") for one in page]
    assert [one.key.name for one in listed] == names
    read = workload(shop, kind, names[0])
    assert (read.key, read.uid) == (listed[0].key, listed[0].uid)
    assert shop.reads.workload(WorkloadKey(shop.name, kind, "nobody")) is None


def test_all_namespaces(shop: Place) -> None:
    """With a label that only one has."""
    labels = f"{next(iter(OPT_IN))}=true"
    keys = {one.key for page in shop.reads.workloads("Deployment", None, labels) for one in page}
    assert WorkloadKey(shop.name, "Deployment", "web") in keys


@pytest.mark.parametrize(
    ("kind", "name", "replicas"), [("Deployment", "web", 2), ("StatefulSet", "db", 2)]
)
def test_what_a_whole_workload_looks_like(shop: Place, kind: str, name: str, replicas: int) -> None:
    """Generation seen, and every number the same."""
    found = workload(shop, kind, name)
    numbers = (found.desired, found.replicas, found.ready, found.updated, found.available)
    assert numbers == (replicas,) * 5
    assert found.generation == found.observed_generation == 1
    assert found.template_labels == {"app": name}
    assert found.selector is not None
    assert found.selector.text == f"app={name}"
    assert abs(found.created - datetime.now(UTC)) < timedelta(minutes=10)
    assert not found.deleting


def test_the_other_kinds(shop: Place) -> None:
    """Each says in its own way what it wants and has."""
    old, agent = workload(shop, "ReplicaSet", "old"), workload(shop, "DaemonSet", "agent")
    assert (old.desired, old.replicas, old.ready, old.available) == (1, 1, 1, 1)
    assert (agent.desired, agent.replicas, agent.ready, agent.updated) == (3, 3, 3, 3)
    once = workload(shop, "Job", "once")
    assert (once.desired, once.replicas, once.ready, once.finished) == (1, 1, 1, False)
    db = workload(shop, "StatefulSet", "db")
    assert db.current_revision == db.update_revision != ""
    assert db.partition == 0


def test_what_stands_between(shop: Place) -> None:
    """ReplicaSets and Jobs, found by the UID of their owner."""
    web, nightly = workload(shop, "Deployment", "web"), workload(shop, "CronJob", "nightly")
    owner = some_pod(shop, "web").owner
    assert owner is not None
    assert (owner.kind, owner.api_version) == ("ReplicaSet", "apps/v1")
    assert shop.reads.replica_sets(shop.name, "app=web", web.uid) == {owner.uid}
    [one] = shop.reads.jobs(shop.name, nightly.uid)
    assert one.key.name == "nightly-1"
    pairs = [pair for page in shop.reads.job_owners(shop.name) for pair in page]
    assert pairs == [(one.key, nightly.key)]
    assert one.selector is not None
    pods = [pod for page in shop.reads.pods(shop.name, one.selector.text) for pod in page]
    assert [pod.owner.uid for pod in pods if pod.owner] == [one.uid]


def test_a_pod(shop: Place) -> None:
    """Ready, on a node, of its owner, with its containers; and read again by name."""
    found = some_pod(shop, "web")
    assert (found.phase, found.ready, found.deleting) == ("Running", True, False)
    assert found.ready_since is not None
    assert found.node.startswith("node-")
    assert found.labels["app"] == "web"
    assert found.owner is not None
    assert found.owner.name.endswith(found.labels["pod-template-hash"])
    assert [one.image for one in found.containers] == ["registry.example/web:1"]
    again = shop.reads.pod(shop.name, found.name)
    assert again is not None
    assert (again.uid, again.resource_version) == (found.uid, found.resource_version)
    assert shop.reads.pod(shop.name, "nobody") is None


def test_pods_by_their_metadata(shop: Place) -> None:
    """The same pods, with owners and labels and without spec and status."""
    full = {pod.uid: pod for page in shop.reads.pods(shop.name, "") for pod in page}
    slim = {pod.uid: pod for page in shop.reads.pod_metadata(shop.name, "") for pod in page}
    assert slim.keys() == full.keys()
    for uid, one in slim.items():
        assert (one.name, one.labels, one.owner) == (
            full[uid].name,
            full[uid].labels,
            full[uid].owner,
        )
        assert one.node == ""
    [bare] = [one for one in full.values() if one.owner is None]
    assert bare.name == "bare"


def test_nodes(shop: Place) -> None:
    """One by name, and names by label."""
    found = shop.reads.node("node-a")
    assert found is not None
    assert (found.name, found.ready, found.deleting) == ("node-a", True, False)
    assert found.labels["pool"] == "a"
    assert shop.reads.node("nobody") is None
    assert shop.reads.node_names("pool in (a, b)") == {"node-a", "node-b"}


def test_namespaces(shop: Place) -> None:
    """Labels of one, and all with a label."""
    one = shop.reads.namespace(shop.name)
    assert one is not None
    assert one.labels["team"] == "shop"
    assert one.labels["kubernetes.io/metadata.name"] == shop.name
    assert shop.reads.namespace("nobody") is None
    found = [name.name for page in shop.reads.namespaces("team=shop") for name in page]
    assert shop.name in found


def test_budgets(shop: Place) -> None:
    """What a budget covers and allows now."""
    [found] = shop.reads.budgets(shop.name)
    assert found.selector is not None
    assert (found.name, found.selector.text) == ("web", "app=web")
    numbers = (found.disruptions_allowed, found.current_healthy, found.desired_healthy)
    assert numbers == (1, 2, 1)
    assert found.expected_pods == 2
    assert found.generation == found.observed_generation == 1
    assert found.disrupted_pods == frozenset()


@pytest.mark.parametrize("kind", ["Deployment", "Pod", "Job"])
def test_counts(shop: Place, kind: str) -> None:
    """Of the whole cluster."""
    path = {
        "Deployment": "/apis/apps/v1/deployments",
        "Pod": "/api/v1/pods",
        "Job": "/apis/batch/v1/jobs",
    }[kind]
    assert shop.reads.count(kind) == len(shop.admin.ok("GET", path)["items"]) > 0
