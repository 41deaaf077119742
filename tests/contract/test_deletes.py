"""Deleting: preconditions, grace, dry run, and what comes back."""

from __future__ import annotations

import pytest

from tests.contract.manifests import Json, config_map, pod
from tests.contract.site import Place
from tests.support.waiting import until


@pytest.fixture
def name(place: Place) -> str:
    """A bare pod that runs."""
    place.make("pods", pod("web"))
    until(lambda: (place.get("pods", "web") or {})["status"].get("phase") == "Running")
    return "web"


def options(**more: object) -> Json:
    return {"apiVersion": "v1", "kind": "DeleteOptions", **more}


def test_a_delete_with_grace_answers_with_the_pod(place: Place, name: str) -> None:
    """200 with the terminating Pod, not with a Status."""
    held = place.held(place.get("pods", name) or {})
    path = place.path("pods", name)
    answer = place.admin.call("DELETE", path, options(gracePeriodSeconds=30), timeout="5s")
    assert answer.status == 200
    assert answer.json["kind"] == "Pod"
    meta = answer.json["metadata"]
    assert meta["uid"] == held["metadata"]["uid"]
    assert meta["deletionGracePeriodSeconds"] == 30
    assert "deletionTimestamp" in meta
    assert meta["resourceVersion"] != held["metadata"]["resourceVersion"]
    place.release(name)


def test_a_delete_without_options_takes_the_pods_own_grace(place: Place, name: str) -> None:
    """Thirty seconds, unless its spec says otherwise."""
    place.held(place.get("pods", name) or {})
    answer = place.admin.ok("DELETE", place.path("pods", name))
    assert answer["metadata"]["deletionGracePeriodSeconds"] == 30
    place.release(name)


def test_a_delete_without_grace_is_done_at_once(place: Place, name: str) -> None:
    """200 with the Pod, and it is gone."""
    path = place.path("pods", name)
    answer = place.admin.call("DELETE", path, options(gracePeriodSeconds=0))
    assert (answer.status, answer.json["kind"]) == (200, "Pod")
    assert place.admin.call("GET", path).refusal == (
        404,
        "NotFound",
        f'pods "{name}" not found',
    )


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("uid", "the UID in the precondition (1) does not match the UID in record ("),
        ("resourceVersion", "the ResourceVersion in the precondition (1) does not match"),
    ],
)
def test_a_wrong_precondition_is_a_conflict(
    place: Place, name: str, field: str, words: str
) -> None:
    """409, and the pod stays."""
    answer = place.admin.call(
        "DELETE", place.path("pods", name), options(preconditions={field: "1"})
    )
    code, reason, message = answer.refusal
    assert (code, reason) == (409, "Conflict")
    assert message.startswith(f'Operation cannot be fulfilled on Pod "{name}": {words}')
    assert answer.json["details"] == {"name": name, "kind": "Pod"}
    assert "deletionTimestamp" not in (place.get("pods", name) or {})["metadata"]


def test_a_second_delete_shortens_the_grace_only(place: Place, name: str) -> None:
    """Asked again with more grace it changes nothing, with less it counts."""
    place.make("pods", pod("slow", terminationGracePeriodSeconds=600))
    until(lambda: (place.get("pods", "slow") or {})["status"].get("phase") == "Running")
    place.held(place.get("pods", "slow") or {})
    path = place.path("pods", "slow")
    first = place.admin.ok("DELETE", path, options(gracePeriodSeconds=300))["metadata"]
    longer = place.admin.ok("DELETE", path, options(gracePeriodSeconds=400))["metadata"]
    if longer["deletionGracePeriodSeconds"]:  # else its kubelet was quicker than we
        assert longer["deletionTimestamp"] == first["deletionTimestamp"]
    shorter = place.admin.ok("DELETE", path, options(gracePeriodSeconds=100))["metadata"]
    assert shorter["deletionGracePeriodSeconds"] in (100, 0)
    assert shorter["deletionTimestamp"] < first["deletionTimestamp"]
    place.release("slow")


def test_a_dry_run_changes_nothing(place: Place, name: str) -> None:
    """It answers as the real one would."""
    before = place.get("pods", name)
    answer = place.admin.call("DELETE", place.path("pods", name), options(dryRun=["All"]))
    assert answer.status == 200
    assert "deletionTimestamp" in answer.json["metadata"]
    assert place.get("pods", name) == before
    wrong = options(dryRun=["All"], preconditions={"uid": "1"})
    assert place.admin.call("DELETE", place.path("pods", name), wrong).status == 409


def test_no_such_pod(place: Place) -> None:
    """404 that names it."""
    answer = place.admin.call("DELETE", place.path("pods", "nobody"), options())
    assert answer.refusal == (404, "NotFound", 'pods "nobody" not found')
    assert answer.json["details"] == {"name": "nobody", "kind": "pods"}


def test_other_kinds_answer_with_a_status(place: Place) -> None:
    """A ConfigMap's delete says what was deleted, with its UID."""
    made = place.make("configmaps", config_map("one"))
    answer = place.admin.ok("DELETE", place.path("configmaps", "one"))
    assert (answer["kind"], answer["status"]) == ("Status", "Success")
    assert answer["details"] == {
        "name": "one",
        "kind": "configmaps",
        "uid": made["metadata"]["uid"],
    }


def test_nonsense_is_a_bad_request(place: Place, name: str) -> None:
    """400, and the pod stays."""
    path = place.path("pods", name)
    assert place.admin.call("DELETE", path, b"nonsense").status == 400
    assert place.admin.call("DELETE", path, {"gracePeriodSeconds": "soon"}).status == 400
    assert place.get("pods", name) is not None
