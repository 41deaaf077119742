"""The guard of etcd, asked about a member that a policy drew by its role."""

from __future__ import annotations

import msgspec
import pytest

from chaosd.core.etcd_model import Drawn, EtcdCluster
from chaosd.core.model import Impact, MemberRole
from chaosd.core.reasons import Reasons
from tests.support.etcd import FakeMember
from tests.targets.etcd_lab import EtcdLab, pods_lab, stacked_lab
from tests.targets.scopes import codes

MAIN = "Etcd/main"
FOLLOWER, LEADER, ANY = MemberRole.FOLLOWER, MemberRole.LEADER, MemberRole.ANY


def against(lab: EtcdLab, impact: Impact, drawn: Drawn) -> Reasons:
    impact = msgspec.structs.replace(impact, locks=(MAIN,), drawn=drawn)
    return lab.guard.object_to(lab.configuration(), impact, lab.clock.now()).reasons


@pytest.mark.parametrize(
    ("role", "pod", "expected"),
    [
        (FOLLOWER, "etcd-0", {"etcdRole"}),
        (FOLLOWER, "etcd-1", set()),
        (LEADER, "etcd-0", set()),
        (LEADER, "etcd-1", {"etcdRole"}),
        (ANY, "etcd-0", set()),
        (ANY, "etcd-9", {"etcdRole"}),
    ],
)
def test_the_pod_of_a_member(role: MemberRole, pod: str, expected: set[str]) -> None:
    """``etcd-0`` leads; a pod that is no member has no role."""
    for impact in (Impact(pods=(f"data/{pod}",)), Impact(crashed=(f"data/{pod}",))):
        found = against(pods_lab(), impact, Drawn(MAIN, role))
        assert codes(found) == expected
        assert all(reason.detail.startswith("etcd main: ") for reason in found)


@pytest.mark.parametrize(("member", "expected"), [("a0", set()), ("a1", {"etcdRole"})])
def test_the_leader_that_hands_over(member: str, expected: set[str]) -> None:
    """By its id, as nothing goes down."""
    drawn = Drawn(MAIN, LEADER, member=member)
    assert codes(against(pods_lab(), Impact(), drawn)) == expected


def test_a_pod_that_is_no_member_any_more() -> None:
    """Removed from a cluster whose members nothing tells to be etcd: the cluster is asked all the
    same, and nobody knows the role of what is struck."""
    lab = pods_lab(image="registry/kv:1", pod_labels={"app": "kv"})
    lab.declared = (EtcdCluster(name="main", endpoints=("http://kv.data.svc:2379",)),)
    lab.etcd.aliases["http://kv.data.svc:2379"] = "etcd-0"
    impact = Impact(pods=("data/etcd-2",))
    assert against(lab, impact, Drawn(MAIN)) == ()
    del lab.etcd.members["etcd-2"]
    lab.clock.advance(60)
    assert "etcdRole" in codes(against(lab, impact, Drawn(MAIN)))


def test_a_silent_cluster() -> None:
    """Nobody tells who leads."""
    lab = pods_lab()
    for member in lab.etcd.members.values():
        member.up = False
    found = against(lab, Impact(pods=("data/etcd-1",)), Drawn(MAIN, FOLLOWER))
    assert {"etcdUnreadable", "etcdRole"} <= codes(found)


def test_a_machine_with_members_of_two_clusters() -> None:
    """The process that is killed is the one that was drawn: another cluster's leader beside it, or
    a second member of its own at another port, is another matter."""
    lab = stacked_lab(static=False)
    ip = lab.etcd.members["cp-1"].client.removesuffix(":2379")
    lab.etcd.members["second"] = FakeMember("b9", "second", f"{ip}:3380", f"{ip}:3379")
    lab.etcd.members["fifth"] = FakeMember(
        "b8", "fifth", "https://192.0.2.1:1", "https://192.0.2.1:2"
    )
    events = msgspec.structs.replace(lab.declared[0], name="events")
    lab.declared = (*lab.declared, events)
    lab.etcd.led_by = "b9"
    machine = Impact(machines=("cp-1",), nodes=("cp-1",))

    def says(role: MemberRole, port: int | None) -> bool:
        return "etcdRole" in codes(against(lab, machine, Drawn(MAIN, role, peer_port=port)))

    assert (says(FOLLOWER, 2380), says(FOLLOWER, 3380)) == (False, True)
    assert (says(LEADER, 2380), says(LEADER, 3380)) == (True, False)
    assert (says(FOLLOWER, None), says(LEADER, None), says(ANY, None)) == (True, True, False)
    assert says(ANY, 9)
