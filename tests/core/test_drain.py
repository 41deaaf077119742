"""Which pods a drain evicts, and every reason in a node's pods not to begin it."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.drain import Said, pods_reasons, stays
from chaosd.core.facts import ContainerFacts, Owner, Phase, PodFacts
from chaosd.core.model import Action, Code, NodeRules, OptIn, Reasons, WorkloadKey
from tests.core.node_subjects import ACTIONS, DAEMON, FINISHED, HARDER, MIRROR, PODS, USUAL
from tests.core.subjects import OWN, codes, pod, texts

WEB = WorkloadKey("shop", "Deployment", "web")
CHAOSD = WorkloadKey("chaosd", "Deployment", "chaosd")
NOTHING = Said()
VETO = {"chaosd.io/enabled": "False"}
DO_NOT = {"karpenter.sh/do-not-disrupt": "true"}
UNSAFE = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}


def judged(
    pods: Iterable[PodFacts],
    said: Said = NOTHING,
    action: Action = Action.DRAIN,
    rules: NodeRules = USUAL,
    of: WorkloadKey | None = WEB,
) -> Reasons:
    return pods_reasons([(one, of) for one in pods], said, action, rules)


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, False),
        (DAEMON, True),
        ({"owner": Owner("DaemonSet", "agent", "d-1", "apps.example.com/v1")}, True),
        ({"owner": Owner("StatefulSet", "db", "s-1", "apps/v1")}, False),
        ({"owner": None}, False),
        (MIRROR, True),
        (FINISHED, True),
        ({"phase": Phase.FAILED}, True),
        ({"phase": Phase.PENDING}, False),
        ({"phase": Phase.UNKNOWN}, False),
        ({"deleting": True}, False),
        ({"owner": None, "labels": {"chaosd.io/helper": "crash"}}, True),
    ],
)
def test_what_a_drain_leaves_behind(changes: dict[str, object], left: bool) -> None:
    """What would come back at once, is not really there, or has ended."""
    assert stays(pod(**changes)) is left


@pytest.mark.parametrize("action", ACTIONS)
def test_pods_that_are_fine_have_no_reasons(action: Action) -> None:
    """Pods with a controller and nothing kept on the node may go, and so may an empty node."""
    pods = [pod(1), pod(2, claims=("data",)), pod(3, **DAEMON), pod(4, **FINISHED)]
    assert judged(pods, action=action) == ()
    assert judged([], action=action) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"labels": VETO}, ["vetoed: the pod says chaosd.io/enabled=False: shop/web-1"]),
        (
            {"annotations": DO_NOT},
            ["doNotDisrupt: the pod says karpenter.sh/do-not-disrupt: true: shop/web-1"],
        ),
        (
            {"annotations": {"karpenter.sh/do-not-disrupt": "30m"}},
            ["doNotDisrupt: the pod says karpenter.sh/do-not-disrupt: 30m: shop/web-1"],
        ),
        ({"annotations": {"karpenter.sh/do-not-disrupt": "false"}}, []),
        (
            {"annotations": UNSAFE},
            [
                (
                    "doNotDisrupt: the pod says cluster-autoscaler.kubernetes.io/safe-to-evict:"
                    " false: shop/web-1"
                )
            ],
        ),
        ({"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true"}}, []),
        ({"owner": None}, ["noController: nothing would bring back: shop/web-1"]),
        (
            {"host_paths": ("logs",)},
            ["localStorage: data on the node itself (hostPath): shop/web-1"],
        ),
        (
            {"empty_dirs": ("cache",)},
            ["localStorage: data in an emptyDir, spared unless node.emptyDir is true: shop/web-1"],
        ),
        (
            {"labels": {"app": "etcd"}},
            ["looksLikeEtcd: what looks like etcd runs here (label app=etcd): shop/web-1"],
        ),
        (
            {"namespace": "chaosd", "name": "chaosd-0"},
            ["ownPod: chaosd itself runs here: chaosd/chaosd-0"],
        ),
    ],
)
@pytest.mark.parametrize("action", ACTIONS)
def test_what_a_pod_says(changes: dict[str, object], expected: list[str], action: Action) -> None:
    """Whatever in one pod speaks against an action is told in words that say what."""
    assert texts(judged([pod(**changes)], Said(own=OWN), action)) == expected


@pytest.mark.parametrize("changes", [DAEMON, FINISHED])
def test_what_a_drain_leaves_behind_does_not_hinder_it(changes: dict[str, object]) -> None:
    """Its vetoes, volumes and wishes are about being moved, and it isn't."""
    loud = pod(
        **{
            **changes,
            "labels": VETO,
            "annotations": {**DO_NOT, **UNSAFE},
            "host_paths": ("logs",),
            "empty_dirs": ("cache",),
        }
    )
    said = Said(vetoed=frozenset({WEB}), namespaces={"shop": VETO})
    assert judged([loud], said) == ()


@pytest.mark.parametrize("action", HARDER)
def test_what_goes_down_with_its_node_may_veto(action: Action) -> None:
    """A DaemonSet's pod is spared by a drain but not by a reboot; a finished one has ended."""
    loud: dict[str, object] = {"labels": VETO, "annotations": DO_NOT, "host_paths": ("logs",)}
    assert codes(judged([pod(**{**DAEMON, **loud})], action=action)) == [
        Code.DO_NOT_DISRUPT,
        Code.VETOED,
    ]
    assert judged([pod(**{**FINISHED, **loud})], action=action) == ()


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("changes", [{}, DAEMON, MIRROR, FINISHED])
def test_etcd_and_chaosd_hold_their_node_whatever_their_pod_is(
    changes: dict[str, object], action: Action
) -> None:
    """A static pod of etcd is a member too."""
    etcd = pod(containers=(ContainerFacts("registry.k8s.io/etcd:3.6.8-0"),), **changes)
    own = pod(**{**changes, "namespace": "chaosd", "name": "chaosd-0"})
    assert codes(judged([pod(2), etcd], action=action)) == [Code.LOOKS_LIKE_ETCD]
    assert codes(judged([pod(2), own], Said(own=OWN), action)) == [Code.OWN_POD]


def test_all_pods_of_chaosds_workload_are_its_own() -> None:
    """The replica that waits too, but not what is left of one that failed long ago."""
    said = Said(own=OWN, own_workload=CHAOSD)
    replica = pod(namespace="chaosd", name="chaosd-7f-x2")
    assert codes(judged([replica], said, of=CHAOSD)) == [Code.OWN_POD]
    assert judged([msgspec.structs.replace(replica, phase=Phase.FAILED)], said, of=CHAOSD) == ()
    assert judged([replica], said, of=None) == ()
    assert judged([replica], NOTHING, of=None) == ()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (Said(namespaces={"shop": {}}), []),
        (Said(namespaces={"shop": {"chaosd.io/enabled": "true"}}), []),
        (Said(namespaces={"other": VETO}), []),
        (
            Said(namespaces={"shop": VETO}),
            ["vetoed: namespace shop says chaosd.io/enabled=False: shop/web-1"],
        ),
        (
            Said(vetoed=frozenset({WEB})),
            ["vetoed: shop/Deployment/web says chaosd.io/enabled=false: shop/web-1"],
        ),
        (Said(vetoed=frozenset({CHAOSD})), []),
        (Said(opt_in=OptIn("tier", "web"), namespaces={"shop": VETO}), []),
        (
            Said(opt_in=OptIn("tier", "web"), namespaces={"shop": {"tier": "false"}}),
            ["vetoed: namespace shop says tier=false: shop/web-1"],
        ),
    ],
)
def test_vetoes_around_a_pod(said: Said, expected: list[str]) -> None:
    """Its workload and its namespace speak for it, by the label that is configured."""
    assert texts(judged([pod()], said)) == expected


@pytest.mark.parametrize(
    ("changes", "rules", "expected"),
    [
        ({"empty_dirs": ("cache",)}, NodeRules(empty_dir=True), 0),
        ({"host_paths": ("logs",)}, NodeRules(empty_dir=True), 1),
        ({"claims": ("data", "other")}, USUAL, 1),
        ({"claims": ("other",)}, USUAL, 0),
        ({"namespace": "elsewhere", "claims": ("data",)}, USUAL, 0),
    ],
)
def test_local_storage(changes: dict[str, object], rules: NodeRules, expected: int) -> None:
    """Claims are asked by namespace and name; only emptyDir volumes can be given up."""
    said = Said(local_claims=frozenset({"shop/data"}))
    assert codes(judged([pod(**changes)], said, rules=rules)) == [Code.LOCAL_STORAGE] * expected


def test_each_code_comes_once_with_some_of_its_pods() -> None:
    """What most pods have comes first, and long lists are cut."""
    pods = [pod(number, host_paths=("logs",)) for number in range(9, 0, -1)]
    pods += [pod(7, empty_dirs=("tmp",)), pod(8, owner=None), pod(9, labels=VETO)]
    assert texts(judged(pods)) == [
        "vetoed: the pod says chaosd.io/enabled=False: shop/web-9",
        "noController: nothing would bring back: shop/web-8",
        (
            "localStorage: data on the node itself (hostPath): shop/web-1, shop/web-2, shop/web-3,"
            " shop/web-4, shop/web-5 and 4 more; data in an emptyDir, spared unless node.emptyDir"
            " is true: shop/web-7"
        ),
    ]


def test_many_details_are_cut_too() -> None:
    """Beyond the first few details only the pods are named."""
    pods = [
        pod(number, annotations={"karpenter.sh/do-not-disrupt": f"{number}h"})
        for number in (1, 2, 3, 4, 5)
    ]
    says = "the pod says karpenter.sh/do-not-disrupt"
    assert texts(judged(pods)) == [
        (
            f"doNotDisrupt: {says}: 1h: shop/web-1; {says}: 2h: shop/web-2; {says}: 3h: shop/web-3;"
            " and more of shop/web-4, shop/web-5"
        )
    ]


@given(st.lists(PODS, max_size=6), st.sampled_from(ACTIONS), st.randoms(use_true_random=False))
def test_the_order_of_pods_does_not_matter(
    pods: list[PodFacts], action: Action, order: Random
) -> None:
    """The same pods in any order give the same reasons, each code once."""
    said = Said(own=OWN, namespaces={"other": VETO}, local_claims=frozenset({"shop/data"}))
    shuffled = sorted(pods, key=lambda _: order.random())
    found = judged(pods, said, action)
    assert found == judged(shuffled, said, action)
    assert len(found) == len(codes(found))
