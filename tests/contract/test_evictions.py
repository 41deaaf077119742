"""The Eviction API and the budgets it spends."""

from __future__ import annotations

import pytest

from tests.contract.manifests import Json, budget, deployment, pod
from tests.contract.site import Place
from tests.support.waiting import until

CANNOT = "Cannot evict pod as it would violate the pod's disruption budget."


def web(place: Place, replicas: int = 3, min_available: int = 2) -> str:
    """Deployment web under a budget; the name of one of its pods."""
    place.workload("deployments", deployment("web", replicas))
    place.budget(budget("web", minAvailable=min_available), replicas)
    return name_of(place.pod())


def name_of(item: Json) -> str:
    name: str = item["metadata"]["name"]
    return name


def test_an_eviction_that_is_fine(place: Place) -> None:
    """201 and a Status Success; the pod is marked and terminating; the budget heals."""
    name = web(place)
    before = place.held(place.pods()[0])
    answer = place.evict(name)
    assert answer.status == 201
    assert {key: answer.json[key] for key in ("kind", "status", "code")} == {
        "kind": "Status",
        "status": "Success",
        "code": 201,
    }
    struck = place.get("pods", name) or {}
    meta = struck["metadata"]
    assert meta["uid"] == before["metadata"]["uid"]
    assert meta["deletionGracePeriodSeconds"] in (30, 0)  # 0 as soon as a kubelet is done with it
    [mark] = [one for one in struck["status"]["conditions"] if one["type"] == "DisruptionTarget"]
    assert (mark["status"], mark["reason"]) == ("True", "EvictionByEvictionAPI")
    place.release(name)
    until(lambda: place.get("pods", name) is None)
    assert "disruptedPods" not in place.budget_when("web", disruptionsAllowed=1, currentHealthy=3)


def test_a_refusal_says_why(place: Place) -> None:
    """429 TooManyRequests with the budget as its cause, and no Retry-After."""
    name = web(place, replicas=2)
    answer = place.evict(name)
    assert answer.refusal == (429, "TooManyRequests", CANNOT)
    assert "retry-after" not in answer.headers
    assert answer.json["details"] == {
        "causes": [
            {
                "reason": "DisruptionBudget",
                "message": "The disruption budget web needs 2 healthy pods and has 2 currently",
            }
        ]
    }


@pytest.mark.parametrize(("min_available", "status"), [(1, 201), (2, 429)])
def test_a_dry_run_asks_the_budget_and_spends_nothing(
    place: Place, min_available: int, status: int
) -> None:
    """It answers as the real one would; the pod stays, the budget's counters do not move."""
    name = web(place, 2, min_available)
    before = place.get("pods", name), place.get("poddisruptionbudgets", "web")
    assert place.evict(name, {"dryRun": ["All"]}).status == status
    assert (place.get("pods", name), place.get("poddisruptionbudgets", "web")) == before


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("uid", "the UID in the precondition (1) does not match the UID in record ("),
        ("resourceVersion", "the ResourceVersion in the precondition (1) does not match"),
    ],
)
def test_a_wrong_precondition_burns_the_budget(place: Place, field: str, words: str) -> None:
    """409, and the allowance is gone: the right eviction is refused afterwards."""
    name = web(place)
    answer = place.evict(name, {"preconditions": {field: "1"}})
    code, reason, message = answer.refusal
    assert (code, reason) == (409, "Conflict")
    assert words in message
    assert "deletionTimestamp" not in (place.get("pods", name) or {})["metadata"]
    burnt = place.budget_when("web", disruptionsAllowed=0)
    assert list(burnt["disruptedPods"]) == [name]
    uid = (place.get("pods", name) or {})["metadata"]["uid"]
    assert place.evict(name, {"preconditions": {"uid": uid}}).status == 429


def test_the_right_preconditions_pass(place: Place) -> None:
    """UID and resourceVersion of the pod as it is."""
    web(place)
    meta = place.pod()["metadata"]
    right = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
    assert place.evict(meta["name"], {"preconditions": right}).status == 201


def test_two_budgets_are_not_supported(place: Place) -> None:
    """500 without a reason, and nothing is spent."""
    name = web(place)
    place.budget(budget("second", minAvailable=0), 3)
    message = (
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support."
    )
    assert place.evict(name).refusal == (500, "", message)
    assert place.budget_when("web")["disruptionsAllowed"] == 1


def test_without_a_budget_everything_goes(place: Place) -> None:
    """With preconditions and a grace of its own, which is kept."""
    place.workload("deployments", deployment("web", 1))
    held = place.held(place.pod())
    meta = held["metadata"]
    options: Json = {
        "gracePeriodSeconds": 7,
        "preconditions": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]},
    }
    assert place.evict(meta["name"], options, timeout="5s").status == 201
    struck = (place.get("pods", meta["name"]) or {})["metadata"]
    assert "deletionTimestamp" in struck
    place.release(meta["name"])


def test_a_wrong_precondition_without_a_budget(place: Place) -> None:
    """409, and the pod stays."""
    place.workload("deployments", deployment("web", 1))
    name = name_of(place.pod())
    assert place.evict(name, {"preconditions": {"uid": "1"}}).refusal[:2] == (409, "Conflict")
    assert "deletionTimestamp" not in (place.get("pods", name) or {})["metadata"]


def test_what_is_not_scheduled_disrupts_nothing(place: Place) -> None:
    """A Pending pod is evicted past every budget, and is gone at once."""
    place.make("pods", pod("web", nodeSelector={"pool": "nowhere"}))
    place.make("poddisruptionbudgets", budget("web", maxUnavailable=0))
    place.budget_when("web")
    assert place.evict("web").status == 201
    until(lambda: place.get("pods", "web") is None)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_what_has_finished_disrupts_nothing(place: Place, phase: str) -> None:
    """A finished pod is evicted past every budget."""
    place.make("pods", pod("web", restartPolicy="Never"))
    until(lambda: running(place, "web"))
    place.make("poddisruptionbudgets", budget("web", maxUnavailable=0))
    place.budget_when("web")
    place.patch("pods", "web", {"status": {"phase": phase}}, "status")
    assert place.evict("web").status == 201


def running(place: Place, name: str) -> bool:
    item = place.get("pods", name) or {}
    return bool(item.get("status", {}).get("phase") == "Running")


def test_what_is_terminating_disrupts_nothing(place: Place) -> None:
    """Another eviction of the same pod passes, and costs nothing more."""
    name = web(place, replicas=2, min_available=1)
    place.held(next(one for one in place.pods() if name_of(one) == name))
    assert place.evict(name).status == 201
    assert place.evict(name).status == 201
    place.release(name)


@pytest.mark.parametrize(
    ("policy", "min_available", "status"),
    [
        (None, 2, 201),
        (None, 3, 429),
        ("IfHealthyBudget", 2, 201),
        ("IfHealthyBudget", 3, 429),
        ("AlwaysAllow", 3, 201),
    ],
)
def test_unready_pods(place: Place, policy: str | None, min_available: int, status: int) -> None:
    """An unready pod goes when the others are healthy enough, or always if the budget says so."""
    place.workload("deployments", deployment("web", 3))
    more = {} if policy is None else {"unhealthyPodEvictionPolicy": policy}
    place.budget(budget("web", minAvailable=min_available, **more), 3)
    name = name_of(place.pod())
    never = {"metadata": {"annotations": {"sandbox.chaosd.io/never-ready": "true"}}}
    place.patch("pods", name, never)
    unready = [{"type": kind, "status": "False"} for kind in ("Ready", "ContainersReady")]
    place.patch(
        "pods",
        name,
        {"status": {"conditions": unready}},
        "status",
        "application/strategic-merge-patch+json",
    )
    place.budget_when("web", currentHealthy=2)
    assert place.evict(name).status == status


def test_bad_evictions(place: Place) -> None:
    """Refused, with nothing spent."""
    name = web(place)
    before = place.get("poddisruptionbudgets", "web")
    path = place.path("pods", name, "eviction")
    kind = {"apiVersion": "policy/v1", "kind": "Eviction"}
    bad: list[tuple[int, object]] = [
        (400, {**kind, "metadata": {"name": "other", "namespace": place.name}}),
        (400, {**kind, "metadata": {"name": name}, "deleteOptions": []}),
        (400, []),
        (400, b"nonsense"),
        (422, {**kind, "metadata": {"name": name}, "deleteOptions": {"dryRun": ["Some"]}}),
    ]
    found = [place.admin.call("POST", path, body).status for _, body in bad]
    assert found == [status for status, _ in bad]
    assert place.get("poddisruptionbudgets", "web") == before


def test_no_such_pod_or_namespace(place: Place) -> None:
    """404 about the pod."""
    assert place.evict("nobody").refusal == (404, "NotFound", 'pods "nobody" not found')
    nowhere = Place(place.site, "nowhere")
    assert nowhere.evict("nobody").refusal[:2] == (404, "NotFound")


def test_percentages_round_as_the_controller_rounds(place: Place) -> None:
    """minAvailable rounds up, maxUnavailable too."""
    place.workload("deployments", deployment("web", 3))
    place.budget(budget("least", minAvailable="50%"), 3)
    place.budget(budget("most", maxUnavailable="50%"), 3)
    least, most = (place.budget_when(name) for name in ("least", "most"))
    assert (least["desiredHealthy"], least["disruptionsAllowed"]) == (2, 1)
    assert (most["desiredHealthy"], most["disruptionsAllowed"]) == (1, 2)
    assert least["expectedPods"] == most["expectedPods"] == 3


def test_a_budget_follows_the_scale_of_its_workload(place: Place) -> None:
    """expectedPods is what the workload wants, and what is allowed follows what is healthy."""
    place.workload("deployments", deployment("web", 2))
    place.budget(budget("web", maxUnavailable=1), 2)
    place.patch("deployments", "web", {"spec": {"replicas": 4}})
    grown = place.budget_when("web", expectedPods=4, currentHealthy=4)
    assert (grown["desiredHealthy"], grown["disruptionsAllowed"]) == (3, 1)


def test_a_budget_over_nothing_allows_nothing(place: Place) -> None:
    """No pods: zeroes, and the generation seen."""
    place.make("poddisruptionbudgets", budget("web", minAvailable=1))
    empty = place.budget_when("web")
    counters = ("expectedPods", "currentHealthy", "disruptionsAllowed")
    assert [empty[key] for key in counters] == [0, 0, 0]
