"""The PodDisruptionBudget controller computes what the real one computes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import find_condition, is_deleting, is_ready
from tests.sandbox.support import PODS, World, make_world


def budget_over(
    replicas: int,
    *,
    min_available: int | str | None = None,
    max_unavailable: int | str | None = None,
    unready: int = 0,
) -> World:
    world = make_world()
    scenarios.deployment(world.cluster, "shop", "web", replicas)
    scenarios.pdb(
        world.cluster,
        "shop",
        "web",
        min_available=min_available,
        max_unavailable=max_unavailable,
    )
    scenarios.settle(world.cluster)
    for pod in world.pods("web")[:unready]:
        scenarios.set_pod_ready(world.cluster, "shop", pod["metadata"]["name"], False)
    world.controllers.step()
    return world


@pytest.mark.parametrize(
    ("replicas", "minimum", "maximum", "unready", "expected"),
    [
        # (expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed)
        (4, 3, None, 0, (4, 3, 4, 1)),
        (4, 3, None, 1, (4, 3, 3, 0)),
        (4, 3, None, 2, (4, 3, 2, 0)),
        (4, 0, None, 0, (4, 0, 4, 4)),
        (2, 5, None, 0, (2, 5, 2, 0)),
        (4, "50%", None, 0, (4, 2, 4, 2)),
        (3, "50%", None, 0, (3, 2, 3, 1)),
        (7, "30%", None, 0, (7, 3, 7, 4)),
        (4, "100%", None, 0, (4, 4, 4, 0)),
        (4, "0%", None, 0, (4, 0, 4, 4)),
        (4, None, 1, 0, (4, 3, 4, 1)),
        (4, None, 1, 1, (4, 3, 3, 0)),
        (4, None, 0, 0, (4, 4, 4, 0)),
        (4, None, 9, 0, (4, 0, 4, 4)),
        (4, None, "50%", 0, (4, 2, 4, 2)),
        (3, None, "50%", 0, (3, 1, 3, 2)),
        (3, None, "1%", 0, (3, 2, 3, 1)),
        (0, 1, None, 0, (0, 1, 0, 0)),
        (0, None, 1, 0, (0, 0, 0, 0)),
    ],
)
def test_the_arithmetic(
    replicas: int,
    minimum: int | str | None,
    maximum: int | str | None,
    unready: int,
    expected: tuple[int, int, int, int],
) -> None:
    """Numbers and percentages, rounded up, of what the controllers want."""
    world = budget_over(replicas, min_available=minimum, max_unavailable=maximum, unready=unready)
    status = world.budget()
    fields = ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed")
    assert tuple(status[field] for field in fields) == expected
    assert status["observedGeneration"] == 1
    reason = "SufficientPods" if expected[3] else "InsufficientPods"
    budget = world.workload("poddisruptionbudgets.policy", "web")
    condition = find_condition(budget, "DisruptionAllowed")
    assert condition is not None
    assert condition["reason"] == reason


def test_percentages_are_of_the_wanted_scale() -> None:
    """Missing pods count: two of four standing is half, not all."""
    world = budget_over(4, min_available="50%")
    with world.cluster.edit("deployments.apps", "shop", "web") as item:
        item["spec"]["paused"] = True
    for pod in world.pods("web")[:2]:
        scenarios.set_pod_ready(world.cluster, "shop", pod["metadata"]["name"], False)
    world.controllers.step()
    assert world.budget()["desiredHealthy"] == 2
    assert world.budget()["disruptionsAllowed"] == 0


@pytest.mark.parametrize("owner", ["StatefulSet", "ReplicaSet"])
def test_scales_of_other_workloads(owner: str) -> None:
    """Every controller with a scale has one."""
    world = make_world()
    if owner == "StatefulSet":
        scenarios.stateful_set(world.cluster, "shop", "web", 4)
    else:
        scenarios.replica_set(world.cluster, "shop", "web", 4)
    scenarios.pdb(world.cluster, "shop", "web", max_unavailable=1)
    scenarios.settle(world.cluster)
    assert (world.budget()["expectedPods"], world.budget()["disruptionsAllowed"]) == (4, 1)


@pytest.mark.parametrize("owner", ["DaemonSet", "Job"])
def test_a_controller_without_a_scale_fails_the_sync(owner: str) -> None:
    """maxUnavailable over a DaemonSet can't be computed: nothing is allowed, and it says why."""
    world = make_world()
    if owner == "DaemonSet":
        scenarios.daemon_set(world.cluster, "shop", "web")
    else:
        scenarios.job(world.cluster, "shop", "web")
    scenarios.pdb(world.cluster, "shop", "web", max_unavailable=1)
    scenarios.settle(world.cluster)
    world.controllers.step()
    assert world.budget()["disruptionsAllowed"] == 0
    response = world.evict(world.pod()["metadata"]["name"])
    assert response.status == 429
    cause = response.json()["details"]["causes"][0]["message"]
    assert "does not allow evicting pods currently because it failed sync" in cause


def test_min_available_as_a_number_needs_no_scale() -> None:
    """Also pods without any controller are counted."""
    world = make_world()
    for name in ("a", "b"):
        scenarios.pod(world.cluster, "shop", name, pod_labels={"app": "web"})
    scenarios.pdb(world.cluster, "shop", "web", min_available=1)
    scenarios.settle(world.cluster)
    assert (world.budget()["expectedPods"], world.budget()["disruptionsAllowed"]) == (2, 1)


def test_terminating_pods_are_not_healthy() -> None:
    """A deleted pod stops counting at once, its replacement counts when it is Ready."""
    world = budget_over(4, min_available=3)
    world.ok("DELETE", f"{PODS}/{world.pod()['metadata']['name']}")
    world.controllers.step()
    assert (world.budget()["currentHealthy"], world.budget()["disruptionsAllowed"]) == (3, 0)
    world.pass_time(20)
    assert (world.budget()["currentHealthy"], world.budget()["disruptionsAllowed"]) == (4, 1)


@settings(max_examples=20)
@given(
    st.integers(1, 6),
    st.one_of(st.integers(0, 6), st.integers(0, 100).map(lambda share: f"{share}%")),
    st.lists(st.sampled_from(["evict", "wait"]), max_size=12),
)
def test_evictions_never_break_a_budget(
    replicas: int, minimum: int | str, actions: list[str]
) -> None:
    """However evictions and time interleave, desiredHealthy is never undercut by an eviction."""
    world = budget_over(replicas, min_available=minimum)
    for at, action in enumerate(actions):
        if action == "wait":
            world.pass_time(1.5)
            continue
        healthy = [pod for pod in world.pods("web") if is_ready(pod) and not is_deleting(pod)]
        if not healthy:
            continue
        victim = healthy[at % len(healthy)]["metadata"]["name"]
        if world.evict(victim).status == 201:
            assert len(healthy) - 1 >= world.budget()["desiredHealthy"]
        world.controllers.step()
