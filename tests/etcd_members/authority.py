"""A certificate authority for tests, and the PEM files that it signs."""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_DAY = timedelta(days=1)
_LOOPBACK = ("127.0.0.1", "::1")


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
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"test authority {name}")
        self.ca = folder / f"{name}.crt"
        now = datetime.now(UTC)
        made = self._builder(self._name, self._key.public_key(), now - _DAY, now + 30 * _DAY)
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(usage, critical=True)
        self.ca.write_bytes(_pem(made.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, *, expired: bool = False) -> Tls:
        """A certificate of its own key as ``NAME.crt`` and ``NAME.key``.

        Files that are there already are replaced, each at once, the key first: whoever reads them
        in between sees a certificate and a key that don't fit.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        end = now - timedelta(hours=1) if expired else now + 10 * _DAY
        made = self._builder(_name(name), key.public_key(), now - _DAY, end)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        made = made.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        hosts: list[x509.GeneralName] = [x509.DNSName("localhost")]
        hosts += [x509.IPAddress(ipaddress.ip_address(text)) for text in _LOOPBACK]
        made = made.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        files = Tls(self.ca, self._folder / f"{name}.crt", self._folder / f"{name}.key")
        encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        _replace(files.key, key.private_bytes(encoding, form, serialization.NoEncryption()))
        _replace(files.cert, _pem(made.sign(self._key, hashes.SHA256())))
        return files

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        # Which key signed it, and which key it is: strict verifiers (Python 3.13's) ask for both.
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        return (
            x509.CertificateBuilder()
            .issuer_name(self._name)
            .subject_name(subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(own, critical=False)
            .add_extension(signer, critical=False)
        )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _replace(path: Path, content: bytes) -> None:
    new = path.with_name(path.name + ".new")
    new.touch(mode=0o600)
    new.write_bytes(content)
    os.replace(new, path)
