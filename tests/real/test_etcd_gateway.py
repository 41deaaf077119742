"""The adapter of etcd against real members with TLS, and what goes wrong with them."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from urllib.parse import urlsplit

import pytest

from chaosd.calls import Answered, CallFailed, NotSent, ServerFault, Unanswered
from chaosd.core.etcd_answers import Looked
from chaosd.core.etcd_model import EtcdCluster as Declared
from chaosd.core.etcd_model import EtcdTls
from chaosd.etcd.gateway import HttpGateway
from tests.etcd_members import EtcdCluster, Member, Tls
from tests.support.waiting import until

PATIENT = 30.0
SMALL = 2_000_000


@pytest.fixture(scope="module")
def shared() -> Iterator[EtcdCluster]:
    """Three members with TLS for all tests that leave them as they were."""
    with EtcdCluster(count=3) as cluster:
        yield cluster


@pytest.fixture
def three(shared: EtcdCluster) -> EtcdCluster:
    """Three healthy members."""
    shared.wait_healthy()
    return shared


@pytest.fixture
def gateway() -> Iterator[HttpGateway]:
    with closing(HttpGateway()) as gateway:
        yield gateway


def declared(cluster: EtcdCluster, tls: Tls | None = None) -> Declared:
    """As a configuration would, with the client's files or others."""
    files = tls or cluster.tls
    told = EtcdTls(str(files.ca), str(files.cert), str(files.key)) if files else None
    return Declared(cluster.name, endpoints=tuple(cluster.endpoints), tls=told)


def look(gateway: HttpGateway, cluster: EtcdCluster, member: Member) -> Looked:
    return gateway.look(declared(cluster), member.client_url, PATIENT)


def test_each_member_tells_what_etcdctl_tells(gateway: HttpGateway, three: EtcdCluster) -> None:
    """Ids, names, URLs, leader, indexes, sizes: by the two ways the same."""
    listed = json.loads(three.etcdctl("member", "list", "-w", "json"))["members"]
    ids = sorted(f"{one['ID']:x}" for one in listed)
    leader = three.leader()
    for member in three.members:
        own, others = (looked := look(gateway, three, member)).member, looked.listed
        status = member.status()
        assert (own.id, own.name, own.endpoint) == (member.id, member.name, member.client_url)
        assert own.peer_urls == (member.peer_url,)
        assert own.client_urls == (member.client_url,)
        assert own.healthy, own.error
        assert (own.leader, own.learner, own.alarms) == (leader.id, False, ())
        assert own.cluster_id == f"{int(status['header']['cluster_id']):x}"
        assert own.term == int(status["raftTerm"])
        assert 0 < own.applied <= int(status["raftAppliedIndex"])
        assert own.version == status["version"]
        assert 0 < own.in_use <= own.size
        assert own.known == tuple(ids)
        assert {one.id: one.name for one in others} == {one.id: one.name for one in three.members}
        gateway.read(declared(three), member.client_url, PATIENT)
        assert gateway.leader(declared(three), member.client_url, PATIENT) == leader.id


def test_the_leader_moves_and_only_the_leader_can_do_it(
    gateway: HttpGateway, three: EtcdCluster
) -> None:
    """A follower answers that it is none; so does a leader that is told to hand over to nobody."""
    leader, (follower, other) = three.leader(), three.followers()
    cluster = declared(three)
    with pytest.raises(Answered, match="not leader") as refused:
        gateway.move_leader(cluster, follower.client_url, other.id, PATIENT)
    assert not isinstance(refused.value, ServerFault)
    with pytest.raises(Answered, match="bad leader transferee"):
        gateway.move_leader(cluster, leader.client_url, "abcdef", PATIENT)
    assert gateway.leader(cluster, leader.client_url, PATIENT) == leader.id
    gateway.move_leader(cluster, leader.client_url, follower.id, PATIENT)
    assert gateway.leader(cluster, follower.client_url, PATIENT) == follower.id
    assert three.leader() is follower


def test_a_member_without_quorum_is_not_healthy(gateway: HttpGateway, three: EtcdCluster) -> None:
    """Cut off from the others it answers still, and serves no read; they do."""
    cut = three.leader()
    cut.partition()
    try:
        alone = until(lambda: _unhealthy(gateway, three, cut), cut.log)
        assert alone.member.id == cut.id
        assert len(alone.listed) == 3
        with pytest.raises(CallFailed):
            gateway.read(declared(three), cut.client_url, 2.0)
        until(lambda: gateway.leader(declared(three), cut.client_url, PATIENT) == "", cut.log)
        assert "RAFT NO LEADER" in look(gateway, three, cut).member.error
        for other in three.members:
            if other is not cut:
                until(lambda: look(gateway, three, other).member.healthy, other.log)  # noqa: B023
    finally:
        cut.heal()
    three.wait_healthy()
    assert look(gateway, three, cut).member.healthy


def _unhealthy(gateway: HttpGateway, cluster: EtcdCluster, member: Member) -> Looked | None:
    """What it says with no more than a few seconds for it, once it isn't healthy."""
    looked = gateway.look(declared(cluster), member.client_url, 3.0)
    return None if looked.member.healthy else looked


def test_a_frozen_member_is_given_up_in_time(gateway: HttpGateway, three: EtcdCluster) -> None:
    """On a kept connection and on a new one; thawed, it answers again."""
    frozen = three.followers()[0]
    look(gateway, three, frozen)
    frozen.pause()
    try:
        for _ in range(2):
            with pytest.raises(CallFailed, match="in time"):
                gateway.look(declared(three), frozen.client_url, 0.5)
        with pytest.raises(CallFailed, match="in time"):
            gateway.move_leader(declared(three), frozen.client_url, three.members[0].id, 0.5)
    finally:
        frozen.resume()
    three.wait_healthy()
    assert look(gateway, three, frozen).member.healthy


def test_a_member_that_is_down_is_told_and_found_again(
    gateway: HttpGateway, three: EtcdCluster
) -> None:
    """Nothing is sent to a closed port; a restarted member is asked on a new connection."""
    down = three.followers()[0]
    look(gateway, three, down)
    down.kill()
    with pytest.raises(NotSent, match=f"{down.client_url}: Connection refused"):
        look(gateway, three, down)
    down.start()
    three.wait_healthy()
    assert look(gateway, three, down).member.healthy


def test_other_certificates_are_told(gateway: HttpGateway, three: EtcdCluster) -> None:
    """Expired: by us, before anything is sent. Foreign, or none: by the member."""
    url = three.members[0].client_url
    expired, foreign = three.other_client_cert(expired=True), three.other_client_cert(foreign=True)
    with pytest.raises(NotSent, match=f"{expired.cert} expired"):
        gateway.read(declared(three, expired), url, PATIENT)
    with pytest.raises(Unanswered, match="it refuses our certificate"):
        gateway.read(declared(three, foreign), url, PATIENT)
    with pytest.raises(Unanswered, match="it refuses our certificate"):
        gateway.read(Declared("main", tls=EtcdTls(str(foreign.ca))), url, PATIENT)
    with pytest.raises(NotSent, match="its certificate is not trusted"):
        gateway.read(Declared("main", tls=EtcdTls()), url, PATIENT)
    assert three.tls is not None
    named = EtcdTls(str(three.tls.ca), str(three.tls.cert), str(three.tls.key), "example.com")
    with pytest.raises(NotSent, match="its certificate is not trusted"):
        gateway.read(Declared("main", tls=named), url, PATIENT)
    with pytest.raises(Unanswered):
        gateway.read(declared(three), url.replace("https:", "http:"), PATIENT)


def test_a_rotated_certificate_is_used_from_then_on(
    gateway: HttpGateway, three: EtcdCluster
) -> None:
    """The files are read again; an expired one is told, and the next is good."""
    url = three.members[0].client_url
    gateway.read(declared(three), url, PATIENT)
    three.rotate_client_cert()
    gateway.read(declared(three), url, PATIENT)
    three.rotate_client_cert(expired=True)
    with pytest.raises(NotSent, match="expired"):
        gateway.read(declared(three), url, PATIENT)
    three.rotate_client_cert()
    gateway.read(declared(three), url, PATIENT)


@contextmanager
def cutting(url: str, after: int) -> Iterator[str]:
    """A way to ``url`` that ends after so many bytes have come back."""
    target = urlsplit(url)
    assert target.port is not None
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        there = stack.enter_context(socket.create_connection(("127.0.0.1", target.port)))

        def forth(near: socket.socket) -> None:
            with suppress(OSError):
                while data := near.recv(65_536):
                    there.sendall(data)
                there.shutdown(socket.SHUT_WR)

        def serve() -> None:
            near, _ = server.accept()
            with near, suppress(OSError):
                sending = threading.Thread(target=forth, args=(near,))
                sending.start()
                left = after
                while left > 0 and (data := there.recv(min(65_536, left))):
                    near.sendall(data)
                    left -= len(data)
                for one in (near, there):
                    one.shutdown(socket.SHUT_RDWR)
                sending.join()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"{target.scheme}://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_a_snapshot_of_a_real_database_is_checked(gateway: HttpGateway, three: EtcdCluster) -> None:
    """It is good as it is, and not when the way breaks off."""
    for number in range(12):
        three.etcdctl("put", f"large/{number}", "x" * 100_000)
    member = three.leader()
    checked = gateway.check_snapshot(declared(three), member.client_url, PATIENT)
    assert checked.size == int(member.status()["dbSize"]) > 1_000_000
    for after in (500_000, 1_000_000):
        with (
            cutting(member.client_url, after) as url,
            pytest.raises(CallFailed, match=f"{url}: "),
        ):
            gateway.check_snapshot(declared(three), url, PATIENT)
    with cutting(member.client_url, 1 << 30) as url:
        assert gateway.check_snapshot(declared(three), url, PATIENT).size == checked.size
        gateway.close()


def test_a_learner_is_told_as_one() -> None:
    """It refuses to list members; the others list it, and it can't be made leader."""
    with EtcdCluster(count=3, name="grows") as cluster, closing(HttpGateway()) as gateway:
        learner = cluster.add_learner()
        cluster.wait_healthy()
        own = look(gateway, cluster, learner)
        assert own.member.learner
        assert own.member.healthy, own.member.error
        assert own.member.id == learner.id
        assert own.member.leader == cluster.leader().id
        assert (own.member.known, own.listed) == ((), ())
        seen = look(gateway, cluster, cluster.members[0])
        assert f"{learner.id} (learner)" in seen.member.known
        assert [one.learner for one in seen.listed if one.id == learner.id] == [True]
        leader = cluster.leader()
        with pytest.raises(Answered, match="bad leader transferee"):
            gateway.move_leader(declared(cluster), leader.client_url, learner.id, PATIENT)
        # That alone it gives to everybody.
        assert gateway.check_snapshot(declared(cluster), learner.client_url, PATIENT).size > 0


def test_a_full_database_is_an_alarm_and_no_illness() -> None:
    """NOSPACE, raised for real: on the member that raised it; reads go on meanwhile."""
    with (
        EtcdCluster(count=3, quota_bytes=SMALL, name="small") as cluster,
        closing(HttpGateway()) as gateway,
    ):
        cluster.fill_quota()
        raised = {f"{int(one['memberID']):x}" for one in cluster.alarms()}
        told = [look(gateway, cluster, member).member for member in cluster.members]
        assert {one.id for one in told if one.alarms == ("NOSPACE",)} == raised
        assert {one.alarms for one in told if one.id not in raised} <= {()}
        assert [one.error for one in told] == ["", "", ""]
        cluster.make_room()
        assert not any(look(gateway, cluster, member).member.alarms for member in cluster.members)
