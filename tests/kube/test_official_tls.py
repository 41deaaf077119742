"""TLS of the official client's transport: who can't prove to be the API server is sent nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaosd.kube.official import OfficialTransport
from chaosd.kube.signin import SignIn
from chaosd.ports import NotSent
from chaosd.sandbox.kubeconfig import write_kubeconfig

SECRET = "s3cr3t-t0k3n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
OPENSSL = shutil.which("openssl")
needs_openssl = pytest.mark.skipif(
    OPENSSL is None and "CI" not in os.environ,
    reason="openssl, which makes the certificate, is missing",
)


def transport(path: Path) -> OfficialTransport:
    return OfficialTransport(SignIn(str(path), environ={}))


@contextmanager
def tls(folder: Path) -> Iterator[tuple[str, Path, list[bytes]]]:
    """A TLS server: its address, its own certificate, and what it was sent in clear."""
    certificate, key = folder / "own.crt", folder / "own.key"
    wish = "req -x509 -nodes -days 1 -subj /CN=own -newkey ec -pkeyopt ec_paramgen_curve:prime256v1"
    made = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([OPENSSL or "", *wish.split(), *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def serve() -> None:
        raw, _ = listener.accept()
        with raw:
            try:
                with context.wrap_socket(raw, server_side=True) as connection:
                    seen.append(connection.recv(65_536))
                    connection.sendall(ANSWER)
            except OSError:
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    yield f"https://127.0.0.1:{listener.getsockname()[1]}", certificate, seen
    thread.join()
    listener.close()


def tls_config(path: Path, url: str, **cluster: str) -> Path:
    config = json.loads(write_kubeconfig(path, url, token=SECRET).read_text())
    config["clusters"][0]["cluster"].update(cluster)
    path.write_text(json.dumps(config))
    return path


@needs_openssl
def test_an_untrusted_certificate_was_not_sent(tmp_path: Path) -> None:
    """A server that can't prove who it is gets no request and no token."""
    with tls(tmp_path) as (url, _, seen):
        one = transport(tls_config(tmp_path / "config", url))
        with pytest.raises(NotSent, match="not trusted"):
            one.send("DELETE", "/x", (), {}, None, 5.0)
        one.close()
    assert b"".join(seen) == b""


@needs_openssl
def test_a_trusted_certificate_lets_the_request_through(tmp_path: Path) -> None:
    """The kubeconfig's certificate authority is the one that counts."""
    with tls(tmp_path) as (url, certificate, seen):
        trusted = {"certificate-authority": str(certificate)}
        one = transport(tls_config(tmp_path / "config", url, **trusted))
        assert one.send("GET", "/x", (("a", "b c"),), {}, None, 5.0).body == b"{}"
        one.close()
    assert seen[0].startswith(b"GET /x?a=b+c HTTP/1.1\r\n")
    assert f"Bearer {SECRET}".encode() in seen[0]


@needs_openssl
def test_a_certificate_for_another_name_was_not_sent(tmp_path: Path) -> None:
    """A trusted certificate of another server is refused too."""
    with tls(tmp_path) as (url, certificate, seen):
        trusted = {"certificate-authority": str(certificate), "tls-server-name": "other.example"}
        one = transport(tls_config(tmp_path / "config", url, **trusted))
        with pytest.raises(NotSent, match="not trusted"):
            one.send("DELETE", "/x", (), {}, None, 5.0)
        one.close()
    assert b"".join(seen) == b""
