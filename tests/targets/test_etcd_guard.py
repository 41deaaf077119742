"""The guard of etcd: which impacts concern a declared cluster, and what speaks against them."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.model import (
    Impact,
)
from chaosd.ports import Guarded
from chaosd.sandbox import scenarios
from tests.targets.etcd_asked import (
    LOCK,
    MEMBER,
    alarm,
    all_silent,
    asked,
    disagreeing,
    lagging,
    one_down,
    two_down,
    unreadable_servers,
    web_pod,
)
from tests.targets.etcd_lab import EtcdLab, pods_lab, stacked_lab
from tests.targets.scopes import codes


def test_nothing_declared_costs_nothing() -> None:
    """Nobody is asked anything."""
    lab = pods_lab()
    lab.declared = ()
    assert asked(lab, Impact(pods=("data/etcd-0",), machines=("node-a",))) == Guarded()
    assert (lab.asked(), lab.etcd.asked) == ([], [])


def test_what_is_none_of_its_business() -> None:
    """A pod that does not look like etcd, at no endpoint's address, costs a read; a taint none."""
    lab = pods_lab()
    assert asked(lab, Impact(pods=(web_pod(lab),))) == Guarded()
    assert lab.etcd.asked == []
    assert len(lab.asked()) == 1
    assert asked(lab, Impact(nodes=("node-a",))) == Guarded()
    assert lab.asked() == []


@pytest.mark.parametrize(
    "impact",
    [
        MEMBER,
        Impact(crashed=("data/etcd-0",)),
        Impact(pods=("data/etcd-0",), locks=LOCK),
        Impact(locks=LOCK),
    ],
)
def test_a_whole_cluster_may_miss_one(impact: Impact) -> None:
    """Then its lock is to be held."""
    assert asked(pods_lab(), impact) == Guarded((), LOCK)


@pytest.mark.parametrize("static", [True, False])
def test_a_machine_with_a_member(static: bool) -> None:
    """Whether it runs in a static pod or on the host."""
    lab = stacked_lab(static=static)
    assert asked(lab, Impact(machines=("cp-1",))) == Guarded((), LOCK)
    assert asked(lab, Impact(machines=("node-a",))) == Guarded()


def test_a_process_of_a_members_neighbour() -> None:
    """In its node's network all pods have its address: only the one that is etcd is the member."""
    lab = stacked_lab()
    assert asked(lab, Impact(crashed=("kube-system/kube-apiserver-cp-0",))) == Guarded()
    assert asked(lab, Impact(crashed=("kube-system/etcd-cp-0",))).locks == LOCK


@pytest.mark.parametrize(
    ("ill", "expected"),
    [
        (one_down, {"etcdUnhealthy", "etcdQuorum"}),
        (two_down, {"etcdUnhealthy", "etcdQuorum", "etcdNoLeader"}),
        (alarm, {"etcdAlarm"}),
        (lagging, {"etcdLag"}),
        (disagreeing, {"etcdDisagrees"}),
        (all_silent, {"etcdUnreadable"}),
    ],
)
@pytest.mark.parametrize(
    "impact", [MEMBER, Impact(crashed=("data/etcd-0",)), Impact(pods=MEMBER.pods, locks=LOCK)]
)
def test_a_cluster_that_is_not_whole(
    ill: Callable[[EtcdLab], None], expected: set[str], impact: Impact
) -> None:
    """Every reason with its figures, whichever way its member would be struck."""
    lab = pods_lab()
    ill(lab)
    found = codes(asked(lab, impact).reasons)
    assert expected <= found
    assert found <= expected | {"etcdNoLeader", "etcdUnreadable", "etcdDisagrees"}


def test_two_members_of_three() -> None:
    """A drain of a node with both, and a machine."""
    lab = pods_lab()
    both = asked(lab, Impact(pods=("data/etcd-0", "data/etcd-1"), nodes=("node-a",)))
    assert codes(both.reasons) == {"etcdQuorum"}


def test_five_may_miss_two() -> None:
    """By their quorum."""
    lab = pods_lab(count=5)
    two = Impact(pods=("data/etcd-0", "data/etcd-1"))
    assert asked(lab, two) == Guarded((), LOCK)
    three = msgspec.structs.replace(two, crashed=("data/etcd-4",))
    assert codes(asked(lab, three).reasons) == {"etcdQuorum"}


def test_a_member_without_a_claim() -> None:
    """Evicted it would lose its data; crashed it would not."""
    lab = pods_lab(pod_spec={})
    assert codes(asked(lab, MEMBER).reasons) == {"etcdData"}
    assert asked(lab, Impact(crashed=MEMBER.pods)).reasons == ()


def test_a_machine_that_ends() -> None:
    """Its member's data ends with it, and the member still counts."""
    lab = stacked_lab()
    ended = asked(lab, Impact(machines=("cp-0",), disks_lost=True))
    assert codes(ended.reasons) == {"etcdData"}
    assert asked(lab, Impact(machines=("node-a",), disks_lost=True)).reasons == ()


def unready(lab: EtcdLab) -> None:
    scenarios.set_node_ready(lab.cluster, "cp-2", False)


def single_server(lab: EtcdLab) -> None:
    with lab.cluster.edit("endpointslices.discovery.k8s.io", "default", "kubernetes") as item:
        for endpoint in item["endpoints"][1:]:
            endpoint["conditions"]["ready"] = False


@pytest.mark.parametrize(
    ("ill", "detail"),
    [
        (unready, "of the control plane's nodes with its members, cp-2 is not Ready"),
        (single_server, "no API server is ready but on cp-0"),
        (unreadable_servers, "whether another API server is ready can't be read"),
    ],
)
def test_the_control_plane_around_a_member(ill: Callable[[EtcdLab], None], detail: str) -> None:
    """It must be able to miss the member's node as well."""
    lab = stacked_lab()
    ill(lab)
    found = asked(lab, Impact(crashed=("kube-system/etcd-cp-0",))).reasons
    assert codes(found) == {"etcdControlPlane"}
    assert detail in found[0].detail


def test_members_elsewhere_need_no_control_plane() -> None:
    """An API server's readiness is nothing to a cluster in ordinary pods."""
    lab = pods_lab()
    unreadable_servers(lab)
    assert asked(lab, MEMBER).reasons == ()


def test_two_clusters() -> None:
    """Each is judged by itself: the one that is not whole forbids nothing in the other."""
    lab = pods_lab()
    silent = EtcdCluster(name="far", endpoints=("https://192.0.2.1:2379",))
    lab.declared = (*lab.declared, silent)
    assert asked(lab, MEMBER) == Guarded((), LOCK)
    assert codes(asked(lab, Impact(machines=("node-a",))).reasons) >= {"etcdUnreadable"}
