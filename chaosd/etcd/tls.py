"""TLS contexts from PEM files, made again when the files change."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from msgspec import Struct

from chaosd.calls import NotSent
from chaosd.core.etcd_model import EtcdTls
from chaosd.etcd.own_certificate import end_of


class _Made(Struct, frozen=True):
    """A context, the content that it was made of, and which file ends when (Unix seconds)."""

    context: ssl.SSLContext
    digest: bytes
    ends: tuple[tuple[str, float], ...]

    def expired(self, now: float) -> str:
        """Which file has expired and when; "" for none."""
        for file, end in self.ends:
            if end <= now:
                return f"the certificate in {file} expired at {_date(end)}"
        return ""


class Contexts:
    """One context for each set of files. Threads may share it. ``now`` gives Unix seconds.

    The files' content is what counts, so that writes in place are seen as well as the swapped
    symlinks of ConfigMap and Secret volumes.
    https://kubernetes.io/docs/concepts/configuration/secret/#mounted-secrets-are-updated-automatically
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = Lock()
        self._made: dict[EtcdTls, _Made] = {}

    def context(self, tls: EtcdTls) -> ssl.SSLContext:
        """The context of these files as they are now; the same one until they change.

        Files that don't fit each other (a rotation caught half-way) leave the one before in use
        until its certificate expires, and are tried again next time. NotSent names a file that is
        missing, unreadable or no PEM, or that has expired.
        """
        with self._lock:
            digest = _digest(tls)
            made = self._made.get(tls)
            if made is None or made.digest != digest:
                made = self._remade(tls, digest, made)
        expired = made.expired(self._now())
        if expired:
            raise NotSent(expired)
        return made.context

    def _remade(self, tls: EtcdTls, digest: bytes, before: _Made | None) -> _Made:
        try:
            context = _context(tls)
            made = _Made(context, digest, _ends(tls, context))
        except NotSent:
            if before is None or before.expired(self._now()):
                raise
            return before
        # What changed while it was loaded belongs to another digest: load it again next time.
        if _digest(tls) == digest:
            self._made[tls] = made
        return made


def _digest(tls: EtcdTls) -> bytes:
    content = hashlib.sha256()
    for name in _files(tls):
        try:
            content.update(hashlib.sha256(Path(name).read_bytes()).digest())
        except (OSError, ValueError) as error:
            raise NotSent(f"can't read {name}: {_why(error)}") from None
    return content.digest()


def _files(tls: EtcdTls) -> list[str]:
    return [name for name in (tls.ca, tls.cert, tls.key) if name]


def _context(tls: EtcdTls) -> ssl.SSLContext:
    """Whom it trusts and what it shows. It checks names and certificates, from TLS 1.2 on, as
    etcdctl does (what create_default_context adds in Python 3.13 refuses authorities that Go
    takes)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if tls.ca:
            context.load_verify_locations(cafile=tls.ca)
        else:
            context.load_default_certs()
    except (OSError, ValueError) as error:
        raise NotSent(f"can't use {tls.ca} as certificates to trust: {_why(error)}") from None
    if tls.cert:
        try:
            context.load_cert_chain(tls.cert, tls.key or None, password=_no_password)
        except (OSError, ValueError) as error:
            where = f"{tls.cert} with the key in {tls.key}" if tls.key else tls.cert
            raise NotSent(f"can't use the certificate {where}: {_why(error)}") from None
    return context


def _ends(tls: EtcdTls, context: ssl.SSLContext) -> tuple[tuple[str, float], ...]:
    """When each file's certificate expires; a bundle of authorities does with the last of them."""
    found = []
    trusted = [str(one["notAfter"]) for one in context.get_ca_certs()] if tls.ca else []
    if trusted:
        found.append((tls.ca, float(max(ssl.cert_time_to_seconds(one) for one in trusted))))
    if tls.cert:
        found.append((tls.cert, end_of(tls.cert, tls.key)))
    return tuple(found)


def _no_password() -> str:
    # Without this, OpenSSL asks whoever sits at the terminal.
    raise ValueError("the key is encrypted, and there is no password for it")


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
