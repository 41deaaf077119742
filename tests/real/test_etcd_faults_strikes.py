"""Strikes on real members of etcd: whole attempts, and what others do between guard and strike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chaosd.core.ledger import StepState
from chaosd.core.model import Code
from chaosd.engine.attempt import Ended
from tests.engine.process import Hook
from tests.engine.scene import LEDGER
from tests.engine.test_etcd_review import Between
from tests.etcd_members import EtcdCluster, Member
from tests.real.etcd_scene import KEY, EtcdScene, mend, pids, pod_of, scene_of
from tests.support.waiting import until

RESERVATION = f"PATCH {LEDGER}"


@pytest.fixture(scope="module")
def shared() -> Iterator[EtcdCluster]:
    """Three members; every test leaves them healthy."""
    with EtcdCluster(count=3) as cluster:
        yield cluster


@pytest.fixture
def etcd(shared: EtcdCluster) -> Iterator[EtcdCluster]:
    """Three healthy members."""
    shared.wait_healthy()
    yield shared
    mend(shared)


def move_leader(etcd: EtcdCluster) -> Member:
    """Somebody else has the leader hand over; returns who leads now."""
    before = etcd.leader()
    heir = etcd.followers()[0]
    etcd.etcdctl("move-leader", heir.id, member=before)
    until(lambda: all(one.leader_id() == heir.id for one in etcd.members))
    return heir


@contextmanager
def hooked(etcd: EtcdCluster, do: Callable[[], object], **options: Any) -> Iterator[EtcdScene]:
    """A scene in which something is done once, when the next intent is being reserved."""
    hook = Hook(RESERVATION, do, nth=0)
    with scene_of(etcd, through=hook, **options) as scene:
        hook.left = 1
        yield scene
        assert hook.left == 0


def outcome(scene: EtcdScene, ended: Ended) -> tuple[StepState | None, str]:
    """What became of the attempt's one step, by the ledger."""
    [step] = scene.intent(ended).steps
    return step.state, step.detail


def recover(scene: EtcdScene) -> None:
    """The pod comes back, the members are well, and the observer sees it."""
    scene.scene.run(5)
    scene.etcd.wait_healthy()
    scene.scene.run(30)


@pytest.mark.parametrize("name", ["kill", "leader", "follower"])
def test_a_member_is_killed_and_comes_back(etcd: EtcdCluster, name: str) -> None:
    """One pod is evicted, its process ends for real, the two others serve on, and it recovers."""
    before, leader = pids(etcd), etcd.leader()
    with scene_of(etcd) as scene:
        ended = scene.attempt(name)
        assert ended.result == "killed", ended
        [path] = scene.strikes()
        assert path.endswith("/eviction")
        intent = scene.intent(ended)
        [struck] = [one for one in etcd.members if pod_of(one) == intent.victim.path]
        assert {"kill": True, "leader": struck is leader, "follower": struck is not leader}[name]
        assert KEY in intent.locks
        recover(scene)
        after = pids(etcd)
        changed = [member for member in before if after[member] != before[member]]
        assert changed == [struck.name]
        assert scene.process.tape.verdicts == [(intent.id, "recovered")]
        events = scene.scene.events("ChaosRecovered")
        assert {one["involvedObject"]["kind"] for one in events} == {"Etcd", "StatefulSet"}
        assert all(f"pod {intent.victim.path} was " in one["message"] for one in events)
        scene.allows()


def test_an_intent_is_held_until_every_voter_is_healthy(etcd: EtcdCluster) -> None:
    """Its own victim is back, another member is down: nobody else goes, and it is not over."""
    with scene_of(etcd) as scene:
        ended = scene.attempt("follower")
        intent = scene.intent(ended)
        other = next(one for one in etcd.members if pod_of(one) != intent.victim.path)
        other.kill()
        assert len(scene.strikes()) == 1
        scene.scene.run(5)
        rest = [one for one in etcd.members if one is not other]
        etcd.wait_healthy(rest)
        scene.scene.run(30)
        assert scene.process.tape.verdicts == []
        again = scene.attempt("follower")
        assert again.result == "skipped"
        assert scene.strikes() == []
        other.start()
        recover(scene)
        assert scene.process.tape.verdicts == [(intent.id, "recovered")]


def test_a_member_falls_between_the_reservation_and_the_strike(etcd: EtcdCluster) -> None:
    """The guard is asked again at the last moment: the strike is not sent."""
    leader, (down, _) = etcd.leader(), etcd.followers()
    with hooked(etcd, down.kill) as scene:
        before = pids(etcd)
        ended = scene.attempt("leader")
        state, detail = outcome(scene, ended)
        assert state is StepState.REFUSED
        assert detail.startswith("not sent: etcdUnhealthy: etcd main: 2 of 3 voters healthy, not ")
        assert scene.strikes() == []
        assert pids(etcd) == {name: pid for name, pid in before.items() if name != down.name}
    assert leader.running
    down.start()


def test_the_leader_hands_over_before_its_kill_is_reserved(etcd: EtcdCluster) -> None:
    """Drawn as the leader, it leads no more when it is looked at again: it is left alone."""
    moved: list[Member] = []

    def before(what: str, endpoint: str) -> None:
        looks.append(endpoint)
        if len(looks) == len(etcd.members) + 1:
            moved.append(move_leader(etcd))

    looks: list[str] = []
    with scene_of(etcd, before=before) as scene:
        processes = pids(etcd)
        ended = scene.attempt("leader")
        assert ended.result == "skipped"
        [role] = [one for one in ended.reasons if one.code is Code.ETCD_ROLE][-1:]
        assert role.detail == (
            f"only the leader is chosen, and {moved[0].name} ({moved[0].id}) leads"
        )
        assert (scene.strikes(), pids(etcd)) == ([], processes)


def test_the_leader_hands_over_after_its_kill_was_reserved(etcd: EtcdCluster) -> None:
    """It leads no more when it is looked at right before the strike: nobody is killed."""
    drawn = etcd.leader()
    with hooked(etcd, lambda: move_leader(etcd)) as scene:
        before = pids(etcd)
        ended = scene.attempt("leader")
        intent = scene.intent(ended)
        assert intent.victim.path == pod_of(drawn)
        state, detail = outcome(scene, ended)
        assert state is StepState.REFUSED
        assert "etcdRole: etcd main: only the leader is chosen, and " in detail
        assert (scene.strikes(), pids(etcd)) == ([], before)


def test_a_follower_leads_after_its_kill_was_reserved(etcd: EtcdCluster) -> None:
    """A policy that spares the leader spares the new one, too."""

    def lead() -> None:
        [intent] = scene.scene.ledger().intents.values()
        heir = next(one for one in etcd.members if pod_of(one) == intent.victim.path)
        etcd.etcdctl("move-leader", heir.id, member=etcd.leader())
        until(lambda: all(one.leader_id() == heir.id for one in etcd.members))

    with scene_of(etcd) as scene:
        before = pids(etcd)
        Between(scene.process, lead)
        ended = scene.attempt("follower")
        state, detail = outcome(scene, ended)
        assert state is StepState.REFUSED
        assert "etcdRole: etcd main: only followers are chosen, and " in detail
        assert (scene.strikes(), pids(etcd)) == ([], before)


def test_a_leader_hands_over(etcd: EtcdCluster) -> None:
    """To a follower: no process ends, nothing is asked of the API server, and it recovers."""
    before, leader = pids(etcd), etcd.leader()
    with scene_of(etcd) as scene:
        ended = scene.attempt("move")
        assert ended.result == "killed", ended
        state, detail = outcome(scene, ended)
        heir = etcd.leader()
        assert heir is not leader
        assert state is StepState.KILLED
        assert detail == f"{leader.name} ({leader.id}) handed its role to {heir.name} ({heir.id})"
        scene.scene.run(30)
        assert scene.process.tape.verdicts == [(scene.intent(ended).id, "recovered")]
        assert (scene.strikes(), pids(etcd)) == ([], before)


def test_another_leader_before_the_handing_over_is_sent(etcd: EtcdCluster) -> None:
    """It is not sent: the leader that was reserved leads no more."""
    moves: list[str] = []

    def before(what: str, endpoint: str) -> None:
        moves.extend([endpoint] if what == "move" else [])

    with hooked(etcd, lambda: move_leader(etcd), before=before) as scene:
        ended = scene.attempt("move")
        leader = etcd.leader()
        who = f"{leader.name} ({leader.id}) leads"
        assert outcome(scene, ended) == (
            StepState.REFUSED,
            f"not sent: etcdRole: etcd main: only the leader is chosen, and {who}",
        )
        assert moves == []
        assert etcd.leader() is leader


def test_another_leader_at_the_moment_of_the_handing_over(etcd: EtcdCluster) -> None:
    """etcd itself refuses it, "not leader", and nothing else is sent: that leader stays."""
    moves: list[str] = []
    leads: list[Member] = []

    def before(what: str, endpoint: str) -> None:
        if what == "move":
            moves.append(endpoint)
            leads.append(move_leader(etcd))

    with scene_of(etcd, before=before) as scene:
        ended = scene.attempt("move")
        state, detail = outcome(scene, ended)
        assert state is StepState.REFUSED
        assert "not leader" in detail
        assert len(moves) == 1
        scene.scene.run(30)
        assert (len(moves), etcd.leader()) == (1, leads[0])
        assert scene.strikes() == []
