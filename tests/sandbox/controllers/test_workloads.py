"""Workload controllers: replacements, scaling, rollouts, statuses."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import condition_is, controller_of, is_deleting, is_ready, labels_of
from tests.sandbox.support import DEPLOYMENTS, MERGE, PODS, STRATEGIC, World, make_world, shop

APPS = "/apis/apps/v1/namespaces/shop"


def new_image(image: str = "sandbox/other:2") -> dict[str, Any]:
    containers = [{"name": "main", "image": image}]
    return {"spec": {"template": {"spec": {"containers": containers}}}}


def test_a_deployment_owns_a_replica_set_that_owns_pods() -> None:
    """Names, hash labels and owner references as everywhere."""
    world = shop()
    replica_set = world.cluster.all("replicasets.apps", "shop")[0]
    hashed = labels_of(replica_set)["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"web-{hashed}"
    above = controller_of(replica_set)
    assert above is not None
    assert (above["kind"], above["name"]) == ("Deployment", "web")
    for pod in world.pods("web"):
        owner = controller_of(pod)
        assert owner is not None
        assert owner["uid"] == replica_set["metadata"]["uid"]
        assert labels_of(pod)["pod-template-hash"] == hashed
        assert pod["metadata"]["name"].startswith(f"web-{hashed}-")


def test_a_killed_pod_is_replaced_at_once_and_ready_later() -> None:
    """The replacement is made while the victim still stops; the status follows."""
    world = shop()
    victim = world.pod()["metadata"]["uid"]
    assert world.evict(world.pod()["metadata"]["name"]).status == 201
    world.controllers.step()
    assert len(world.pods("web")) == 5
    status = world.workload("deployments.apps", "web")["status"]
    assert (status["replicas"], status["readyReplicas"], status["unavailableReplicas"]) == (4, 3, 1)
    world.pass_time(20)
    assert len(world.pods("web")) == 4
    assert victim not in [pod["metadata"]["uid"] for pod in world.pods("web")]
    status = world.workload("deployments.apps", "web")["status"]
    assert (status["readyReplicas"], status["availableReplicas"]) == (4, 4)
    assert "unavailableReplicas" not in status


def test_min_ready_seconds_delay_availability() -> None:
    """Ready at once, available when it has been Ready long enough."""
    world = make_world()
    scenarios.deployment(world.cluster, "shop", "web", 2, min_ready_seconds=30)
    scenarios.settle(world.cluster)
    status = world.workload("deployments.apps", "web")["status"]
    assert status["readyReplicas"] == 2
    assert "availableReplicas" not in status
    assert condition_is(world.workload("deployments.apps", "web"), "Available", "False")
    world.pass_time(31)
    assert world.workload("deployments.apps", "web")["status"]["availableReplicas"] == 2


@pytest.mark.parametrize("replicas", [0, 2, 7])
def test_scaling(replicas: int) -> None:
    """Up, down, to nothing; observedGeneration follows."""
    world = shop()
    world.ok("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"replicas": replicas}}, MERGE)
    world.pass_time(20)
    assert len(world.pods("web")) == replicas
    found = world.workload("deployments.apps", "web")
    assert found["status"].get("readyReplicas", 0) == replicas
    assert found["status"]["observedGeneration"] == found["metadata"]["generation"] == 2


def test_a_rollout_keeps_enough_pods_available() -> None:
    """At most 25% more, at least 75% available, and in the end only the new template."""
    world = shop()
    scenarios.pdb(world.cluster, "shop", "none", match={"x": "y"}, min_available=0)
    world.ok("PATCH", f"{DEPLOYMENTS}/web", new_image(), STRATEGIC)
    for _ in range(60):
        world.pass_time(0.5)
        standing = [pod for pod in world.pods("web") if not is_deleting(pod)]
        assert sum(1 for pod in standing if is_ready(pod)) >= 3
        assert len(standing) <= 5
    images = {pod["spec"]["containers"][0]["image"] for pod in world.pods("web")}
    assert images == {"sandbox/other:2"}
    status = world.workload("deployments.apps", "web")["status"]
    assert (status["replicas"], status["updatedReplicas"]) == (4, 4)
    assert len(world.cluster.all("replicasets.apps", "shop")) == 2
    deployment = world.workload("deployments.apps", "web")
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_rolling_back_is_a_new_revision() -> None:
    """The old ReplicaSet is used again, and counts as the newest."""
    world = shop()
    first = world.cluster.all("replicasets.apps", "shop")[0]["metadata"]["name"]
    for image in ("sandbox/other:2", "sandbox/web:1"):
        world.ok("PATCH", f"{DEPLOYMENTS}/web", new_image(image), STRATEGIC)
        world.pass_time(60)
    deployment = world.workload("deployments.apps", "web")
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"
    scaled = {
        one["metadata"]["name"]: one["spec"]["replicas"]
        for one in world.cluster.all("replicasets.apps", "shop")
    }
    assert scaled.pop(first) == 4
    assert list(scaled.values()) == [0]


def test_a_rollout_that_gets_stuck() -> None:
    """New pods that never become Ready leave the old ones alone."""
    world = shop()
    patch = new_image()
    annotations = {"sandbox.chaosd.io/never-ready": "true"}
    patch["spec"]["template"]["metadata"] = {"annotations": annotations}
    world.ok("PATCH", f"{DEPLOYMENTS}/web", patch, STRATEGIC)
    world.pass_time(300)
    status = world.workload("deployments.apps", "web")["status"]
    assert status["availableReplicas"] == 3
    assert status["updatedReplicas"] == 2
    assert status["replicas"] == 5


def test_recreate_has_no_two_templates_at_once() -> None:
    """The Recreate strategy waits until the old pods are away."""
    world = make_world()
    scenarios.deployment(world.cluster, "shop", "web", 3)
    with world.cluster.edit("deployments.apps", "shop", "web") as item:
        item["spec"]["strategy"] = {"type": "Recreate"}
    scenarios.settle(world.cluster)
    world.ok("PATCH", f"{DEPLOYMENTS}/web", new_image(), STRATEGIC)
    for _ in range(40):
        world.pass_time(0.5)
        standing = [pod for pod in world.pods("web") if not is_deleting(pod)]
        assert len({pod["spec"]["containers"][0]["image"] for pod in standing}) <= 1
    assert sum(1 for pod in world.pods("web") if is_ready(pod)) == 3


def test_a_paused_deployment_does_not_roll() -> None:
    """The new template waits."""
    world = shop()
    world.ok("PATCH", f"{DEPLOYMENTS}/web", {"spec": {"paused": True}}, MERGE)
    world.ok("PATCH", f"{DEPLOYMENTS}/web", new_image(), STRATEGIC)
    world.pass_time(30)
    assert len(world.cluster.all("replicasets.apps", "shop")) == 1


def stateful(world: World, replicas: int = 3, **options: Any) -> None:
    scenarios.stateful_set(world.cluster, "shop", "cart", replicas, **options)
    scenarios.settle(world.cluster)


def names(world: World) -> list[str]:
    return [pod["metadata"]["name"] for pod in world.pods("cart")]


def test_a_stateful_set_starts_in_order() -> None:
    """The next pod is made when the one before is Ready."""
    world = make_world()
    scenarios.stateful_set(world.cluster, "shop", "cart", 3, start_seconds=5)
    world.pass_time(1)
    assert names(world) == ["cart-0"]
    world.pass_time(6)
    assert names(world) == ["cart-0", "cart-1"]
    world.pass_time(20)
    assert names(world) == ["cart-0", "cart-1", "cart-2"]
    status = world.workload("statefulsets.apps", "cart")["status"]
    assert (status["replicas"], status["readyReplicas"], status["availableReplicas"]) == (3, 3, 3)
    assert status["currentRevision"] == status["updateRevision"]


def test_a_parallel_stateful_set_starts_at_once() -> None:
    """podManagementPolicy Parallel."""
    world = make_world()
    scenarios.stateful_set(world.cluster, "shop", "cart", 3, parallel=True)
    world.controllers.step()
    assert len(names(world)) == 3


def test_a_stateful_pod_comes_back_under_its_name() -> None:
    """With another UID, and not before the old one is gone."""
    world = make_world()
    stateful(world)
    old = world.pods("cart")[1]["metadata"]["uid"]
    world.ok("DELETE", f"{PODS}/cart-1")
    world.controllers.step()
    assert [pod["metadata"]["uid"] for pod in world.pods("cart")][1] == old
    world.pass_time(20)
    new = world.pods("cart")[1]
    assert new["metadata"]["name"] == "cart-1"
    assert new["metadata"]["uid"] != old
    assert is_ready(new)


def test_a_stateful_set_shrinks_from_the_end() -> None:
    """The highest ordinal goes first."""
    world = make_world()
    stateful(world)
    world.ok("PATCH", f"{APPS}/statefulsets/cart", {"spec": {"replicas": 1}}, MERGE)
    world.pass_time(20)
    assert names(world) == ["cart-0"]


def test_a_stateful_set_rolls_from_the_end() -> None:
    """One pod at a time, the highest ordinal first; the current revision follows at the end."""
    world = make_world()
    stateful(world)
    world.ok("PATCH", f"{APPS}/statefulsets/cart", new_image(), STRATEGIC)
    world.controllers.step()
    assert [is_deleting(pod) for pod in world.pods("cart")] == [False, False, True]
    status = world.workload("statefulsets.apps", "cart")["status"]
    assert status["currentRevision"] != status["updateRevision"]
    for _ in range(100):
        world.pass_time(0.5)
        assert sum(1 for pod in world.pods("cart") if is_ready(pod) and not is_deleting(pod)) >= 2
    status = world.workload("statefulsets.apps", "cart")["status"]
    assert status["currentRevision"] == status["updateRevision"]
    assert status["updatedReplicas"] == 3


def test_a_daemon_set_has_a_pod_on_every_node() -> None:
    """Also on a new one, and on a cordoned one; killed ones come back on their node."""
    world = make_world(nodes=2)
    with world.cluster.edit("nodes", "", "node-1") as node:
        node["spec"]["unschedulable"] = True
    scenarios.daemon_set(world.cluster, "shop", "agent")
    scenarios.settle(world.cluster)
    scenarios.node(world.cluster, "node-9")
    world.pass_time(20)
    on = {pod["spec"]["nodeName"] for pod in world.pods("agent")}
    assert on == {"node-0", "node-1", "node-9"}
    status = world.workload("daemonsets.apps", "agent")["status"]
    assert (status["desiredNumberScheduled"], status["numberReady"]) == (3, 3)
    assert status["updatedNumberScheduled"] == status["numberAvailable"] == 3
    victim = world.pod("agent")
    world.ok("DELETE", f"{PODS}/{victim['metadata']['name']}")
    world.pass_time(20)
    assert victim["spec"]["nodeName"] in {pod["spec"]["nodeName"] for pod in world.pods("agent")}
    assert len(world.pods("agent")) == 3


@pytest.mark.parametrize(
    ("effect", "left"), [("NoExecute", ["node-0"]), ("NoSchedule", ["node-0", "node-1"])]
)
def test_a_daemon_set_leaves_tainted_nodes(effect: str, left: list[str]) -> None:
    """A taint NoExecute that it does not tolerate takes its pod away; one of NoSchedule only keeps
    a new pod from coming."""
    world = make_world(nodes=2)
    scenarios.daemon_set(world.cluster, "shop", "agent")
    scenarios.settle(world.cluster)
    with world.cluster.edit("nodes", "", "node-1") as node:
        node["spec"]["taints"] = [{"key": "k", "effect": effect}]
    world.pass_time(20)
    assert sorted(pod["spec"]["nodeName"] for pod in world.pods("agent")) == left


def test_a_daemon_set_rolls_one_node_at_a_time() -> None:
    """maxUnavailable 1."""
    world = make_world()
    scenarios.daemon_set(world.cluster, "shop", "agent")
    scenarios.settle(world.cluster)
    world.ok("PATCH", f"{APPS}/daemonsets/agent", new_image(), STRATEGIC)
    for _ in range(100):
        world.pass_time(0.5)
        ready = [pod for pod in world.pods("agent") if is_ready(pod) and not is_deleting(pod)]
        assert len(ready) >= 2
    images = {pod["spec"]["containers"][0]["image"] for pod in world.pods("agent")}
    assert images == {"sandbox/other:2"}


def job_status(world: World) -> dict[str, Any]:
    status: dict[str, Any] = world.workload("jobs.batch", "j")["status"]
    return status


def test_a_job_runs_to_its_end() -> None:
    """Pods one after another, each counted once, then Complete."""
    world = make_world()
    scenarios.job(world.cluster, "shop", "j", completions=2, run_seconds=10)
    world.pass_time(5)
    assert job_status(world)["active"] == 1
    world.pass_time(60)
    assert job_status(world)["succeeded"] == 2
    assert condition_is(world.workload("jobs.batch", "j"), "Complete")
    assert [pod["status"]["phase"] for pod in world.pods("j")] == ["Succeeded"] * 2
    assert not any(pod["metadata"].get("finalizers") for pod in world.pods("j"))


@pytest.mark.parametrize("backoff_limit", [0, 2])
def test_killing_a_jobs_pods_uses_up_its_backoff(backoff_limit: int) -> None:
    """Each kill counts as a failure; one more than the limit fails the Job."""
    world = make_world()
    scenarios.job(world.cluster, "shop", "j", backoff_limit=backoff_limit, run_seconds=3600)
    for kills in range(1, backoff_limit + 2):
        world.pass_time(20)
        live = [pod for pod in world.pods("j") if not is_deleting(pod)]
        world.ok("DELETE", f"{PODS}/{live[0]['metadata']['name']}")
        world.pass_time(20)
        # The kill that ends the Job also ends the replacement that it had made.
        assert job_status(world)["failed"] == kills + (kills > backoff_limit)
    assert condition_is(world.workload("jobs.batch", "j"), "Failed")
    assert world.pods("j") == []


@pytest.mark.parametrize("policy", ["Background", "Orphan"])
def test_pods_of_a_deleted_job_can_go(policy: str) -> None:
    """Nobody counts them any more, so nothing holds them."""
    world = make_world()
    scenarios.job(world.cluster, "shop", "j", run_seconds=3600)
    world.pass_time(20)
    url = "/apis/batch/v1/namespaces/shop/jobs/j"
    world.ok("DELETE", url, {"propagationPolicy": policy})
    for pod in world.pods("j"):
        world.ok("DELETE", f"{PODS}/{pod['metadata']['name']}")
    world.pass_time(20)
    assert world.pods("j") == []


def test_a_custom_owner_brings_nothing_back() -> None:
    """Pods of somebody's own kind are theirs: no controller here makes them anew."""
    world = make_world()
    foo = scenarios.custom_kind(world.cluster)
    owner = scenarios.custom(world.cluster, foo, "shop", "one")
    scenarios.pod(world.cluster, "shop", "one-0", owner=(foo, owner))
    scenarios.settle(world.cluster)
    found = controller_of(world.pods("one-0")[0])
    assert found is not None
    assert (found["apiVersion"], found["kind"]) == ("example.com/v1", "Foo")
    world.ok("DELETE", f"{PODS}/one-0")
    world.pass_time(60)
    assert world.cluster.all("pods", "shop") == []


def test_pods_of_a_custom_owner_go_with_it() -> None:
    """The garbage collector knows custom kinds too."""
    world = make_world()
    foo = scenarios.custom_kind(world.cluster)
    owner = scenarios.custom(world.cluster, foo, "shop", "one")
    scenarios.pod(world.cluster, "shop", "one-0", owner=(foo, owner))
    scenarios.settle(world.cluster)
    world.ok("DELETE", "/apis/example.com/v1/namespaces/shop/foos/one")
    world.pass_time(10)
    assert world.cluster.all("pods", "shop") == []
