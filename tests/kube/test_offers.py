"""API servers that are too old, by what they offer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chaosd.kube.api import Api
from chaosd.kube.offers import too_old
from chaosd.kube.retry import NO_RETRIES
from chaosd.ports import Forbidden, ServerFault
from chaosd.sandbox import Rule
from tests.support.clock import VirtualClock
from tests.support.lab import Lab
from tests.support.scripted import Answer, ScriptedTransport, reply


def listed(*entries: dict[str, Any]) -> Answer:
    return reply(200, json.dumps({"kind": "APIResourceList", "resources": entries}).encode())


def said(*answers: Answer) -> tuple[str, list[str]]:
    """What is said of a server with these answers, and what it was asked."""
    transport = ScriptedTransport(list(answers))
    return too_old(Api(transport, VirtualClock(), retry=NO_RETRIES)), [
        one.path for one in transport.sent
    ]


NO_SUCH_PATH = reply(404, b"404 page not found\n")
BUDGETS = listed({"name": "poddisruptionbudgets"}, {"name": "poddisruptionbudgets/status"})
EVICTIONS = listed({"name": "pods"}, {"name": "pods/eviction", "version": "v1"})
OLD_EVICTIONS = listed({"name": "pods"}, {"name": "pods/eviction", "version": "v1beta1"})
VERSION = reply(200, b'{"major": "1", "gitVersion": "v1.20.15"}')


def test_a_new_one() -> None:
    """Two requests, and nothing to say."""
    assert said(BUDGETS, EVICTIONS) == ("", ["/apis/policy/v1", "/api/v1"])


def test_the_sandbox_is_new_enough() -> None:
    """As a real one of its version."""
    lab = Lab()
    assert too_old(lab.api) == ""
    lab.fault(Rule(do="status", status=404, path="^/apis/policy/v1$"))
    assert "v1.36.3" in too_old(lab.api)


@pytest.mark.parametrize(
    ("answers", "lacking"),
    [
        ([NO_SUCH_PATH, OLD_EVICTIONS], "PodDisruptionBudgets of policy/v1 and evictions of"),
        ([reply(404), EVICTIONS], "PodDisruptionBudgets of policy/v1 ("),
        ([listed(), EVICTIONS], "PodDisruptionBudgets of policy/v1 ("),
        ([BUDGETS, OLD_EVICTIONS], "offer evictions of policy/v1 ("),
        ([BUDGETS, listed()], "offer evictions of policy/v1 ("),
    ],
)
def test_old_ones(answers: list[Answer], lacking: str) -> None:
    """What is lacking, which version it is, which is needed."""
    words, _ = said(*answers, VERSION)
    assert lacking in words
    assert "(it is v1.20.15): chaosd needs Kubernetes 1.22 or newer" in words


def test_one_that_does_not_tell_its_version() -> None:
    """It is as old without."""
    words, _ = said(NO_SUCH_PATH, EVICTIONS, reply(403))
    assert words.endswith("policy/v1: chaosd needs Kubernetes 1.22 or newer")


def test_one_that_does_not_let_us_look() -> None:
    """Discovery may be taken away from service accounts: that is not old."""
    assert said(reply(403), reply(403))[0] == ""


@pytest.mark.parametrize(("status", "error"), [(401, Forbidden), (503, ServerFault)])
def test_no_answer_tells_nothing(status: int, error: type[Exception]) -> None:
    """Neither old nor new: it has to be asked again."""
    with pytest.raises(error):
        said(reply(status))
