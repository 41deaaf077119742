"""Undoing at a person's word: with a leader, without one, and when its taint is still under way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.ledger import Result
from chaosd.core.model import TargetKind
from chaosd.engine.undo import PATIENCE, Undoing, remove_stray, strays, tainted
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.sandbox import Denial
from chaosd.targets.nodes import NodeTarget
from tests.engine.cluster_side import make_ports
from tests.engine.drains import begun, held, pods_on, taints
from tests.engine.process import Hook
from tests.engine.scene import Scene, only


def reads(scene: Scene) -> KubeNodeReads:
    return KubeNodeReads(make_ports(scene.sandbox, scene.clock).api)


def undoing(scene: Scene, *intents: str) -> Undoing:
    """Somebody's ``chaosd undo``."""
    targets = {TargetKind.NODE: NodeTarget(reads(scene))}
    return Undoing(scene.book(), scene.clock, targets, "ann", intents or (only(scene).id,))


def test_whoever_leads_puts_it_back() -> None:
    """It is called off in the ledger, and nothing is done from here while there is time."""
    scene, _ = held()
    undo = undoing(scene)
    first = undo.step()
    assert [(one.node, one.why) for one in first.left] == [("n1", "whoever leads puts it back")]
    assert (taints(scene) != [], only(scene).ended_by) == (True, "ann")
    scene.run(3)
    assert (taints(scene), undo.step().left) == ([], ())


def test_without_a_leader_it_is_put_back_from_here() -> None:
    """A ledger and an API server suffice."""
    scene, process = held()
    process.die()
    undo = undoing(scene)
    assert undo.step().left != ()
    scene.run(PATIENCE.total_seconds() - 1)
    assert undo.step().left != ()
    assert taints(scene) != []
    scene.run(1)
    assert (undo.step().left, taints(scene)) == ((), [])
    owed = only(scene).undo
    assert owed is not None
    assert owed.done_at == scene.now()


def test_a_leader_that_comes_back_finds_it_done() -> None:
    """It goes on to watch the recovery, and takes nothing else."""
    scene, process = held()
    process.alive = False
    scene.run(PATIENCE.total_seconds())
    undo = undoing(scene)
    scene.run(PATIENCE.total_seconds())
    assert undo.step().left == ()
    scene.process("b")
    scene.run(90)
    assert taints(scene) == []
    assert only(scene).verdict is not None


def test_a_drain_that_is_undone_evicts_nothing_more() -> None:
    """Called off after the taint and before the first eviction."""
    scene, _ = begun()
    scene.processes[0].attempt(policy="nodes")
    undo = undoing(scene)
    undo.step()
    scene.run(5)
    assert (undo.step().left, taints(scene)) == ((), [])
    assert pods_on(scene) == ["agent", "db", "web", "web"]
    assert only(scene).result is Result.REFUSED


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_taint_under_way_is_fenced_first(when: str) -> None:
    """Its answer is lost and its sender dies: before its last instant nothing is said to be back,
    and after that it can't come any more."""
    scene, process = begun()
    scene.fault(do="lost", when=when, verbs=("patch",), path="/nodes/n1$")
    process.attempt(policy="nodes")
    process.die()
    scene.sandbox.api.faults.clear()
    undo = undoing(scene)
    undo.step()
    step = only(scene).unsettled
    assert step is not None
    scene.clock.advance(step.strike_by - scene.now() + timedelta(seconds=1))
    waiting = undo.step().left
    assert [one.why for one in waiting] == ["its taint may still be on the way"]
    scene.clock.advance(timedelta(seconds=30))
    assert (undo.step().left, taints(scene)) == ((), [])
    item = scene.cluster.get("nodes", "", "n1")
    assert item is not None
    assert item["metadata"]["resourceVersion"] != step.victim.resource_version


def test_it_can_be_said_again() -> None:
    """What is back is back, and the ledger stays as it is."""
    scene, _ = held()
    first = only(scene).id
    undoing(scene).step()
    scene.run(5)
    before = scene.ledger().revision
    assert undoing(scene, first).step().left == ()
    assert undoing(scene, "0" * 20).step().left == ()
    assert scene.ledger().revision == before


def test_what_hinders_is_told() -> None:
    """The API server refuses: it is still owed, with the words that it said."""
    scene, process = held()
    process.die()
    undo = undoing(scene)
    scene.clock.advance(PATIENCE)
    scene.sandbox.api.access.deny(Denial("patch", "", "nodes"))
    (left,) = undo.step().left
    assert "nodes" in left.why
    assert taints(scene) != []
    scene.sandbox.api.access.allow_all()
    assert (undo.step().left, taints(scene)) == ((), [])


# ------------------------------------------------------------------ strays


def stray(scene: Scene, node: str, value: str) -> None:
    """A taint that a chaosd of another ledger left."""
    with scene.cluster.edit("nodes", "", node) as item:
        taint = {"key": "chaosd.io/drain", "value": value, "effect": "NoSchedule"}
        other = {"key": "team", "value": "a", "effect": "NoSchedule"}
        item["spec"]["taints"] = [*item["spec"].get("taints", ()), other, taint]


def test_strays_are_those_that_no_open_intent_owes() -> None:
    """The node of a drain under way keeps its taint; others' taints stay."""
    scene, _ = held()
    stray(scene, "n2", "lost")
    nodes = reads(scene)
    found = strays(tainted(nodes), scene.ledger())
    assert [(one.name, one.drained_by) for one in found] == [("n2", "lost")]
    assert remove_stray(nodes, found[0]) == ""
    assert (taints(scene, "n2"), taints(scene) != []) == ([], True)
    item = scene.cluster.get("nodes", "", "n2")
    assert item is not None
    assert [one["key"] for one in item["spec"]["taints"]] == ["team"]


def test_a_stray_that_is_gone_meanwhile_is_fine() -> None:
    """Somebody else removed it, or the node."""
    scene, _ = begun()
    stray(scene, "n2", "lost")
    nodes = reads(scene)
    (found,) = tainted(nodes)
    assert remove_stray(nodes, found) == ""
    assert remove_stray(nodes, found) == ""


def test_a_node_that_changes_meanwhile_is_read_again() -> None:
    """Somebody labels it between the look and the removal."""
    scene, _ = begun()
    stray(scene, "n2", "lost")
    (found,) = tainted(reads(scene))

    def label() -> None:
        with scene.cluster.edit("nodes", "", "n2") as item:
            item["metadata"]["labels"]["touched"] = "yes"

    hook = Hook("PATCH /api/v1/nodes/n2", label)
    nodes = KubeNodeReads(make_ports(scene.sandbox, scene.clock, hook).api)
    assert remove_stray(nodes, found) == ""
    assert (taints(scene, "n2"), hook.left) == ([], 0)
