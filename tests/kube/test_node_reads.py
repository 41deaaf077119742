"""Facts about nodes and what runs on them, and the ways to touch one, on a simulated cluster."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.facts import DRAIN_TAINT, NodeFacts, Placed, Resources, Taint
from chaosd.core.model import Victim
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.kube.reads import FENCED
from chaosd.ports import Conflict, Forbidden, Invalid, NotFound, Unanswered
from chaosd.sandbox import Denial, Rule, scenarios
from chaosd.targets.node_reads import NodeReads
from tests.support.lab import Lab

OTHERS = {"key": "team", "value": "x", "effect": "NoExecute", "timeAdded": "2026-01-05T09:00:00Z"}


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    asks = {"resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}
    with lab.filled() as cluster:
        scenarios.node(cluster, "node-c", taints=[OTHERS])
        scenarios.deployment(cluster, "shop", "web", 4, container=asks)
        scenarios.daemon_set(cluster, "ops", "agent")
    lab.requests()
    return lab


@pytest.fixture
def reads(lab: Lab) -> NodeReads:
    return KubeNodeReads(lab.api)


def node(reads: NodeReads, name: str = "node-a") -> NodeFacts:
    found = reads.node(name)
    assert found is not None
    return found


def victim(of: NodeFacts, **changes: Any) -> Victim:
    found = Victim("", of.name, of.uid, of.resource_version, kind="Node")
    return msgspec.structs.replace(found, **changes)


def mine(value: str = "intent-a") -> Taint:
    return Taint(DRAIN_TAINT, value, "NoSchedule")


def stored(lab: Lab, name: str) -> dict[str, Any]:
    found = lab.cluster.get("nodes", "", name)
    assert found is not None
    return found


def test_nodes(reads: NodeReads) -> None:
    """In full, all of them or those with a label; the same as each alone."""
    found = [one for page in reads.nodes("") for one in page]
    assert [one.name for one in found] == ["node-a", "node-b", "node-c"]
    assert [node(reads, one.name) for one in found] == found
    assert found[0].allocatable == Resources(8000, 32 << 30, 110)
    assert found[2].taints == (Taint("team", "x", "NoExecute"),)
    assert [one.name for page in reads.nodes("pool=b") for one in page] == ["node-b"]


def test_pods_on_a_node(lab: Lab, reads: NodeReads) -> None:
    """Those of every namespace and no other node's, with their size and containers."""
    found = [pod for page in reads.pods_on("node-a") for pod in page]
    assert {pod.node for pod in found} == {"node-a"}
    assert {pod.namespace for pod in found} == {"ops", "shop"}
    web = next(pod for pod in found if pod.labels["app"] == "web")
    assert web.requests == Resources(100, 64 << 20, 1)
    assert [(one.name, bool(one.id)) for one in web.containers] == [("main", True)]
    assert reads.pod("shop", web.name) == web
    assert [one.verb for one in lab.requests()] == ["list", "get"]
    assert list(reads.pods_on("nobody")) == []


def test_what_takes_room(lab: Lab, reads: NodeReads) -> None:
    """Pods that have a node and have not finished, as the server selects them."""
    scenarios.pod(lab.cluster, "shop", "pending")
    scenarios.pod(lab.cluster, "shop", "done", node_name="node-a")
    with lab.cluster.edit("pods", "shop", "done") as pod:
        pod["status"] = {"phase": "Succeeded"}
    found = [one for page in reads.placed() for one in page]
    assert len(found) == 4 + 2
    assert Placed("node-a", Resources(100, 64 << 20, 1)) in found
    assert "" not in {one.node for one in found}
    alone = [one for page in reads.placed("node-a") for one in page]
    assert alone == [one for one in found if one.node == "node-a"]


@pytest.mark.parametrize("name", ["node-a", "node-c"])
def test_a_taint_comes_and_goes(lab: Lab, reads: NodeReads, name: str) -> None:
    """Beside those of others, which are left exactly as they are."""
    before = stored(lab, name)["spec"]
    reads.taint(victim(node(reads, name)), "intent-a", 5.0)
    tainted = node(reads, name)
    assert tainted.drained_by == "intent-a"
    assert tainted.taints[-1] == mine()
    reads.untaint(tainted, "intent-a")
    after = stored(lab, name)["spec"]
    assert after.get("taints", []) == before.get("taints", [])


def test_a_taint_is_one_write(lab: Lab, reads: NodeReads) -> None:
    """One read and one write, and not again after an answer that got lost."""
    chosen = victim(node(reads))
    lab.requests()
    lab.fault(Rule(do="lost", when="after", verbs=("patch",)))
    with pytest.raises(Unanswered):
        reads.taint(chosen, "intent-a", 5.0)
    assert [one.verb for one in lab.requests()] == ["get", "patch"]


@pytest.mark.parametrize("changes", [{"uid": "another"}, {"resource_version": "1"}])
def test_another_node_is_not_tainted(lab: Lab, reads: NodeReads, changes: dict[str, str]) -> None:
    """Neither one of the same name nor one that has changed."""
    before = stored(lab, "node-a")
    with pytest.raises(Conflict):
        reads.taint(victim(node(reads), **changes), "intent-a", 5.0)
    assert stored(lab, "node-a") == before
    with pytest.raises(NotFound):
        reads.taint(victim(node(reads), name="nobody"), "intent-a", 5.0)


def test_a_fence_keeps_a_late_taint_away(lab: Lab, reads: NodeReads) -> None:
    """The taint's request was on its way when somebody fenced."""
    chosen = victim(node(reads))
    seen = reads.fence_node(chosen, "intent-a")
    assert (seen.uid, seen.drained_by) == (chosen.uid, "")
    assert seen.annotations[FENCED] == "intent-a"
    assert seen.resource_version != chosen.resource_version
    with pytest.raises(Conflict):
        reads.taint(chosen, "intent-a", 5.0)
    assert reads.fence_node(chosen, "intent-a") == seen
    with pytest.raises(Invalid):
        reads.fence_node(victim(seen, uid="another"), "intent-a")
    with pytest.raises(NotFound):
        reads.fence_node(victim(seen, name="nobody"), "intent-a")


def test_untainting_removes_what_is_ours(lab: Lab, reads: NodeReads) -> None:
    """The taint of this intent and the mark of a fence; no other intent's, nobody else's."""
    reads.taint(victim(node(reads, "node-c")), "intent-a", 5.0)
    reads.untaint(reads.fence_node(victim(node(reads, "node-c")), "intent-b"), "intent-b")
    kept = node(reads, "node-c")
    assert kept.taints == (Taint("team", "x", "NoExecute"), mine())
    assert FENCED not in kept.annotations
    reads.untaint(kept, "intent-a")
    assert stored(lab, "node-c")["spec"]["taints"] == [OTHERS]


def test_untainting_what_is_not_tainted_sends_nothing(lab: Lab, reads: NodeReads) -> None:
    """There is nothing to change."""
    found = node(reads, "node-c")
    lab.requests()
    reads.untaint(found, "intent-a")
    assert lab.requests() == []


@pytest.mark.parametrize("how", ["labelled", "untainted", "replaced"])
def test_untainting_an_old_view_is_a_conflict(lab: Lab, reads: NodeReads, how: str) -> None:
    """Also when the operations don't fit the node any more."""
    reads.taint(victim(node(reads)), "intent-a", 5.0)
    seen = node(reads)
    if how == "replaced":
        seen = msgspec.structs.replace(seen, uid="another")
    else:
        with lab.cluster.edit("nodes", "", "node-a") as item:
            item["metadata"]["labels"]["team"] = "x"
            if how == "untainted":
                del item["spec"]["taints"]
    with pytest.raises(Conflict):
        reads.untaint(seen, "intent-a")


def test_a_refusal_is_no_conflict(lab: Lab, reads: NodeReads) -> None:
    """Without the right to it, asking again would be of no use."""
    chosen = victim(node(reads))
    lab.sandbox.access.deny(Denial("patch", "", "nodes"))
    with pytest.raises(Forbidden):
        reads.taint(chosen, "intent-a", 5.0)


def test_a_helper_pod_is_made_once_and_removed(lab: Lab, reads: NodeReads) -> None:
    """A second of its name is refused; only that very one is removed, and only once."""
    manifest = {"metadata": {"name": "h"}, "spec": {"containers": [{"name": "h", "image": "i"}]}}
    scenarios.namespace(lab.cluster, "helpers")
    reads.make_pod("helpers", manifest, 5.0)
    with pytest.raises(Conflict):
        reads.make_pod("helpers", manifest, 5.0)
    made = reads.pod("helpers", "h")
    assert made is not None
    reads.remove_pod("helpers", "h", "another")
    assert reads.pod("helpers", "h") == made
    reads.remove_pod("helpers", "h", made.uid)
    assert reads.pod("helpers", "h") is None
    reads.remove_pod("helpers", "h", made.uid)
