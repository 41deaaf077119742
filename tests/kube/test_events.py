"""Events: made once, where kubectl looks for them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chaosd.kube.events import KubeEvents
from chaosd.ports import Events, Forbidden, Notice, Unanswered
from chaosd.sandbox import Denial, Rule, scenarios
from tests.support.lab import Lab

AT = datetime(2026, 1, 5, 9, 0, 1, 999_999, tzinfo=UTC)
NOTICE = Notice(
    name="chaosd.0123456789abcdef0123",
    kind="Pod",
    namespace="shop",
    object_name="web-1",
    uid="u-1",
    reason="ChaosKill",
    message="evicted by policy web",
    at=AT,
)


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.namespace(cluster, "shop")
        scenarios.namespace(cluster, "default")
    return lab


def test_an_event_is_about_its_object(lab: Lab) -> None:
    """kubectl describe finds it by kind, namespace, name and UID, and shows who made it."""
    events: Events = KubeEvents(lab.api, "chaosd-0")
    events.make(NOTICE)
    event = lab.cluster.get("events", "shop", NOTICE.name) or {}
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web-1",
        "uid": "u-1",
    }
    assert event["source"] == {"component": "chaosd"}
    assert event["reportingComponent"] == "chaosd"
    assert (event["type"], event["reason"]) == ("Normal", "ChaosKill")
    assert event["message"] == "evicted by policy web"
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-05T09:00:01Z"


def test_an_event_is_made_once(lab: Lab) -> None:
    """Telling again after a crash adds nothing and is no failure."""
    events = KubeEvents(lab.api)
    events.make(NOTICE)
    events.make(NOTICE)
    assert len(lab.cluster.all("events")) == 1


def test_what_is_in_no_namespace_is_told_in_default(lab: Lab) -> None:
    """Events live in a namespace also when their object does not, as those of nodes do."""
    notice = Notice("n", "Node", "", "node-a", "ChaosKill", "x" * 2000, AT, warning=True)
    KubeEvents(lab.api).make(notice)
    event = lab.cluster.get("events", "default", "n") or {}
    assert event["involvedObject"]["namespace"] == ""
    assert event["type"] == "Warning"
    assert len(event["message"]) == 1024


def test_failures_are_told(lab: Lab) -> None:
    """Whoever makes Events learns that they could not be made."""
    lab.fault(Rule(do="lost", verbs=("create",), count=1))
    with pytest.raises(Unanswered):
        KubeEvents(lab.api).make(NOTICE)
    lab.sandbox.access.deny(Denial("create", "", "events"))
    with pytest.raises(Forbidden):
        KubeEvents(lab.api).make(NOTICE)
