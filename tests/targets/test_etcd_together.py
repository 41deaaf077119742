"""Members of etcd are asked at the same time."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.model import Impact
from chaosd.core.quorum import state_reasons
from chaosd.daemon.together import at_once
from chaosd.targets.etcd_gateway import Looked
from tests.support.etcd import FakeEtcd
from tests.targets.etcd_lab import EtcdLab, pods_lab, stacked_lab
from tests.targets.scopes import codes

PATIENCE = 60.0
"""Seconds until a meeting that does not come about is given up."""


@dataclass
class Meeting(FakeEtcd):
    """Answers to nobody before as many are asking as ``barrier`` waits for."""

    barrier: threading.Barrier = field(default_factory=lambda: threading.Barrier(1))

    def look(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> Looked:
        self.barrier.wait(PATIENCE)
        return super().look(cluster, endpoint, timeout)


def meeting(lab: EtcdLab, asked: int) -> EtcdLab:
    """The lab, whose members answer only while this many are being asked at the same time."""
    members, aliases = lab.etcd.members, lab.etcd.aliases
    etcd = Meeting(members, aliases, barrier=threading.Barrier(asked))
    lab.wire(etcd, *lab.declared)
    lab.clusters.together = at_once
    return lab


def test_five_of_which_two_hang() -> None:
    """All five are asked at once, so that the two cost their time once; the picture is the same as
    of asking one after another."""
    lab = stacked_lab(nodes=5)
    for name in ("cp-1", "cp-3"):
        lab.etcd.members[name].silent = True
    cluster, now = lab.declared[0], lab.clock.now()
    before = lab.clusters.picture(cluster, now)
    meeting(lab, 5)
    seen = lab.clusters.picture(cluster, now)
    assert seen == before
    assert [member.name for member in seen.members if member.error] == ["cp-1", "cp-3"]
    assert (seen.problems, seen.healthy) == ((), 3)
    assert codes(state_reasons(seen)) == {"etcdUnhealthy"}


def test_members_that_no_endpoint_reached() -> None:
    """They are asked at their own URLs at the same time, too."""
    lab = stacked_lab(nodes=4)
    lab.declared = (EtcdCluster(name="main", endpoints=lab.declared[0].endpoints[:2]),)
    meeting(lab, 2)
    seen = lab.clusters.picture(lab.declared[0], lab.clock.now())
    assert (len(seen.members), state_reasons(seen)) == (4, ())


def test_clusters_are_asked_at_the_same_time() -> None:
    """A machine may have members of each."""
    lab = stacked_lab()
    lab.declared = (
        *lab.declared,
        EtcdCluster(name="same", endpoints=lab.declared[0].endpoints),
    )
    meeting(lab, 6)
    impact = Impact(machines=("cp-1",))
    guarded = lab.guard.object_to(lab.configuration(), impact, lab.clock.now())
    assert (guarded.reasons, guarded.locks) == ((), ("Etcd/main", "Etcd/same"))


def test_members_in_pods_at_the_same_time() -> None:
    """As those at declared endpoints."""
    lab = pods_lab()
    lab.clusters.together = at_once
    seen = lab.clusters.picture(lab.declared[0], lab.clock.now())
    assert (len(seen.members), state_reasons(seen)) == (3, ())


# ---- members that share their URLs, or have several


def listing(lab: EtcdLab, name: str, client: str) -> None:
    """Have a member name another client URL."""
    lab.etcd.members[name].client = client


def test_one_url_of_two_members() -> None:
    """Whoever answers there is one of them; of the other, nobody knows."""
    lab = stacked_lab(static=False)
    shared = lab.etcd.members["cp-1"].client
    listing(lab, "cp-2", shared)
    lab.declared = (EtcdCluster(name="main", endpoints=lab.declared[0].endpoints[:1]),)
    seen = lab.clusters.picture(lab.declared[0], lab.clock.now())
    [ill] = [member for member in seen.members if member.error]
    assert (ill.name, ill.error) == ("cp-2", f"{shared}: cp-1 (b1) answers there")


def test_a_member_that_is_declared_as_another() -> None:
    """Its own answer counts; of the member whose URL that is, nobody knows."""
    lab = stacked_lab(static=False)
    declared = lab.declared[0].endpoints
    listing(lab, "cp-2", declared[1])
    seen = lab.clusters.picture(lab.declared[0], lab.clock.now())
    errors = {member.name: member.error for member in seen.members if member.error}
    assert errors == {"cp-2": f"{declared[1]}: cp-1 (b1) answers there"}
    assert seen.problems == (f"{declared[2]}: connection refused",)


def test_a_url_without_a_host() -> None:
    """It is asked once, like any other."""
    lab = stacked_lab(static=False)
    listing(lab, "cp-2", "https://")
    lab.declared = (EtcdCluster(name="main", endpoints=lab.declared[0].endpoints[:2]),)
    seen = lab.clusters.picture(lab.declared[0], lab.clock.now())
    assert [member.name for member in seen.members if member.error] == ["cp-2"]
    assert lab.etcd.asked.count("https://") == 1
