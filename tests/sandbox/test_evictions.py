"""The Eviction API and the budgets it spends, to the letter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import find_condition, is_deleting
from tests.sandbox.support import PODS, World, make_world, shop

CANNOT = "Cannot evict pod as it would violate the pod's disruption budget."


def name_of(world: World, at: int = 0, app: str = "web") -> str:
    name: str = world.pods(app)[at]["metadata"]["name"]
    return name


def test_an_eviction_that_is_fine() -> None:
    """201 Status Success; the pod is marked and terminating, the budget spent until it is gone."""
    world = shop()
    name = name_of(world)
    response = world.evict(name)
    assert response.status == 201
    assert (response.json()["kind"], response.json()["status"]) == ("Status", "Success")
    pod = world.pod()
    assert is_deleting(pod)
    target = find_condition(pod, "DisruptionTarget")
    assert target is not None
    assert target["reason"] == "EvictionByEvictionAPI"
    assert world.budget()["disruptionsAllowed"] == 0
    assert list(world.budget()["disruptedPods"]) == [name]
    world.pass_time(20)
    assert world.budget()["disruptionsAllowed"] == 1
    assert "disruptedPods" not in world.budget()
    assert name not in [pod["metadata"]["name"] for pod in world.pods("web")]


def test_a_refused_eviction_says_why() -> None:
    """429 TooManyRequests with the budget as its cause, and no Retry-After."""
    world = shop(replicas=2, min_available=2)
    response = world.evict(name_of(world))
    body = response.json()
    assert response.status == 429
    assert "Retry-After" not in response.headers
    assert (body["reason"], body["message"]) == ("TooManyRequests", CANNOT)
    assert body["details"]["causes"] == [
        {
            "reason": "DisruptionBudget",
            "message": "The disruption budget web needs 2 healthy pods and has 2 currently",
        }
    ]


@pytest.mark.parametrize(("min_available", "status"), [(3, 201), (4, 429)])
def test_a_dry_run_asks_the_budget_and_spends_nothing(min_available: int, status: int) -> None:
    """201 or 429 as the real one would be; the pod stays, the counters do not move."""
    world = shop(min_available=min_available)
    before = world.cluster.revision
    assert world.evict(name_of(world), dryRun=["All"]).status == status
    assert world.cluster.revision == before


@pytest.mark.parametrize("field", ["uid", "resourceVersion"])
def test_a_wrong_precondition_burns_the_budget(field: str) -> None:
    """409, and nobody can be evicted until the controller gives up on the pod: two minutes."""
    world = shop()
    name = name_of(world)
    response = world.evict(name, preconditions={field: "1"})
    assert response.status == 409
    assert response.json()["reason"] == "Conflict"
    assert "in the precondition (1) does not match the" in response.json()["message"]
    assert not is_deleting(world.pod())
    assert world.budget()["disruptionsAllowed"] == 0
    assert list(world.budget()["disruptedPods"]) == [name]
    uid = world.pod()["metadata"]["uid"]
    assert world.evict(name, preconditions={"uid": uid}).status == 429
    world.pass_time(119)
    assert world.evict(name_of(world, 1)).status == 429
    world.pass_time(1)
    assert world.budget()["disruptionsAllowed"] == 1
    assert world.evict(name, preconditions={"uid": uid}).status == 201


def test_the_right_preconditions_pass() -> None:
    """UID and resourceVersion of the pod as it is."""
    world = shop()
    meta = world.pod()["metadata"]
    preconditions = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    assert world.evict(meta["name"], preconditions=preconditions).status == 201


def test_two_budgets_are_not_supported() -> None:
    """500, without a reason."""
    world = shop()
    scenarios.pdb(world.cluster, "shop", "second", match={"app": "web"}, min_available=0)
    world.controllers.step()
    response = world.evict(name_of(world))
    assert response.status == 500
    assert response.json()["message"] == (
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support."
    )


def test_a_budget_that_was_not_computed_yet() -> None:
    """A new budget, or a changed one, refuses until the controller has seen it: Retry-After 10."""
    world = shop()
    world.ok(
        "PATCH",
        "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web",
        {"spec": {"minAvailable": 1}},
        {"Content-Type": "application/merge-patch+json"},
    )
    response = world.evict(name_of(world))
    assert (response.status, response.headers["Retry-After"]) == (429, "10")
    cause = response.json()["details"]["causes"][0]["message"]
    assert cause == "The disruption budget web is still being processed by the server."
    world.controllers.step()
    assert world.evict(name_of(world)).status == 201


@pytest.mark.parametrize("state", ["Pending", "Succeeded", "Failed", "terminating"])
def test_budgets_do_not_protect_what_does_not_run(state: str) -> None:
    """Pending, finished and terminating pods are evicted past every budget."""
    world = shop(min_available=4)
    name = name_of(world)
    if state == "terminating":
        world.ok("DELETE", f"{PODS}/{name}")
    else:
        with world.cluster.edit("pods", "shop", name) as pod:
            pod["status"]["phase"] = state
    before = world.budget()
    assert world.evict(name).status == 201
    assert world.budget() == before


@pytest.mark.parametrize(
    ("policy", "min_available", "status"),
    [
        (None, 3, 201),
        (None, 4, 429),
        ("IfHealthyBudget", 3, 201),
        ("IfHealthyBudget", 4, 429),
        ("AlwaysAllow", 4, 201),
    ],
)
def test_unready_pods(policy: str | None, min_available: int, status: int) -> None:
    """An unready pod goes when enough others are healthy, or always if the budget says so."""
    world = make_world()
    scenarios.deployment(world.cluster, "shop", "web", 4)
    scenarios.pdb(world.cluster, "shop", "web", min_available=min_available, unhealthy=policy)
    scenarios.settle(world.cluster)
    name = name_of(world)
    scenarios.set_pod_ready(world.cluster, "shop", name, False)
    world.controllers.step()
    assert world.budget()["currentHealthy"] == 3
    allowed = world.budget()["disruptionsAllowed"]
    assert world.evict(name).status == status
    assert world.budget()["disruptionsAllowed"] == allowed  # an unready pod costs nothing


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"metadata": {"name": "other"}}, 400),
        ({"deleteOptions": []}, 400),
        ({"deleteOptions": {"dryRun": ["None"]}}, 422),
        ([], 400),
    ],
)
def test_bad_evictions(body: Any, code: int) -> None:
    """Refused, with nothing spent."""
    world = shop()
    before = world.cluster.revision
    url = f"{PODS}/{name_of(world)}/eviction"
    assert world.refused("POST", url, body)[0] == code
    assert world.cluster.revision == before


def test_no_such_pod() -> None:
    """404, as for a delete."""
    assert make_world().evict("nobody").json()["message"] == 'pods "nobody" not found'


def test_without_a_budget_everything_goes() -> None:
    """Several evictions at once, with the grace that was asked for."""
    world = make_world()
    scenarios.deployment(world.cluster, "shop", "api", 3)
    scenarios.settle(world.cluster)
    for pod in world.pods("api"):
        assert world.evict(pod["metadata"]["name"], gracePeriodSeconds=5).status == 201
    graces = {pod["metadata"]["deletionGracePeriodSeconds"] for pod in world.pods("api")}
    assert graces == {5}


def test_an_evicted_pod_that_never_goes() -> None:
    """A pod on a dead node stays terminating, and counts as unavailable all the same."""
    world = shop()
    pod = world.pod()
    assert world.evict(pod["metadata"]["name"]).status == 201
    scenarios.set_node_ready(world.cluster, pod["spec"]["nodeName"], False)
    world.pass_time(timedelta(minutes=10).total_seconds())
    stuck = [one for one in world.pods("web") if is_deleting(one)]
    assert [one["metadata"]["uid"] for one in stuck] == [pod["metadata"]["uid"]]
