"""What is read of a node that was drawn, and what is not read once more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.model import Action, Candidate, Examined, Select, TargetKind
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.sandbox import scenarios
from chaosd.targets.nodes import NodeTarget
from tests.support.lab import Lab
from tests.targets.scopes import candidate, codes, scope

EVERY_POD = "/api/v1/pods"


def lab(cpu: str = "3") -> Lab:
    """Two nodes that opted in, of 8 CPUs each, with two pods each of which requests ``cpu``."""
    made = Lab()
    with made.filled() as cluster:
        for name in ("node-a", "node-b"):
            with cluster.edit("nodes", "", name) as item:
                item["metadata"]["labels"]["chaosd.io/enabled"] = "true"
        sized = {"resources": {"requests": {"cpu": cpu}}}
        scenarios.deployment(cluster, "shop", "web", 4, container=sized)
    return made


def target(made: Lab) -> NodeTarget:
    return NodeTarget(KubeNodeReads(made.api))


def examined(made: Lab, nodes: NodeTarget, name: str) -> Examined:
    """As an attempt does it for a node that it drew."""
    asked = scope(
        made, target=TargetKind.NODE, action=Action.DRAIN, select=Select(min_age=timedelta(0))
    )
    (one,) = nodes.expand(asked, candidate(f"Node/{name}"))
    return nodes.examine(asked, one)


def sweeps(made: Lab) -> int:
    """How often pods of the whole cluster were listed since the last call."""
    return sum(
        one.path == EVERY_POD and "spec.nodeName" not in one.query for one in made.requests()
    )


def test_each_thing_around_a_node_is_read_once() -> None:
    """Of what is around a node that nothing speaks against, only the node itself may come twice."""
    made = lab(cpu="1")
    assert examined(made, target(made), "node-a").victim is not None
    asked = [(one.path, one.query) for one in made.requests()]
    assert len(set(asked)) == len(asked)


def test_a_full_cluster_is_not_read_again_for_each_node() -> None:
    """What found too little room a moment ago finds none for the next node either."""
    made = lab()
    nodes = target(made)
    for name, times in (("node-a", 1), ("node-b", 0), ("node-a", 0)):
        assert codes(examined(made, nodes, name).reasons) == {"noCapacity"}
        assert sweeps(made) == times
    made.clock.advance(31)
    assert codes(examined(made, nodes, "node-b").reasons) == {"noCapacity"}
    assert sweeps(made) == 1


@pytest.mark.parametrize(("after", "fits"), [(1, False), (31, True)])
def test_room_that_came_is_seen_within_half_a_minute(after: float, fits: bool) -> None:
    """A room that is known says no again, but not for long."""
    made = lab()
    nodes = target(made)
    assert codes(examined(made, nodes, "node-a").reasons) == {"noCapacity"}
    scenarios.node(made.cluster, "node-c")
    made.clock.advance(after)
    assert (examined(made, nodes, "node-b").victim is not None) is fits


def test_room_that_was_found_is_looked_for_again() -> None:
    """Only a no is kept: before each strike all pods are read."""
    made = lab(cpu="1")
    nodes = target(made)
    for name in ("node-a", "node-b"):
        assert examined(made, nodes, name).victim is not None
        assert sweeps(made) == 1


def test_a_node_whose_pods_must_stay_costs_no_look_at_the_others() -> None:
    """What speaks against it is said all the same."""
    made = lab()
    with made.cluster.edit("nodes", "", "node-b") as item:
        item["spec"]["unschedulable"] = True
    scenarios.pod(made.cluster, "shop", "lonely", node_name="node-b")
    found = examined(made, target(made), "node-b")
    assert codes(found.reasons) == {"noController", "unschedulable"}
    paths = [one.path for one in made.requests()]
    assert "/api/v1/nodes" not in paths
    assert paths[-1] == "/api/v1/nodes/node-b"


def test_a_drawn_node_is_one_candidate() -> None:
    """It is examined as it is; nothing is read of it before."""
    made = lab()
    made.requests()
    asked = scope(made, target=TargetKind.NODE, action=Action.DRAIN)
    (one,) = target(made).expand(asked, candidate("Node/node-a"))
    assert one == Candidate("node-a", candidate("Node/node-a").workload)
    assert not made.requests()


def large(full: int) -> Lab:
    """As :func:`lab`, with 110 more nodes, of which the first ``full`` after node-a are full."""
    made = lab()
    with made.cluster.backdated(timedelta(days=1)):
        for number in range(110):
            scenarios.node(made.cluster, f"node-a-{number:03}", pods=0 if number < full else 110)
    made.requests()
    return made


@pytest.mark.parametrize(("full", "nearby", "whole"), [(0, 1, 0), (20, 21, 0), (30, 25, 1)])
def test_among_many_nodes_room_is_looked_for_nearby_first(
    full: int, nearby: int, whole: int
) -> None:
    """One node after the other, and all pods are read only where the first few have no room."""
    made = large(full)
    assert examined(made, target(made), "node-a").victim is not None
    asked = made.requests()
    single = [one for one in asked if "phase" in one.query and "nodeName" in one.query]
    every = [one for one in asked if "phase" in one.query and "nodeName" not in one.query]
    assert (len(single), len(every)) == (nearby, whole)


def test_too_little_room_among_many_nodes_is_told_by_all_of_them() -> None:
    """And each pod is counted once."""
    made = large(110)
    found = examined(made, target(made), "node-a")
    assert codes(found.reasons) == {"noCapacity"}
    assert sweeps(made) == 1
