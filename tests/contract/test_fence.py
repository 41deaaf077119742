"""Touching a pod by its status, so that whatever names its old resourceVersion fails."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.model import Victim
from chaosd.kube.reads import FENCED
from chaosd.ports import Conflict, Invalid, NotFound
from tests.contract.manifests import Json, budget, deployment, pod
from tests.contract.site import STRATEGIC, Answer, Place
from tests.support.waiting import until


@pytest.fixture
def web(place: Place) -> Json:
    """A bare pod that runs."""
    place.make("pods", pod("web"))
    until(lambda: (place.get("pods", "web") or {})["status"].get("phase") == "Running")
    return place.get("pods", "web") or {}


def touch(place: Place, name: str, uid: str, message: str = "intent a") -> Answer:
    condition = {"type": FENCED, "status": "True", "message": message}
    body = {"metadata": {"uid": uid}, "status": {"conditions": [condition]}}
    path = place.path("pods", name, "status")
    return place.admin.call("PATCH", path, body, kind=STRATEGIC, timeout="10s")


def victim(item: Json, **changes: Any) -> Victim:
    meta = item["metadata"]
    found = Victim(meta["namespace"], meta["name"], meta["uid"], meta["resourceVersion"])
    return msgspec.structs.replace(found, **changes)


def test_a_touch_raises_the_version_once(place: Place, web: Json) -> None:
    """The condition is added to the others; sent again unchanged it changes nothing."""
    first = touch(place, "web", web["metadata"]["uid"])
    assert first.status == 200
    item = first.json
    assert item["metadata"]["resourceVersion"] != web["metadata"]["resourceVersion"]
    kinds = {one["type"] for one in item["status"]["conditions"]}
    assert kinds >= {FENCED, "Ready", "PodScheduled"}
    again = touch(place, "web", web["metadata"]["uid"])
    assert again.status == 200
    assert again.json["metadata"]["resourceVersion"] == item["metadata"]["resourceVersion"]
    other = touch(place, "web", web["metadata"]["uid"], "intent b").json
    assert other["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]


def test_a_touch_leaves_the_generation_and_the_rest_alone(place: Place, web: Json) -> None:
    """Nothing else of the pod is another."""
    item = touch(place, "web", web["metadata"]["uid"]).json
    assert item["spec"] == web["spec"]
    assert item["metadata"]["labels"] == web["metadata"]["labels"]
    assert item["metadata"].get("generation") == web["metadata"].get("generation")
    assert item["status"]["phase"] == "Running"


def test_another_uid_is_refused(place: Place, web: Json) -> None:
    """422, because to a patch the UID is a field that can't be changed; and nothing changes."""
    answer = touch(place, "web", "another")
    message = 'Pod "web" is invalid: metadata.uid: Invalid value: "another": field is immutable'
    assert answer.refusal == (422, "Invalid", message)
    now = place.get("pods", "web") or {}
    assert now["metadata"]["resourceVersion"] == web["metadata"]["resourceVersion"]


def test_nobody_there(place: Place) -> None:
    """404."""
    assert touch(place, "nobody", "any").refusal[:2] == (404, "NotFound")


def test_a_terminating_pod_can_be_touched(place: Place, web: Json) -> None:
    """200, and the answer shows that it is on its way out."""
    place.held(web)
    place.admin.ok("DELETE", place.path("pods", "web"))
    answer = touch(place, "web", web["metadata"]["uid"])
    assert answer.status == 200
    assert "deletionTimestamp" in answer.json["metadata"]
    place.release("web")


@pytest.mark.parametrize("how", ["evict", "delete_pod"])
def test_a_late_strike_lands_nowhere(place: Place, web: Json, how: str) -> None:
    """The strike names the version from before the touch: 409, and the pod stays."""
    seen = place.reads.fence_pod(victim(web), "intent a")
    assert (seen.uid, seen.deleting) == (web["metadata"]["uid"], False)
    with pytest.raises(Conflict):
        getattr(place.reads, how)(victim(web), None, 5.0)
    found = place.reads.pod(place.name, "web")
    assert found is not None
    assert not found.deleting
    assert found.resource_version == seen.resource_version


def test_a_late_eviction_burns_the_budget(place: Place) -> None:
    """It lands nowhere, but what the budget allowed is spent."""
    place.workload("deployments", deployment("web", 2))
    place.budget(budget("web", minAvailable=1), 2)
    chosen = place.pod()
    place.reads.fence_pod(victim(chosen), "intent a")
    with pytest.raises(Conflict):
        place.reads.evict(victim(chosen), None, 5.0)
    assert place.budget_when("web", disruptionsAllowed=0)["disruptedPods"]


def test_the_fence_says_what_it_found(place: Place, web: Json) -> None:
    """Another pod of that name, and none at all, are known apart from a touch."""
    with pytest.raises(Invalid):
        place.reads.fence_pod(victim(web, uid="another"), "intent a")
    with pytest.raises(NotFound):
        place.reads.fence_pod(victim(web, name="nobody"), "intent a")
