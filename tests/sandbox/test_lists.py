"""Lists: pages, snapshots, selectors, versions, forms."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.lists import write_token
from tests.sandbox.support import CONFIG_MAPS, PODS, World, make_world, shop


def names(body: dict[str, object]) -> list[str]:
    items = body["items"]
    assert isinstance(items, list)
    return [item["metadata"]["name"] for item in items]


def config_maps(count: int = 5) -> World:
    world = make_world()
    for number in range(count):
        world.ok("POST", CONFIG_MAPS, {"metadata": {"name": f"cm-{number}"}})
    return world


def test_pages_add_up_to_the_list() -> None:
    """Each page says how many remain, and the last one offers no token."""
    world = config_maps()
    page = world.ok("GET", f"{CONFIG_MAPS}?limit=2")
    assert names(page) == ["cm-0", "cm-1"]
    assert page["metadata"]["remainingItemCount"] == 3
    found = names(page)
    while page["metadata"].get("continue"):
        page = world.ok("GET", f"{CONFIG_MAPS}?limit=2&continue={page['metadata']['continue']}")
        found += names(page)
    assert found == [f"cm-{number}" for number in range(5)]
    assert "remainingItemCount" not in page["metadata"]


def test_pages_show_one_moment() -> None:
    """What is made, changed or removed between two pages does not show in the second."""
    world = config_maps()
    first = world.ok("GET", f"{CONFIG_MAPS}?limit=1")
    world.ok("DELETE", f"{CONFIG_MAPS}/cm-3")
    world.ok("POST", CONFIG_MAPS, {"metadata": {"name": "cm-9"}})
    second = world.ok("GET", f"{CONFIG_MAPS}?continue={first['metadata']['continue']}")
    assert names(second) == ["cm-1", "cm-2", "cm-3", "cm-4"]
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_selected_pages_do_not_count_the_rest() -> None:
    """With a selector the server does not know how many remain, but pages stay full."""
    world = shop()
    page = world.ok("GET", f"{PODS}?limit=3&labelSelector=app%3Dweb")
    assert len(names(page)) == 3
    assert "remainingItemCount" not in page["metadata"]
    assert page["metadata"]["continue"]


def test_an_expired_token_is_refused_with_a_way_on() -> None:
    """410 Expired, and a token in the answer that goes on with what is there now."""
    world = config_maps()
    token = world.ok("GET", f"{CONFIG_MAPS}?limit=2")["metadata"]["continue"]
    world.clock.advance(timedelta(minutes=6))
    world.ok("DELETE", f"{CONFIG_MAPS}/cm-3")
    world.clock.advance(timedelta(minutes=6))
    response = world.call("GET", f"{CONFIG_MAPS}?limit=2&continue={token}")
    assert response.status == 410
    body = response.json()
    assert body["reason"] == "Expired"
    rest = world.ok("GET", f"{CONFIG_MAPS}?continue={body['metadata']['continue']}")
    assert names(rest) == ["cm-2", "cm-4"]


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ("labelSelector=a%20b%20c", 400, "BadRequest"),
        ("labelSelector=a+in+b", 400, "BadRequest"),
        ("fieldSelector=spec.secret%3Dx", 400, "BadRequest"),
        ("fieldSelector=x", 400, "BadRequest"),
        ("continue=%21%21", 400, "BadRequest"),
        ("continue=e30", 400, "BadRequest"),
        ("limit=many", 400, "BadRequest"),
        ("timeout=soon", 400, "BadRequest"),
        ("resourceVersion=new", 400, "BadRequest"),
        ("resourceVersionMatch=Exact", 422, "Invalid"),
        ("resourceVersionMatch=Nearly&resourceVersion=1", 422, "Invalid"),
        ("resourceVersion=99999", 504, "Timeout"),
    ],
)
def test_what_can_not_be_listed(query: str, code: int, reason: str) -> None:
    """Every malformed query is refused, with a Status."""
    assert shop().refused("GET", f"{PODS}?{query}")[:2] == (code, reason)


def test_a_token_may_not_name_a_version_too() -> None:
    """A resourceVersion together with a continue token is refused."""
    world = config_maps()
    token = world.ok("GET", f"{CONFIG_MAPS}?limit=2")["metadata"]["continue"]
    query = f"continue={token}&resourceVersion=5"
    assert world.refused("GET", f"{CONFIG_MAPS}?{query}")[0] == 400


def test_a_token_from_a_compacted_revision() -> None:
    """A token that names a revision older than all history is expired, not wrong."""
    world = config_maps()
    world.cluster.compact()
    token = write_token(1, ("shop", "cm-1"))
    assert world.refused("GET", f"{CONFIG_MAPS}?continue={token}")[:2] == (410, "Expired")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/api/v1/pods", 6),
        ("/api/v1/pods?resourceVersion=0", 6),
        ("/api/v1/pods?fieldSelector=metadata.namespace%3Dother", 2),
        (f"{PODS}?labelSelector=app%3Dweb", 4),
        (f"{PODS}?labelSelector=app%3Dweb&limit=500&timeout=5s", 4),
        (f"{PODS}?labelSelector=app%21%3Dweb", 0),
        ("/api/v1/pods?labelSelector=app+in+(web,api)&fieldSelector=status.phase%3DRunning", 6),
        ("/api/v1/pods?fieldSelector=spec.nodeName%3Dnowhere", 0),
        ("/api/v1/namespaces/nowhere/pods", 0),
    ],
)
def test_lists_by_place_and_selector(url: str, expected: int) -> None:
    """Cluster-wide and namespaced, by labels and by fields."""
    world = shop()
    scenarios.deployment(world.cluster, "other", "api", 2)
    scenarios.settle(world.cluster)
    assert len(names(world.ok("GET", url))) == expected


def test_an_exact_version_lists_the_past() -> None:
    """resourceVersionMatch=Exact reads the snapshot of that revision."""
    world = config_maps(2)
    version = world.ok("GET", CONFIG_MAPS)["metadata"]["resourceVersion"]
    world.ok("DELETE", f"{CONFIG_MAPS}/cm-0")
    query = f"resourceVersion={version}&resourceVersionMatch=Exact"
    assert names(world.ok("GET", f"{CONFIG_MAPS}?{query}")) == ["cm-0", "cm-1"]


def test_items_of_built_in_kinds_carry_no_kind() -> None:
    """As from an API server: the list has a kind, its items have none; single objects do."""
    world = shop()
    listed = world.ok("GET", PODS)
    assert (listed["kind"], listed["apiVersion"]) == ("PodList", "v1")
    assert "kind" not in listed["items"][0]
    one = world.ok("GET", f"{PODS}/{world.pod()['metadata']['name']}")
    assert (one["kind"], one["apiVersion"]) == ("Pod", "v1")


def test_partial_objects_are_metadata_alone() -> None:
    """PartialObjectMetadataList and PartialObjectMetadata."""
    world = shop()
    accept = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
    listed = world.ok("GET", PODS, headers=accept)
    assert listed["kind"] == "PartialObjectMetadataList"
    assert len(listed["items"]) == 4
    assert set(listed["items"][0]) == {"kind", "apiVersion", "metadata"}
    accept = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
    one = world.ok("GET", f"{PODS}/{world.pod()['metadata']['name']}", headers=accept)
    assert one["kind"] == "PartialObjectMetadata"
    assert "spec" not in one


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 200),
        ("*/*", 200),
        ("application/vnd.kubernetes.protobuf, application/json", 200),
        ("application/yaml", 406),
        ("application/vnd.kubernetes.protobuf", 406),
    ],
)
def test_forms_that_are_not_served(accept: str, status: int) -> None:
    """JSON or nothing."""
    assert shop().call("GET", PODS, headers={"Accept": accept}).status == status
