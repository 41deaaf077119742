"""TLS contexts from files that rotate, break and expire."""

from __future__ import annotations

import os
import shutil
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from chaosd.calls import NotSent
from chaosd.core.etcd_model import EtcdTls
from chaosd.etcd.own_certificate import end_of
from chaosd.etcd.tls import Contexts
from tests.etcd_members.authority import Authority, Tls

DAY = 86_400.0


class Now:
    """A clock that a test turns, in Unix seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def files(tls: Tls) -> EtcdTls:
    return EtcdTls(str(tls.ca), str(tls.cert), str(tls.key))


def test_it_stays_the_same_until_a_file_changes(authority: Authority) -> None:
    """Connections depend on that; each file counts."""
    tls = files(authority.issue("client"))
    contexts = Contexts()
    first = contexts.context(tls)
    assert contexts.context(tls) is first
    os.utime(tls.cert)
    assert contexts.context(tls) is first
    authority.issue("client")
    second = contexts.context(tls)
    assert second is not first
    Path(tls.ca).write_bytes(Path(tls.ca).read_bytes() * 2)
    assert contexts.context(tls) is not second
    assert second.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert second.check_hostname
    assert second.verify_mode is ssl.CERT_REQUIRED


def test_a_volume_that_is_swapped_is_seen(authority: Authority, tmp_path: Path) -> None:
    """Kubernetes writes a new folder and turns one symlink, `..data`, to it."""
    volume = tmp_path / "volume"
    for name in ("one", "two"):
        made = authority.issue("client")
        (volume / name).mkdir(parents=True)
        for path in (made.ca, made.cert, made.key):
            shutil.copy(path, volume / name)
    (volume / "..data").symlink_to("one")
    for name in ("ca.crt", "client.crt", "client.key"):
        (volume / name).symlink_to(f"..data/{name}")
    tls = EtcdTls(*(str(volume / name) for name in ("ca.crt", "client.crt", "client.key")))
    contexts = Contexts()
    first = contexts.context(tls)
    (volume / "..next").symlink_to("two")
    (volume / "..next").rename(volume / "..data")
    assert contexts.context(tls) is not first


def test_a_rotation_that_is_caught_half_way_changes_nothing_yet(
    authority: Authority, tmp_path: Path
) -> None:
    """A certificate whose key has not come, and half a file: the ones before stay, for as long as
    they last; whole, the new ones count."""
    tls = files(authority.issue("client"))
    now = Now(end_of(tls.cert, tls.key) - DAY)
    contexts = Contexts(now)
    first = contexts.context(tls)
    other = authority.issue("other")
    whole, key = other.cert.read_bytes(), other.key.read_bytes()
    Path(tls.cert).write_bytes(whole[: len(whole) // 2])
    assert contexts.context(tls) is first
    Path(tls.cert).write_bytes(whole)
    assert contexts.context(tls) is first
    now.seconds += 2 * DAY
    with pytest.raises(NotSent, match=r"client\.crt with the key in .*client\.key: key values mis"):
        contexts.context(tls)
    now.seconds -= 2 * DAY
    assert contexts.context(tls) is first
    Path(tls.key).write_bytes(key)
    assert contexts.context(tls) is not first


def test_a_half_rotation_at_the_start_is_told(authority: Authority) -> None:
    """There is nothing before it that could go on."""
    tls, other = authority.issue("client"), authority.issue("other")
    contexts = Contexts()
    mixed = EtcdTls(str(tls.ca), str(tls.cert), str(other.key))
    with pytest.raises(NotSent, match="key values mismatch"):
        contexts.context(mixed)
    shutil.copy(tls.key, other.key)
    assert isinstance(contexts.context(mixed), ssl.SSLContext)


@pytest.mark.parametrize("which", ["ca", "cert", "key"])
@pytest.mark.parametrize("started", [True, False])
def test_a_file_that_is_missing_or_no_file_is_told_by_name(
    authority: Authority, which: str, started: bool
) -> None:
    """Also when there was one before: whoever takes a certificate away means it."""
    tls = files(authority.issue("client"))
    contexts = Contexts()
    if started:
        contexts.context(tls)
    path = Path(getattr(tls, which))
    path.rename(path.with_suffix(".away"))
    with pytest.raises(NotSent, match=f"can't read {path}: No such file"):
        contexts.context(tls)
    path.mkdir()
    with pytest.raises(NotSent, match=f"can't read {path}: Is a directory"):
        contexts.context(tls)
    path.rmdir()
    path.with_suffix(".away").rename(path)
    assert isinstance(contexts.context(tls), ssl.SSLContext)


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
@pytest.mark.parametrize("which", ["ca", "cert", "key"])
def test_a_file_that_is_no_pem_is_told_by_name(
    authority: Authority, which: str, content: bytes
) -> None:
    """Whatever is in it."""
    tls = files(authority.issue("client"))
    path = Path(getattr(tls, which))
    path.write_bytes(content)
    with pytest.raises(NotSent, match=str(path)):
        Contexts().context(tls)


def test_a_key_with_a_password_is_told_and_nobody_is_asked_for_it(authority: Authority) -> None:
    """OpenSSL would ask at the terminal."""
    made = authority.issue("client")
    key = serialization.load_pem_private_key(made.key.read_bytes(), None)
    made.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(NotSent, match=r"client\.key: the key is encrypted"):
        Contexts().context(files(made))


def test_an_expired_certificate_is_told_by_name(authority: Authority) -> None:
    """One that comes expired, one that expires while it is used, and an authority that does."""
    with pytest.raises(NotSent, match=r"the certificate in .*old\.crt expired at 20.*\+00:00"):
        Contexts().context(files(authority.issue("old", expired=True)))
    tls = files(authority.issue("client"))
    now = Now(end_of(tls.cert, tls.key) - 1)
    contexts = Contexts(now)
    assert isinstance(contexts.context(tls), ssl.SSLContext)
    now.seconds += 1
    with pytest.raises(NotSent, match=r"client\.crt expired"):
        contexts.context(tls)
    now.seconds += 366_000 * DAY  # the tests' authority lasts for centuries
    with pytest.raises(NotSent, match=r"ca\.crt expired"):
        contexts.context(EtcdTls(tls.ca))


def test_rotated_in_time_it_goes_on_and_rotated_to_an_expired_one_it_does_not(
    authority: Authority,
) -> None:
    """What the files say now is what counts, as soon as they fit."""
    contexts = Contexts()
    tls = files(authority.issue("client"))
    contexts.context(tls)
    authority.issue("client", expired=True)
    with pytest.raises(NotSent, match="expired"):
        contexts.context(tls)
    authority.issue("client")
    assert isinstance(contexts.context(tls), ssl.SSLContext)


def test_without_files_the_systems_authorities_are_trusted() -> None:
    """And no certificate is shown."""
    context = Contexts().context(EtcdTls())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_end_of_what_is_no_certificate_is_not_known(tmp_path: Path) -> None:
    """Whoever is shown it will judge it."""
    path = tmp_path / "x.crt"
    assert end_of(str(path), "") == float("inf")
    path.write_bytes(b"nothing")
    assert end_of(str(path), "") == float("inf")
