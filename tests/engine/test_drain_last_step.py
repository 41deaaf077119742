"""The last step of a reboot or an end: when it does not come, and when nobody knows of it."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.core.ledger import Verdict
from chaosd.core.model import Configuration, NodeRules
from chaosd.ports import NotSent, Unanswered
from chaosd.sandbox import Denial, scenarios
from tests.engine.drains import begun, ends, reboots, taints, with_helpers
from tests.engine.machines import Machines, raising
from tests.engine.scene import Scene, only


@pytest.mark.parametrize("configuration", [reboots(), ends()])
def test_what_is_not_drained_in_time_is_neither_rebooted_nor_ended(
    configuration: Configuration,
) -> None:
    """A budget refuses to the end: the node is put back then, not at the deadline."""
    cloud = Machines()
    scene, process = begun(with_helpers, configuration, clouds=(cloud,))
    cloud.scene = scene
    process.attempt(policy="nodes")
    scene.fault(do="status", status=429, path="/pods/db-0/eviction$")
    scene.run(128)
    assert "not drained in time" in only(scene).detail
    assert (taints(scene), cloud.ended) == ([], {})
    scene.run(5)
    assert only(scene).verdict is Verdict.RECOVERED


def fleet_shrinks(scene: Scene) -> None:
    for name in ("n2", "n3"):
        scenarios.set_node_ready(scene.cluster, name, False)


def vetoed_daemon(scene: Scene) -> None:
    with scene.cluster.edit("daemonsets.apps", "shop", "agent") as item:
        item["metadata"].setdefault("labels", {})["chaosd.io/enabled"] = "false"


@pytest.mark.parametrize("happens", [fleet_shrinks, vetoed_daemon])
def test_guards_are_asked_again_before_a_machine_is_ended(happens: Any) -> None:
    """A drain takes long; what spoke for the end at its beginning may not speak for it any more."""
    cloud = Machines()
    rules = NodeRules(min_nodes=2)
    scene, process = begun(configuration=ends(node=rules), clouds=(cloud,))
    cloud.scene = scene
    process.attempt(policy="nodes")
    happens(scene)
    scene.run(30)
    assert cloud.ended == {}
    assert only(scene).result is not None
    assert taints(scene) == []


# ------------------------------------------------------------------ nothing of ours stays


def test_a_step_that_nobody_can_settle_keeps_no_node() -> None:
    """The answer of an eviction is lost, and its pod can't be fenced: the taint goes at the
    deadline all the same."""
    scene, process = begun()
    process.attempt(policy="nodes")
    scene.fault(do="lost", when="before", verbs=("create",), path="/eviction$", count=1)
    scene.sandbox.api.access.deny(Denial("patch", "", "pods/status"))
    scene.run(120)
    assert only(scene).unsettled
    assert taints(scene) != []
    scene.run(130)
    assert only(scene).unsettled
    assert taints(scene) == []
    scene.sandbox.api.access.allow_all()
    scene.run(20)
    assert only(scene).result is not None
    assert scene.ledger().intents == {}


def test_a_cloud_that_tells_nothing_does_not_stop_everything_for_ever() -> None:
    """Its answer was lost and nobody may ask it: once no request can be heard any more, the
    machine is taken to be ended."""
    cloud = Machines(after=raising(Unanswered("no answer")))
    scene, process = begun(configuration=ends(), clouds=(cloud,))
    cloud.scene = scene
    cloud.down = NotSent("no credentials")
    process.attempt(policy="nodes")
    scene.run(60)
    assert only(scene).unsettled
    scene.run(260)
    assert not only(scene).unsettled
    assert taints(scene) == []
    assert only(scene).verdict is Verdict.NOT_RECOVERED
