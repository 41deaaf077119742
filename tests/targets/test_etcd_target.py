"""Members of declared clusters as victims: found and examined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaosd.core.model import (
    BudgetMode,
    MemberRole,
    StepAction,
    WorkloadKey,
)
from chaosd.sandbox import Rule, scenarios
from tests.support.etcd import FakeMember
from tests.targets.etcd_asked import (
    KEY,
    MAIN,
    MOVE,
    examined,
    expanded,
    veto,
)
from tests.targets.etcd_lab import HELPER, EtcdLab, pods_lab, stacked_lab
from tests.targets.scopes import codes, found

# ---- survey and expand


def test_the_clusters_that_a_policy_names() -> None:
    """Each is a candidate, without a request; one that was asked for says why it is none."""
    lab = pods_lab()
    assert found(lab.target.survey(lab.scope(), None)) == {MAIN: set()}
    assert (lab.asked(), lab.etcd.asked) == ([], [])
    other = WorkloadKey("", "Etcd", "other")
    assert found(lab.target.survey(lab.scope(), other)) == {"Etcd/other": {"gone"}}
    assert found(lab.target.survey(lab.scope(clusters=()), KEY)) == {MAIN: {"notOptedIn"}}
    node = WorkloadKey("", "Node", "a")
    assert found(lab.target.survey(lab.scope(), node)) == {"Node/a": {"gone"}}


@pytest.mark.parametrize(
    ("policy", "leader", "follower"),
    [
        ({}, set(), set()),
        ({"member": MemberRole.LEADER}, set(), {"etcdRole"}),
        ({"member": MemberRole.FOLLOWER}, {"etcdRole"}, set()),
        (MOVE, set(), {"etcdRole"}),
    ],
)
def test_members_by_role(policy: dict[str, Any], leader: set[str], follower: set[str]) -> None:
    """The leader is whom all name; a learner is nobody's victim."""
    lab = pods_lab()
    lab.etcd.members["new"] = FakeMember(
        "n", "new", "http://192.0.2.1:2380", "http://192.0.2.1:2379", learner=True
    )
    assert expanded(lab, **policy) == {
        "main/etcd-0": leader,
        "main/etcd-1": follower,
        "main/etcd-2": follower,
        "main/new": {"etcdRole"} | (set() if leader or follower == set() else {"etcdRole"}),
    }


def test_a_cluster_that_is_not_whole() -> None:
    """Speaks against all of its members; one that can't be seen has one candidate."""
    lab = pods_lab()
    lab.etcd.members["etcd-2"].up = False
    assert all("etcdUnhealthy" in why for why in expanded(lab).values())
    for member in lab.etcd.members.values():
        member.up = False
    assert expanded(lab) == {MAIN: {"etcdUnreadable"}}


def test_members_of_one_name_are_known_by_their_ids() -> None:
    """Nobody forbids to name two alike."""
    lab = pods_lab()
    lab.etcd.members["etcd-1"].name = "etcd-0"
    assert {"main/a0", "main/a1", "main/etcd-2"} <= set(expanded(lab))


def test_a_cluster_that_is_not_declared() -> None:
    """A reload may have taken it."""
    lab = pods_lab()
    lab.declared = ()
    assert expanded(lab) == {MAIN: {"gone"}}
    assert codes(examined(lab).reasons) == {"gone"}


# ---- the way to kill


@pytest.mark.parametrize(
    ("pdb", "first"),
    [(BudgetMode.RESPECT, StepAction.EVICT), (BudgetMode.BYPASS, StepAction.DELETE)],
)
def test_a_member_in_a_pod_with_a_claim(pdb: BudgetMode, first: StepAction) -> None:
    """Its pod goes; cluster and StatefulSet are held."""
    lab = pods_lab()
    seen = examined(lab, pdb=pdb)
    assert (seen.reasons, seen.first, seen.desired) == ((), first, 3)
    assert seen.victim is not None
    pod = lab.reads.pod("data", "etcd-1")
    assert pod is not None
    assert (seen.victim.path, seen.victim.uid) == ("data/etcd-1", pod.uid)
    assert seen.victim.resource_version == pod.resource_version
    keys = (MAIN, "data/StatefulSet/etcd")
    assert (seen.impact.pods, seen.impact.locks) == (("data/etcd-1",), keys)
    assert seen.impact.workloads == keys


def test_the_uid_of_what_owns_the_member() -> None:
    """Of a kind that chaosd knows its own object says it, of somebody's own kind the pod does."""
    lab = pods_lab()
    item = lab.cluster.get("statefulsets.apps", "data", "etcd") or {}
    assert examined(lab).uids == {"data/StatefulSet/etcd": item["metadata"]["uid"]}
    with lab.cluster.edit("pods", "data", "etcd-1") as pod:
        (owner,) = pod["metadata"]["ownerReferences"]
        owner |= {"apiVersion": "example.com/v1", "kind": "EtcdNode", "uid": "u-1"}
    assert examined(lab).uids == {"data/EtcdNode/etcd": "u-1"}


def budget(lab: EtcdLab) -> None:
    scenarios.pdb(lab.cluster, "data", "etcd", min_available=3)
    scenarios.settle(lab.cluster)


def node_down(lab: EtcdLab) -> None:
    pod = lab.cluster.get("pods", "data", "etcd-1") or {}
    with lab.cluster.edit("nodes", "", pod["spec"]["nodeName"]) as item:
        for one in item["status"]["conditions"]:
            one["status"] = "False" if one["type"] == "Ready" else one["status"]


def veto_node(lab: EtcdLab) -> None:
    pod = lab.cluster.get("pods", "data", "etcd-1") or {}
    veto(lab, "nodes", "", pod["spec"]["nodeName"])


def rollout(lab: EtcdLab) -> None:
    with lab.cluster.edit("statefulsets.apps", "data", "etcd") as item:
        item["metadata"]["generation"] += 1


def bare(lab: EtcdLab) -> None:
    with lab.cluster.edit("pods", "data", "etcd-1") as item:
        del item["metadata"]["ownerReferences"]


@pytest.mark.parametrize(
    ("ill", "expected"),
    [
        (lambda lab: veto(lab, "pods", "data", "etcd-1"), "vetoed"),
        (lambda lab: veto(lab, "statefulsets.apps", "data", "etcd"), "vetoed"),
        (lambda lab: veto(lab, "namespaces", "", "data"), "vetoed"),
        (veto_node, "vetoed"),
        (budget, "disruptionBudget"),
        (node_down, "nodeNotReady"),
        (rollout, "statusStale"),
        (bare, "noController"),
    ],
)
def test_what_speaks_against_a_pod(ill: Callable[[EtcdLab], None], expected: str) -> None:
    """A veto at any place, its budget, its node, its workload."""
    lab = pods_lab()
    ill(lab)
    assert expected in codes(examined(lab).reasons)


def test_a_pod_without_a_claim() -> None:
    """The member would come back without its data."""
    lab = pods_lab(pod_spec={})
    [reason] = examined(lab).reasons
    assert str(reason).startswith("etcdData: data/etcd-1 has no PersistentVolumeClaim")


def test_a_static_pod_is_crashed() -> None:
    """Deleting its image in the API does nothing; kube-system is no obstacle."""
    lab = stacked_lab()
    assert codes(examined(lab, "cp-1").reasons) == {"noHelper"}
    seen = examined(lab, "cp-1", helper=HELPER)
    assert (seen.reasons, seen.first) == ((), StepAction.CRASH)
    assert seen.victim is not None
    assert (seen.victim.path, seen.victim.container) == ("kube-system/etcd-cp-1", "etcd")
    assert seen.victim.identity.startswith("sandbox://")
    assert seen.impact.crashed == ("kube-system/etcd-cp-1",)
    assert seen.impact.locks == (MAIN,)


def test_a_process_of_a_host_is_killed() -> None:
    """The one that serves the member's peer port; its machine stands for it."""
    lab = stacked_lab(static=False)
    assert codes(examined(lab, "cp-1").reasons) == {"noHelper"}
    seen = examined(lab, "cp-1", helper=HELPER)
    assert (seen.reasons, seen.first) == ((), StepAction.KILL_PROCESS)
    node = lab.reads.node("cp-1")
    assert seen.victim is not None
    assert node is not None
    assert (seen.victim.kind, seen.victim.name, seen.victim.container) == (
        "Node",
        "cp-1",
        "etcd:2380",
    )
    assert (seen.victim.uid, seen.victim.identity) == (node.uid, node.boot_id)
    assert (seen.impact.machines, seen.impact.nodes) == (("cp-1",), ("cp-1",))


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (lambda lab: veto(lab, "nodes", "", "cp-1"), "vetoed"),
        (lambda lab: scenarios.set_node_ready(lab.cluster, "cp-1", False), "nodeNotReady"),
    ],
)
def test_what_speaks_against_a_host(node: Callable[[EtcdLab], None], expected: str) -> None:
    """As against a pod."""
    lab = stacked_lab(static=False)
    node(lab)
    assert expected in codes(examined(lab, "cp-1", helper=HELPER).reasons)


def test_a_member_elsewhere() -> None:
    """Nothing here can kill it, nor one on a node that only has a similar name."""
    lab = stacked_lab(static=False)
    far = lab.etcd.members["cp-1"]
    far.peer, far.client = "https://192.0.2.1:2380", "https://192.0.2.1:2379"
    assert codes(examined(lab, "cp-1", helper=HELPER).reasons) == {"etcdUnreadable"}
    far.peer, far.client = "https://cp-1.corp:2380", "https://cp-1.corp:2379"
    assert codes(examined(lab, "cp-1", helper=HELPER).reasons) == {"etcdUnreadable"}


def test_a_member_that_is_gone() -> None:
    """Between the draw and this moment it was removed."""
    lab = pods_lab()
    assert codes(examined(lab, "etcd-9").reasons) == {"gone"}


def test_the_leader_to_move() -> None:
    """The victim keeps running; a veto forbids that, too."""
    lab = pods_lab()
    seen = examined(lab, "etcd-0", **MOVE)
    assert (seen.reasons, seen.first) == ((), StepAction.MOVE_LEADER)
    assert seen.victim is not None
    assert (seen.victim.kind, seen.victim.name, seen.victim.uid) == ("Member", "etcd-0", "a0")
    assert (seen.impact.pods, seen.impact.locks) == ((), (MAIN,))
    assert codes(examined(lab, "etcd-1", **MOVE).reasons) == {"etcdRole"}
    veto(lab, "pods", "data", "etcd-0")
    assert codes(examined(lab, "etcd-0", **MOVE).reasons) == {"vetoed"}


def test_errors_are_not_taken_for_answers() -> None:
    """What can't be read is raised, as the port says."""
    lab = pods_lab()
    lab.fault(Rule(do="status", status=500, path="/poddisruptionbudgets$"))
    with pytest.raises(Exception, match="500"):
        examined(lab)
