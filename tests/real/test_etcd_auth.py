"""Real members with etcd's own authentication on: who may ask for what, and how tokens end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import msgspec
import pytest

from chaosd.calls import Answered, Forbidden, NotSent, Unanswered
from chaosd.core.etcd_model import EtcdAuth, EtcdTls
from chaosd.core.etcd_model import EtcdCluster as Declared
from chaosd.etcd.gateway import HttpGateway
from tests.etcd_members import EtcdCluster, Member
from tests.support.waiting import until

PATIENT = 30.0
FORBIDDEN = 403
USERS = {"root": "correct horse", "operator": "battery", "plain": "staple", "bare": "s"}


@pytest.fixture(scope="module")
def guarded() -> Iterator[EtcdCluster]:
    """Three members that don't take a client's certificate for a user, and want one signed in:
    root; operator, which has the role root too; plain, which may read a range of keys; bare, which
    may do nothing."""
    flags = ["--client-cert-auth=false", "--bcrypt-cost=4"]
    with EtcdCluster(count=3, name="auth", flags=flags) as cluster:
        for name, password in USERS.items():
            cluster.etcdctl("user", "add", f"{name}:{password}")
        for role in ("root", "reader"):
            cluster.etcdctl("role", "add", role)
        cluster.etcdctl("role", "grant-permission", "reader", "read", "health/", "--prefix=true")
        for name, role in (("root", "root"), ("operator", "root"), ("plain", "reader")):
            cluster.etcdctl("user", "grant-role", name, role)
        assert all(member.id for member in cluster.members)  # asked while nobody has to sign in
        cluster.etcdctl("auth", "enable")
        yield cluster


@pytest.fixture
def gateway() -> Iterator[HttpGateway]:
    with closing(HttpGateway()) as gateway:
        yield gateway


def declared(cluster: EtcdCluster, folder: Path, user: str, password: str = "") -> Declared:
    """As a configuration would; the password as a Secret has it. Nobody is signed in as ""."""
    assert cluster.tls is not None
    files = cluster.tls
    file = folder / "password"
    file.write_text(password or USERS.get(user, ""))
    return Declared(
        cluster.name,
        endpoints=tuple(cluster.endpoints),
        tls=EtcdTls(str(files.ca), str(files.cert), str(files.key)),
        auth=EtcdAuth(user, str(file)) if user else None,
    )


def leader_of(gateway: HttpGateway, cluster: Declared, members: list[Member]) -> Member:
    """Who leads, as the first member says."""
    led = gateway.leader(cluster, members[0].client_url, PATIENT)
    return next(one for one in members if one.id == led)


def by_hand(member: Member, client: httpx.Client, user: str, path: str, **body: str) -> int:
    """The HTTP status that a call gets with the user's token."""
    signed = {"name": user, "password": USERS[user]}
    answer = client.post(f"{member.client_url}/v3/auth/authenticate", json=signed)
    headers = {"Authorization": answer.json()["token"]}
    return client.post(f"{member.client_url}{path}", json=body, headers=headers).status_code


@pytest.mark.parametrize("user", ["root", "operator"])
def test_all_that_chaosd_asks_for_works_for_the_role_root(
    gateway: HttpGateway, guarded: EtcdCluster, tmp_path: Path, user: str
) -> None:
    """Whatever the user is called."""
    cluster = declared(guarded, tmp_path, user)
    leader = leader_of(gateway, cluster, guarded.members)
    for member in guarded.members:
        looked = gateway.look(cluster, member.client_url, PATIENT)
        assert looked.member.healthy, looked.member.error
        assert (looked.member.leader, len(looked.listed)) == (leader.id, 3)
        gateway.read(cluster, member.client_url, PATIENT)
        assert gateway.check_snapshot(cluster, member.client_url, PATIENT).size > 0
    other = next(one for one in guarded.members if one is not leader)
    gateway.move_leader(cluster, leader.client_url, other.id, PATIENT)
    assert gateway.leader(cluster, other.client_url, PATIENT) == other.id


@pytest.mark.parametrize(
    ("path", "body", "allowed"),
    [
        ("/v3/maintenance/status", {}, {"root", "operator"}),
        ("/v3/maintenance/transfer-leadership", {"targetID": "1"}, {"root", "operator"}),
        ("/v3/maintenance/snapshot", {}, {"root", "operator"}),
        ("/v3/kv/range", {"key": "aGVhbHRoLw=="}, {"root", "operator", "plain"}),
        ("/v3/maintenance/alarm", {"action": "GET"}, {*USERS}),
        ("/v3/cluster/member/list", {}, {*USERS}),
    ],
)
def test_who_may_ask_for_what(
    guarded: EtcdCluster, path: str, body: dict[str, str], allowed: set[str]
) -> None:
    """The status takes the role root, so that no smaller right is enough (docs/etcd.md)."""
    with guarded.client() as client:
        told = {user: by_hand(guarded.members[0], client, user, path, **body) for user in USERS}
    assert {user for user, status in told.items() if status != FORBIDDEN} == allowed


def test_what_is_said_to_whom_may_not_ask(
    gateway: HttpGateway, guarded: EtcdCluster, tmp_path: Path
) -> None:
    """Nobody, a user without the role, a wrong password: each is told what to do about it."""
    url = guarded.members[0].client_url
    with pytest.raises(Answered) as failed:
        gateway.look(declared(guarded, tmp_path, ""), url, PATIENT)
    expected = f"{url}: authentication is on: set auth.username and auth.passwordFile"
    assert str(failed.value) == expected
    with pytest.raises(Forbidden, match="plain may not ask for that: it needs the role root"):
        gateway.look(declared(guarded, tmp_path, "plain"), url, PATIENT)
    with pytest.raises(NotSent, match=r"can't sign in as root: .* is wrong") as wrong:
        gateway.look(declared(guarded, tmp_path, "root", "hunter2"), url, PATIENT)
    assert "hunter2" not in str(wrong.value)


def test_a_member_that_was_started_anew_gives_a_new_token(
    gateway: HttpGateway, guarded: EtcdCluster, tmp_path: Path
) -> None:
    """It has forgotten those that it gave."""
    cluster, member = declared(guarded, tmp_path, "root"), guarded.members[1]
    gateway.look(cluster, member.client_url, PATIENT)
    member.restart()

    until(lambda: whole(gateway, cluster, member), member.log)


def test_a_password_that_changed_is_taken_from_the_file(
    gateway: HttpGateway, guarded: EtcdCluster, tmp_path: Path
) -> None:
    """Its user's tokens end with it; until the file says the new one, the old one is wrong."""
    cluster, url = declared(guarded, tmp_path, "operator"), guarded.members[0].client_url
    gateway.look(cluster, url, PATIENT)
    new = {"name": "operator", "password": "battery 2"}
    with guarded.client() as client:
        member = guarded.members[0]
        assert by_hand(member, client, "root", "/v3/auth/user/changepw", **new) == 200
    try:
        with pytest.raises(NotSent, match="is wrong"):
            gateway.look(cluster, url, PATIENT)
        declared(guarded, tmp_path, "operator", new["password"])
        assert gateway.look(cluster, url, PATIENT).member.healthy
    finally:
        old = {**new, "password": USERS["operator"]}
        with guarded.client() as client:
            by_hand(guarded.members[0], client, "root", "/v3/auth/user/changepw", **old)


def test_a_token_lasts_without_a_leader(
    gateway: HttpGateway, guarded: EtcdCluster, tmp_path: Path
) -> None:
    """Nobody can sign in then: who has, still hears that there is none."""
    cluster = declared(guarded, tmp_path, "root")
    left, *others = guarded.members
    gateway.look(cluster, left.client_url, PATIENT)
    for member in others:
        member.kill()
    try:
        until(lambda: gateway.leader(cluster, left.client_url, PATIENT) == "", left.log)
        alone = gateway.look(cluster, left.client_url, PATIENT).member
        assert "RAFT NO LEADER" in alone.error
        with closing(HttpGateway()) as fresh, pytest.raises(NotSent, match="can't sign in as root"):
            fresh.look(cluster, left.client_url, 2.0)
    finally:
        for member in others:
            member.start()
    until(lambda: all(whole(gateway, cluster, one) for one in guarded.members), left.log)


def whole(gateway: HttpGateway, cluster: Declared, member: Member) -> bool:
    try:
        return gateway.look(cluster, member.client_url, PATIENT).member.healthy
    except (NotSent, Unanswered):
        return False  # nobody listens yet, or there is no leader yet to sign in with


def test_tokens_that_are_signed(gateway: HttpGateway, tmp_path: Path) -> None:
    """Such a token (JWT) names the revision of the users that it is of; the next one is no end."""
    key = tmp_path / "jwt"
    key.write_text("a key of this test alone")
    flags = [f"--auth-token=jwt,priv-key={key},sign-method=HS256,ttl=10m"]
    with EtcdCluster(count=1, name="jwt", tls=False, flags=flags) as etcd:
        etcd.etcdctl("user", "add", f"root:{USERS['root']}")
        etcd.etcdctl("user", "grant-role", "root", "root")
        etcd.etcdctl("auth", "enable")
        (tmp_path / "password").write_text(USERS["root"])
        auth = EtcdAuth("root", str(tmp_path / "password"))
        cluster = Declared("jwt", endpoints=tuple(etcd.endpoints), auth=auth)
        assert gateway.look(cluster, etcd.endpoints[0], PATIENT).member.healthy
        with etcd.client() as client:
            new = {"name": "new", "password": "new"}
            assert by_hand(etcd.members[0], client, "root", "/v3/auth/user/add", **new) == 200
        assert gateway.look(cluster, etcd.endpoints[0], PATIENT).member.healthy
        assert gateway.check_snapshot(cluster, etcd.endpoints[0], PATIENT).size > 0


def test_a_client_certificate_must_have_no_common_name(
    gateway: HttpGateway, tmp_path: Path
) -> None:
    """Where members ask for certificates, etcd's gateway refuses those that name somebody."""
    with EtcdCluster(count=1, name="named") as cluster:
        cluster.etcdctl("user", "add", f"root:{USERS['root']}")
        cluster.etcdctl("user", "grant-role", "root", "root")
        cluster.etcdctl("auth", "enable")
        told = declared(cluster, tmp_path, "root")
        for files, words in (
            (
                cluster.tls,
                "can't sign in as root: .* refuses client certificates with a CommonName",
            ),
            (cluster.authority.issue("nameless", named=False), ""),
        ):
            assert files is not None
            tls = EtcdTls(str(files.ca), str(files.cert), str(files.key))
            asked = msgspec.structs.replace(told, tls=tls)
            if words:
                with pytest.raises(NotSent, match=words):
                    gateway.look(asked, cluster.endpoints[0], PATIENT)
            else:
                assert gateway.look(asked, cluster.endpoints[0], PATIENT).member.healthy
