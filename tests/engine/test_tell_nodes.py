"""The Events of actions on nodes: on the node, and on each pod that it lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import Intent, Result, Step, StepState, Verdict
from chaosd.core.model import Action, Victim
from chaosd.engine.tell import notices, step_notices
from tests.core.test_status_nodes import drain
from tests.report.scene import START

ID = "a" * 20


def told(**changes: Any) -> list[str]:
    intent = drain(**{"result": Result.KILLED, "detail": "", **changes})
    return [
        notice.message.removesuffix(f" [intent {ID}]")
        for notice in notices(intent, verdict=intent.verdict is not None)
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "chaosd policy weekly drained node n1"),
        (
            {"detail": "not drained in time: 1 pods left"},
            "chaosd policy weekly drained node n1: not drained in time: 1 pods left",
        ),
        ({"action": Action.REBOOT}, "chaosd policy weekly rebooted node n1"),
        ({"action": Action.TERMINATE}, "chaosd policy weekly terminated node n1"),
        (
            {"result": Result.REFUSED, "detail": "the node has changed"},
            "chaosd policy weekly was refused to drain node n1: the node has changed",
        ),
        (
            {"result": Result.DRY_RUN},
            "chaosd policy weekly would have drained node n1 (dry run, nothing was touched)",
        ),
        (
            {"verdict": Verdict.RECOVERED, "verdict_at": START},
            "Node n1 recovered 362 s after node n1 was drained by chaosd policy weekly",
        ),
    ],
)
def test_a_node_is_told_of_once_in_the_words_of_its_action(
    changes: dict[str, Any], message: str
) -> None:
    """It is its own workload, so there is one Event and not two."""
    assert told(**changes) == [message]


def test_the_event_is_on_that_very_node() -> None:
    """kubectl describe node finds it by kind, name and UID; a node is in no namespace."""
    intent = drain(result=Result.KILLED, verdict=Verdict.RECOVERED, verdict_at=START)
    found = notices(intent, verdict=False) + notices(intent, verdict=True)

    where = {(one.kind, one.namespace, one.object_name, one.uid) for one in found}
    assert where == {("Node", "", "n1", "u-1")}
    assert [one.reason for one in found] == ["ChaosDrained", "ChaosRecovered"]


def eviction(number: int, state: StepState) -> Step:
    pod = Victim("shop", f"web-{number}", f"p-{number}", "3", "n1")
    at = START - timedelta(minutes=3)
    return Step(number, pod, "chaosd-0.aaaa", 3, at, at, state, settled_at=at)


def draining() -> Intent:
    """A drain with an eviction that worked, one that did not and one that nobody knows of."""
    states = (StepState.KILLED, StepState.REFUSED, StepState.RESERVED)
    steps = [eviction(number, state) for number, state in enumerate(states, start=2)]
    return msgspec.structs.replace(drain(), steps=(*drain().steps, *steps))


def test_each_pod_that_a_drain_took_is_told_who_did_it() -> None:
    """Only what was killed is told, under a name that no other step has."""
    (found,) = step_notices(draining())

    assert (found.kind, found.namespace, found.object_name) == ("Pod", "shop", "web-2")
    assert found.name == f"chaosd-{ID}-s2"
    assert found.message == (
        f"chaosd policy weekly killed pod shop/web-2, to drain node n1 [intent {ID}]"
    )


def test_the_end_of_a_machine_is_no_event_on_a_pod() -> None:
    """The step that strikes the node itself is told with the result."""
    last = msgspec.structs.replace(eviction(9, StepState.KILLED), victim=drain().victim)

    assert step_notices(drain(steps=(last,), action=Action.TERMINATE)) == []
