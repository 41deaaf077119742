"""Create, read and update, by the answers of a real API server."""

from __future__ import annotations

from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.sandbox.support import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    LEASES,
    MERGE,
    PDBS,
    PODS,
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
