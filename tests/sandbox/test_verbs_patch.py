"""Patches and subresources: what a patch may demand, what it raises, and what is written apart."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import find_condition
from tests.sandbox.support import DEPLOYMENTS, JSON_PATCH, MERGE, PODS, STRATEGIC, make_world, shop


@pytest.mark.parametrize(
    ("field", "refusal"), [("uid", (422, "Invalid")), ("resourceVersion", (409, "Conflict"))]
)
@pytest.mark.parametrize("headers", [MERGE, STRATEGIC])
def test_a_patch_can_demand_identity(
    field: str, refusal: tuple[int, str], headers: dict[str, str]
) -> None:
    """Another resourceVersion is a conflict; another uid, a change of what can't be changed."""
    world = shop()
    url = f"{PODS}/{world.pod()['metadata']['name']}"
    good = {"metadata": {field: world.pod()["metadata"][field], "labels": {"x": "1"}}}
    world.ok("PATCH", url, good, headers)
    bad = {"metadata": {field: "1", "labels": {"x": "2"}}}
    assert world.refused("PATCH", url, bad, headers)[:2] == refusal
    assert world.pod()["metadata"]["labels"]["x"] == "1"


@pytest.mark.parametrize("headers", [MERGE, STRATEGIC])
@pytest.mark.parametrize("terminating", [False, True])
def test_a_condition_of_ones_own_raises_the_version_once(
    headers: dict[str, str], terminating: bool
) -> None:
    """PATCH pods/status is the fence: it raises resourceVersion, sent again it does not."""
    world = shop()
    name = world.pod()["metadata"]["name"]
    if terminating:
        world.ok("DELETE", f"{PODS}/{name}")
    own = {"type": "chaosd.io/fenced", "status": "True"}
    conditions = [own] if headers is STRATEGIC else [*world.pod()["status"]["conditions"], own]
    body = {
        "metadata": {"uid": world.pod()["metadata"]["uid"]},
        "status": {"conditions": conditions},
    }
    before = world.pod()["metadata"]["resourceVersion"]
    patched = world.ok("PATCH", f"{PODS}/{name}/status", body, headers)
    after = patched["metadata"]["resourceVersion"]
    assert int(after) > int(before)
    assert find_condition(patched, "chaosd.io/fenced")
    assert find_condition(patched, "Ready")
    again = world.ok("PATCH", f"{PODS}/{name}/status", body, headers)
    assert again["metadata"]["resourceVersion"] == after
    assert world.evict(name, preconditions={"resourceVersion": before}).status == 409


def test_status_and_spec_are_written_apart() -> None:
    """The main resource ignores status, /status ignores spec and labels."""
    world = shop()
    url = f"{DEPLOYMENTS}/web"
    world.ok("PATCH", url, {"status": {"replicas": 99}}, MERGE)
    body = {"spec": {"replicas": 9}, "metadata": {"labels": {"x": "y"}}, "status": {"replicas": 98}}
    world.ok("PATCH", f"{url}/status", body, MERGE)
    found = world.workload("deployments.apps", "web")
    assert found["status"]["replicas"] == 98
    assert found["spec"]["replicas"] == 4
    assert "x" not in found["metadata"]["labels"]


@pytest.mark.parametrize(
    ("patch", "raised"),
    [
        ({"spec": {"replicas": 5}}, True),
        ({"metadata": {"annotations": {"a": "b"}}}, True),
        ({"metadata": {"labels": {"a": "b"}}}, False),
        ({"spec": {"replicas": 4}}, False),
    ],
)
def test_the_generation_counts_changes_of_the_spec(patch: dict[str, Any], raised: bool) -> None:
    """Spec and (for Deployments) annotations raise it, labels do not."""
    world = shop()
    before = world.workload("deployments.apps", "web")["metadata"]["generation"]
    world.ok("PATCH", f"{DEPLOYMENTS}/web", patch, MERGE)
    after = world.workload("deployments.apps", "web")["metadata"]["generation"]
    assert after == before + raised


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ([{"op": "test", "path": "/metadata/name", "value": "other"}], 422),
        ([{"op": "dance", "path": "/x"}], 400),
        ({"not": "a list"}, 400),
        ([{"op": "replace", "path": "/metadata/name", "value": "other"}], 400),
    ],
)
def test_bad_json_patches(body: Any, code: int) -> None:
    """A failed test is 422; what is no patch, or renames, is 400."""
    world = shop()
    assert world.refused("PATCH", f"{DEPLOYMENTS}/web", body, JSON_PATCH)[0] == code


def test_custom_kinds_know_no_strategic_merge() -> None:
    """Custom resources take merge and JSON patches; their list items name their kind."""
    world = make_world()
    foo = scenarios.custom_kind(world.cluster)
    scenarios.custom(world.cluster, foo, "shop", "one")
    url = "/apis/example.com/v1/namespaces/shop/foos"
    assert world.refused("PATCH", f"{url}/one", {}, STRATEGIC)[0] == 415
    patched = world.ok("PATCH", f"{url}/one", {"spec": {"anything": [1]}}, MERGE)
    assert patched["spec"] == {"anything": [1]}
    assert world.ok("GET", url)["items"][0]["kind"] == "Foo"


def test_the_scale_of_a_workload() -> None:
    """Read, patched and put through its subresource."""
    world = shop()
    url = f"{DEPLOYMENTS}/web/scale"
    scale = world.ok("GET", url)
    assert scale["spec"]["replicas"] == scale["status"]["replicas"] == 4
    assert scale["status"]["selector"] == "app=web"
    assert world.ok("PATCH", url, {"spec": {"replicas": 2}}, MERGE)["spec"]["replicas"] == 2
    world.pass_time(20)
    assert len(world.pods("web")) == 2
    assert world.refused("PUT", url, scale)[0] == 409
    assert world.refused("PATCH", url, {"spec": {"replicas": -1}}, MERGE)[0] == 400
