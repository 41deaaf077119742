"""What client libraries ask before anything else."""

from __future__ import annotations

import pytest

from tests.sandbox.support import make_world


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez"])
def test_health(path: str) -> None:
    """Plain ok."""
    response = make_world().call("GET", path)
    assert (response.status, response.body) == (200, b"ok")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api", "APIVersions"),
        ("/apis", "APIGroupList"),
        ("/apis/apps", "APIGroup"),
        ("/api/v1", "APIResourceList"),
        ("/apis/policy/v1", "APIResourceList"),
        ("/apis/authorization.k8s.io/v1", "APIResourceList"),
    ],
)
def test_discovery(path: str, kind: str) -> None:
    """What client libraries ask first."""
    assert make_world().ok("GET", path)["kind"] == kind


def test_every_listed_resource_answers() -> None:
    """Discovery promises nothing that is not served."""
    world = make_world()
    roots = ["/api/v1"]
    roots += [f"/apis/{one['name']}/v1" for one in world.ok("GET", "/apis")["groups"]]
    for root in roots:
        for resource in world.ok("GET", root)["resources"]:
            if "list" in resource["verbs"]:
                found = world.ok("GET", f"{root}/{resource['name']}")
                assert found["kind"] == f"{resource['kind']}List"
        assert world.ok("GET", f"/openapi/v3{root}")["paths"] is not None
    assert world.ok("GET", "/version")["gitVersion"] == "v1.36.3"
