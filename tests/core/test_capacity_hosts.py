"""On which nodes a pod may start at all: nodes in service, labels, taints and tolerations."""

from __future__ import annotations

import pytest

from chaosd.core.capacity import tolerated
from chaosd.core.facts import Resources, Taint, Toleration
from chaosd.core.model import Code
from tests.core.node_subjects import DRAINED
from tests.core.rooms import EVERYTHING, NOBODY, TEAM, node, pod, room
from tests.core.subjects import codes


@pytest.mark.parametrize(
    ("changes", "fits"),
    [
        ({}, True),
        ({"ready": False}, False),
        ({"unschedulable": True}, False),
        ({"deleting": True}, False),
        ({"taints": DRAINED}, False),
        ({"allocatable": Resources()}, False),
        ({"taints": (TEAM,)}, False),
        ({"taints": (Taint("team", "a", "PreferNoSchedule"),)}, True),
    ],
)
def test_which_nodes_offer_room(changes: dict[str, object], fits: bool) -> None:
    """Those that are in service and keep nobody off."""
    assert (not room(node(**changes)).fits([pod()], NOBODY)) is fits


@pytest.mark.parametrize(
    "taint",
    [
        *DRAINED,
        Taint("ToBeDeletedByClusterAutoscaler", "1", "NoSchedule"),
        Taint("cloud.google.com/impending-node-termination", "", "NoSchedule"),
    ],
)
def test_what_is_about_to_go_offers_none_even_to_those_that_tolerate_all(taint: Taint) -> None:
    """Whoever empties a node does so on purpose."""
    found = room(node(taints=(taint,))).fits([pod(tolerations=(EVERYTHING,))], NOBODY)
    assert codes(found) == [Code.NO_CAPACITY]


@pytest.mark.parametrize(
    ("selector", "fits"),
    [
        ({}, True),
        ({"pool": "spot"}, True),
        ({"pool": "big"}, False),
        ({"pool": "spot", "disk": "ssd"}, False),
    ],
)
def test_node_selectors(selector: dict[str, str], fits: bool) -> None:
    """All of a pod's labels must be on the node."""
    assert (not room(node()).fits([pod(node_selector=selector)], NOBODY)) is fits


@pytest.mark.parametrize(
    ("toleration", "taint", "tolerates"),
    [
        (Toleration("team", "Equal", "a"), TEAM, True),
        (Toleration("team", "", "a"), TEAM, True),
        (Toleration("team", "Equal", "b"), TEAM, False),
        (Toleration("other", "Equal", "a"), TEAM, False),
        (Toleration("team", "Exists"), TEAM, True),
        (Toleration("other", "Exists"), TEAM, False),
        (EVERYTHING, TEAM, True),
        (Toleration("", "Equal", ""), Taint("", "", "NoSchedule"), True),
        (Toleration("", "Equal", "a"), TEAM, False),
        (Toleration("team", "Equal", "a", "NoSchedule"), TEAM, True),
        (Toleration("team", "Equal", "a", "NoExecute"), TEAM, False),
        (Toleration("team", "Exists", "", "NoExecute"), Taint("team", "a", "NoExecute"), True),
        (Toleration(operator="Exists", effect="NoExecute"), TEAM, False),
        (Toleration("team", "Gt", "0"), Taint("team", "1", "NoSchedule"), False),
        (Toleration("x", "Equal"), Taint("team", "a", "PreferNoSchedule"), True),
    ],
)
def test_tolerations(toleration: Toleration, taint: Taint, tolerates: bool) -> None:
    """By key, value and effect, as the documentation of Kubernetes has them."""
    assert tolerated([taint], [toleration]) is tolerates
    expected = [] if tolerates else [Code.NO_CAPACITY]
    found = room(node(taints=(taint,))).fits([pod(tolerations=(toleration,))], NOBODY)
    assert codes(found) == expected


def test_every_taint_must_be_tolerated() -> None:
    """One that is not is enough; no taint needs no toleration."""
    other = Taint("gpu", "", "NoExecute")
    assert tolerated([], [])
    assert not tolerated([TEAM], [])
    assert not tolerated([TEAM, other], [Toleration("team", "Exists")])
    assert tolerated([TEAM, other], [Toleration("gpu", "Exists"), Toleration("team", "Exists")])


def test_hosts_are_the_nodes_on_which_any_of_the_pods_may_start() -> None:
    """By labels and taints; how much room they have is another question."""
    found = room(
        node("n4"),
        node("n1", taints=(TEAM,)),
        node("n2", labels={"disk": "fast"}),
        node("n3", ready=False),
    )
    fast = pod(1, node_selector={"disk": "fast"})
    assert found.hosts([fast], NOBODY) == ["n2"]
    assert found.hosts([fast, pod(2)], NOBODY) == ["n2", "n4"]
    assert found.hosts([pod(2, tolerations=(EVERYTHING,))], {"n2"}) == ["n1", "n4"]
