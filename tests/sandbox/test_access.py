"""Signing in, and what is denied."""

from __future__ import annotations

import pytest

from chaosd.sandbox import Access, Api, Denial
from chaosd.sandbox.requests import Request
from tests.sandbox.support import PODS, World, make_world, shop

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


def locked() -> Api:
    return Api(make_world().cluster, access=Access("let-me-in"))


def test_no_credentials_is_anonymous() -> None:
    """403 as system:anonymous, not 401."""
    response = locked().handle(Request.of("GET", PODS))
    body = response.json()
    assert (response.status, body["reason"]) == (403, "Forbidden")
    assert body["message"] == (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" '
        'in the namespace "shop"'
    )


@pytest.mark.parametrize(
    ("path", "header", "status"),
    [
        (PODS, "Bearer let-me-in", 200),
        (PODS, "Bearer wrong", 401),
        ("/api/v1/nodes", "", 403),
        ("/apis", "", 403),
        ("/apis", "Bearer let-me-in", 200),
        ("/version", "", 200),
        ("/readyz", "", 200),
    ],
)
def test_a_token_opens(path: str, header: str, status: int) -> None:
    """The right token, a wrong one, none; health and version are public."""
    headers = {"Authorization": header} if header else {}
    assert locked().handle(Request.of("GET", path, None, headers)).status == status


def allowed(world: World, **attributes: str) -> bool:
    spec = {"resourceAttributes": attributes}
    response = world.call("POST", REVIEWS, {"spec": spec})
    assert response.status == 201
    found: bool = response.json()["status"]["allowed"]
    return found


def test_a_denial_is_told_and_enforced() -> None:
    """A review says no, and the request gets 403."""
    world = shop()
    name = world.pod()["metadata"]["name"]
    eviction = {"verb": "create", "resource": "pods", "subresource": "eviction"}
    assert allowed(world, **eviction)
    world.api.access.deny(Denial("create", "", "pods/eviction"))
    assert not allowed(world, **eviction)
    assert world.evict(name).status == 403
    assert allowed(world, verb="delete", resource="pods")
    assert world.call("DELETE", f"{PODS}/{name}").status == 200
    world.api.access.allow_all()
    assert allowed(world, **eviction)


@pytest.mark.parametrize(
    ("denial", "url", "status"),
    [
        (Denial("list", "", "pods"), "/api/v1/pods", 403),
        (Denial("list", "", "pods", "shop"), "/api/v1/pods", 200),
        (Denial("list", "", "pods", "shop"), PODS, 403),
        (Denial("get", "", "pods"), PODS, 200),
        (Denial("*", "apps", "*"), "/apis/apps/v1/deployments", 403),
        (Denial("*", "apps", "*"), PODS, 200),
        (Denial(resource="nodes"), "/api/v1/nodes", 403),
    ],
)
def test_what_a_denial_covers(denial: Denial, url: str, status: int) -> None:
    """Verb, group, resource and namespace, each with a wildcard."""
    world = shop()
    world.api.access.deny(denial)
    assert world.call("GET", url).status == status


def test_denials_over_http_paths() -> None:
    """The control endpoint adds, shows and clears them."""
    world = shop()
    rule = {"verb": "list", "group": "", "resource": "pods"}
    assert world.ok("POST", "/sandbox/denials", [rule]) == [{**rule, "namespace": "*"}]
    assert world.call("GET", PODS).status == 403
    assert world.refused("POST", "/sandbox/denials", [{"verbs": 1}, 2])[0] == 400
    assert world.ok("DELETE", "/sandbox/denials") == []
    assert world.call("GET", PODS).status == 200


def test_a_review_needs_a_spec() -> None:
    """422 without one."""
    assert make_world().refused("POST", REVIEWS, {})[0] == 422
