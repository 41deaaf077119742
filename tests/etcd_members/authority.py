"""A certificate authority for tests, and the PEM files that it signs."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

_DAY = timedelta(days=1)
_GOOD_FOR = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files: who is trusted, and a certificate with its key."""

    ca: Path
    cert: Path
    key: Path


class Authority:
    """An authority whose certificate is ``FOLDER/NAME.crt``; its key is nowhere but here.

    What it signs is good for loopback and localhost, as server and as client: etcd's members are
    both to each other.
    """

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._signer = trustme.CA(organization_name=f"test authority {name}")
        self.ca = folder / f"{name}.crt"
        self.ca.write_bytes(self._signer.cert_pem.bytes())

    def issue(self, name: str, *, expired: bool = False, named: bool = True) -> Tls:
        """A certificate of its own key as ``NAME.crt`` and ``NAME.key``, for that CommonName, or
        for none if it is not ``named``.

        Files that are there already are replaced, each at once, the key first: whoever reads them
        in between sees a certificate and a key that don't fit.
        """
        now = datetime.now(UTC)
        end = now - timedelta(hours=1) if expired else now + 10 * _DAY
        made = self._signer.issue_cert(
            *_GOOD_FOR, common_name=name if named else None, not_before=now - _DAY, not_after=end
        )
        files = Tls(self.ca, self._folder / f"{name}.crt", self._folder / f"{name}.key")
        _replace(files.key, made.private_key_pem.bytes())
        _replace(files.cert, made.cert_chain_pems[0].bytes())
        return files


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    os.replace(new, path)
