"""A server on loopback that answers byte for byte what a test tells it to."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from tests.etcd_members.authority import Tls


@dataclass(frozen=True)
class Request:
    """One request as it came; ``connection`` counts from 1."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    connection: int


BRIEF = 1.5
"""Seconds that run out in a test: enough for a busy machine to connect and ask, and no more, since
the test takes them all."""
Pieces = bytes | Iterable[bytes]
Answers = Pieces | Callable[[Request], Pieces]


class Stub:
    """Answers each request with ``answer``, or what it gives for the request: bytes, or pieces of
    them, of which an empty one at the end hangs up.

    With ``tls`` it shows that certificate; with ``clients_of`` it asks for one of that authority.
    ``requests`` are those that came; ``connections`` and ``hung_up`` count those that came and
    ended; ``stopping`` is set at the end of the block, for answers that
    wait.
    """

    def __init__(
        self,
        answer: Answers,
        *,
        tls: Tls | None = None,
        clients_of: Tls | None = None,
    ) -> None:
        self.answer: Answers = answer
        self.requests: list[Request] = []
        self.connections = 0
        self.hung_up = 0
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._context: ssl.SSLContext | None = None
        if tls is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(tls.cert, tls.key)
            if clients_of is not None:
                self._context.verify_mode = ssl.CERT_REQUIRED
                self._context.load_verify_locations(clients_of.ca)
        stub = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                stub._serve(self)

            def finish(self) -> None:
                with suppress(OSError, ValueError):
                    super().finish()

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = False
            block_on_close = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        scheme = "https" if self._context else "http"
        return f"{scheme}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        for connection in list(self._open):
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join()

    def _serve(self, handler: socketserver.StreamRequestHandler) -> None:
        self.connections += 1
        number = self.connections
        connection = handler.connection
        connection.settimeout(60)
        self._open.add(connection)
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
                self._open.add(connection)
            with connection, connection.makefile("rb") as reader:
                while request := _read(reader, number):
                    self.requests.append(request)
                    pieces = self.answer(request) if callable(self.answer) else self.answer
                    piece = b""
                    for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                        connection.sendall(piece)
                    if piece == b"":
                        return
        except (OSError, ValueError):
            return
        finally:
            self.hung_up += 1


def _read(reader: Any, number: int) -> Request | None:
    line = reader.readline(65_536).decode("latin-1").split()
    if len(line) != 3:
        return None
    headers = {}
    while text := reader.readline(65_536).decode("latin-1").strip():
        key, _, value = text.partition(":")
        headers[key.lower()] = value.strip()
    body = reader.read(int(headers.get("content-length", "0")))
    return Request(line[0], line[1], headers, body, number)


def http(body: bytes | Mapping[str, Any] = b"{}", status: int = 200, **headers: str) -> bytes:
    """A whole answer; ``content_type`` names the header ``content-type``."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(content)}"]
    lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


HEADER = {
    "cluster_id": "1543678842252980298",
    "member_id": "1429875138487031183",
    "revision": "13",
    "raft_term": "2",
}
MEMBER = "13d7efdcd6ae958f"
LEADER = "7753bc9229b4e23f"
LEARNER = "f182db0b36a3b00e"
# As real members of etcd 3.6 answer.
MEMBERS = {
    "header": HEADER,
    "members": [
        {
            "ID": "1429875138487031183",
            "name": "main-0",
            "peerURLs": ["http://127.0.0.1:30232"],
            "clientURLs": ["http://127.0.0.1:26717"],
        },
        {
            "ID": "8598423449531376191",
            "name": "main-1",
            "peerURLs": ["http://127.0.0.1:22922"],
            "clientURLs": ["http://127.0.0.1:23067"],
        },
        {
            "ID": "17402712751320838158",
            "name": "main-2",
            "peerURLs": ["http://127.0.0.1:19612"],
            "clientURLs": ["http://127.0.0.1:21323"],
            "isLearner": True,
        },
    ],
}
STATUS = {
    "header": HEADER,
    "version": "3.6.8",
    "dbSize": "1941504",
    "leader": "8598423449531376191",
    "raftIndex": "26",
    "raftTerm": "2",
    "raftAppliedIndex": "25",
    "dbSizeInUse": "1843200",
    "storageVersion": "3.6.0",
    "dbSizeQuota": "2000000",
    "downgradeInfo": {},
}
ALARMS: dict[str, Any] = {"header": HEADER}
HEALTH = {"health": "true", "reason": ""}
NOT_LEADER = {"code": 9, "message": "etcdserver: not leader"}
LEARNER_REFUSES = {"code": 9, "message": "etcdserver: rpc not supported for learner"}


class Etcd:
    """The answers of one member by path (without the query); a test changes what it likes."""

    def __init__(self, **answers: Pieces) -> None:
        normal: dict[str, Pieces] = {
            "list": http(MEMBERS),
            "status": http(STATUS),
            "alarm": http(ALARMS),
            "health": http(HEALTH),
            "transfer-leadership": http({}),
        }
        self.answers = {**normal, **answers}

    def __call__(self, request: Request) -> Pieces:
        last = request.path.partition("?")[0].rpartition("/")[2]
        return self.answers.get(last, http(b"404 page not found\n", 404))
