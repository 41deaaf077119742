"""Looking at declared clusters: all members asked, joined, and placed on pods and nodes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.quorum import Picture, state_reasons
from chaosd.sandbox import Rule, scenarios
from tests.support.etcd import FakeMember
from tests.targets.etcd_lab import BY_PODS, EtcdLab, pods_lab, stacked_lab


def picture(lab: EtcdLab) -> Picture:
    return lab.clusters.picture(lab.declared[0], lab.clock.now())


def errors(seen: Picture) -> dict[str, str]:
    return {member.name: member.error for member in seen.members if member.error}


def test_members_in_pods() -> None:
    """Found by label, asked at their addresses, each matched to its pod and node; remembered."""
    lab = pods_lab()
    seen = picture(lab)
    assert (seen.problems, errors(seen), state_reasons(seen)) == ((), {}, ())
    assert [member.pod for member in seen.members] == [f"data/etcd-{n}" for n in range(3)]
    assert all(member.node in ("node-a", "node-b") for member in seen.members)
    assert all(member.endpoint.endswith(":2379") for member in seen.members)
    assert lab.memory.pictures["main"] == seen
    assert seen.leader is not None


@pytest.mark.parametrize("static", [True, False])
def test_members_on_nodes(static: bool) -> None:
    """A member is on the node with its address, and is the pod in its network that is etcd."""
    seen = picture(stacked_lab(static=static))
    assert state_reasons(seen) == ()
    assert [member.node for member in seen.members] == ["cp-0", "cp-1", "cp-2"]
    pods = [f"kube-system/etcd-cp-{n}" if static else "" for n in range(3)]
    assert [member.pod for member in seen.members] == pods


def test_one_endpoint_suffices() -> None:
    """Listed members that no endpoint reached are asked at their own URLs."""
    lab = stacked_lab()
    lab.declared = (EtcdCluster(name="main", endpoints=lab.declared[0].endpoints[:1]),)
    seen = picture(lab)
    assert (len(seen.members), state_reasons(seen)) == (3, ())


def test_nobody_is_asked_in_the_open() -> None:
    """A URL of another scheme than was declared is left alone, and its voter is not healthy."""
    lab = stacked_lab()
    lab.declared = (EtcdCluster(name="main", endpoints=lab.declared[0].endpoints[:2]),)
    other = lab.etcd.members["cp-2"]
    other.client = other.client.replace("https", "http")
    seen = picture(lab)
    assert errors(seen) == {
        "cp-2": f"not reached: {other.client} is of another scheme than was declared"
    }
    assert not any(url.startswith("http:") for url in lab.etcd.asked)


def down(lab: EtcdLab) -> None:
    lab.etcd.members["cp-1"].up = False


def silent(lab: EtcdLab) -> None:
    lab.etcd.members["cp-1"].silent = True


def unstarted(lab: EtcdLab) -> None:
    lab.etcd.members["new"] = FakeMember("n", "", "https://192.0.2.1:2380", "", up=False)


@pytest.mark.parametrize(
    ("ill", "who", "why"),
    [
        (down, "cp-1", "connection refused"),
        (silent, "cp-1", "no answer in time"),
        (unstarted, "", "it has not started yet: it names no client URL"),
    ],
)
def test_a_voter_that_is_not_healthy(ill: Callable[[EtcdLab], None], who: str, why: str) -> None:
    """In words, without a problem of the picture itself; its URL is asked once."""
    lab = stacked_lab()
    ill(lab)
    seen = picture(lab)
    [(name, error)] = errors(seen).items()
    assert name == who
    assert why in error
    assert seen.problems == ()
    assert len(lab.etcd.asked) == len(set(lab.etcd.asked)) == 3


def test_an_endpoint_of_another_cluster() -> None:
    """It is told, and its members don't count."""
    lab = stacked_lab()
    stranger = FakeMember("x", "x", "https://192.0.2.9:2380", "https://192.0.2.9:2379")
    stranger.cluster_id = "c2"
    lab.etcd.members["x"] = stranger
    endpoints = (*lab.declared[0].endpoints, stranger.client)
    lab.declared = (EtcdCluster(name="main", endpoints=endpoints),)
    seen = picture(lab)
    assert [member.name for member in seen.members] == ["cp-0", "cp-1", "cp-2"]
    [problem] = seen.problems
    assert problem == "https://192.0.2.9:2379 is of another cluster (c2) than the others (c1)"


def test_an_endpoint_that_is_no_member_any_more() -> None:
    """A removed member that still answers is a problem."""
    lab = stacked_lab()
    for member in lab.etcd.members.values():
        member.lists = ("cp-0", "cp-1")
    [problem] = picture(lab).problems
    assert "answers as cp-2 (b2), which is no member that is listed" in problem


def test_an_endpoint_that_is_nobody() -> None:
    """It may be anybody."""
    lab = stacked_lab()
    lab.declared = (
        msgspec.structs.replace(
            lab.declared[0], endpoints=(*lab.declared[0].endpoints, "https://nowhere:2379")
        ),
    )
    assert picture(lab).problems == ("https://nowhere:2379: connection refused",)


def test_nobody_answers() -> None:
    """Then there are problems, and no members."""
    lab = stacked_lab()
    for member in lab.etcd.members.values():
        member.up = False
    seen = picture(lab)
    assert (seen.members, len(seen.problems)) == ((), 3)


def test_no_pod_has_the_labels() -> None:
    """Which is said."""
    lab = pods_lab(count=0)
    assert picture(lab).problems == ("no running pod has the labels app=etcd",)


def test_a_pod_that_is_no_member() -> None:
    """One that the labels select must be a member."""
    lab = pods_lab()
    scenarios.pod(lab.cluster, "data", "shell", pod_labels={"app": "etcd"})
    scenarios.settle(lab.cluster)
    problems = picture(lab).problems
    assert "pod data/shell is none of its members" in problems


def test_a_member_whose_pod_is_not_ready() -> None:
    """It is the member that is not healthy, not a stranger that does not answer."""
    lab = pods_lab()
    scenarios.set_pod_ready(lab.cluster, "data", "etcd-1", False)
    seen = picture(lab)
    assert seen.problems == ()
    assert list(errors(seen)) == ["etcd-1"]


def test_a_member_whose_pod_is_going() -> None:
    """It still answers, and will be missed in a moment."""
    lab = pods_lab()
    with lab.cluster.edit("pods", "data", "etcd-2") as item:
        item["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert errors(picture(lab)) == {"etcd-2": "its pod is being deleted"}


@pytest.mark.parametrize("path", ["/pods", "/nodes/node-[ab]"])
def test_a_cluster_that_cannot_be_placed(path: str) -> None:
    """Is no whole picture; nothing is raised."""
    lab = pods_lab()
    lab.fault(Rule(do="status", status=500, path=f"{path}$"))
    assert picture(lab).problems != ()


def test_looking_is_bounded() -> None:
    """Whoever comes too late is not asked, and said not to be."""
    lab = stacked_lab()
    ticks = iter(range(0, 1000, 4))
    lab.clusters.boot = lambda: float(next(ticks))
    seen = picture(lab)
    assert "not asked: the others took more than 6 s" in " ".join(
        [*errors(seen).values(), *seen.problems]
    )


def test_which_pods_are_members() -> None:
    """Of those that look like etcd, the ones that a declared cluster has as members."""
    lab = pods_lab()
    scenarios.deployment(lab.cluster, "shop", "other", 1, image="quay.io/coreos/etcd:3.6")
    scenarios.settle(lab.cluster)
    configuration = lab.configuration()
    pods = [pod for ns in ("data", "shop") for page in lab.reads.pods(ns, "") for pod in page]
    found = lab.clusters.declared_pods(configuration, pods, lab.clock.now())
    assert found == {f"data/etcd-{n}" for n in range(3)}
    asked = len(lab.etcd.asked)
    web = [pod for pod in pods if pod.name.startswith("web")]
    assert lab.clusters.declared_pods(configuration, web, lab.clock.now()) == frozenset()
    assert len(lab.etcd.asked) == asked


def test_no_pod_is_a_member_of_a_silent_cluster() -> None:
    """Doubt leaves it what it looks like."""
    lab = pods_lab()
    for member in lab.etcd.members.values():
        member.up = False
    pods = [pod for page in lab.reads.pods("data", "") for pod in page]
    assert lab.clusters.declared_pods(lab.configuration(), pods, lab.clock.now()) == frozenset()
    assert BY_PODS.pods is not None
