"""The helper pod as an API server takes it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Action, Helper, StepAction, TargetKind, Victim
from chaosd.ports import Conflict
from chaosd.targets.helper import helper_pod
from tests.contract.manifests import Json
from tests.contract.site import Place
from tests.support.waiting import until

BOOT_ID = "0d9a2c4e-1111-4222-8333-444455556666"
NAME = "chaosd-helper-0123456789abcdef0123"


def manifest(place: Place) -> Json:
    """One for a node of the cluster, and a boot that it never had."""
    now = datetime.now(UTC)
    node = place.admin.ok("GET", "/api/v1/nodes")["items"][0]["metadata"]["name"]
    victim = Victim("", node, "u", "1", node, "Node", identity=BOOT_ID)
    step = Step(1, victim, "h", 1, now, now + timedelta(seconds=10), action=StepAction.REBOOT)
    intent = Intent(
        id=NAME.removeprefix("chaosd-helper-"),
        action_id="x",
        policy="p",
        target=TargetKind.NODE,
        action=Action.REBOOT,
        workload=f"Node/{node}",
        victim=victim,
        reserved_at=now,
        deadline=600.0,
        recover_by=now + timedelta(minutes=10),
        steps=(step,),
        helper=Helper(place.name, "registry.example.com/chaosd:1.0"),
    )
    return helper_pod(intent, step)


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
