"""Whether a member that was struck is back: the target says it of that one, the guard of all."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent
from chaosd.core.model import Action
from chaosd.engine.guards import healed
from chaosd.sandbox import scenarios
from tests.support.etcd import FakeMember
from tests.targets.etcd_asked import MOVE, examined, reserved
from tests.targets.etcd_lab import HELPER, EtcdLab, pods_lab, stacked_lab

Way = Callable[[], tuple[EtcdLab, Intent]]


def seen(lab: EtcdLab, intent: Intent) -> Recovery:
    """What the target says at this moment."""
    lab.clock.advance(1)
    return lab.target.recovered(intent, lab.clock.now())


def judged(lab: EtcdLab, intent: Intent) -> Recovery:
    """What target and guard say together."""
    own, now = seen(lab, intent), lab.clock.now()
    return healed([lab.guard], lab.configuration(), intent, own, now)


def evicted() -> tuple[EtcdLab, Intent]:
    """``etcd-1`` was evicted, and its pod is there again."""
    lab = pods_lab()
    intent, step = reserved(lab, examined(lab))
    lab.target.strike(intent, step, 5.0)
    lab.cluster.remove("pods", "data", "etcd-1")
    scenarios.settle(lab.cluster)
    return lab, intent


def killed() -> tuple[EtcdLab, Intent]:
    """The process of ``cp-1`` was killed."""
    lab = stacked_lab(static=False)
    return lab, reserved(lab, examined(lab, "cp-1", helper=HELPER))[0]


def moved() -> tuple[EtcdLab, Intent]:
    """``etcd-0`` handed its role to ``etcd-1``."""
    lab = pods_lab()
    intent = reserved(lab, examined(lab, "etcd-0", **MOVE), Action.MOVE_LEADER)[0]
    lab.etcd.led_by = "a1"
    return lab, intent


WAYS = [(evicted, 1), (killed, 1), (moved, 0)]


def members(lab: EtcdLab) -> list[FakeMember]:
    return list(lab.etcd.members.values())


@pytest.mark.parametrize(("way", "number"), WAYS)
def test_back(way: Way, number: int) -> None:
    """Each says what it looks at, once."""
    lab, intent = way()
    back = judged(lab, intent)
    victim = members(lab)[number].listed()
    leader = next(one.listed() for one in members(lab) if one.id == lab.etcd.leader_id())
    assert back.whole
    assert back.detail == (
        f"{victim} answers and has caught up; etcd main: 3 of 3 voters healthy, {leader} leads"
    )


@pytest.mark.parametrize(("way", "number"), WAYS)
def test_another_member_is_ill(way: Way, number: int) -> None:
    """The victim is back; the guard says that the cluster is not whole, so the action is open."""
    lab, intent = way()
    members(lab)[2].up = False
    assert seen(lab, intent).whole
    both = judged(lab, intent)
    assert not both.whole
    assert f"{members(lab)[number].listed()} answers and has caught up" in both.detail
    assert "2 of 3 voters healthy" in both.detail


def down(member: FakeMember) -> None:
    member.up = False


def behind(member: FakeMember) -> None:
    member.applied = -5000


@pytest.mark.parametrize(("way", "number"), WAYS)
@pytest.mark.parametrize(
    ("ill", "detail"),
    [(down, "is not healthy: "), (behind, "is 6000 entries behind the leader")],
)
def test_the_victim_is_not_back(
    way: Way, number: int, ill: Callable[[FakeMember], None], detail: str
) -> None:
    """It does not answer, or has not caught up."""
    lab, intent = way()
    lab.etcd.leader_id()
    ill(members(lab)[number])
    found = seen(lab, intent)
    assert (found.whole, found.ready, found.desired) == (False, 0, 1)
    assert found.detail.startswith(f"{members(lab)[number].listed()} {detail}")


def test_nobody_leads() -> None:
    """A victim that answers may be behind by anything."""
    lab, intent = moved()
    for member in members(lab)[1:]:
        member.up = False
    assert not seen(lab, intent).whole


def test_nobody_answers() -> None:
    """Nor does the victim."""
    lab, intent = moved()
    for member in members(lab):
        member.up = False
    found = seen(lab, intent)
    assert not found.whole
    assert "connection refused" in found.detail


def test_a_pod_that_is_away() -> None:
    """Its member is known by its name."""
    lab, intent = evicted()
    lab.cluster.remove("pods", "data", "etcd-1")
    assert not seen(lab, intent).whole


@pytest.mark.parametrize(("way", "number"), WAYS)
def test_a_victim_that_was_removed(way: Way, number: int) -> None:
    """There is nothing to wait for; whether the others make a whole cluster, the guard says."""
    lab, intent = way()
    del lab.etcd.members[list(lab.etcd.members)[number]]
    if lab.declared[0].endpoints:
        left = tuple(member.client for member in members(lab))
        lab.declared = (msgspec.structs.replace(lab.declared[0], endpoints=left),)
        lab.clusters.learn(lab.configuration())
    found = seen(lab, intent)
    assert (found.whole, found.detail) == (True, f"{intent.victim} is no member any more")
    both = judged(lab, intent)
    assert (both.whole, "2 voters" in both.detail) == (False, True)


def test_a_cluster_that_is_not_declared_any_more() -> None:
    """It is said once, and the action is over."""
    lab, intent = moved()
    lab.declared = ()
    lab.clusters.learn(lab.configuration())
    both = judged(lab, intent)
    assert (both.closed, both.detail) == (True, "etcd main is not declared any more")
