"""Real clusters of etcd of another shape: learners, removed members, five members, a full one."""

from __future__ import annotations

import pytest

from chaosd.core.model import Code, Impact
from tests.etcd_members import EtcdCluster, Member
from tests.real.etcd_scene import KEY, EtcdScene, scene_of
from tests.support.waiting import until

SMALL = 2_000_000


def codes(scene: EtcdScene, *members: Member) -> dict[Code, str]:
    """What the guard says of striking these together."""
    return {reason.code: reason.detail for reason in scene.against(*members).reasons}


def test_a_learner_does_not_count_and_a_removed_member_does_not_answer_for_anybody() -> None:
    """A learner is never drawn and may be missed; promoted, it counts; removed, and cut off so that
    it doesn't hear of it, its process answers on, which is a no while it is declared."""
    with EtcdCluster(count=3) as cluster:
        learner = cluster.add_learner()
        cluster.wait_healthy()
        voters = cluster.members[:3]
        with scene_of(cluster) as scene:
            a_learner(scene, voters, learner)
        cluster.promote(learner)
        cluster.wait_healthy()
        with scene_of(cluster) as scene:
            four_voters(scene)
            learner.partition()
            cluster.remove(learner)
            assert learner.running
            a_removed_member(scene, learner)
        with scene_of(cluster) as scene:
            scene.allows()
        assert learner.running, "it answers still, and nobody asks it"


def a_learner(scene: EtcdScene, voters: list[Member], learner: Member) -> None:
    """Well, and then down."""
    scene.allows(learner)
    reasons = scene.inside()[f"main/{learner.name}"]
    assert [(one.code, one.detail) for one in reasons] == [
        (Code.ETCD_ROLE, f"{learner.name} ({learner.id}) is a learner, which has no vote")
    ]
    picture = scene.look()
    assert (len(picture.members), len(picture.voters), picture.margin) == (4, 3, 1)
    # With a voter it may go: one of three is lost.
    scene.allows_together(learner, voters[0])
    assert Code.ETCD_QUORUM in codes(scene, voters[0], voters[1], learner)
    learner.kill()
    for voter in voters:
        scene.allows_together(voter)
    learner.start()
    scene.etcd.wait_healthy()


def four_voters(scene: EtcdScene) -> None:
    """Their quorum is three: one may go, two may not."""
    scene.allows()
    one, two, *_ = scene.etcd.members
    words = "etcd main: 2 of 4 voters would be left healthy, and its quorum is 3"
    assert codes(scene, one, two) == {Code.ETCD_QUORUM: words}


def a_removed_member(scene: EtcdScene, removed: Member) -> None:
    """Declared still, it takes itself for a member of four that has no leader."""
    until(lambda: removed.leader_id() == "", removed.log)
    until(lambda: all(one.healthy() for one in scene.etcd.members))
    said = " ".join(codes(scene, scene.etcd.members[0]).values())
    assert f"{removed.name} ({scene.ids[removed.name]})" in said
    ended = scene.attempt()
    assert ended.result == "skipped"
    assert scene.strikes() == []


def test_a_full_database_and_its_alarm() -> None:
    """NOSPACE for real: nobody may go until somebody has made room and disarmed it."""
    with EtcdCluster(count=3, quota_bytes=SMALL) as cluster, scene_of(cluster) as scene:
        scene.allows()
        cluster.fill_quota()
        raised = {f"{int(one['memberID']):x}" for one in cluster.alarms()}
        detail = scene.refuses(Code.ETCD_ALARM, "etcd main: alarm NOSPACE on ")
        assert all(one in detail for one in raised)
        assert Code.ETCD_UNHEALTHY not in codes(scene, cluster.members[0]), "reads go on"
        moves = {reason.code for reason in scene.against_move().reasons}
        assert moves == {Code.ETCD_ALARM}
        cluster.make_room()
        scene.allows()


def test_five_members_can_miss_two_and_nobody_goes_while_one_is_down() -> None:
    """Two at once are within the quorum of healthy five; with one or two down, nobody goes."""
    with EtcdCluster(count=5) as cluster, scene_of(cluster) as scene:
        scene.allows()
        first, second, third, *_ = cluster.followers()
        scene.allows_together(first, second)
        assert scene.asked(Impact(machines=("node-0",))).locks == (KEY,)
        words = "etcd main: 2 of 5 voters would be left healthy, and its quorum is 3"
        assert codes(scene, first, second, third) == {Code.ETCD_QUORUM: words}
        first.kill()
        scene.refuses(Code.ETCD_UNHEALTHY, "4 of 5 voters healthy, not ", first.name)
        assert set(codes(scene, second)) == {Code.ETCD_UNHEALTHY}
        second.kill()
        scene.refuses(Code.ETCD_UNHEALTHY, "3 of 5 voters healthy, not ", first.name, second.name)
        assert codes(scene, third)[Code.ETCD_QUORUM] == words
        first.start()
        second.start()
        cluster.wait_healthy()
        scene.allows()


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_voters(count: int) -> None:
    """None of one or two can be missed."""
    with EtcdCluster(count=count) as cluster, scene_of(cluster) as scene:
        scene.refuses(Code.ETCD_FEW_VOTERS, f"{count} voters; with fewer than 3 none can be missed")
