"""What would be left of a fleet of nodes, and how many are away already."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.facts import NodeFacts, Taint
from chaosd.core.model import Code, NodeRules, Reasons
from chaosd.core.nodes import CONTROL_PLANE_POOL, ZONE, Fleet
from tests.core.node_subjects import DRAINED, MASTER, USUAL, node, policy
from tests.core.subjects import OPTED_IN, codes, texts

KEPT_FREE = (Taint("node-role.kubernetes.io/control-plane", "", "NoSchedule"),)
NOBODY: frozenset[str] = frozenset()


def fleet(nodes: Iterable[NodeFacts], rules: NodeRules = USUAL, *, selected: bool = True) -> Fleet:
    found = Fleet(policy(rules=rules))
    for one in nodes:
        found.add(one, selected)
    return found


def asked(
    victim: NodeFacts,
    others: Iterable[NodeFacts],
    rules: NodeRules = USUAL,
    ours: frozenset[str] = NOBODY,
) -> Reasons:
    return fleet([victim, *others], rules).reasons(victim, ours)


def test_one_of_many_can_be_missed() -> None:
    """Nothing is away and enough is left."""
    assert asked(node(), [node("n2"), node("n3")]) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"ready": False},
        {"unschedulable": True},
        {"deleting": True},
        {"taints": DRAINED},
        {"taints": (Taint("chaosd.io/drain"),)},
        {"taints": (Taint("ToBeDeletedByClusterAutoscaler", "1", "NoSchedule"),)},
    ],
)
def test_what_is_away(changes: dict[str, object]) -> None:
    """A node that is not in service for whatever reason counts as away, and not as left."""
    away = node("n2", **changes)
    assert texts(asked(node(), [away, node("n3")])) == [
        "maxUnavailable: 1 of the selected nodes are away already: n2; node.maxUnavailable is 1"
    ]
    two = NodeRules(max_unavailable=2)
    assert asked(node(), [away, node("n3")], two) == ()
    assert texts(asked(node(), [away], two)) == [
        "minNodes: 0 Ready nodes would be left in its pool, node.minNodes is 1"
    ]


def test_only_selected_nodes_use_up_what_may_be_away() -> None:
    """Others that are away, or held by other policies, are not this policy's."""
    found = fleet([node(), node("n2")])
    found.add(node("n3", ready=False), selected=False)
    found.add(node("n4"), selected=False)
    assert found.reasons(node(), frozenset({"n3", "n4", "unheard-of"})) == ()


def test_what_open_intents_hold_is_away() -> None:
    """However fine it looks: its taint may come at any moment."""
    others, rules = [node("n2"), node("n3")], NodeRules(min_nodes=2)
    assert texts(asked(node(), others, rules, frozenset({"n2"}))) == [
        (
            "maxUnavailable: 1 of the selected nodes are away already: n2 (held by chaosd);"
            " node.maxUnavailable is 1"
        ),
        "minNodes: 1 Ready nodes would be left in its pool, node.minNodes is 2",
    ]
    assert codes(asked(node(), others, rules)) == []


def test_a_node_does_not_count_against_itself() -> None:
    """Whether an intent holds it already, or it is away by itself."""
    others = [node("n2"), node("n3")]
    assert asked(node(), others, ours=frozenset({"n1"})) == ()
    assert asked(node(ready=False), others) == ()


def test_none_may_be_away() -> None:
    """A budget of nothing lets nothing go."""
    found = asked(node(), [node("n2")], NodeRules(max_unavailable=0))
    assert texts(found) == [
        "maxUnavailable: 0 of the selected nodes are away already; node.maxUnavailable is 0"
    ]


def test_many_that_are_away_are_not_all_named() -> None:
    """The first few, without the node itself, and how many more."""
    away = [node(f"n{number}", ready=False) for number in range(1, 9)]
    found = fleet([*away, node("n9")], NodeRules(max_unavailable=2))
    assert texts(found.reasons(away[1], NOBODY)) == [
        (
            "maxUnavailable: 7 of the selected nodes are away already: n1, n3, n4, n5, n6 and"
            " 2 more; node.maxUnavailable is 2"
        )
    ]


@pytest.mark.parametrize(
    ("labels", "rule", "expected"),
    [
        ({"pool": "spot"}, "", ""),
        ({"pool": "spot"}, "pool", "spot"),
        ({}, "pool", ""),
        (MASTER, "", CONTROL_PLANE_POOL),
        (MASTER, "pool", CONTROL_PLANE_POOL),
        ({**MASTER, "pool": "all"}, "pool", "all"),
    ],
)
def test_pools(labels: dict[str, str], rule: str, expected: str) -> None:
    """By a label; without one, all but the control plane are one pool."""
    assert Fleet(policy(rules=NodeRules(pool=rule))).pool_of(node(labels=labels)) == expected


def test_a_pool_keeps_its_least() -> None:
    """Nodes of other pools don't help, and its own that are away don't either."""
    rules = NodeRules(pool="pool", min_nodes=2, max_unavailable=9)
    big = {"labels": {"pool": "big", **OPTED_IN}}
    nodes = [
        node("b1", **big),
        node("b2", **big),
        node("b3", ready=False, **big),
        node(),
        node("n2"),
    ]
    found = fleet(nodes, rules)
    assert (found.ready_in_pool("big"), found.ready_in_pool("spot")) == (2, 2)
    assert found.ready_in_pool("none") == 0
    assert texts(found.reasons(nodes[0], NOBODY)) == [
        "minNodes: 1 Ready nodes would be left in pool big, node.minNodes is 2"
    ]
    found.add(node("b4", **big), selected=True)
    assert found.reasons(nodes[0], NOBODY) == ()


def zoned(name: str, zone: str = "a", **changes: object) -> NodeFacts:
    labels: dict[str, str] = {ZONE: zone, **OPTED_IN, **changes.pop("more", {})}  # type: ignore[dict-item]
    return node(name, labels=labels, **changes)


def test_the_last_of_a_zone() -> None:
    """Is spared unless the policy allows it; without zones nobody asks."""
    victim, elsewhere = zoned("n1"), zoned("n3", "b")
    nodes = [victim, zoned("n2", unschedulable=True), elsewhere, node("n4")]
    two = NodeRules(max_unavailable=2)
    assert texts(fleet(nodes, two).reasons(victim, NOBODY)) == [
        "lastOfZone: no other Ready node would take pods in zone a; node.lastOfZone allows that"
    ]
    allowed = NodeRules(max_unavailable=2, last_of_zone=True)
    assert fleet(nodes, allowed).reasons(victim, NOBODY) == ()
    assert fleet([*nodes, zoned("n5")], two).reasons(victim, NOBODY) == ()
    held = fleet([*nodes, zoned("n5")], NodeRules(max_unavailable=9))
    assert codes(held.reasons(victim, frozenset({"n5"}))) == [Code.LAST_OF_ZONE]
    assert fleet(nodes, two).reasons(nodes[3], NOBODY) == ()


@pytest.mark.parametrize(("taints", "expected"), [(KEPT_FREE, [Code.LAST_OF_ZONE]), ((), [])])
def test_control_planes_in_a_zone(taints: tuple[Taint, ...], expected: list[Code]) -> None:
    """They are of use to a zone's pods only when they take any."""
    others = [zoned("m1", more=MASTER, taints=taints), zoned("n2", "b")]
    assert codes(asked(zoned("n1"), others)) == expected


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ({}, []),
        ({"ready": False}, [Code.CONTROL_PLANE]),
        ({"unschedulable": True}, [Code.CONTROL_PLANE]),
        ({"deleting": True}, [Code.CONTROL_PLANE]),
        ({"taints": KEPT_FREE}, []),
        ({"labels": {}}, [Code.CONTROL_PLANE]),
    ],
)
def test_the_last_of_the_control_plane(other: dict[str, object], expected: list[Code]) -> None:
    """Another one has to be left, in service."""
    masters = [node(name, labels=MASTER, taints=KEPT_FREE) for name in ("m1", "m2")]
    changed = node("m2", **{"labels": MASTER, **other})
    rules = NodeRules(max_unavailable=9, min_nodes=0)
    assert codes(asked(masters[0], [changed, node("n1")], rules)) == expected
    assert codes(asked(masters[0], masters[1:], rules, frozenset({"m2"}))) == [Code.CONTROL_PLANE]


def test_a_node_that_the_fleet_has_not_seen() -> None:
    """Is judged against those that it has."""
    found = fleet([node("n2")])
    assert found.reasons(node(), NOBODY) == ()
    assert codes(fleet([]).reasons(node(), NOBODY)) == [Code.MIN_NODES]


NODES = st.builds(
    lambda name, ready, cordoned, pool, zone, master: node(
        name,
        ready=ready,
        unschedulable=cordoned,
        labels={
            **({"pool": pool} if pool else {}),
            **({ZONE: zone} if zone else {}),
            **(MASTER if master else {}),
        },
    ),
    st.sampled_from([f"n{number}" for number in range(6)]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from(["", "x", "y"]),
    st.booleans(),
)
RULES = st.builds(
    NodeRules,
    max_unavailable=st.integers(0, 3),
    pool=st.sampled_from(["", "pool"]),
    min_nodes=st.integers(0, 3),
    last_of_zone=st.booleans(),
)
HELD = st.frozensets(st.sampled_from(["n0", "n1", "gone"]))


@given(st.lists(st.tuples(NODES, st.booleans()), min_size=1, max_size=12), RULES, HELD)
def test_only_the_latest_of_each_node_counts(
    read: list[tuple[NodeFacts, bool]], rules: NodeRules, ours: frozenset[str]
) -> None:
    """Nodes read twice, in whatever states, answer as if each had been read once, as it is now."""
    twice, once = Fleet(policy(rules=rules)), Fleet(policy(rules=rules))
    for one, selected in read:
        twice.add(one, selected)
        twice.reasons(one, ours)
    latest = {one.name: (one, selected) for one, selected in read}
    for one, selected in reversed(latest.values()):
        once.add(one, selected)
    for one, _ in latest.values():
        assert twice.reasons(one, ours) == once.reasons(one, ours)
        pool = once.pool_of(one)
        assert twice.ready_in_pool(pool) == once.ready_in_pool(pool)


@given(st.lists(st.tuples(NODES, st.booleans()), min_size=1, max_size=8), RULES, HELD)
def test_whatever_goes_leaves_what_the_rules_ask(
    read: list[tuple[NodeFacts, bool]], rules: NodeRules, ours: frozenset[str]
) -> None:
    """Told from all nodes at once: a node without reasons can go, one with a reason breaks it."""
    latest = {one.name: (one, selected) for one, selected in read}
    found = Fleet(policy(rules=rules))
    for one, selected in latest.values():
        found.add(one, selected)

    def pool(one: NodeFacts) -> str:
        return found.pool_of(one)

    for victim, _ in latest.values():
        gone = ours | {victim.name}
        left = [
            one
            for one, _ in latest.values()
            if one.ready and not one.unschedulable and one.name not in gone
        ]
        away = [
            one
            for one, selected in latest.values()
            if selected
            and one.name != victim.name
            and (one.name in ours or not one.ready or one.unschedulable)
        ]
        zone = victim.labels.get(ZONE)
        expected = set()
        if len(away) >= rules.max_unavailable:
            expected.add(Code.MAX_UNAVAILABLE)
        if sum(pool(one) == pool(victim) for one in left) < rules.min_nodes:
            expected.add(Code.MIN_NODES)
        if zone and not rules.last_of_zone and zone not in [one.labels.get(ZONE) for one in left]:
            expected.add(Code.LAST_OF_ZONE)
        if victim.control_plane and not any(one.control_plane for one in left):
            expected.add(Code.CONTROL_PLANE)
        assert codes(found.reasons(victim, ours)) == sorted(expected)
