"""Events that kubectl describe shows."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from chaosd.kube.events import KubeEvents
from chaosd.ports import Answered, Notice
from tests.contract.manifests import Json, config_map
from tests.contract.site import Place, Site

NOW = datetime(2026, 11, 21, 12, 0, 0, 654321, tzinfo=UTC)


def notice(place: Place, item: Json) -> Notice:
    return Notice(
        api_version="v1",
        kind="ConfigMap",
        namespace=place.name,
        object_name=item["metadata"]["name"],
        uid=item["metadata"]["uid"],
        name="0123456789abcdef0123.reserved",
        at=NOW,
        reason="ChaosReserved",
        message="a message",
        warning=True,
    )


def test_an_event_is_made_once(place: Place) -> None:
    """Made again under the same name it is the first that stays, and no error."""
    item = place.make("configmaps", config_map("one"))
    events = KubeEvents(place.admin.api, "chaosd-0")
    first = notice(place, item)
    events.make(first)
    events.make(msgspec.structs.replace(first, message="another message"))
    made = place.get("events", first.name) or {}
    assert made["message"] == "a message"
    assert (made["type"], made["reason"], made["count"]) == ("Warning", "ChaosReserved", 1)
    assert made["firstTimestamp"] == made["lastTimestamp"] == "2026-11-21T12:00:00Z"
    assert made["source"] == {"component": "chaosd"}
    assert (made["reportingComponent"], made["reportingInstance"]) == ("chaosd", "chaosd-0")
    again = place.admin.call(
        "POST", place.path("events"), {**made, "metadata": {"name": first.name}}
    )
    assert again.refusal == (
        409,
        "AlreadyExists",
        f'events "{first.name}" already exists',
    )


@pytest.mark.parametrize("field", ["uid", "name", "kind", "namespace"])
def test_describe_finds_it(place: Place, field: str) -> None:
    """By the involved object, as kubectl asks."""
    item = place.make("configmaps", config_map("one"))
    first = notice(place, item)
    KubeEvents(place.admin.api).make(first)
    wanted = {
        "uid": first.uid,
        "name": first.object_name,
        "kind": first.kind,
        "namespace": first.namespace,
    }[field]
    for value, names in ((wanted, [first.name]), ("another", [])):
        selector = f"involvedObject.{field}={value}"
        found = place.admin.ok("GET", place.path("events"), fieldSelector=selector)["items"]
        assert [one["metadata"]["name"] for one in found] == names


def test_of_what_is_in_no_namespace(site: Site) -> None:
    """A node's Events lie in the namespace default."""
    place = site.namespace()
    name = f"{place.name}.reserved"
    one = Notice(
        api_version="v1",
        kind="Node",
        namespace="",
        object_name="node-a",
        uid="node-a",
        name=name,
        at=NOW,
        reason="ChaosReserved",
        message="a message",
    )
    KubeEvents(site.admin.api).make(one)
    made = Place(site, "default").get("events", name) or {}
    assert made["involvedObject"]["name"] == "node-a"
    assert made["type"] == "Normal"


def test_an_event_lies_where_its_object_lies(place: Place) -> None:
    """An object of another namespace is refused."""
    item = place.make("configmaps", config_map("one"))
    body = {
        "metadata": {"name": "x", "namespace": place.name},
        "involvedObject": {"kind": "ConfigMap", "namespace": "default", "name": "one"},
        "reason": "Test",
        "message": item["metadata"]["uid"],
        "type": "Normal",
    }
    assert place.admin.call("POST", place.path("events"), body).refusal[:2] == (422, "Invalid")


def test_a_long_message_is_cut(place: Place) -> None:
    """To what an API server takes."""
    item = place.make("configmaps", config_map("one"))
    long = msgspec.structs.replace(notice(place, item), message="ü" * 5000)
    KubeEvents(place.admin.api).make(long)
    assert len((place.get("events", long.name) or {})["message"]) == 1024


def test_no_such_namespace(site: Site) -> None:
    """A namespace that is gone is an error, not a silence."""
    place = Place(site, "nowhere")
    one = notice(place, {"metadata": {"name": "one", "uid": "x"}})
    with pytest.raises(Answered) as caught:
        KubeEvents(site.admin.api).make(one)
    assert caught.value.status == 404
