"""The helper pod as an API server takes it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chaosd.core.model import Helper, StepAction, Victim
from chaosd.ports import Conflict
from chaosd.targets.helper import helper_pod
from tests.contract.manifests import Json
from tests.contract.site import Place
from tests.support.intents import ID, reserved
from tests.support.waiting import until

BOOT_ID = "0d9a2c4e-1111-4222-8333-444455556666"
NAME = f"chaosd-helper-{ID}"


def manifest(place: Place) -> Json:
    """One for a node of the cluster, and a boot that it never had."""
    now = datetime.now(UTC)
    node = place.admin.ok("GET", "/api/v1/nodes")["items"][0]["metadata"]["name"]
    victim = Victim("", node, "u", "1", node, "Node", identity=BOOT_ID)
    helper = Helper(place.name, "registry.example.com/chaosd:1.0")
    return helper_pod(*reserved(victim, now, StepAction.REBOOT, helper=helper))


def test_the_manifest_is_one(place: Place) -> None:
    """Each of its fields is known, under strict validation, and says what it is meant to."""
    path, sent = place.path("pods"), manifest(place)
    made = place.admin.ok("POST", path, sent, fieldValidation="Strict", dryRun="All", timeout="10s")
    spec = made["spec"]
    assert (spec["hostPID"], spec["restartPolicy"]) == (True, "Never")
    assert spec["nodeName"] == sent["spec"]["nodeName"]
    assert spec["activeDeadlineSeconds"] == 60
    assert spec["automountServiceAccountToken"] is False
    assert spec["containers"][0]["securityContext"]["privileged"] is True
    assert {"operator": "Exists"} in spec["tolerations"]
    assert place.get("pods", NAME) is None


def test_a_trial_makes_nothing_and_a_second_is_refused(place: Place) -> None:
    """A dry run, the pod, a second of its name, and its end."""
    reads = place.reads
    reads.try_pod(place.name, manifest(place))
    assert place.get("pods", NAME) is None
    reads.make_pod(place.name, manifest(place), 10.0)
    with pytest.raises(Conflict) as refused:
        reads.make_pod(place.name, manifest(place), 10.0)
    assert refused.value.reason == "AlreadyExists"
    made = reads.pod(place.name, NAME)
    assert made is not None
    assert made.labels["chaosd.io/helper"] == "reboot"
    reads.remove_pod(place.name, NAME, "another")
    assert reads.pod(place.name, NAME) is not None
    reads.remove_pod(place.name, NAME, made.uid)
    until(lambda: place.get("pods", NAME) is None)
    reads.remove_pod(place.name, NAME, made.uid)
