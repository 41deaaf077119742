"""What can go wrong with real members of etcd: chaosd says no, and why, until it is well again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosd.core.model import Code, Impact
from chaosd.core.quorum import MOST_LAG
from tests.etcd_members import Authority, EtcdCluster, Member, Tls
from tests.real.etcd_scene import EtcdScene, mend, pod_of, scene_of
from tests.support.waiting import until


@pytest.fixture(scope="module")
def shared() -> Iterator[EtcdCluster]:
    """Three members for all tests that leave them as they were."""
    with EtcdCluster(count=3) as cluster:
        yield cluster


@pytest.fixture
def three(shared: EtcdCluster) -> Iterator[EtcdScene]:
    """Three healthy members in pods, of which any one may be struck."""
    shared.wait_healthy()
    with scene_of(shared) as scene:
        scene.allows()
        try:
            yield scene
        finally:
            mend(shared)


def codes(scene: EtcdScene, *members: Member) -> dict[Code, str]:
    """What the guard says of striking these together."""
    return {reason.code: reason.detail for reason in scene.against(*members).reasons}


def healed(scene: EtcdScene) -> None:
    """Once the members are well again, any one may be struck."""
    scene.etcd.wait_healthy()
    scene.allows()


def test_two_at_once_are_one_too_many(three: EtcdScene) -> None:
    """Of three healthy members; and so is a node that two of them are on."""
    one, two, _ = three.etcd.members
    words = "etcd main: 1 of 3 voters would be left healthy, and its quorum is 2"
    assert codes(three, one, two) == {Code.ETCD_QUORUM: words}
    said = three.asked(Impact(machines=("node-0", "node-1")))
    assert [reason.detail for reason in said.reasons] == [words]


def test_a_member_that_is_down_already(three: EtcdScene) -> None:
    """Nobody else may go, nor the one that is down; with it back, each may."""
    down, standing = three.etcd.followers()
    down.kill()
    three.refuses(
        Code.ETCD_UNHEALTHY,
        f"2 of 3 voters healthy, not {down.name} ({three.ids[down.name]}): {down.client_url}: ",
        "Connection refused",
    )
    assert codes(three, standing)[Code.ETCD_QUORUM] == (
        "etcd main: 1 of 3 voters would be left healthy, and its quorum is 2"
    )
    assert Code.ETCD_QUORUM not in codes(three, down), "it takes nothing more"
    assert three.against_move().reasons != ()
    down.start()
    healed(three)


def test_two_members_are_down(three: EtcdScene) -> None:
    """The cluster does not work: nobody is healthy, and nobody leads."""
    one, two = three.etcd.followers()
    last = three.etcd.leader()
    one.kill()
    two.kill()
    until(lambda: last.leader_id() == "", last.log)
    three.refuses(Code.ETCD_UNHEALTHY, "0 of 3 voters healthy", one.name, two.name, asked=[last])
    assert "nobody names a leader" in codes(three, last)[Code.ETCD_NO_LEADER]
    one.start()
    two.start()
    healed(three)


@pytest.mark.parametrize("leads", [True, False])
def test_a_member_that_is_cut_off_from_the_others(three: EtcdScene, leads: bool) -> None:
    """It answers chaosd still, and knows no leader: 2 of 3 are healthy, from the first look on."""
    cut = three.etcd.leader() if leads else three.etcd.followers()[0]
    others = [one for one in three.etcd.members if one is not cut]
    cut.partition()
    assert codes(three, others[0]) != {}
    until(lambda: cut.leader_id() == "", cut.log)
    until(lambda: all(one.healthy() for one in others), cut.log)
    three.refuses(
        Code.ETCD_UNHEALTHY,
        f"2 of 3 voters healthy, not {cut.name} ({cut.id}): ",
        "no linearizable read: RAFT NO LEADER",
        asked=[cut, others[0]],
    )
    cut.heal()
    healed(three)


def test_a_member_that_is_stopped_and_lags(three: EtcdScene) -> None:
    """SIGSTOP: its connections stay, it answers nothing, and each look at it ends in time."""
    paused = three.etcd.followers()[0]
    paused.pause()
    write(three.etcd, MOST_LAG + 200)
    three.refuses(
        Code.ETCD_UNHEALTHY,
        f"2 of 3 voters healthy, not {paused.name} ({three.ids[paused.name]}): ",
        "no whole answer in time",
        asked=[three.etcd.leader()],
    )
    paused.resume()
    healed(three)


def test_a_member_that_lags_by_more_than_is_allowed(shared: EtcdCluster) -> None:
    """All are healthy, and one has applied 1,000 entries less than the leader: none may go."""
    shared.wait_healthy()
    leader = shared.leader()
    followers = shared.followers()

    # Many entries are written after the followers have answered, and before the leader does.
    busy = [MOST_LAG + 1]

    def before(what: str, endpoint: str) -> None:
        if what == "look" and endpoint == leader.client_url:
            write(shared, sum(busy))

    order = [one.client_url for one in (*followers, leader)]
    with scene_of(shared, endpoints=order, before=before) as scene:
        detail = scene.refuses(
            Code.ETCD_LAG,
            *(f"{one.name} ({one.id}) by 1" for one in followers),
            "entries behind the leader; 1000 is the most allowed",
            asked=[followers[0]],
        )
        assert "etcd main: " in detail
        busy.clear()
        healed(scene)


def test_a_certificate_that_has_expired_and_one_that_comes_after_it(three: EtcdScene) -> None:
    """The files are read again: with an expired one nobody is asked, with the next one all are."""
    files = three.etcd.tls
    assert files is not None
    three.etcd.rotate_client_cert(expired=True)
    three.refuses(Code.ETCD_UNREADABLE, f"the certificate in {files.cert} expired at 20")
    three.etcd.rotate_client_cert()
    healed(three)
    three.etcd.rotate_client_cert()
    healed(three)


def test_a_certificate_of_a_stranger(shared: EtcdCluster) -> None:
    """The members refuse it, and that is said of each."""
    with scene_of(shared, tls=shared.other_client_cert(foreign=True)) as scene:
        detail = scene.refuses(Code.ETCD_UNREADABLE, "it refuses our certificate: ")
        assert detail.startswith("etcd main: ")


def test_members_of_an_authority_that_nobody_trusts(shared: EtcdCluster, tmp_path: Path) -> None:
    """Whoever answers with such a certificate is not asked."""
    files = shared.tls
    assert files is not None
    wrong = Tls(Authority(tmp_path, "wrong").ca, files.cert, files.key)
    with scene_of(shared, tls=wrong) as scene:
        scene.refuses(Code.ETCD_UNREADABLE, "its certificate is not trusted: ")


def test_an_endpoint_of_another_cluster(shared: EtcdCluster) -> None:
    """Whose certificate is as good; its member is none of this one. Without it, all is well."""
    with EtcdCluster(count=1, name="other", authority=shared.authority) as other:
        stranger = other.members[0]
        endpoints = [*shared.endpoints, stranger.client_url]
        with scene_of(shared, endpoints=endpoints) as scene:
            ours, theirs = (
                f"{int(one.status()['header']['cluster_id']):x}"
                for one in (shared.members[0], stranger)
            )
            scene.refuses(
                Code.ETCD_UNREADABLE,
                f"{stranger.client_url} is of another cluster ({theirs}) than the others ({ours})",
            )
            assert {member.name for member in scene.look().members} == set(scene.ids)
        # One of its own endpoints suffices, and the stranger is none.
        with scene_of(shared, endpoints=shared.endpoints[:1]) as scene:
            scene.allows()


def test_an_endpoint_of_another_cluster_instead_of_a_member(shared: EtcdCluster) -> None:
    """The member that it stood for is asked at its own URL; the endpoint is wrong all the same."""
    with EtcdCluster(count=1, name="other", authority=shared.authority) as other:
        endpoints = [*shared.endpoints[:2], other.members[0].client_url]
        with scene_of(shared, endpoints=endpoints) as scene:
            scene.refuses(Code.ETCD_UNREADABLE, "is of another cluster (")
            assert [member.error for member in scene.look().members] == ["", "", ""]


def test_a_pod_is_the_member_of_its_own_urls(three: EtcdScene) -> None:
    """All have one address: which pod is which member is told by their command lines."""
    found = {member.name: member.pod for member in three.look().members}
    assert found == {member.name: pod_of(member) for member in three.etcd.members}


def write(cluster: EtcdCluster, entries: int) -> None:
    """So many entries of the log, through the leader."""
    leader = cluster.leader()
    with cluster.client() as client:
        for _ in range(entries):
            answer = client.post(
                f"{leader.client_url}/v3/kv/put", json={"key": "bGFn", "value": "bGFn"}
            )
            answer.raise_for_status()
