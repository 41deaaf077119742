"""Create, read, update and patch, by the answers of a real API server."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import find_condition
from tests.sandbox.support import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    LEASES,
    MERGE,
    PDBS,
    PODS,
    STRATEGIC,
    make_world,
    shop,
)

CM: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}}


def test_every_answer_tells_the_time() -> None:
    """A Date header from the cluster's clock, on successes, refusals and unknown paths."""
    world = shop()
    world.clock.advance(timedelta(days=1, seconds=1))
    for url in (PODS, f"{PODS}/nothing", "/nonsense", "/version", "/sandbox/faults"):
        date = world.call("GET", url).headers["Date"]
        assert parsedate_to_datetime(date) == world.clock.now()


def test_a_config_map_is_made_once() -> None:
    """201 with the filled-in object; a second time 409 AlreadyExists."""
    world = make_world()
    response = world.call("POST", CONFIG_MAPS, {**CM, "data": {"a": "1"}})
    assert response.status == 201
    meta = response.json()["metadata"]
    assert meta["namespace"] == "shop"
    assert meta["uid"]
    assert meta["creationTimestamp"] == "2026-01-05T09:00:00Z"
    code, reason, message = world.refused("POST", CONFIG_MAPS, CM)
    assert (code, reason) == (409, "AlreadyExists")
    assert message == 'configmaps "cm" already exists'


def test_an_update_of_an_old_version_is_refused() -> None:
    """The compare-and-swap that everything else relies on."""
    world = make_world()
    first = world.ok("POST", CONFIG_MAPS, CM)
    second = world.ok("PUT", f"{CONFIG_MAPS}/cm", {**first, "data": {"a": "1"}})
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])
    code, reason, message = world.refused("PUT", f"{CONFIG_MAPS}/cm", {**first, "data": {}})
    assert (code, reason) == (409, "Conflict")
    assert message == (
        'Operation cannot be fulfilled on configmaps "cm": the object has been modified; please '
        "apply your changes to the latest version and try again"
    )
    assert world.ok("GET", f"{CONFIG_MAPS}/cm")["data"] == {"a": "1"}


@pytest.mark.parametrize(("size", "status"), [(1_048_575, 201), (1_048_576, 201), (1_048_577, 422)])
def test_a_config_map_has_a_largest_size(size: int, status: int) -> None:
    """1,048,576 bytes of data, to the byte."""
    world = make_world()
    response = world.call("POST", CONFIG_MAPS, {**CM, "data": {"a": "x" * size}})
    assert response.status == status
    if status == 422:
        body = response.json()
        assert body["reason"] == "Invalid"
        assert body["details"]["causes"][0]["reason"] == "FieldValueTooLong"
        assert "Too long: may not be more than 1048576 bytes" in body["message"]


@pytest.mark.parametrize(
    ("method", "url", "body", "code", "reason"),
    [
        ("GET", f"{CONFIG_MAPS}/none", None, 404, "NotFound"),
        ("PUT", f"{CONFIG_MAPS}/none", {"metadata": {"name": "none"}}, 404, "NotFound"),
        ("DELETE", f"{CONFIG_MAPS}/none", None, 404, "NotFound"),
        ("GET", "/api/v1/namespaces/shop/nonsense", None, 404, "NotFound"),
        ("GET", "/apis/none/v1/things", None, 404, "NotFound"),
        ("POST", "/api/v1/namespaces/none/configmaps", CM, 404, "NotFound"),
        ("POST", "/api/v1/configmaps", CM, 405, "MethodNotAllowed"),
        ("POST", CONFIG_MAPS, b"{", 400, "BadRequest"),
        ("POST", CONFIG_MAPS, [], 400, "BadRequest"),
        ("POST", CONFIG_MAPS, {"kind": "Pod", "metadata": {"name": "x"}}, 400, "BadRequest"),
        ("POST", CONFIG_MAPS, {"apiVersion": "v2", "metadata": {"name": "x"}}, 400, "BadRequest"),
        ("POST", CONFIG_MAPS, {"metadata": {"name": "x", "labels": []}}, 400, "BadRequest"),
        ("POST", CONFIG_MAPS, {"metadata": []}, 400, "BadRequest"),
        ("POST", CONFIG_MAPS, {"metadata": {"name": "x"}, "data": {"a": 1}}, 400, "BadRequest"),
        (
            "POST",
            CONFIG_MAPS,
            {"metadata": {"name": "x", "namespace": "other"}},
            400,
            "BadRequest",
        ),
        ("POST", CONFIG_MAPS, {"metadata": {}}, 422, "Invalid"),
        ("POST", CONFIG_MAPS, {"metadata": {"name": "Bad_Name"}}, 422, "Invalid"),
        ("POST", CONFIG_MAPS, {"metadata": {"name": "x", "labels": {"a": "b c"}}}, 422, "Invalid"),
        (
            "POST",
            CONFIG_MAPS,
            {"metadata": {"name": "x", "annotations": {"a": "b" * 262_144}}},
            422,
            "Invalid",
        ),
        ("POST", CONFIG_MAPS, {"metadata": {"name": "x", "resourceVersion": "1"}}, 500, ""),
        ("POST", f"{CONFIG_MAPS}?dryRun=Some", CM, 422, "Invalid"),
        ("POST", DEPLOYMENTS, {"metadata": {"name": "x"}, "spec": {}}, 422, "Invalid"),
        (
            "POST",
            DEPLOYMENTS,
            {
                "metadata": {"name": "x"},
                "spec": {
                    "selector": {"matchLabels": {"a": "b"}},
                    "template": {"metadata": {"labels": {"a": "c"}}},
                },
            },
            422,
            "Invalid",
        ),
        (
            "POST",
            PDBS,
            {"metadata": {"name": "x"}, "spec": {"minAvailable": 1, "maxUnavailable": 1}},
            422,
            "Invalid",
        ),
        (
            "POST",
            PDBS,
            {"metadata": {"name": "x"}, "spec": {"maxUnavailable": "many"}},
            422,
            "Invalid",
        ),
        ("PATCH", f"{CONFIG_MAPS}/cm", {}, 415, "UnsupportedMediaType"),
        ("POST", f"{PODS}/x/status", {}, 405, "MethodNotAllowed"),
        ("GET", f"{PODS}/x/log", None, 404, "NotFound"),
        ("OPTIONS", CONFIG_MAPS, None, 405, "MethodNotAllowed"),
    ],
)
def test_what_is_refused(method: str, url: str, body: Any, code: int, reason: str) -> None:
    """Each mistake has the status and reason of a real API server."""
    world = make_world()
    assert world.refused(method, url, body)[:2] == (code, reason)


def test_a_body_may_not_be_huge() -> None:
    """More than 3 MiB is refused unread."""
    world = make_world()
    assert world.refused("POST", CONFIG_MAPS, b" " * (3 * 1024 * 1024 + 1))[0] == 413


def test_a_dry_run_answers_and_changes_nothing() -> None:
    """dryRun=All on create, update, patch and delete."""
    world = make_world()
    assert world.call("POST", f"{CONFIG_MAPS}?dryRun=All", CM).status == 201
    assert world.call("GET", f"{CONFIG_MAPS}/cm").status == 404
    made = world.ok("POST", CONFIG_MAPS, CM)
    revision = world.cluster.revision
    changed = {**made, "data": {"a": "1"}}
    url = f"{CONFIG_MAPS}/cm?dryRun=All"
    assert world.ok("PUT", url, changed)["data"] == {"a": "1"}
    assert world.ok("PATCH", url, {"data": {"a": "2"}}, MERGE)["data"] == {"a": "2"}
    assert world.ok("DELETE", url)["status"] == "Success"
    assert world.cluster.revision == revision


def test_a_name_can_be_generated() -> None:
    """generateName and five characters."""
    meta = make_world().ok("POST", CONFIG_MAPS, {"metadata": {"generateName": "cm-"}})["metadata"]
    assert meta["name"].startswith("cm-")
    assert len(meta["name"]) == 8


def test_leases_and_events_are_made_by_put() -> None:
    """AllowCreateOnUpdate; but not in place of an object with a known UID."""
    world = make_world()
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}}
    assert world.call("PUT", f"{LEASES}/l", lease).status == 201
    lost = {"metadata": {"name": "m", "uid": "u"}}
    assert world.refused("PUT", f"{LEASES}/m", lost)[:2] == (409, "Conflict")
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": "shop"}, "reason": "x"}
    assert world.call("PUT", "/api/v1/namespaces/shop/events/e", event).status == 201


def test_a_lease_is_never_updated_blindly() -> None:
    """A PUT of a Lease must say which version it replaces."""
    world = make_world()
    lease = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "a"}}
    world.ok("POST", LEASES, lease)
    code, reason, message = world.refused("PUT", f"{LEASES}/l", lease)
    assert (code, reason) == (422, "Invalid")
    assert "metadata.resourceVersion: Invalid value: 0: must be specified" in message


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
