"""The guard of etcd, where nobody can tell what an impact takes down."""

from __future__ import annotations

import msgspec
import pytest

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.model import (
    Impact,
)
from chaosd.ports import Guarded
from chaosd.sandbox import Rule, scenarios
from tests.targets.etcd_asked import (
    LOCK,
    MEMBER,
    all_silent,
    asked,
    one_down,
    web_pod,
)
from tests.targets.etcd_lab import pods_lab, stacked_lab
from tests.targets.scopes import codes


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
