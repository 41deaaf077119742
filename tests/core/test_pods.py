"""Which pods may be the victim, and every reason why others may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.eligibility import Sift
from chaosd.core.facts import ContainerFacts, NodeFacts, Owner, Phase, PodFacts, WorkloadFacts
from chaosd.core.model import Code, Reasons, Select
from chaosd.core.pods import pod_reasons, siblings_reasons
from chaosd.core.selector import Selector
from tests.core.subjects import (
    APP,
    OPTED_IN,
    ago,
    codes,
    custom,
    node,
    pod,
    sift,
    texts,
    workload,
)

BARE = Select(kinds=("Pod",), min_replicas=1)


def judged(
    victim: PodFacts,
    *,
    by: Sift | None = None,
    of: WorkloadFacts | None = None,
    on: NodeFacts | None = None,
) -> Reasons:
    return pod_reasons(by or sift(), victim, of or workload(), {}, on or node())


def test_a_pod_that_is_fine_has_no_reasons() -> None:
    """Running, Ready, old enough, on a Ready node, owned by what opted in."""
    assert judged(pod()) == ()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ready": False}, ["notReady: its Ready condition is not True"]),
        ({"phase": Phase.PENDING, "ready": False}, ["notReady: its phase is Pending"]),
        ({"phase": "Unknown"}, ["notReady: its phase is Unknown"]),
        ({"phase": Phase.SUCCEEDED, "ready": False}, ["finished: its phase is Succeeded"]),
        ({"phase": Phase.FAILED, "ready": False}, ["finished: its phase is Failed"]),
        ({"deleting": True}, ["terminating: it is on its way out"]),
        ({"created": ago(minutes=3)}, ["tooYoung: 3m old, minAge is 10m"]),
        (
            {"priority_class": "system-node-critical"},
            ["criticalPriority: its priority class is system-node-critical"],
        ),
        ({"owner": None}, ["noController: nothing would bring it back"]),
        (
            {"annotations": {"kubernetes.io/config.mirror": "0f"}},
            ["mirrorPod: a static pod: its kubelet runs it, whatever the API says"],
        ),
        (
            {"owner": Owner("Node", "n1", "n-1")},
            ["mirrorPod: a static pod: its kubelet runs it, whatever the API says"],
        ),
        ({"namespace": "chaosd", "name": "chaosd-0"}, ["ownPod: it is chaosd itself"]),
        ({"labels": {"chaosd.io/helper": "crash"}}, ["ownPod: a helper pod of chaosd"]),
        ({"namespace": "chaosd", "name": "web-0"}, []),
        ({"namespace": "shop", "name": "chaosd-0"}, []),
        (
            {"labels": {**APP, "chaosd.io/enabled": "false"}},
            ["vetoed: the pod says chaosd.io/enabled=false"],
        ),
        ({"labels": {"component": "etcd"}}, ["looksLikeEtcd: label component=etcd"]),
    ],
)
def test_a_pods_own_reasons(changes: dict[str, object], expected: list[str]) -> None:
    """Whatever is wrong with a pod is told in words that say what."""
    assert texts(judged(pod(**changes))) == expected


def test_all_reasons_are_collected() -> None:
    """A pod with everything against it says everything."""
    bad = pod(
        namespace="chaosd",
        name="chaosd-0",
        owner=None,
        annotations={"kubernetes.io/config.mirror": "0f"},
        labels={"app": "etcd", "tier": "none", "chaosd.io/enabled": "false"},
        phase=Phase.FAILED,
        ready=False,
        deleting=True,
        created=ago(minutes=1),
        priority_class="system-cluster-critical",
    )
    select = Select(labels=Selector.parse("tier!=none"), nodes=Selector.parse("pool=big"))
    found = pod_reasons(sift(select), bad, workload(labels={}), None, node(ready=False))
    assert codes(found) == sorted(
        {
            Code.NOT_OPTED_IN,
            Code.VETOED,
            Code.UNREADABLE,
            Code.LABELS_NOT_SELECTED,
            Code.OWN_POD,
            Code.MIRROR_POD,
            Code.NO_CONTROLLER,
            Code.LOOKS_LIKE_ETCD,
            Code.CRITICAL_PRIORITY,
            Code.TERMINATING,
            Code.FINISHED,
            Code.TOO_YOUNG,
            Code.NODE_NOT_SELECTED,
            Code.NODE_NOT_READY,
        }
    )


def test_only_the_pods_that_opted_in_by_themselves_are_eligible() -> None:
    """A sibling's label opens the workload to the draw, not the other pods."""
    silent = workload(labels=APP)
    assert judged(pod(labels={**APP, **OPTED_IN}), of=silent) == ()
    assert codes(judged(pod(), of=silent)) == [Code.NOT_OPTED_IN]


@pytest.mark.parametrize(
    ("own", "expected"),
    [({}, []), ({"tier": "front"}, []), ({"tier": "test"}, [Code.LABELS_NOT_SELECTED])],
)
def test_a_pods_own_label_can_take_it_out_of_the_selection(
    own: dict[str, str], expected: list[Code]
) -> None:
    """The pod's labels lie on top of those of its workload and template."""
    of = workload(template_labels={**APP, "tier": "front"})
    by = sift(Select(labels=Selector.parse("tier=front")))
    assert codes(judged(pod(labels={**APP, **own}), by=by, of=of)) == expected


@pytest.mark.parametrize(
    ("nodes", "changes", "expected"),
    [
        ("", {}, []),
        ("pool=spot", {}, []),
        (
            "pool=big",
            {},
            ["nodeNotSelected: node n1: pool=big does not hold: pool=spot"],
        ),
        ("", {"ready": False}, ["nodeNotReady: node n1 is not Ready"]),
        ("", {"deleting": True}, ["nodeNotReady: node n1 is being deleted"]),
    ],
)
def test_nodes(nodes: str, changes: dict[str, object], expected: list[str]) -> None:
    """The pod's node is Ready, stays, and is selected."""
    by = sift(Select(nodes=Selector.parse(nodes)))
    assert texts(judged(pod(), by=by, on=node(**changes))) == expected


@pytest.mark.parametrize(
    ("namespaces", "nodes", "name", "expected"),
    [
        (None, "", "n1", ["nodeNotReady: node n1 can't be found"]),
        (None, "", "", ["nodeNotReady: it is on no node"]),
        (("shop",), "", "n1", []),
        (("shop",), "pool=spot", "n1", ["nodeNotSelected: labels of node n1 can't be read"]),
        (
            None,
            "pool=spot",
            "n1",
            [
                "nodeNotSelected: labels of node n1 can't be read",
                "nodeNotReady: node n1 can't be found",
            ],
        ),
    ],
)
def test_a_node_that_is_not_known(
    namespaces: tuple[str, ...] | None, nodes: str, name: str, expected: list[str]
) -> None:
    """Only where nodes can't be read at all is the pod's readiness enough."""
    by = sift(Select(nodes=Selector.parse(nodes)), namespaces=namespaces)
    assert texts(pod_reasons(by, pod(node=name), workload(), {}, None)) == expected


def test_bare_pods_only_where_the_policy_names_them() -> None:
    """Nothing brings a bare pod back, so that it has to be meant."""
    bare = workload("Pod", desired=1, replicas=1, ready=1, updated=None, observed_generation=None)
    single = pod(owner=None)
    assert judged(single, by=sift(BARE), of=bare) == ()
    assert sift(BARE).reasons(bare, {}) == ()
    assert codes(judged(single, of=bare)) == [Code.NO_CONTROLLER]
    # Its workload let it go since it was drawn.
    assert codes(judged(single, by=sift(BARE), of=workload())) == [Code.NO_CONTROLLER]


def test_every_sign_of_etcd_is_told() -> None:
    """Somebody who meets this reason sees at once what to look at."""
    container = ContainerFacts("quay.io/coreos/etcd:v3.6.8", ("/usr/local/bin/etcd",), (2379, 2380))
    (reason,) = judged(pod(labels={**APP, "component": "etcd"}, containers=(container,)))
    assert reason.code is Code.LOOKS_LIKE_ETCD
    assert reason.detail.split(", ") == [
        "label component=etcd",
        "image quay.io/coreos/etcd:v3.6.8",
        "command /usr/local/bin/etcd",
        "port 2379",
        "port 2380",
    ]


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod(1), pod(2), pod(3)], []),
        ([pod(1), pod(2), pod(3), pod(4, phase=Phase.FAILED, ready=False)], []),
        ([pod(1), pod(2)], ["notAllReady: only 2 of 3 pods are there"]),
        (
            [pod(1), pod(2), pod(3, ready=False)],
            ["notAllReady: 2 of 3 pods Ready, not web-3"],
        ),
        (
            [pod(1), pod(2), pod(3), pod(4, deleting=True)],
            ["terminating: on their way out: web-4"],
        ),
        (
            [pod(1), pod(2), pod(3, deleting=True)],
            [
                "terminating: on their way out: web-3",
                "notAllReady: only 2 of 3 pods are there",
            ],
        ),
        ([pod(1), pod(2), pod(3), pod(4)], ["rollout: 4 pods where 3 are desired"]),
        (
            [pod(1), pod(2, ready=False), pod(3, ready=False)],
            [
                "notAllReady: 1 of 3 pods Ready, not web-2, web-3",
                "tooFewReplicas: 1 Ready, minReplicas is 2",
            ],
        ),
        (
            [],
            [
                "notAllReady: only 0 of 3 pods are there",
                "tooFewReplicas: 0 Ready, minReplicas is 2",
            ],
        ),
    ],
)
def test_siblings(pods: list[PodFacts], expected: list[str]) -> None:
    """The pods themselves must be as complete as the status said."""
    assert texts(siblings_reasons(sift(), workload(), pods)) == expected


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod(1), pod(2)], []),
        ([pod(1), pod(2), pod(3, ready=False)], [Code.NOT_ALL_READY]),
        ([pod(1), pod(2), pod(3, deleting=True)], [Code.TERMINATING]),
        ([pod(1)], [Code.TOO_FEW_REPLICAS]),
        ([], [Code.TOO_FEW_REPLICAS]),
    ],
)
def test_siblings_of_own_kinds(pods: list[PodFacts], expected: list[Code]) -> None:
    """Where nobody says how many are desired, all that are there must be Ready."""
    assert codes(siblings_reasons(sift(), custom(), pods)) == expected


def test_many_names_are_cut() -> None:
    """A reason stays readable for a workload of hundreds."""
    pods = [pod(number, ready=False) for number in range(1, 9)]
    found = texts(siblings_reasons(sift(), workload(desired=8), pods))
    assert found[0].endswith("not web-1, web-2, web-3, web-4, web-5 and 3 more")


STATES = st.fixed_dictionaries(
    {
        "ready": st.booleans(),
        "deleting": st.booleans(),
        "phase": st.sampled_from([Phase.RUNNING, Phase.FAILED]),
    }
)


@given(st.lists(STATES, max_size=5), st.integers(0, 4), st.integers(0, 3))
def test_siblings_are_fine_only_when_all_desired_are_ready(
    states: list[dict[str, object]], desired: int, least: int
) -> None:
    """No reasons exactly if what runs is Ready, stays, and is as many as desired and asked for."""
    pods = [pod(number, **state) for number, state in enumerate(states)]
    running = [one for one in pods if one.phase == Phase.RUNNING]
    fine = (
        all(one.ready and not one.deleting for one in running)
        and len(running) == desired
        and (len(running) >= least or desired == 0)
    )
    by = sift(Select(min_replicas=least))
    assert (not siblings_reasons(by, workload(desired=desired), pods)) is fine
