"""Members of declared clusters as victims: found, examined, struck, fenced, and back again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import (
    Action,
    BudgetMode,
    Candidate,
    Examined,
    MemberRole,
    StepAction,
    TargetKind,
    WorkloadKey,
)
from chaosd.core.quorum import Member, Picture
from chaosd.ports import Unanswered
from chaosd.sandbox import Rule, scenarios
from chaosd.targets.etcd_strike import MARGIN, heir_of
from tests.support.etcd import FakeMember
from tests.targets.etcd_lab import HELPER, EtcdLab, pods_lab, stacked_lab
from tests.targets.helpers import LATE
from tests.targets.scopes import codes, found

MAIN = "Etcd/main"
KEY = WorkloadKey.parse(MAIN)
MOVE = {"action": Action.MOVE_LEADER}


def candidate(member: str = "") -> Candidate:
    return Candidate(f"main/{member}" if member else MAIN, KEY)


def expanded(lab: EtcdLab, **policy: Any) -> dict[str, set[str]]:
    return found(lab.target.expand(lab.scope(**policy), candidate()))


def examined(lab: EtcdLab, member: str = "etcd-1", **policy: Any) -> Examined:
    return lab.target.examine(lab.scope(**policy), candidate(member))


def reserved(lab: EtcdLab, seen: Examined, action: Action = Action.KILL) -> tuple[Intent, Step]:
    """The intent for what was examined, as it is reserved."""
    assert seen.victim is not None
    now = lab.clock.now()
    by = now + timedelta(seconds=10)
    step = Step(1, seen.victim, "chaosd-0", 1, now, by, action=seen.first)
    intent = Intent(
        id="0123456789abcdef0123",
        action_id="etcd/*/x#0",
        policy="etcd",
        target=TargetKind.ETCD,
        action=action,
        workload=MAIN,
        victim=seen.victim,
        reserved_at=now,
        deadline=600.0,
        recover_by=now + timedelta(minutes=10),
        desired=seen.desired,
        locks=seen.impact.locks,
        steps=(step,),
        helper=HELPER,
    )
    return intent, step


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


def veto(lab: EtcdLab, plural: str, namespace: str, name: str) -> None:
    with lab.cluster.edit(plural, namespace, name) as item:
        item["metadata"].setdefault("labels", {})["chaosd.io/enabled"] = "False"


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


# ---- from the strike to the recovery


def test_a_kill_by_eviction() -> None:
    """Whole when the old pod is gone and its member is back."""
    lab = pods_lab()
    intent, step = reserved(lab, examined(lab))
    assert lab.target.strike(intent, step, 5.0).state is StepState.KILLED
    lab.clock.advance(5)
    assert not lab.target.recovered(intent, lab.clock.now()).whole
    scenarios.settle(lab.cluster)
    lab.clock.advance(5)
    seen = lab.target.recovered(intent, lab.clock.now())
    assert (seen.whole, seen.ready, seen.desired) == (True, 1, 1)
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.KILLED


def test_a_pod_that_went_right_after_its_member_was_seen_well() -> None:
    """A member answers until its pod's grace period is over: what was seen a second ago, while the
    pod was still there, does not make the cluster whole."""
    lab = pods_lab()
    intent, step = reserved(lab, examined(lab))
    assert lab.target.strike(intent, step, 5.0).state is StepState.KILLED
    seen = lab.target.recovered(intent, lab.clock.now())
    assert (seen.whole, seen.detail) == (False, "data/etcd-1 is still there")
    assert lab.guard.healed(lab.configuration(), intent, lab.clock.now()) is not None
    lab.clock.advance(1)
    lab.cluster.remove("pods", "data", "etcd-1")
    seen = lab.target.recovered(intent, lab.clock.now())
    held = lab.guard.healed(lab.configuration(), intent, lab.clock.now())
    assert held is not None
    assert (seen.whole, held.whole) == (False, False)


def test_a_fence_of_an_eviction() -> None:
    """A late one fails."""
    lab = pods_lab()
    intent, step = reserved(lab, examined(lab))
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.FAILED
    assert lab.target.strike(intent, step, 5.0).state is StepState.REFUSED


@pytest.mark.parametrize("static", [True, False])
def test_a_kill_by_a_helper(static: bool) -> None:
    """It is made, and nobody knows until it is late and nothing was heard of it."""
    lab = stacked_lab(static=static)
    scenarios.namespace(lab.cluster, HELPER.namespace)
    intent, step = reserved(lab, examined(lab, "cp-1", helper=HELPER))
    assert lab.target.strike(intent, step, 5.0).state is None
    assert lab.target.fence(intent, step, lab.clock.now()).known is None
    made = lab.cluster.all("pods", HELPER.namespace)
    [pod] = list(made)
    assert pod["spec"]["nodeName"] == "cp-1"
    assert pod["spec"]["containers"][0]["args"][0] == ("crash" if static else "kill")
    lab.clock.advance(LATE.total_seconds())
    lab.cluster.remove("pods", HELPER.namespace, pod["metadata"]["name"])
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.FAILED
    seen = lab.target.recovered(intent, lab.clock.now())
    assert (seen.whole, "has not restarted" in seen.detail) == (not static, static)


def moving(lab: EtcdLab) -> tuple[Intent, Step]:
    return reserved(lab, examined(lab, "etcd-0", **MOVE), Action.MOVE_LEADER)


def test_a_move() -> None:
    """Once, to a healthy follower; who leads then tells."""
    lab = pods_lab()
    intent, step = moving(lab)
    struck = lab.target.strike(intent, step, 5.0)
    assert struck.state is StepState.KILLED
    [(old, new)] = lab.etcd.moves
    assert (old, new in ("a1", "a2")) == ("a0", True)
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.KILLED
    assert lab.target.recovered(intent, lab.clock.now()).whole
    again = lab.target.strike(intent, step, 5.0)
    assert (again.state, len(lab.etcd.moves)) == (StepState.REFUSED, 1)


def test_a_move_that_is_refused() -> None:
    """The leader says no."""
    lab = pods_lab()
    intent, step = moving(lab)
    lab.etcd.refuses = True
    assert lab.target.strike(intent, step, 5.0).state is StepState.REFUSED
    assert lab.etcd.moves == []


def test_a_move_whose_answer_was_lost() -> None:
    """Nothing is sent again: the look tells."""
    lab = pods_lab()
    intent, step = moving(lab)
    lab.etcd.lost_answer = True
    with pytest.raises(Unanswered):
        lab.target.strike(intent, step, 5.0)
    assert lab.target.fence(intent, step, lab.clock.now()).known is StepState.KILLED


def test_a_fence_of_a_move() -> None:
    """The same leader means that nothing happened, once nothing can come any more; no leader, or
    nobody to ask, means that nobody knows."""
    lab = pods_lab()
    intent, step = moving(lab)
    assert lab.target.fence(intent, step, step.strike_by + MARGIN).known is None
    late = step.strike_by + MARGIN + timedelta(seconds=1)
    assert lab.target.fence(intent, step, late).known is StepState.FAILED
    for member in lab.etcd.members.values():
        member.up = False
    assert lab.target.fence(intent, step, late).known is None


def test_a_move_in_a_cluster_that_is_not_declared_any_more() -> None:
    """It is not sent; what was sent is taken to have happened, and is over."""
    lab = pods_lab()
    intent, step = moving(lab)
    lab.declared = ()
    lab.clusters.learn(lab.configuration())
    assert lab.target.strike(intent, step, 5.0).state is StepState.FAILED
    assert lab.target.fence(intent, step, step.strike_by).known is None
    late = step.strike_by + MARGIN + timedelta(seconds=1)
    assert lab.target.fence(intent, step, late).known is StepState.KILLED
    assert lab.target.recovered(intent, late).closed


def test_the_end_of_an_action_takes_nothing_back() -> None:
    """One step, and nothing owed."""
    lab = pods_lab()
    intent, _ = moving(lab)
    assert not lab.target.many_steps(intent)
    assert lab.target.next(lab.scope(), intent).victim is None
    assert lab.target.undo(intent, lab.clock.now(), early=False).done


@pytest.mark.parametrize(
    ("applied", "heir"),
    [((100, 99, 98), "b"), ((100, 98, 99), "c"), ((100, -5000, 99), "c"), ((5000, 1, 2), None)],
)
def test_the_follower_with_the_least_lag(applied: tuple[int, int, int], heir: str | None) -> None:
    """One that has caught up; among equals a draw by the intent."""
    lab = pods_lab()
    members = tuple(
        Member(id=one, leader="a", applied=at) for one, at in zip("abc", applied, strict=True)
    )
    picture = Picture(name="main", at=lab.clock.now(), members=members)
    chosen = heir_of(picture, "0123")
    assert (chosen.id if chosen else None) == heir
    even = msgspec.structs.replace(
        picture, members=tuple(msgspec.structs.replace(member, applied=7) for member in members)
    )
    drawn = {one.id for n in range(40) if (one := heir_of(even, str(n))) is not None}
    assert drawn == {"b", "c"}


def test_errors_are_not_taken_for_answers() -> None:
    """What can't be read is raised, as the port says."""
    lab = pods_lab()
    lab.fault(Rule(do="status", status=500, path="/poddisruptionbudgets$"))
    with pytest.raises(Exception, match="500"):
        examined(lab)
