"""Which nodes may be struck by what they say themselves, and every reason why others may not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.facts import NodeFacts, Taint
from chaosd.core.model import Action, Code, Configuration, Helper, NodeRules, OptIn, Select
from chaosd.core.nodes import NodeSift
from chaosd.core.selector import Selector
from tests.core.node_subjects import DRAINED, MASTER, USUAL, node, policy
from tests.core.subjects import ALWAYS, NOW, OPTED_IN, ago, codes, texts

HELPER = Helper("chaosd-helpers", "registry.example/chaosd:1")
USUAL_LABEL = OptIn()


def sift(
    action: Action = Action.DRAIN,
    *,
    rules: NodeRules = USUAL,
    select: Select | None = None,
    opt_in: OptIn = USUAL_LABEL,
    helper: Helper | None = HELPER,
) -> NodeSift:
    one = policy(action, rules, select)
    configuration = Configuration(windows=ALWAYS, policies=(one,), opt_in=opt_in, helper=helper)
    return NodeSift(configuration, one, NOW)


@pytest.mark.parametrize("action", [Action.DRAIN, Action.REBOOT, Action.TERMINATE])
def test_a_node_that_is_fine_has_no_reasons(action: Action) -> None:
    """What opted in, is Ready, old enough and nobody's business otherwise may be struck."""
    assert sift(action).reasons(node()) == ()


@pytest.mark.parametrize(
    ("labels", "opt_in", "expected"),
    [
        (OPTED_IN, OptIn(), []),
        ({}, OptIn(), ["notOptedIn: no chaosd.io/enabled=true on the node"]),
        (
            {"chaosd.io/enabled": "yes"},
            OptIn(),
            ["notOptedIn: no chaosd.io/enabled=true on the node (found chaosd.io/enabled=yes)"],
        ),
        (
            {"chaosd.io/enabled": "False"},
            OptIn(),
            ["vetoed: the node says chaosd.io/enabled=False"],
        ),
        ({"kube-monkey/enabled": "on"}, OptIn("kube-monkey/enabled", "on"), []),
        (OPTED_IN, OptIn("a", "b"), ["notOptedIn: no a=b on the node"]),
        ({"a": "false"}, OptIn("a", "false"), ["vetoed: the node says a=false"]),
    ],
)
def test_opting_in(labels: dict[str, str], opt_in: OptIn, expected: list[str]) -> None:
    """Only the node's own label opts it in, and false never does."""
    one = sift(opt_in=opt_in)
    assert texts(one.reasons(node(labels=labels))) == expected
    assert one.selected(node(labels=labels)) is not bool(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ready": False}, ["nodeNotReady: its Ready condition is not True"]),
        ({"deleting": True}, ["nodeNotReady: it is being deleted"]),
        (
            {"unschedulable": True},
            ["unschedulable: somebody cordoned it; kubectl uncordon n1 when they are done"],
        ),
        (
            {"taints": DRAINED},
            [
                (
                    "locked: it carries the taint chaosd.io/drain for intent 9f2c;"
                    " chaosd undo takes it off"
                )
            ],
        ),
        (
            {"taints": (Taint("chaosd.io/drain"),)},
            [
                (
                    "locked: it carries the taint chaosd.io/drain for no intent;"
                    " chaosd undo takes it off"
                )
            ],
        ),
        (
            {"taints": (Taint("karpenter.sh/disrupted", "", "NoSchedule"),)},
            ["unschedulable: its taint karpenter.sh/disrupted says that it is about to go"],
        ),
        (
            {"taints": (Taint("aws-node-termination-handler/spot-itn", "1", "NoExecute"),)},
            [
                (
                    "unschedulable: its taint aws-node-termination-handler/spot-itn says that it is"
                    " about to go"
                )
            ],
        ),
        ({"taints": (Taint("team", "a", "NoSchedule"),)}, []),
        ({"created": ago(minutes=9)}, ["tooYoung: 9m old, minAge is 10m"]),
        (
            {"annotations": {"karpenter.sh/do-not-disrupt": "true"}},
            ["doNotDisrupt: the node says karpenter.sh/do-not-disrupt: true"],
        ),
        ({"annotations": {"karpenter.sh/do-not-disrupt": "false"}}, []),
        (
            {"annotations": {"karpenter.sh/do-not-disrupt": "4h"}},
            ["doNotDisrupt: the node says karpenter.sh/do-not-disrupt: 4h"],
        ),
    ],
)
def test_the_state_of_a_node(changes: dict[str, object], expected: list[str]) -> None:
    """Whatever is wrong with a node is told in words that say what."""
    assert texts(sift().reasons(node(**changes))) == expected


@pytest.mark.parametrize(
    ("select", "expected"),
    [
        (Select(nodes=Selector.parse("pool=spot")), []),
        (
            Select(nodes=Selector.parse("pool=big,gpu")),
            ["nodeNotSelected: pool=big does not hold: pool=spot; gpu does not hold: no gpu"],
        ),
        (Select(names="^n[0-9]$"), []),
        (Select(names="^ip-"), ["nameNotSelected: n1 does not match ^ip-"]),
        (Select(min_age=timedelta(days=2)), ["tooYoung: 1d old, minAge is 2d"]),
    ],
)
def test_what_is_selected(select: Select, expected: list[str]) -> None:
    """By labels of the node, its name and its age."""
    assert texts(sift(select=select).reasons(node())) == expected


def test_a_young_or_ailing_node_is_selected_all_the_same() -> None:
    """The budget of a policy counts nodes in whatever state they are."""
    by = sift(select=Select(nodes=Selector.parse("pool=spot"), names="^n"))
    assert by.selected(node(created=NOW, ready=False, unschedulable=True, taints=DRAINED))
    assert not by.selected(node("x1"))
    assert not by.selected(node(labels={**OPTED_IN, "pool": "big"}))


def test_a_bad_regex_is_refused() -> None:
    """With the key that is wrong."""
    with pytest.raises(ValueError, match=r"names: '\(' is no regex"):
        sift(select=Select(names="("))


@pytest.mark.parametrize(
    ("action", "rules", "expected"),
    [
        (
            Action.DRAIN,
            NodeRules(),
            ["controlPlane: a node of the control plane, spared unless node.controlPlane is true"],
        ),
        (Action.DRAIN, NodeRules(control_plane=True), []),
        (Action.REBOOT, NodeRules(control_plane=True), []),
        (
            Action.TERMINATE,
            NodeRules(control_plane=True),
            ["controlPlane: a node of the control plane, which is never terminated"],
        ),
        (
            Action.TERMINATE,
            NodeRules(),
            ["controlPlane: a node of the control plane, which is never terminated"],
        ),
    ],
)
def test_the_control_plane(action: Action, rules: NodeRules, expected: list[str]) -> None:
    """Only if the policy names it, and never terminated."""
    one = node(labels={**MASTER, **OPTED_IN})
    assert texts(sift(action, rules=rules).reasons(one)) == expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [(Action.DRAIN, []), (Action.REBOOT, [Code.NO_HELPER]), (Action.TERMINATE, [Code.NO_PROVIDER])],
)
def test_what_an_action_needs(action: Action, expected: list[Code]) -> None:
    """A reboot a helper, a termination the name of the machine, a drain neither."""
    assert codes(sift(action, helper=None).reasons(node(provider_id=""))) == expected


def test_all_reasons_of_a_node_are_collected() -> None:
    """A node with everything against it says everything."""
    bad = NodeFacts(
        "n1",
        labels={**MASTER, "chaosd.io/enabled": "no"},
        deleting=True,
        created=NOW,
        annotations={"karpenter.sh/do-not-disrupt": "true"},
        unschedulable=True,
        taints=DRAINED,
    )
    select = Select(nodes=Selector.parse("pool=spot"), names="^ip-")
    assert codes(sift(Action.TERMINATE, select=select).reasons(bad)) == sorted(
        [
            Code.NOT_OPTED_IN,
            Code.NODE_NOT_SELECTED,
            Code.NAME_NOT_SELECTED,
            Code.TOO_YOUNG,
            Code.NODE_NOT_READY,
            Code.UNSCHEDULABLE,
            Code.LOCKED,
            Code.CONTROL_PLANE,
            Code.NO_PROVIDER,
            Code.DO_NOT_DISRUPT,
        ]
    )
