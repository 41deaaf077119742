"""Signing in where authentication is on, against a stand-in that refuses as etcd does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.calls import Answered, CallFailed, Forbidden, NotSent, ServerFault
from chaosd.core.etcd_model import EtcdAuth, EtcdCluster
from chaosd.etcd.answers import Status, decode
from chaosd.etcd.gateway import HttpGateway
from chaosd.etcd.secret import secret, sendable
from chaosd.etcd.wire import Reply
from tests.etcd.stub import BRIEF, STATUS, Answers, Etcd, Pieces, Request, Stub, http
from tests.etcd.writings import TOKENS, WAYS, as_go_does

PATIENT = 60.0
PASSWORD = 'open "sesame" \\ now'
REFUSED = {"code": 16, "message": "etcdserver: invalid auth token"}
NOBODY = {"code": 3, "message": "etcdserver: user name is empty"}
OLD = {"code": 3, "message": "etcdserver: revision of auth store is old"}
WRONG = {"code": 3, "message": "etcdserver: authentication failed, invalid user ID or password"}
OFF = {"code": 9, "message": "etcdserver: authentication is not enabled"}
DENIED = {"code": 7, "message": "etcdserver: permission denied"}
COMMON_NAME = (
    b"CommonName of client sending a request against gateway will be ignored and not used as"
    b" expected\n"
)


class Guarded:
    """A member with authentication on. Its tokens are ``token-1``, ``token-2`` and so on, of which
    the newest is good; ``refusal`` is what it says to others."""

    def __init__(self, refusal: Pieces | None = None) -> None:
        self.password = PASSWORD
        self.given = 0
        self.forgotten = False
        self.refusal = refusal or http(REFUSED, 401)
        self.member = Etcd(snapshot=http({"result": {"blob": ""}}))

    def __call__(self, request: Request) -> Pieces:
        if request.path == "/v3/auth/authenticate":
            if json.loads(request.body) != {"name": "root", "password": self.password}:
                return http(WRONG, 400)
            self.given, self.forgotten = self.given + 1, False
            return http({"header": {}, "token": f"token-{self.given}"})
        token = request.headers.get("authorization")
        if request.path.startswith("/v3/") and not token:
            return http(NOBODY, 400)
        if request.path.startswith("/v3/") and (token != f"token-{self.given}" or self.forgotten):
            return self.refusal
        return self.member(request)


def cluster(folder: Path, password: str | None = PASSWORD) -> EtcdCluster:
    file = folder / "password"
    if password is not None:
        file.write_text(password + "\n")
    return EtcdCluster("main", auth=EtcdAuth("root", str(file)))


@contextmanager
def asking(answer: Answers) -> Iterator[tuple[HttpGateway, Stub]]:
    """A gateway, and a member that answers so."""
    with Stub(answer) as stub, closing(HttpGateway()) as gateway:
        yield gateway, stub


def paths(stub: Stub) -> list[str]:
    return [request.path.rpartition("/")[2] for request in stub.requests]


def test_one_sign_in_lasts(tmp_path: Path) -> None:
    """The token goes with each call of the gateway, and with no other."""
    with asking(Guarded()) as (gateway, stub):
        looked = gateway.look(cluster(tmp_path), stub.url, PATIENT)
        gateway.move_leader(cluster(tmp_path), stub.url, "ff", PATIENT)
    assert looked.member.healthy
    assert paths(stub)[:3] == ["authenticate", "status", "list"]
    assert paths(stub).count("authenticate") == 1
    shown = [
        (one.path.startswith("/health"), "authorization" in one.headers)
        for one in stub.requests[1:]
    ]
    assert all(health != token for health, token in shown)


@pytest.mark.parametrize("refusal", [(REFUSED, 401), (OLD, 400), (NOBODY, 400)], ids=str)
def test_a_token_that_is_refused_is_replaced_once(
    tmp_path: Path, refusal: tuple[dict[str, object], int]
) -> None:
    """A member that was started anew has forgotten it; one that forgets all is not asked again."""
    member = Guarded(http(*refusal))
    with asking(member) as (gateway, stub):
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
        member.forgotten = True
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
        assert paths(stub) == ["authenticate", "status", "status", "authenticate", "status"]
        stub.requests.clear()
        member.member.answers["status"] = http(*refusal)
        with pytest.raises(Forbidden, match="etcdserver"):
            gateway.leader(cluster(tmp_path), stub.url, PATIENT)
    assert paths(stub) == ["status", "authenticate", "status"]


def test_a_password_that_changes_is_read_again(tmp_path: Path) -> None:
    """Secrets of volumes change: the file is read whenever somebody signs in."""
    member = Guarded()
    with asking(member) as (gateway, stub):
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
        member.password, member.forgotten = "other", True
        with pytest.raises(NotSent, match=r"password in .*/password, is wrong"):
            gateway.leader(cluster(tmp_path), stub.url, PATIENT)
        gateway.leader(cluster(tmp_path, "other"), stub.url, PATIENT)


def test_each_member_gives_its_own_token(tmp_path: Path) -> None:
    """No member has to know what another gave."""
    with Stub(Guarded()) as one, Stub(Guarded()) as other, closing(HttpGateway()) as gateway:
        for stub in (one, other):
            gateway.leader(cluster(tmp_path), stub.url, PATIENT)
    assert paths(one) == paths(other) == ["authenticate", "status"]


def test_where_authentication_is_off_nobody_is_signed_in(tmp_path: Path) -> None:
    """It may be switched on later; until then the configuration does no harm."""
    with asking(Etcd(authenticate=http(OFF, 400))) as (gateway, stub):
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
        assert paths(stub) == ["authenticate", "status", "status"]
        assert not any("authorization" in request.headers for request in stub.requests)
        stub.answer = Guarded()
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
    assert paths(stub)[3:] == ["status", "authenticate", "status"]


def test_without_a_user_it_says_what_to_write(tmp_path: Path) -> None:
    """The same for all calls, of which none is sent again."""
    calls: list[Callable[[HttpGateway, str], object]] = [
        lambda gateway, url: gateway.look(EtcdCluster("main"), url, PATIENT),
        lambda gateway, url: gateway.leader(EtcdCluster("main"), url, PATIENT),
        lambda gateway, url: gateway.move_leader(EtcdCluster("main"), url, "ff", PATIENT),
        lambda gateway, url: gateway.check_snapshot(EtcdCluster("main"), url, PATIENT),
    ]
    for call in calls:
        with asking(Guarded()) as (gateway, stub):
            with pytest.raises(Answered) as failed:
                call(gateway, stub.url)
            words = "authentication is on: set auth.username and auth.passwordFile"
            assert str(failed.value) == f"{stub.url}: {words}"
            assert len(stub.requests) == 1


def test_a_certificate_with_a_common_name_is_told(tmp_path: Path) -> None:
    """Then etcd's gateway refuses whoever asks, signed in or not."""
    for one in (EtcdCluster("main"), cluster(tmp_path)):
        with (
            asking(http(COMMON_NAME, 400)) as (gateway, stub),
            pytest.raises(CallFailed, match="client certificates with a CommonName"),
        ):
            gateway.leader(one, stub.url, PATIENT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't read the password from .*: No such file"),
        (b"", "is empty: it must hold the password"),
        (b"\n", "is empty"),
        (b"\xff\xfe\x00s", "is no text"),
        (b"s" * 70_000, "is too long"),
    ],
)
def test_without_a_password_nothing_is_sent(
    tmp_path: Path, content: bytes | None, words: str
) -> None:
    """And what stands in the file is in no error."""
    declared = cluster(tmp_path, None)
    if content is not None:
        (tmp_path / "password").write_bytes(content)
    with asking(Guarded()) as (gateway, stub):
        with pytest.raises(NotSent, match=words) as failed:
            gateway.leader(declared, stub.url, PATIENT)
        assert stub.requests == []
    assert "can't sign in as root" in str(failed.value)
    assert "ssss" not in str(failed.value)


def _echo(request: Request) -> Pieces:
    return http(request.body + str(request.headers).encode(), 502)


def _echo_as_etcd(request: Request) -> Pieces:
    told = as_go_does(f"bad: {json.loads(request.body)['password']}")
    return http(f'{{"code":13,"message":{told},"error":"x"}}'.encode(), 500)


@pytest.mark.parametrize("answer", [_echo, _echo_as_etcd], ids=["foreign", "etcd"])
def test_a_password_that_is_given_back_is_not_shown(
    tmp_path: Path, answer: Callable[[Request], Pieces]
) -> None:
    """A proxy that shows what it was sent, or an etcd that would, however they write it."""
    with (
        asking(answer) as (gateway, stub),
        pytest.raises(NotSent, match="can't sign in as root") as failed,
    ):
        gateway.leader(cluster(tmp_path, "hunter2&hünter2"), stub.url, PATIENT)
    assert "hunter2" not in repr(failed.value)
    assert "nter2" not in repr(failed.value)
    assert failed.value.__cause__ is None


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        ({"code": 14, "message": "etcdserver: no leader"}, 503, "it is not available"),
        ({"code": 4, "message": "context deadline exceeded"}, 504, "it ran out of time"),
        ({"code": 8, "message": "etcdserver: too many requests"}, 429, "it is asked too much"),
        ({"code": 13, "message": "a stranger's words"}, 500, "it answers 500$"),
        (b"a stranger's words", 502, "it answers 502, not as etcd does: '.not shown.'$"),
        (b"", 301, "it redirects"),
        (b"404 page not found", 404, "it has no JSON gateway"),
    ],
)
def test_what_a_sign_in_is_refused_with(
    tmp_path: Path, told: dict[str, object] | bytes, status: int, words: str
) -> None:
    """In our own words, as whoever answers knows the password."""
    with (
        asking(http(told, status)) as (gateway, stub),
        pytest.raises(NotSent, match=f"can't sign in as root: {words}") as failed,
    ):
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
    assert "stranger" not in str(failed.value)


@pytest.mark.parametrize("path", ["/v3/maintenance/status", "/v3/maintenance/snapshot"])
@pytest.mark.parametrize("status", [200, 500])
def test_a_token_that_is_given_back_is_not_shown(tmp_path: Path, path: str, status: int) -> None:
    """In an answer that is none, or an error."""

    def answer(request: Request) -> Pieces:
        if request.path == path:
            return http(request.headers["authorization"].encode(), status)
        return http({"token": "tok-0123456789"})

    with asking(answer) as (gateway, stub):
        call = gateway.leader if path.endswith("status") else gateway.check_snapshot
        with pytest.raises(CallFailed) as failed:
            call(cluster(tmp_path), stub.url, PATIENT)
    assert "tok-" not in str(failed.value)


@pytest.mark.parametrize(
    "body",
    [{}, {"token": ""}, {"token": "a b"}, {"token": "a\r\nHost: b"}, {"token": "ä"}, [], b"no"],
)
def test_what_is_no_token(tmp_path: Path, body: dict[str, str] | bytes) -> None:
    """It is not sent, nor shown."""
    with (
        asking(Etcd(authenticate=http(body), status=http(STATUS))) as (gateway, stub),
        pytest.raises(NotSent, match="can't sign in"),
    ):
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
    assert paths(stub) == ["authenticate"]


def test_a_user_without_the_role_is_told_so(tmp_path: Path) -> None:
    """Signing in anew would not help, so it is not tried."""
    member = Guarded()
    member.member.answers["status"] = http(DENIED, 403)
    with (
        asking(member) as (gateway, stub),
        pytest.raises(Forbidden, match="root may not ask for that: it needs the role root"),
    ):
        gateway.leader(cluster(tmp_path), stub.url, PATIENT)
    assert paths(stub) == ["authenticate", "status"]


def test_all_is_within_one_deadline(tmp_path: Path) -> None:
    """A sign-in that hangs leaves no time to ask; nothing counts as sent."""
    with (
        asking(lambda _: _hang(stub)) as (gateway, stub),
        pytest.raises(NotSent, match="can't sign in as root: no whole answer in time"),
    ):
        gateway.move_leader(cluster(tmp_path), stub.url, "ff", BRIEF)
    assert paths(stub) == ["authenticate"]


def _hang(stub: Stub) -> Pieces:
    stub.stopping.wait()
    return b""


@given(st.text(max_size=20))
def test_only_what_fits_a_header_is_sent(text: str) -> None:
    """Printable ASCII without blanks."""
    odd = not text.isascii() or not text.isprintable() or " " in text
    assert sendable(text) == (bool(text) and not odd)


@pytest.mark.parametrize("written", WAYS.values(), ids=WAYS.keys())
@given(token=TOKENS)
def test_what_was_sent_is_in_no_answer(written: Callable[[str], str], token: str) -> None:
    """However JSON writes it: as a text of its own, within one, or as a key."""
    told = written(f"bad token {token}!")
    for body in (
        f'{{"code":13,"message":{told}}}',
        f'{{"code":"","message":{told}}}',
        f'{{"error":{{"code":2,"message":{told}}}}}',
        f"{{{told}:[{told},12345678901234567890123]}}",
        told,
        f"<html>{told}",
    ):
        for status in (200, 400, 502):
            with pytest.raises(CallFailed) as failed:
                decode(Reply(status, body.encode()), Status, "http://a:1", token)
            assert token not in str(failed.value)
            assert "s3cr3t" not in str(failed.value)


def test_what_an_answer_says_besides_stays() -> None:
    """Nothing but the secret is left out."""
    body = rb'{"code":13,"message":"no \u0074oken t\u006fken, \u00e4","error":""}'
    with pytest.raises(ServerFault) as failed:
        decode(Reply(500, body), Status, "http://a:1", "token")
    assert failed.value.message == "http://a:1: no [redacted] [redacted], ä"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_only_the_end_of_the_line_is_left_out(tmp_path: Path, end: str) -> None:
    """Blanks may be part of a password."""
    (tmp_path / "one").write_bytes(f" a\nb {end}".encode())
    assert secret(str(tmp_path / "one"), "the password") == " a\nb "
