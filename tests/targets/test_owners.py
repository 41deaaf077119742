"""From a pod to its workload."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chaosd.core.facts import Owner, PodFacts
from chaosd.core.model import WorkloadKey
from chaosd.targets.owners import LONG_AGO, bare_pod, own_kind, owned_by, workload_of

MADE = datetime(2026, 1, 5, 9, tzinfo=UTC)
LATER = datetime(2026, 1, 6, 9, tzinfo=UTC)


def pod(owner: Owner | None = None, name: str = "web-7f-x1", **labels: str) -> PodFacts:
    return PodFacts(
        namespace="shop",
        name=name,
        uid="u",
        resource_version="7",
        created=MADE,
        labels={key.replace("_", "-"): text for key, text in labels.items()},
        owner=owner,
        priority_class="high",
    )


def owner(kind: str, name: str, api_version: str = "apps/v1") -> Owner:
    return Owner(kind, name, "o", api_version)


@pytest.mark.parametrize(
    ("one", "key"),
    [
        (pod(owner("ReplicaSet", "web-7f"), pod_template_hash="7f"), "shop/Deployment/web"),
        (pod(owner("ReplicaSet", "a-7f-7f"), pod_template_hash="7f"), "shop/Deployment/a-7f"),
        (pod(owner("ReplicaSet", "web-7f")), "shop/ReplicaSet/web-7f"),
        (pod(owner("ReplicaSet", "web-8a"), pod_template_hash="7f"), "shop/ReplicaSet/web-8a"),
        (pod(owner("ReplicaSet", "web-"), pod_template_hash=""), "shop/ReplicaSet/web-"),
        (pod(owner("StatefulSet", "db")), "shop/StatefulSet/db"),
        (pod(owner("DaemonSet", "agent"), pod_template_hash="7f"), "shop/DaemonSet/agent"),
        (pod(owner("Job", "once", "batch/v1")), "shop/Job/once"),
        (pod(owner("Cluster", "pg", "postgresql.cnpg.io/v1")), "shop/Cluster/pg"),
        (pod(owner("Node", "node-a", "v1")), "shop/Node/node-a"),
        (pod(None, "alone"), "shop/Pod/alone"),
    ],
)
def test_a_pod_names_its_workload(one: PodFacts, key: str) -> None:
    """A Deployment is known by the hash in its ReplicaSet's name, everything else by the owner."""
    assert str(workload_of(one)) == key


@pytest.mark.parametrize(
    ("kind", "api_version"),
    [
        ("StatefulSet", "apps.kruise.io/v1beta1"),
        ("ReplicaSet", "example.com/v1"),
        ("CronJob", "apps/v1"),
        ("Deployment", "v1"),
    ],
)
def test_a_namesake_of_a_known_kind_has_no_name(kind: str, api_version: str) -> None:
    """Its key would name another object, so there is none."""
    assert workload_of(pod(owner(kind, "web", api_version), pod_template_hash="b")) is None


def test_a_bare_pod_is_a_workload_of_one() -> None:
    """What is asked of workloads is answered by the pod itself."""
    found = bare_pod(pod(app="x"))
    assert (found.key, found.desired, found.ready) == (
        WorkloadKey("shop", "Pod", "web-7f-x1"),
        1,
        0,
    )
    assert found.labels == found.template_labels == {"app": "x"}
    assert bare_pod(pod(), metadata_only=True).ready is None


def test_a_kind_of_somebodys_own_is_known_by_its_pods() -> None:
    """It is as old as its oldest pod, and wants nobody knows how many."""
    key = WorkloadKey("shop", "Foo", "f")
    young = PodFacts(namespace="shop", name="b", uid="b", resource_version="1", created=LATER)
    found = own_kind(key, [pod(owner("Foo", "f", "x/v1"), app="x"), young])
    assert (found.created, found.desired, found.uid, found.priority_class) == (
        MADE,
        None,
        "o",
        "high",
    )
    assert found.template_labels == {"app": "x"}
    assert own_kind(key, []).created == LONG_AGO


def test_who_owns_a_pod() -> None:
    """Namespace, kind and name must fit."""
    one = pod(owner("Foo", "f", "x/v1"))
    assert owned_by(one, WorkloadKey("shop", "Foo", "f"))
    assert not owned_by(one, WorkloadKey("other", "Foo", "f"))
    assert not owned_by(one, WorkloadKey("shop", "Foo", "g"))
    assert not owned_by(pod(), WorkloadKey("shop", "Pod", "web-7f-x1"))
