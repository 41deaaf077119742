"""Deleting: grace, preconditions, dependents, finalizers."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import is_deleting
from tests.sandbox.support import CONFIG_MAPS, DEPLOYMENTS, MERGE, PODS, make_world, shop


def test_a_running_pod_gets_its_grace() -> None:
    """200 with the Pod, deletionTimestamp = now + grace; the pod goes when it has stopped."""
    world = shop()
    pod = world.pod()
    url = f"{PODS}/{pod['metadata']['name']}"
    response = world.call("DELETE", url)
    assert response.status == 200
    body = response.json()
    assert body["kind"] == "Pod"
    assert body["metadata"]["deletionTimestamp"] == "2026-01-05T09:00:30Z"
    assert body["metadata"]["deletionGracePeriodSeconds"] == 30
    assert world.call("GET", url).status == 200
    world.pass_time(5)
    assert world.call("GET", url).status == 404


def test_grace_0_removes_at_once() -> None:
    """Force deletion: 200 with the Pod, and the object is gone."""
    world = shop()
    url = f"{PODS}/{world.pod()['metadata']['name']}"
    response = world.call("DELETE", url, {"gracePeriodSeconds": 0})
    assert (response.status, response.json()["kind"]) == (200, "Pod")
    assert world.call("GET", url).status == 404


@pytest.mark.parametrize(
    ("first", "second", "grace"), [(30, 10, 10), (10, 30, 10), (30, None, 30), (1, 1, 1)]
)
def test_grace_is_only_ever_shortened(first: int, second: int | None, grace: int) -> None:
    """A second delete may bring the end nearer, never put it off."""
    world = shop()
    url = f"{PODS}/{world.pod()['metadata']['name']}"
    world.ok("DELETE", url, {"gracePeriodSeconds": first})
    again = world.ok("DELETE", url, {} if second is None else {"gracePeriodSeconds": second})
    assert again["metadata"]["deletionGracePeriodSeconds"] == grace


@pytest.mark.parametrize("stop_seconds", [0.5, 20.0, 90.0])
def test_a_pod_stops_within_its_grace(stop_seconds: float) -> None:
    """The stop delay holds, but never longer than the grace period."""
    world = make_world()
    scenarios.pod(world.cluster, "shop", "slow", stop_seconds=stop_seconds)
    scenarios.settle(world.cluster)
    world.ok("DELETE", f"{PODS}/slow")
    left = min(stop_seconds, 30)
    world.pass_time(left - 0.1)
    assert world.call("GET", f"{PODS}/slow").status == 200
    world.pass_time(0.2)
    assert world.call("GET", f"{PODS}/slow").status == 404


@pytest.mark.parametrize("state", ["unscheduled", "finished"])
def test_what_does_not_run_goes_at_once(state: str) -> None:
    """Nothing has to be stopped: no grace."""
    world = make_world(nodes=0 if state == "unscheduled" else 1)
    scenarios.pod(world.cluster, "shop", "p")
    scenarios.settle(world.cluster)
    if state == "finished":
        with world.cluster.edit("pods", "shop", "p") as pod:
            pod["status"]["phase"] = "Failed"
    world.ok("DELETE", f"{PODS}/p")
    assert world.call("GET", f"{PODS}/p").status == 404


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_preconditions_of_a_delete(field: str) -> None:
    """A wrong UID or an old version is a 409 that changes nothing; the right one deletes."""
    world = shop()
    pod = world.pod()
    url = f"{PODS}/{pod['metadata']['name']}"
    revision = world.cluster.revision
    code, reason, message = world.refused("DELETE", url, {"preconditions": {field: "1"}})
    assert (code, reason) == (409, "Conflict")
    assert "in the precondition (1) does not match the" in message
    assert world.cluster.revision == revision
    world.ok("DELETE", url, {"preconditions": {field: pod["metadata"][field]}})


def test_a_dry_run_deletes_nothing() -> None:
    """In the body or in the query."""
    world = shop()
    revision = world.cluster.revision
    url = f"{PODS}/{world.pod()['metadata']['name']}"
    assert world.ok("DELETE", url, {"dryRun": ["All"]})["metadata"]["deletionTimestamp"]
    world.ok("DELETE", f"{url}?dryRun=All&gracePeriodSeconds=0")
    assert world.cluster.revision == revision


@pytest.mark.parametrize(
    ("body", "code"), [([], 400), ({"gracePeriodSeconds": "x"}, 400), ({"dryRun": ["Some"]}, 422)]
)
def test_bad_delete_options(body: Any, code: int) -> None:
    """Refused before anything happens."""
    world = shop()
    assert world.refused("DELETE", f"{PODS}/{world.pod()['metadata']['name']}", body)[0] == code


def test_other_kinds_answer_with_a_status() -> None:
    """200 Status Success with the object's uid."""
    world = make_world()
    made = world.ok("POST", CONFIG_MAPS, {"metadata": {"name": "cm"}})
    body = world.ok("DELETE", f"{CONFIG_MAPS}/cm")
    assert (body["kind"], body["status"]) == ("Status", "Success")
    assert body["details"] == {
        "name": "cm",
        "kind": "configmaps",
        "uid": made["metadata"]["uid"],
    }


@pytest.mark.parametrize(("policy", "left"), [("Background", 0), ("Orphan", 4)])
def test_dependents_go_with_their_owner(policy: str, left: int) -> None:
    """The garbage collector follows owner references, unless the dependents were orphaned."""
    world = shop()
    owner = world.cluster.all("replicasets.apps", "shop")[0]["metadata"]["name"]
    world.ok("DELETE", f"{DEPLOYMENTS}/web", {"propagationPolicy": "Orphan"})
    url = f"/apis/apps/v1/namespaces/shop/replicasets/{owner}"
    world.ok("DELETE", url, {"propagationPolicy": policy})
    world.pass_time(10)
    assert len(world.pods("web")) == left


def test_a_finalizer_holds_an_object() -> None:
    """It stays, marked, until its finalizers are gone."""
    world = make_world()
    world.ok("POST", CONFIG_MAPS, {"metadata": {"name": "cm", "finalizers": ["a.io/x"]}})
    held = world.ok("DELETE", f"{CONFIG_MAPS}/cm")
    assert held["metadata"]["deletionTimestamp"]
    world.ok("PATCH", f"{CONFIG_MAPS}/cm", {"metadata": {"finalizers": None}}, MERGE)
    assert world.call("GET", f"{CONFIG_MAPS}/cm").status == 404


def test_a_namespace_takes_everything_along() -> None:
    """It is Terminating until it is empty; nothing new gets in."""
    world = shop()
    world.ok("POST", CONFIG_MAPS, {"metadata": {"name": "cm"}})
    body = world.ok("DELETE", "/api/v1/namespaces/shop")
    assert body["status"]["phase"] == "Terminating"
    assert world.refused("POST", CONFIG_MAPS, {"metadata": {"name": "x"}})[:2] == (
        403,
        "Forbidden",
    )
    world.pass_time(10)
    assert world.call("GET", "/api/v1/namespaces/shop").status == 404
    assert world.cluster.all("pods", "shop") == []


def test_a_collection_is_deleted_by_selector() -> None:
    """DELETE of a list deletes what the selector selects."""
    world = shop()
    scenarios.deployment(world.cluster, "shop", "api", 2)
    scenarios.settle(world.cluster)
    world.ok("DELETE", f"{PODS}?labelSelector=app%3Dapi")
    assert all(is_deleting(pod) for pod in world.pods("api"))
    assert not any(is_deleting(pod) for pod in world.pods("web"))


def test_removals_are_logged() -> None:
    """The cluster's side of the story: who removed which pod, when, and how."""
    world = shop()
    pod = world.pod()
    name = pod["metadata"]["name"]
    agent = {"User-Agent": "somebody/1"}
    world.ok("DELETE", f"{PODS}/{name}?dryRun=All", headers=agent)
    world.clock.advance(1)
    assert world.evict(name).status == 201
    world.ok("DELETE", f"{PODS}/{name}")
    assert world.refused("DELETE", f"{PODS}/none")[0] == 404
    found = world.api.journal.removals
    assert [(one.by, one.dry_run, one.already_terminating) for one in found] == [
        ("delete", True, False),
        ("eviction", False, False),
        ("delete", False, True),
    ]
    assert {one.uid for one in found} == {pod["metadata"]["uid"]}
    assert found[0].user_agent == "somebody/1"
    assert found[1].at == world.clock.now()
    assert found[1].owner.startswith("ReplicaSet/web-")
    assert found[1].labels["app"] == "web"
