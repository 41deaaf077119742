"""The guard of etcd: which impacts concern a declared cluster, and what speaks against them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.backup import SnapshotTried
from chaosd.core.etcd_model import EtcdBackup, EtcdCluster
from chaosd.core.leaderless import Trace
from chaosd.core.ledger import Intent
from chaosd.core.model import Impact, StepAction
from chaosd.ports import Guarded, Unanswered
from chaosd.sandbox import Rule, scenarios
from chaosd.targets.etcd_guard import EtcdGuard
from tests.targets.etcd_lab import EtcdLab, pods_lab, stacked_lab
from tests.targets.helpers import order
from tests.targets.scopes import codes

MEMBER = Impact(pods=("data/etcd-0",))
LOCK = ("Etcd/main",)


def asked(lab: EtcdLab, impact: Impact, **fields: Any) -> Guarded:
    return lab.guard.object_to(lab.configuration(**fields), impact, lab.clock.now())


def web_pod(lab: EtcdLab) -> str:
    return next(f"shop/{p['metadata']['name']}" for p in lab.cluster.all("pods", "shop"))


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


def one_down(lab: EtcdLab) -> None:
    lab.etcd.members["etcd-2"].up = False


def two_down(lab: EtcdLab) -> None:
    one_down(lab)
    lab.etcd.members["etcd-1"].up = False


def alarm(lab: EtcdLab) -> None:
    lab.etcd.members["etcd-1"].alarms = ("NOSPACE",)


def lagging(lab: EtcdLab) -> None:
    lab.etcd.leader_id()
    lab.etcd.members["etcd-2"].applied = -5000


def disagreeing(lab: EtcdLab) -> None:
    lab.etcd.members["etcd-1"].lists = ("etcd-0", "etcd-1")


def all_silent(lab: EtcdLab) -> None:
    for member in lab.etcd.members.values():
        member.up = False


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


def unreadable_servers(lab: EtcdLab) -> None:
    lab.fault(Rule(do="status", status=403, path="/endpointslices$"))


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


# ---- what can't be told


def test_nobody_knows_whether_a_machine_hosts_a_silent_cluster() -> None:
    """One declared by endpoints may be anywhere; one declared by its pods is where they are."""
    lab = stacked_lab()
    all_silent(lab)
    assert codes(asked(lab, Impact(machines=("node-a",))).reasons) == {"etcdUnreadable"}
    lab = pods_lab()
    all_silent(lab)
    nodes = {pod["spec"]["nodeName"] for pod in lab.cluster.all("pods", "data")}
    for node in nodes:
        assert codes(asked(lab, Impact(machines=(node,))).reasons) == {"etcdUnreadable"}
    scenarios.node(lab.cluster, "node-z")
    assert asked(lab, Impact(machines=("node-z",))) == Guarded()


def test_a_member_behind_a_name() -> None:
    """A host name that is no node's may be any machine; an address of none is elsewhere."""
    lab = stacked_lab(static=False)
    named = lab.etcd.members["cp-2"]
    named.peer, named.client = "https://etcd-c.corp:2380", "https://etcd-c.corp:2379"
    lab.declared = (
        EtcdCluster(name="main", endpoints=(*lab.declared[0].endpoints[:2], named.client)),
    )
    found = asked(lab, Impact(machines=("node-a",)))
    assert codes(found.reasons) == {"etcdUnreadable"}
    assert "declare its endpoint by its address" in found.reasons[0].detail
    named.peer = "https://192.0.2.3:2380"
    assert asked(lab, Impact(machines=("node-a",))) == Guarded()


def test_a_member_that_is_asked_through_another_node() -> None:
    """A proxy there forwards to it: where it is, its own URLs tell."""
    lab = stacked_lab(static=False)
    proxy = lab.etcd.members["cp-0"].client.replace(":2379", ":12379")
    lab.etcd.aliases[proxy] = "cp-1"
    lab.declared = (EtcdCluster(name="main", endpoints=(proxy,)),)
    assert asked(lab, Impact(machines=("cp-1",))) == Guarded((), LOCK)
    two = Impact(machines=("cp-1", "cp-2"))
    assert codes(asked(lab, two).reasons) >= {"etcdQuorum"}


@pytest.mark.parametrize("host", ["192.0.2.3", "etcd-c.corp"])
def test_a_member_that_is_called_as_its_node(host: str) -> None:
    """At an address that the node does not tell, as of a network of its own, or behind a name."""
    lab = stacked_lab(static=False)
    there = lab.etcd.members["cp-2"]
    there.peer, there.client = f"https://{host}:2380", f"https://{host}:2379"
    lab.declared = (
        EtcdCluster(name="main", endpoints=(*lab.declared[0].endpoints[:2], there.client)),
    )
    assert asked(lab, Impact(machines=("cp-2",))) == Guarded((), LOCK)
    elsewhere = asked(lab, Impact(machines=("node-a",)))
    assert codes(elsewhere.reasons) == ({"etcdUnreadable"} if host == "etcd-c.corp" else set())


@pytest.mark.parametrize(
    ("path", "impact"),
    [
        ("/pods$", Impact(machines=("node-a",))),
        ("/nodes/node-[ab]$", Impact(machines=("node-a",))),
        ("/pods/etcd-0$", MEMBER),
    ],
)
def test_a_cluster_whose_places_cannot_be_read(path: str, impact: Impact) -> None:
    """Nothing is raised: it is a reason."""
    lab = pods_lab()
    lab.fault(Rule(do="status", status=500, path=path))
    found = asked(lab, impact)
    assert "etcdUnreadable" in codes(found.reasons)


def test_a_stranger_that_looks_like_etcd() -> None:
    """It is no member of any cluster, by what their members say at this moment, so nobody may
    strike it; of a silent one it may be, unless that is in pods."""
    lab = stacked_lab()
    scenarios.pod(lab.cluster, "shop", "mine", image="etcd:3")
    scenarios.settle(lab.cluster)
    stranger = Impact(pods=("shop/mine",))
    assert codes(asked(lab, stranger).reasons) == {"looksLikeEtcd"}
    assert codes(asked(lab, Impact(crashed=stranger.pods)).reasons) == {"looksLikeEtcd"}
    all_silent(lab)
    assert codes(asked(lab, stranger).reasons) == {"etcdUnreadable"}
    lab = pods_lab()
    scenarios.pod(lab.cluster, "shop", "mine", image="etcd:3")
    scenarios.settle(lab.cluster)
    all_silent(lab)
    assert codes(asked(lab, stranger).reasons) == {"looksLikeEtcd"}


def test_a_silent_cluster_whose_members_do_not_look_like_etcd() -> None:
    """What it listed last is known: its own pods stay, all others are none of its business."""
    lab = pods_lab(image="registry/kv:1", pod_labels={"app": "kv"})
    lab.declared = (EtcdCluster(name="main", endpoints=("http://kv.data.svc:2379",)),)
    lab.etcd.aliases["http://kv.data.svc:2379"] = "etcd-0"
    assert asked(lab, MEMBER) == Guarded((), LOCK)
    all_silent(lab)
    lab.clock.advance(60)
    assert codes(asked(lab, MEMBER).reasons) == {"etcdUnreadable"}
    assert asked(lab, Impact(pods=(web_pod(lab),))) == Guarded()
    lab.declared = (msgspec.structs.replace(lab.declared[0], name="renamed"),)
    assert codes(asked(lab, MEMBER).reasons) == {"etcdUnreadable"}


def test_an_undeclared_cluster_of_a_lock() -> None:
    """A leader is not moved in a cluster that nobody can look at any more."""
    lab = pods_lab()
    lab.declared = ()
    assert codes(asked(lab, Impact(locks=LOCK)).reasons) == {"etcdUnreadable"}


def test_a_drain_that_holds_the_cluster() -> None:
    """Its other pods are no members: they may go while the member that went is away."""
    lab = pods_lab()
    one_down(lab)
    assert asked(lab, Impact(pods=(web_pod(lab),), locks=LOCK)) == Guarded()
    assert asked(lab, Impact(pods=("data/etcd-0",), locks=LOCK)).reasons != ()


# ---- gates


class Ages:
    """Somebody who knows how old backups are."""

    def __init__(self, *ages: timedelta | Exception) -> None:
        self.ages = list(ages)
        self.asked = 0

    def age(self, backup: EtcdBackup, timeout: float) -> timedelta:
        self.asked += 1
        age = self.ages.pop(0)
        if isinstance(age, Exception):
            raise age
        return age


def gated(lab: EtcdLab, *ages: timedelta | Exception) -> Ages:
    backup = EtcdBackup(timedelta(hours=24), file="/backups")
    lab.declared = (msgspec.structs.replace(lab.declared[0], backup=backup),)
    known = Ages(*ages)
    lab.guard = EtcdGuard(lab.node_reads, lab.clusters, known)
    return known


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=23), set()),
        (timedelta(hours=25), {"etcdBackup"}),
        (Unanswered("timed out"), {"etcdBackup"}),
    ],
)
def test_the_age_of_the_backup(age: timedelta | Exception, expected: set[str]) -> None:
    """Asked for once a minute; no answer is too old."""
    lab = pods_lab()
    known = gated(lab, age, timedelta(0))
    assert codes(asked(lab, MEMBER).reasons) == expected
    lab.clock.advance(30)
    assert codes(asked(lab, MEMBER).reasons) == expected
    assert known.asked == 1
    lab.clock.advance(31)
    assert codes(asked(lab, MEMBER).reasons) == set()
    assert known.asked == 2


def test_a_process_that_checks_no_snapshots() -> None:
    """What it does not know is no reason."""
    lab = pods_lab()
    lab.declared = (msgspec.structs.replace(lab.declared[0], snapshot_check=timedelta(days=1)),)
    lab.memory.checks_snapshots = False
    assert asked(lab, MEMBER).reasons == ()


def test_the_check_of_a_snapshot() -> None:
    """One must have been good."""
    lab = pods_lab()
    lab.declared = (msgspec.structs.replace(lab.declared[0], snapshot_check=timedelta(days=1)),)
    assert codes(asked(lab, MEMBER).reasons) == {"etcdSnapshot"}
    now = lab.clock.now()
    lab.memory.snapshots["main"] = SnapshotTried(now, good_at=now)
    assert asked(lab, MEMBER).reasons == ()


# ---- healed


def held(lab: EtcdLab, *locks: str) -> Intent:
    """An intent that holds these locks."""
    return order(lab, StepAction.REBOOT, locks=locks)[0]


@pytest.mark.parametrize(
    ("ill", "whole", "detail"),
    [
        (None, True, "etcd main: 3 of 3 voters healthy"),
        (one_down, False, "2 of 3 voters healthy, not etcd-2 (a2)"),
        (alarm, False, "alarm NOSPACE on etcd-1 (a1)"),
        (lagging, False, "entries behind the leader"),
    ],
)
def test_whole_again(ill: Callable[[EtcdLab], None] | None, whole: bool, detail: str) -> None:
    """Only when nothing speaks against its state; with what it has cost so far."""
    lab = pods_lab()
    if ill:
        ill(lab)
    intent = held(lab, "Etcd/main", "data/StatefulSet/etcd")
    lab.memory.led[intent.id] = {"main": Trace().sampled(lab.clock.now(), "", read=False)}
    lab.clock.advance(3)
    seen = lab.guard.healed(lab.configuration(), intent, lab.clock.now())
    assert seen is not None
    assert (seen.whole, seen.desired, seen.costs["main"].leaderless) == (whole, 3, 3.0)
    assert detail in seen.detail


def test_whole_again_without_etcd() -> None:
    """An intent that holds no cluster is nothing to it; one that is not declared any more is
    whole."""
    lab = pods_lab()
    assert lab.guard.healed(lab.configuration(), held(lab, "Node/a"), lab.clock.now()) is None
    lab.declared = ()
    seen = lab.guard.healed(lab.configuration(), held(lab, "Etcd/main"), lab.clock.now())
    assert seen is not None
    assert (seen.whole, seen.detail) == (True, "etcd main is not declared any more")


def test_two_clusters() -> None:
    """Each is judged by itself: the one that is not whole forbids nothing in the other."""
    lab = pods_lab()
    silent = EtcdCluster(name="far", endpoints=("https://192.0.2.1:2379",))
    lab.declared = (*lab.declared, silent)
    assert asked(lab, MEMBER) == Guarded((), LOCK)
    assert codes(asked(lab, Impact(machines=("node-a",))).reasons) >= {"etcdUnreadable"}
