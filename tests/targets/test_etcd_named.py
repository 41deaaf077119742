"""Which members of declared clusters a pod, a workload's pods or a node are."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.facts import NodeFacts, PodFacts
from chaosd.targets.etcd_named import Parts, members_in, members_on
from tests.targets.etcd_lab import EtcdLab, pods_lab, stacked_lab


def pods_of(lab: EtcdLab, namespace: str, *names: str) -> Sequence[PodFacts]:
    every = [pod for page in lab.node_reads.pods(namespace, "") for pod in page]
    return [pod for pod in every if pod.name.startswith(names)]


def inside(lab: EtcdLab, pods: Sequence[PodFacts]) -> Parts:
    return members_in(lab.clusters, lab.configuration(), pods, lab.clock.now())


def on(lab: EtcdLab, name: str) -> Parts:
    node = lab.node_reads.node(name)
    assert isinstance(node, NodeFacts)
    return members_on(lab.clusters, lab.configuration(), node, lab.clock.now())


def node_of(lab: EtcdLab, name: str) -> str:
    (pod,) = pods_of(lab, "data", name)
    return pod.node


def test_a_pod_is_a_member() -> None:
    """That one alone; all pods of its workload are all members."""
    lab = pods_lab()
    assert inside(lab, pods_of(lab, "data", "etcd-1")) == {"main": ("etcd-1",)}
    everybody = ("etcd-0", "etcd-1", "etcd-2")
    assert inside(lab, pods_of(lab, "data", "etcd")) == {"main": everybody}


def test_a_node_hosts_the_members_in_its_pods() -> None:
    """No others."""
    lab = pods_lab()
    name = node_of(lab, "etcd-1")
    here = [f"etcd-{n}" for n in range(3) if node_of(lab, f"etcd-{n}") == name]
    (found,) = on(lab, name).values()
    assert sorted(found) == here


@pytest.mark.parametrize("static", [True, False])
def test_a_control_plane_node_hosts_its_member(static: bool) -> None:
    """In a static pod, or as a process of the host."""
    lab = stacked_lab(static=static)
    assert on(lab, "cp-1") == {"main": ("cp-1",)}


def test_nobody_is_asked_about_pods_of_others() -> None:
    """Whoever asks about a shop does not wait for etcd."""
    lab = pods_lab()
    assert inside(lab, pods_of(lab, "shop", "web")) == {}
    assert lab.etcd.asked == []


def test_a_declared_pod_that_is_no_known_member_still_concerns_the_cluster() -> None:
    """Nobody answers, or the others don't list it."""
    silent, strange = pods_lab(), pods_lab()
    for member in silent.etcd.members.values():
        member.up = False
    del strange.etcd.members["etcd-1"]
    assert inside(silent, pods_of(silent, "data", "etcd-1")) == {"main": ()}
    assert on(silent, node_of(silent, "etcd-1")) == {"main": ()}
    assert inside(strange, pods_of(strange, "data", "etcd-1")) == {"main": ()}


def test_a_silent_cluster_concerns_the_nodes_that_its_endpoints_name() -> None:
    """And no other node."""
    lab = stacked_lab(static=False)
    for member in lab.etcd.members.values():
        member.up = False
    first = next(iter(lab.etcd.members.values())).client
    lab.wire(lab.etcd, EtcdCluster(name="main", endpoints=(first,)))
    assert on(lab, "cp-0") == {"main": ()}
    assert on(lab, "cp-1") == {}
