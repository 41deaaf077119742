"""Explaining what is a member of etcd by the policies that name its cluster."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chaosd.core.admission import Circumstances
from chaosd.core.etcd_model import MemberRole
from chaosd.core.ledger import LastKill, Ledger, workload_hash
from chaosd.core.model import Code, Limits, Policy, Select, TargetKind, WorkloadKey
from chaosd.core.status import status
from chaosd.engine.explain import Explainer, PolicyExplained
from chaosd.ports import Target
from chaosd.sandbox import scenarios
from chaosd.targets.pods import PodTarget
from tests.targets.etcd_lab import EtcdLab, pods_lab

KEY = WorkloadKey("data", "StatefulSet", "etcd")


def explained(
    lab: EtcdLab,
    members: dict[str, tuple[str, ...]],
    *policies: Policy,
    pod: str = "",
    ledger: Ledger = Ledger(),  # noqa: B008 - frozen
) -> list[PolicyExplained]:
    configuration = lab.configuration(*policies)
    standing = status(ledger, configuration, Circumstances(lab.clock.now()))
    targets: dict[TargetKind, Target] = {
        TargetKind.ETCD: lab.target,
        TargetKind.POD: PodTarget(lab.reads),
    }
    explainer = Explainer(configuration, targets, [lab.guard], ledger, standing, lab.clock)
    return list(explainer.workload(KEY, pod, members))


def kill(lab: EtcdLab, **fields: Any) -> Policy:
    return lab.scope(**fields).policy


def pods_policy(lab: EtcdLab) -> Policy:
    policy = lab.scope(name="pods", target=TargetKind.POD, clusters=(), select=Select()).policy
    assert policy.limits == Limits()
    return policy


def test_the_policies_that_name_its_cluster_tell_of_that_member_alone() -> None:
    """It could be the victim; its siblings are left out."""
    lab = pods_lab()
    (found,) = explained(lab, {"main": ("etcd-1",)}, kill(lab))
    (cluster,) = found.workloads
    assert (found.policy, cluster.name, cluster.reasons) == ("etcd", "Etcd/main", ())
    assert [pod.name for pod in cluster.pods] == ["main/etcd-1"]
    assert cluster.victims == ("main/etcd-1",)


def test_a_member_that_the_policy_does_not_draw_says_why() -> None:
    """The cluster is a candidate by another member, this one has not the role."""
    lab = pods_lab()
    lab.etcd.led_by = "a0"
    (found,) = explained(lab, {"main": ("etcd-1",)}, kill(lab, member=MemberRole.LEADER))
    (cluster,) = found.workloads
    assert (cluster.reasons, cluster.victims) == ((), ())
    assert [reason.code for reason in cluster.pods[0].reasons] == [Code.ETCD_ROLE]


def test_pod_policies_stand_beside() -> None:
    """In the order of the configuration; policies that name another cluster are left out."""
    lab = pods_lab()
    other = kill(lab, name="other", clusters=("other",))
    found = explained(lab, {"main": ("etcd-1",)}, pods_policy(lab), other, kill(lab), pod="etcd-1")
    assert [one.policy for one in found] == ["pods", "etcd"]
    assert [pod.name for pod in found[0].workloads[0].pods] == ["data/etcd-1"]


def test_what_is_no_member_has_no_policy_of_etcd() -> None:
    """As before."""
    lab = pods_lab()
    assert explained(lab, {}, kill(lab)) == []


def test_what_may_be_a_member_and_is_not_known_shows_no_other() -> None:
    """The cluster's reasons alone."""
    lab = pods_lab()
    del lab.etcd.members["etcd-1"]
    (found,) = explained(lab, {"main": ()}, kill(lab))
    (cluster,) = found.workloads
    assert (cluster.pods, cluster.victims) == ((), ())
    assert Code.ETCD_UNREADABLE in {reason.code for reason in cluster.reasons}


def test_what_holds_for_all_members_in_the_same_words_is_said_once() -> None:
    """A budget that lets none go is the cluster's reason, and not once more each member's."""
    lab = pods_lab()
    scenarios.pdb(lab.cluster, "data", "etcd", min_available=3)
    scenarios.settle(lab.cluster)
    (found,) = explained(lab, {"main": ("etcd-0", "etcd-1", "etcd-2")}, kill(lab))
    (cluster,) = found.workloads
    assert [reason.code for reason in cluster.reasons] == [Code.DISRUPTION_BUDGET]
    assert [pod.reasons for pod in cluster.pods] == [(), (), ()]


def test_it_is_said_once_beside_what_speaks_against_the_cluster() -> None:
    """The cluster rests and its budget lets none go: two reasons of the cluster, none of each."""
    lab = pods_lab()
    scenarios.pdb(lab.cluster, "data", "etcd", min_available=3)
    scenarios.settle(lab.cluster)
    struck = LastKill(int(lab.clock.now().timestamp()), 0)
    ledger = Ledger(last_kills={workload_hash("Etcd/main"): struck})
    policy = kill(lab, cooldown=timedelta(hours=1))
    (found,) = explained(lab, {"main": ("etcd-0", "etcd-1")}, policy, ledger=ledger)
    (cluster,) = found.workloads
    codes = [reason.code for reason in cluster.reasons]
    assert codes == [Code.COOLDOWN, Code.DISRUPTION_BUDGET]
    assert [pod.reasons for pod in cluster.pods] == [(), ()]


def test_what_differs_is_told_of_one_that_it_holds_for() -> None:
    """And how many more there are; its name is said once."""
    lab = pods_lab(pod_spec={})
    (found,) = explained(lab, {"main": ("etcd-0",)}, kill(lab))
    (reason,) = found.workloads[0].reasons
    assert reason.code is Code.ETCD_DATA
    assert reason.detail.count("etcd-0") == 1
    assert reason.detail.endswith("(and 2 more like it)")
