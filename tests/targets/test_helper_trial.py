"""What is said of helper pods before anything begins."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.model import Action, Configuration
from chaosd.kube.api import Api
from chaosd.kube.reads import KubeReads
from chaosd.kube.retry import NO_RETRIES
from chaosd.sandbox import Denial
from chaosd.targets.helper_trial import helper_words
from tests.support.clock import VirtualClock
from tests.support.lab import Lab
from tests.support.scripted import ScriptedTransport, reply
from tests.targets.helpers import HELPER, helper_lab
from tests.targets.scopes import scope

BY = "Helper pods strike for web: privileged, from image registry.example.com/chaosd:1.0."


@pytest.fixture
def lab() -> Lab:
    return helper_lab()


def configured(lab: Lab, **policy: Any) -> Configuration:
    return scope(lab, **{"helper": HELPER, "action": Action.CRASH, **policy}).configuration


def test_one_could_be_made(lab: Lab) -> None:
    """By a dry run: nothing is made."""
    lab.requests()
    assert helper_words(lab.reads, configured(lab)) == (
        BY,
        "A helper pod could be made in namespace chaosd-helper now.",
    )
    [asked] = lab.requests()
    assert (asked.verb, asked.path) == ("create", "/api/v1/namespaces/chaosd-helper/pods")
    assert lab.cluster.all("pods", HELPER.namespace) == []


@pytest.mark.parametrize("action", [Action.CRASH, Action.REBOOT])
def test_the_namespace_is_not_there(lab: Lab, action: Action) -> None:
    """What is missing, and the command that helps."""
    helper = msgspec.structs.replace(HELPER, namespace="nowhere")
    _, words = helper_words(lab.reads, configured(lab, action=action, helper=helper))
    assert words == (
        "NO HELPER POD can be made in namespace nowhere now, so none strikes:"
        ' 404 NotFound: namespaces "nowhere" not found;'
        " make it with: kubectl create namespace nowhere"
    )


def test_no_right_to_make_one(lab: Lab) -> None:
    """The server says which; the rule that grants it is told with the other permissions."""
    lab.sandbox.access.deny(Denial("create", "", "pods"))
    _, words = helper_words(lab.reads, configured(lab))
    assert words.startswith("NO HELPER POD can be made in namespace chaosd-helper now")
    assert 'cannot create resource "pods"' in words
    assert "kubectl" not in words


def test_a_namespace_that_allows_no_privileged_pods(lab: Lab) -> None:
    """As the admission of a real API server says it."""
    message = 'pods "chaosd-helper-trial" is forbidden: violates PodSecurity "restricted:latest"'
    status = {"kind": "Status", "code": 403, "reason": "Forbidden", "message": message}
    transport = ScriptedTransport([reply(403, msgspec.json.encode(status))])
    reads = KubeReads(Api(transport, VirtualClock(), retry=NO_RETRIES))
    _, words = helper_words(reads, configured(lab))
    assert "violates PodSecurity" in words
    assert words.endswith(
        "; allow it with: kubectl label namespace chaosd-helper"
        " pod-security.kubernetes.io/enforce=privileged"
    )
    assert ("dryRun", "All") in transport.sent[0].query


@pytest.mark.parametrize("changes", [{"helper": None}, {"action": Action.EVICT}, {"dry_run": True}])
def test_who_needs_none_is_told_nothing(lab: Lab, changes: dict[str, Any]) -> None:
    """And nothing is asked."""
    lab.requests()
    assert helper_words(lab.reads, configured(lab, **changes)) == ()
    assert lab.asked() == []
