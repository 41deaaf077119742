"""Watches, as far as kubectl needs them."""

from __future__ import annotations

import msgspec
import pytest

from tests.contract.manifests import Json, config_map
from tests.contract.site import PARTIAL, Place

OURS = "metadata.name!=kube-root-ca.crt"


def watched(place: Place, **query: str) -> list[Json]:
    """What a watch of one second brings."""
    query = {"watch": "true", "timeoutSeconds": "1", "fieldSelector": OURS, **query}
    answer = place.admin.call("GET", place.path("configmaps"), **query)
    assert answer.status == 200, answer.body
    return [msgspec.json.decode(line) for line in answer.body.splitlines() if line]


def seen(events: list[Json]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


def test_from_a_version_on(place: Place) -> None:
    """Each later change, in order, with the object as it was then."""
    first = place.make("configmaps", config_map("one"))
    place.patch("configmaps", "one", {"data": {"a": "1"}})
    place.make("configmaps", config_map("two"))
    place.admin.ok("DELETE", place.path("configmaps", "one"))
    events = watched(place, resourceVersion=first["metadata"]["resourceVersion"])
    assert seen(events) == [("MODIFIED", "one"), ("ADDED", "two"), ("DELETED", "one")]
    assert events[0]["object"]["kind"] == "ConfigMap"
    assert events[0]["object"]["data"] == {"a": "1"}
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(versions)


def test_without_a_version_all_that_is_there_comes_first(place: Place) -> None:
    """As ADDED."""
    for name in ("one", "two"):
        place.make("configmaps", config_map(name))
    assert sorted(seen(watched(place))) == [("ADDED", "one"), ("ADDED", "two")]


def test_a_selector_adds_and_deletes(place: Place) -> None:
    """What begins to match is ADDED, what stops to match is DELETED."""
    first = place.make("configmaps", config_map("one"))
    place.patch("configmaps", "one", {"metadata": {"labels": {"a": "b"}}})
    place.patch("configmaps", "one", {"metadata": {"labels": {"a": None}}})
    version = first["metadata"]["resourceVersion"]
    events = watched(place, resourceVersion=version, labelSelector="a=b")
    assert seen(events) == [("ADDED", "one"), ("DELETED", "one")]


def test_only_metadata(place: Place) -> None:
    """Each object as PartialObjectMetadata."""
    place.make("configmaps", config_map("one", a="1"))
    query = {"watch": "true", "timeoutSeconds": "1", "fieldSelector": OURS}
    answer = place.admin.call("GET", place.path("configmaps"), accept=PARTIAL, **query)
    [event] = [msgspec.json.decode(line) for line in answer.body.splitlines() if line]
    assert event["object"]["kind"] == "PartialObjectMetadata"
    assert "data" not in event["object"]


def test_from_a_version_that_is_forgotten(place: Place) -> None:
    """The history that there still is, or a 410 Expired as an ERROR in the stream."""
    first = place.make("configmaps", config_map("one"))
    place.patch("configmaps", "one", {"data": {"a": "1"}})
    place.site.expire()
    events = watched(place, resourceVersion=first["metadata"]["resourceVersion"])
    if events[0]["type"] == "ERROR":
        status = events[0]["object"]
        assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    else:
        assert seen(events) == [("MODIFIED", "one")]


@pytest.mark.parametrize("version", ["old", "-1"])
def test_from_no_version_at_all(place: Place, version: str) -> None:
    """500, of all answers."""
    query = {"watch": "true", "timeoutSeconds": "1", "resourceVersion": version}
    answer = place.admin.call("GET", place.path("configmaps"), **query)
    code, reason, message = answer.refusal
    assert (code, reason) == (500, "")
    assert message.startswith(f'resourceVersion: Invalid value: "{version}": strconv.ParseUint')
