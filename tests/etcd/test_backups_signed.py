"""Prometheus that is asked with a token and a CA of its own, over TLS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chaosd.calls import Answered, CallFailed, Forbidden, NotSent
from chaosd.core.etcd_model import EtcdBackup
from chaosd.etcd.backups import BackupAges
from tests.etcd.stub import Pieces, Request, Stub, http
from tests.etcd.writings import WAYS
from tests.etcd_members.authority import Authority

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENT = 60.0
TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmVk"
AGE = {"status": "success", "data": {"resultType": "scalar", "result": [1.5, "60"]}}


class Signed:
    """Answers only who shows the token, as Prometheus and proxies before it do."""

    def __init__(self, token: str = TOKEN, refusal: Pieces | None = None) -> None:
        self.token = token
        self.refusal = refusal or http(b"Unauthorized\n", 401)

    def __call__(self, request: Request) -> Pieces:
        shown = request.headers.get("authorization")
        return http(AGE) if shown == f"Bearer {self.token}" else self.refusal


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def ages() -> Iterator[BackupAges]:
    with closing(BackupAges(lambda: NOW)) as ages:
        yield ages


def backup(
    stub: Stub, folder: Path, token: str | None = TOKEN, ca: Path | None = None
) -> EtcdBackup:
    """As a configuration would; without a ``token`` none is shown."""
    file = folder / "token"
    if token is not None:
        file.write_text(token)
    return EtcdBackup(
        timedelta(days=1),
        prometheus=stub.url,
        query="up",
        ca=str(ca or ""),
        bearer_token_file=str(file) if token is not None else "",
    )


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_token_is_shown_over_tls(
    ages: BackupAges, authority: Authority, tmp_path: Path, end: str
) -> None:
    """Files of Secrets may end with a line break."""
    with Stub(Signed(), tls=authority.issue("prometheus")) as stub:
        asked = backup(stub, tmp_path, TOKEN + end, authority.ca)
        assert ages.age(asked, PATIENT) == timedelta(minutes=1)


def test_the_token_is_read_again_for_each_query(ages: BackupAges, tmp_path: Path) -> None:
    """Tokens of service accounts last an hour."""
    answer = Signed()
    with Stub(answer) as stub:
        ages.age(backup(stub, tmp_path), PATIENT)
        answer.token = "another"
        with pytest.raises(Forbidden):
            ages.age(backup(stub, tmp_path), PATIENT)
        assert ages.age(backup(stub, tmp_path, "another"), PATIENT) == timedelta(minutes=1)
    assert len(stub.requests) == 3


def test_who_signed_its_certificate_is_checked(
    ages: BackupAges, authority: Authority, tmp_path: Path
) -> None:
    """By the system's CAs, or by another one, it is nobody; no token is sent to nobody."""
    other = Authority(tmp_path, "other").ca
    with Stub(Signed(), tls=authority.issue("prometheus")) as stub:
        for ca in (None, other):
            with pytest.raises(NotSent, match="its certificate is not trusted"):
                ages.age(backup(stub, tmp_path, ca=ca), PATIENT)
        with pytest.raises(NotSent, match=r"can't read .*/none\.crt"):
            ages.age(backup(stub, tmp_path, ca=tmp_path / "none.crt"), PATIENT)
    assert stub.requests == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused(ages: BackupAges, tmp_path: Path, status: int) -> None:
    """There is no age then, and a reason that names the file."""
    answer = Signed("another", http(b"Unauthorized: " + TOKEN.encode(), status))
    with Stub(answer) as stub, pytest.raises(Forbidden) as failed:
        ages.age(backup(stub, tmp_path), PATIENT)
    expected = f"it answers {status}: it refuses the token in {tmp_path / 'token'}"
    assert str(failed.value).endswith(expected)
    assert TOKEN not in str(failed.value)


def test_without_a_token_it_says_what_to_write(ages: BackupAges, tmp_path: Path) -> None:
    """Where one is asked for."""
    with Stub(Signed()) as stub, pytest.raises(Answered, match=r"401: set backup\.bearerTokenFile"):
        ages.age(backup(stub, tmp_path, None), PATIENT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't read the token from .*: No such file"),
        (b"", "is empty: it must hold the token"),
        (b"two words", "holds is no token"),
        (b"token\nHost: elsewhere", "holds is no token"),
        ("tökèn".encode(), "holds is no token"),
        (b"\xff", "is no text"),
    ],
)
def test_without_a_good_file_nothing_is_sent(
    ages: BackupAges, tmp_path: Path, content: bytes | None, words: str
) -> None:
    """And what is in it stands in no error."""
    with Stub(Signed()) as stub:
        asked = backup(stub, tmp_path)
        Path(asked.bearer_token_file).unlink()
        if content is not None:
            Path(asked.bearer_token_file).write_bytes(content)
        with pytest.raises(NotSent, match=words) as failed:
            ages.age(asked, PATIENT)
    assert stub.requests == []
    assert not any(part in str(failed.value) for part in ("words", "Host", "kèn"))


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_token_that_is_given_back_is_not_shown(
    ages: BackupAges, tmp_path: Path, status: int
) -> None:
    """As an error of Prometheus, or as no answer of it."""
    error = {"status": "error", "errorType": TOKEN, "error": f"bad token {TOKEN}"}
    for body in (http(error, status), http(f'"{TOKEN}"'.encode(), status)):
        with Stub(body) as stub, pytest.raises(CallFailed) as failed:
            ages.age(backup(stub, tmp_path), PATIENT)
        assert TOKEN not in str(failed.value)


@pytest.mark.parametrize("written", WAYS.values(), ids=WAYS.keys())
def test_a_token_is_not_shown_however_it_is_written(
    ages: BackupAges, tmp_path: Path, written: Callable[[str], str]
) -> None:
    """Each server has its own way of writing JSON."""
    told = written("no such token: s3cr3t&</>==")
    with Stub(b"") as stub:
        asked = backup(stub, tmp_path, "s3cr3t&</>==")
        for body in (
            f'{{"status":"error","errorType":{told},"error":{told}}}',
            f'{{"status":"success","data":{{"resultType":{told},"result":[]}}}}',
            f"<html>{told}",
        ):
            for status in (200, 422, 500):
                stub.answer = http(body.encode(), status)
                with pytest.raises(CallFailed) as failed:
                    ages.age(asked, PATIENT)
                assert "s3cr3t" not in str(failed.value)
