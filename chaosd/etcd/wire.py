"""One HTTP request at a time to whoever is asked: sent once, bounded in time and in size."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from urllib.parse import urlsplit

import httpcore
from msgspec import Struct

from chaosd.calls import CallFailed, NotSent, Unanswered
from chaosd.core.etcd_model import EtcdTls
from chaosd.etcd.deadline import BoundedNetwork, Deadline
from chaosd.etcd.tls import Contexts

LARGEST = 4 << 20
"""Bytes of an answer that is read at once; more is refused."""
_IDLE_SECONDS = 60.0
_HEADERS = [("Accept", "application/json"), ("User-Agent", "chaosd")]
_LONGEST_WORDS = 200


class Reply(Struct, frozen=True):
    """An answer, whatever its status."""

    status: int
    body: bytes


class Answer(Struct, frozen=True):
    """An answer whose body is still coming. ``chunks`` raise CallFailed."""

    status: int
    chunks: Iterator[bytes]


class Wire:
    """Connections, kept alive, apart for each set of TLS files. Threads may share it.

    No redirect is followed, nothing is sent twice, and no proxy is taken from the environment.
    What goes wrong is told with the address that was asked, and without what was sent.
    """

    def __init__(self, contexts: Contexts | None = None) -> None:
        self._contexts = contexts or Contexts()
        self._lock = Lock()
        self._lines: dict[tuple[EtcdTls, bool], _Line] = {}

    def send(
        self,
        tls: EtcdTls,
        url: str,
        body: bytes | None,
        deadline: Deadline,
        *,
        fresh: bool = False,
        authorization: str = "",
    ) -> Reply:
        """POST ``body``, or GET without one, and read the whole answer (4 MiB at most).

        A ``fresh`` connection can't be one that the other side has given up meanwhile.
        ``authorization`` is what the header of that name says, printable ASCII.
        """
        with self.open(
            tls, url, body, deadline, fresh=fresh, authorization=authorization
        ) as answer:
            content = bytearray()
            for chunk in answer.chunks:
                content += chunk
                if len(content) > LARGEST:
                    raise Unanswered(f"{place(url)}: the answer has more than {LARGEST} bytes")
        return Reply(answer.status, bytes(content))

    @contextmanager
    def open(
        self,
        tls: EtcdTls,
        url: str,
        body: bytes | None,
        deadline: Deadline,
        *,
        fresh: bool = False,
        authorization: str = "",
    ) -> Iterator[Answer]:
        """The same for an answer of any size, while it comes."""
        where = place(url)
        headers = [*_HEADERS, ("Host", where.partition("//")[2])]
        if body is not None:
            headers.append(("Content-Type", "application/json"))
        if authorization:
            headers.append(("Authorization", authorization))
        named = {"sni_hostname": _name(tls.server_name)} if tls.server_name else {}
        with (
            _translated(where),
            self._pool(tls, where, fresh=fresh) as pool,
            deadline.bounds(),
            pool.stream(
                "GET" if body is None else "POST",
                _target(url),
                headers=headers,
                content=body,
                extensions={"timeout": {"pool": deadline.left}, **named},
            ) as response,
        ):
            yield Answer(response.status, response.iter_stream())

    def close(self) -> None:
        """Close idle connections; others are closed when their answer has come."""
        with self._lock:
            lines = [line for line in self._lines.values() if not line.users]
            self._lines.clear()
        for line in lines:
            line.pool.close()

    @contextmanager
    def _pool(self, tls: EtcdTls, where: str, *, fresh: bool) -> Iterator[httpcore.ConnectionPool]:
        secure = where.startswith("https:")
        context = self._contexts.context(tls) if secure else None
        if fresh:
            with _pool(context) as pool:
                yield pool
            return
        with self._lock:
            line = before = self._lines.get((tls, secure))
            if line is None or line.context is not context:
                line = self._lines[tls, secure] = _Line(context)
            line.users += 1
            replaced = before if before is not line else None
            if replaced is not None and replaced.users:
                replaced = None
        if replaced is not None:
            replaced.pool.close()
        try:
            yield line.pool
        finally:
            with self._lock:
                line.users -= 1
                unused = not line.users and self._lines.get((tls, secure)) is not line
            if unused:
                line.pool.close()


class _Line:
    """Connections with one context. One that was replaced is closed when nobody uses it."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self.context = context
        self.pool = _pool(context)
        self.users = 0


def _pool(context: ssl.SSLContext | None) -> httpcore.ConnectionPool:
    return httpcore.ConnectionPool(
        ssl_context=context,
        max_connections=None,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=BoundedNetwork(),
    )


def place(url: str) -> str:
    """Scheme, host and port of a URL: no user, password, path or query."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _name(parts.hostname or "")
    except ValueError:
        raise NotSent("an address that is no URL") from None
    if parts.scheme not in ("http", "https") or not host:
        raise NotSent(f"{parts.scheme}://{host} is no address of http or https")
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def _target(url: str) -> httpcore.URL:
    """The URL (one that has a :func:`place`) as httpcore takes it."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not target.isascii():
        raise NotSent(f"{place(url)}: its path is not written as in a URL")
    host = _name(parts.hostname or "")
    return httpcore.URL(scheme=parts.scheme, host=host, port=parts.port, target=target)


def _name(host: str) -> str:
    """A host's name as it is sent; raises NotSent for what can't be one."""
    try:
        return host.encode("idna").decode() if host else ""
    except ValueError:
        raise NotSent(f"{host!r} is no name of a host") from None


_NOTHING_LEFT = (
    httpcore.ConnectError,  # refused, unreachable, unknown host, a certificate that we refuse
    httpcore.ConnectTimeout,
    httpcore.PoolTimeout,
    httpcore.LocalProtocolError,
    httpcore.UnsupportedProtocol,
)


@contextmanager
def _translated(where: str) -> Iterator[None]:
    """What httpcore raises, in our words. What isn't known to have failed before a byte of the
    request left counts as sent."""
    try:
        yield
    except CallFailed:
        raise
    except _NOTHING_LEFT as error:
        raise NotSent(f"{where}: {_why(error)}") from None
    except httpcore.TimeoutException:
        raise Unanswered(f"{where}: no whole answer in time") from None
    except httpcore.RemoteProtocolError as error:
        raise Unanswered(f"{where}: no whole HTTP answer: {_why(error)}") from None
    except (httpcore.NetworkError, ValueError) as error:
        raise Unanswered(f"{where}: {_why(error)}") from None


def _why(error: Exception) -> str:
    """The innermost cause in a few words: httpcore wraps what the system says."""
    cause: BaseException = error
    while cause.args and isinstance(cause.args[0], BaseException):
        cause = cause.args[0]
    if isinstance(error, httpcore.TimeoutException):
        return "no connection in time"
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError) and cause.reason:
        words = cause.reason.replace("_", " ").lower()
        return f"it refuses our certificate: {words}" if _refused(words) else f"TLS: {words}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return " ".join(str(cause).split())[:_LONGEST_WORDS] or type(cause).__name__


def _refused(words: str) -> bool:
    return "alert" in words and ("certificate" in words or "unknown ca" in words)
