"""The tests' own etcd clusters: what they claim to do to members really happens."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.etcd_members import EtcdCluster, Member
from tests.support.waiting import until

SMALL = 2_000_000


@pytest.fixture(scope="module")
def shared() -> Iterator[EtcdCluster]:
    """Three members for all tests that leave them as they were."""
    with EtcdCluster(count=3) as cluster:
        yield cluster


@pytest.fixture
def three(shared: EtcdCluster) -> EtcdCluster:
    """Three healthy members."""
    shared.wait_healthy()
    return shared


def put(cluster: EtcdCluster, member: Member, key: str) -> None:
    cluster.etcdctl("put", key, "there", member=member)


def alone(member: Member) -> bool:
    """Whether it knows no leader, and says so (it does answer)."""
    status = member.status()
    return "leader" not in status and "etcdserver: no leader" in status["errors"]


def test_three_members_are_healthy_and_known_to_each_other(three: EtcdCluster) -> None:
    """Each has its own ID, all have one leader, and what one is told the others know."""
    assert len({member.id for member in three.members}) == 3
    listed = three.etcdctl("member", "list")
    assert all(member.id in listed and member.peer_url in listed for member in three.members)
    put(three, three.members[0], "greeting")
    assert [three.etcdctl("get", "greeting", member=one) for one in three.members] == [
        "greeting\nthere\n"
    ] * 3


def test_a_killed_leader_is_replaced_and_comes_back_on_its_data(three: EtcdCluster) -> None:
    """The other two elect another leader and go on; the killed one is the same member again."""
    put(three, three.members[0], "before")
    leader = three.leader()
    identity, pid = leader.id, leader.pid
    leader.kill()
    assert not leader.running
    assert three.leader() is not leader
    others = [one for one in three.members if one is not leader]
    until(lambda: all(one.healthy() for one in others))
    put(three, others[0], "meanwhile")
    leader.start()
    three.wait_healthy()
    assert leader.pid != pid
    assert leader.status()["header"]["member_id"] == str(int(identity, 16))
    for key in ("before", "meanwhile"):
        assert three.etcdctl("get", key, "--consistency=s", member=leader) == f"{key}\nthere\n"


@pytest.mark.parametrize("leads", [True, False])
def test_a_member_that_is_cut_off_has_no_leader_and_the_others_go_on(
    three: EtcdCluster, leads: bool
) -> None:
    """Both ways, the leader as well as a follower; healed, it takes part again."""
    cut = three.leader() if leads else three.followers()[0]
    others = [one for one in three.members if one is not cut]
    cut.partition()
    until(lambda: alone(cut), cut.log)
    until(lambda: all(one.healthy() for one in others), cut.log)
    assert not cut.healthy()
    key = f"without-it/{leads}"
    put(three, others[0], key)
    seen = three.etcdctl("get", key, "--consistency=s", member=cut)
    assert seen == ""
    assert alone(cut), "it is still alone"
    cut.heal()
    three.wait_healthy()
    assert three.etcdctl("get", key, "--consistency=s", member=cut) != ""


def test_a_member_that_hears_of_nobody_but_is_down_meanwhile_stays_cut_off(
    three: EtcdCluster,
) -> None:
    """A partition is of the member, not of its process: a restart does not end it."""
    cut = three.followers()[0]
    cut.partition()
    cut.restart()
    until(lambda: three.leader().healthy())
    put(three, three.leader(), "unheard")
    # Without the others it can't even join: it answers nothing, or knows no leader.
    assert cut.leader_id() == ""
    cut.heal()
    three.wait_healthy()


def test_a_paused_member_lags_and_catches_up(three: EtcdCluster) -> None:
    """It answers nothing while the others go on, and then has what they have."""
    paused = three.followers()[0]
    before = int(paused.status()["raftIndex"])
    paused.pause()
    for number in range(20):
        put(three, three.leader(), f"lag/{number}")
    with pytest.raises(httpx.TimeoutException):
        paused.status()
    paused.resume()
    three.wait_healthy()
    assert int(paused.status()["raftAppliedIndex"]) >= before + 20


def test_a_stopped_member_ends_by_itself(three: EtcdCluster) -> None:
    """SIGTERM, also when it is paused."""
    stopped = three.followers()[0]
    stopped.pause()
    stopped.stop()
    assert not stopped.running
    stopped.start()
    three.wait_healthy()


def test_an_expired_and_a_foreign_certificate_are_refused(three: EtcdCluster) -> None:
    """And so is no certificate, by etcdctl and over HTTP; one of the authority is fine."""
    fine = three.other_client_cert()
    assert "is healthy" in three.etcdctl("endpoint", "health", tls=fine)
    for files in (
        three.other_client_cert(expired=True),
        three.other_client_cert(foreign=True),
    ):
        with pytest.raises(subprocess.CalledProcessError):
            three.etcdctl("--command-timeout=2s", "get", "x", tls=files)
        with three.client(files) as client, pytest.raises(httpx.HTTPError):
            client.get(f"{three.members[0].client_url}/health")


def test_a_rotated_certificate_is_used_from_then_on(three: EtcdCluster) -> None:
    """The same files hold another certificate; an expired one is refused, the next one is not."""
    assert three.tls is not None
    before = three.tls.cert.read_bytes()
    three.rotate_client_cert()
    assert three.tls.cert.read_bytes() != before
    assert three.members[0].healthy()
    three.rotate_client_cert(expired=True)
    assert not three.members[0].healthy()
    three.rotate_client_cert()
    assert three.members[0].healthy()


def test_a_learner_joins_does_not_vote_and_is_promoted_and_removed() -> None:
    """A removed member's process ends, and the others don't know it any more."""
    with EtcdCluster(count=3, name="grows") as cluster:
        learner = cluster.add_learner()
        cluster.wait_healthy()
        assert learner.status()["isLearner"] is True
        assert learner.name in cluster.etcdctl("member", "list", member=cluster.leader())
        cluster.promote(learner)
        cluster.wait_healthy()
        assert "isLearner" not in learner.status()
        cluster.remove(learner)
        until(lambda: not learner.running, learner.log)
        assert cluster.removed == [learner]
        assert learner.id not in cluster.etcdctl("member", "list")
        cluster.wait_healthy()


def test_a_full_database_raises_the_alarm_for_real_and_is_emptied() -> None:
    """NOSPACE: writes are refused and no member is healthy, until somebody makes room."""
    with EtcdCluster(count=3, tls=False, quota_bytes=SMALL, name="small") as cluster:
        assert cluster.alarms() == []
        cluster.fill_quota()
        assert {one["alarm"] for one in cluster.alarms()} == {"NOSPACE"}
        assert not any(one.healthy() for one in cluster.members)
        cluster.make_room()
        assert cluster.alarms() == []
        put(cluster, cluster.members[0], "room")


def test_two_clusters_can_share_who_they_trust_and_nothing_else() -> None:
    """The client of one may ask the other, which is another cluster."""
    with (
        EtcdCluster(count=1, name="one") as one,
        EtcdCluster(count=1, name="two", authority=one.authority) as two,
    ):
        with one.client() as client:
            answer = client.post(f"{two.members[0].client_url}/v3/cluster/member/list", json={})
        clusters = [cluster.members[0].status()["header"]["cluster_id"] for cluster in (one, two)]
        assert answer.json()["header"]["cluster_id"] == clusters[1] != clusters[0]


KILLED = """
    import os, signal
    from tests.etcd_members import EtcdCluster
    with EtcdCluster(count=1, tls=False) as cluster:
        cluster.members[0].pause()
        print(cluster.members[0].pid, cluster.folder, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_nothing_outlives_tests_that_are_killed() -> None:
    """Not even a paused member, nor its data."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    pid, folder = done.stdout.split()
    until(lambda: not Path(f"/proc/{pid}").exists() or "(etcd) Z" in _stat(pid))
    until(lambda: not Path(folder).exists())


def _stat(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
