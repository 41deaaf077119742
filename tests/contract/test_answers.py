"""What every answer has, and what strangers and mistakes get."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest

from chaosd.core.model import Victim
from chaosd.ports import Forbidden
from tests.contract.manifests import (
    Json,
    budget,
    config_map,
    cron_job,
    daemon_set,
    deployment,
    job,
    pod,
    replica_set,
    stateful_set,
)
from tests.contract.site import JSON, MERGE, Place, Site


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/version", 200),
        ("GET", "/api/v1/namespaces/default", 200),
        ("GET", "/api/v1/nodes?limit=1", 200),
        ("GET", "/api/v1/namespaces/default/pods/nobody", 404),
        ("DELETE", "/api/v1/namespaces/default/pods/nobody", 404),
        ("GET", "/api/v1/nonsense", 404),
        ("GET", "/apis/nonsense.example/v1/things", 404),
        ("POST", "/api/v1/namespaces/default", 405),
    ],
)
def test_every_answer_is_dated(site: Site, method: str, path: str, status: int) -> None:
    """A Date header in GMT, right to a few seconds."""
    answer = site.admin.call(method, path.partition("?")[0])
    assert answer.status == status
    text = answer.headers["date"]
    assert text.endswith(" GMT")
    assert abs((parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()) < 5


def test_chaosd_knows_the_servers_clock(site: Site) -> None:
    """From any answer."""
    site.admin.reads.namespace("default")
    skew = site.admin.api.skew()
    assert skew is not None
    assert abs(skew) < 3


def test_the_cluster_has_a_seed(site: Site) -> None:
    """The UID of kube-system."""
    item = site.admin.ok("GET", "/api/v1/namespaces/kube-system")
    assert site.admin.api.seed() == item["metadata"]["uid"] != ""


def test_unknown_paths(site: Site) -> None:
    """A Status for what lies below a served group."""
    assert site.admin.call("GET", "/api/v1/nonsense").status == 404
    assert site.admin.call("GET", "/api/v1/namespaces/default/pods/x/nonsense").status == 404


@pytest.mark.parametrize("timeout", ["5s", "1s", "30s", "1m"])
def test_a_bound_that_is_kept_changes_nothing(place: Place, timeout: str) -> None:
    """``?timeout=`` on reads and writes."""
    path = place.path("configmaps")
    assert place.admin.call("POST", path, config_map("one"), timeout=timeout).status == 201
    assert place.admin.call("GET", path, timeout=timeout).status == 200


def test_a_bound_that_makes_no_sense(place: Place) -> None:
    """400."""
    path = place.path("configmaps")
    assert place.admin.call("POST", path, config_map("one"), timeout="soon").status == 400
    assert place.get("configmaps", "one") is None


def test_without_credentials(site: Site) -> None:
    """403 as system:anonymous, which names what is missing."""
    answer = site.anonymous.call("GET", "/api/v1/namespaces/default/pods")
    message = (
        'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" in '
        'the namespace "default"'
    )
    assert answer.refusal == (403, "Forbidden", message)
    assert (
        site.anonymous.call("GET", "/api/v1/nodes")
        .refusal[2]
        .endswith('cannot list resource "nodes" in API group "" at the cluster scope')
    )


def test_with_wrong_credentials(site: Site) -> None:
    """401, and chaosd takes it for forbidden."""
    assert site.stranger.call("GET", "/api/v1/nodes").refusal == (
        401,
        "Unauthorized",
        "Unauthorized",
    )
    with pytest.raises(Forbidden):
        site.stranger.reads.namespace("default")


def test_a_missing_permission(place: Place) -> None:
    """403 that says which, and the pod stays."""
    place.make("pods", pod("web"))
    with (
        place.site.without("create", "pods/eviction") as caller,
        pytest.raises(Forbidden) as caught,
    ):
        caller.reads.evict(Victim(place.name, "web", "x", "1"), None, 5.0)
    assert caught.value.message.endswith(
        f'cannot create resource "pods/eviction" in API group "" in the namespace "{place.name}"'
    )
    assert place.get("pods", "web") is not None


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"nonsense", JSON, 400),
        (b"[]", JSON, 400),
        (b"{}", JSON, 422),
        (b'{"metadata": {"name": "x"}, "data": {"a": 1}}', JSON, 400),
        (b'{"metadata": {"name": "No Name"}}', JSON, 422),
        (b'{"metadata": {"name": "x", "namespace": "other"}}', JSON, 400),
        (b'{"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}}', JSON, 400),
        (b'{"metadata": {"name": "x"}}', "text/plain", 415),
    ],
)
def test_bodies_that_make_no_object(place: Place, body: bytes, kind: str, status: int) -> None:
    """Refused, and nothing is made."""
    assert place.admin.call("POST", place.path("configmaps"), body, kind=kind).status == status
    assert place.get("configmaps", "x") is None


def test_patches_that_make_no_sense(place: Place) -> None:
    """400, 415 and 422, and the object stays as it was."""
    made = place.make("configmaps", config_map("one", a="1"))
    path = place.path("configmaps", "one")
    tried = [
        (b"nonsense", MERGE),
        (b"[]", MERGE),
        (b'{"data": "text"}', MERGE),
        (b'{"metadata": {"name": "two"}}', MERGE),
        (b"{}", "text/plain"),
        (b'[{"op": "test", "path": "/data/a", "value": "2"}]', "application/json-patch+json"),
    ]
    found = [place.admin.call("PATCH", path, body, kind=kind).status for body, kind in tried]
    assert found == [400, 400, 422, 400, 415, 422]
    assert place.get("configmaps", "one") == made


@pytest.mark.parametrize(
    ("plural", "manifest", "status"),
    [
        ("deployments", deployment("web"), {}),
        ("replicasets", replica_set("web"), {"replicas": 0}),
        ("statefulsets", stateful_set("web"), {"replicas": 0, "availableReplicas": 0}),
        (
            "daemonsets",
            daemon_set("web"),
            {
                "currentNumberScheduled": 0,
                "numberMisscheduled": 0,
                "desiredNumberScheduled": 0,
                "numberReady": 0,
            },
        ),
        ("jobs", job("web"), {}),
        ("cronjobs", cron_job("web"), {}),
        (
            "poddisruptionbudgets",
            budget("web", minAvailable=1),
            {
                "disruptionsAllowed": 0,
                "currentHealthy": 0,
                "desiredHealthy": 0,
                "expectedPods": 0,
            },
        ),
    ],
)
def test_what_was_just_made_has_a_status(
    place: Place, plural: str, manifest: Json, status: Json
) -> None:
    """With the fields that are always there, before any controller has seen it."""
    assert place.make(plural, manifest)["status"] == status
