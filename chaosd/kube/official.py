"""The transport of production: the official client signs in and carries every request.

Its models are never built and its retries are off: with them on, a DELETE whose answer was lost is
sent again, and removes the replacement too.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import (
    ClosedPoolError,
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.util.ssl_match_hostname import CertificateError

from chaosd.kube.signin import SignIn, SignInFailed
from chaosd.kube.transport import Query, Reply
from chaosd.ports import CallFailed, NotSent, Unanswered

_CHUNK = 1 << 18
_NOTHING_LEFT = (
    NewConnectionError,  # refused, unreachable, unknown host
    ConnectTimeoutError,
    ProxyError,  # raised only while the proxy is not connected yet
    ClosedPoolError,
    LocationValueError,
)


class OfficialTransport:
    """Sends requests through the official client's connection pool. Threads may share it.

    After a 401 it signs in afresh before the next request (a token file or exec plugin may know
    better by then), at most once in 30 seconds.
    """

    def __init__(self, sign_in: SignIn, user_agent: str = "chaosd") -> None:
        self._sign_in = sign_in
        self._user_agent = user_agent

    def send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Reply:
        """See :class:`~chaosd.kube.transport.Transport`."""
        deadline = time.monotonic() + timeout
        try:
            client = self._sign_in.client()
            signed = {"User-Agent": self._user_agent, **headers}
            self._sign_in.sign(client, signed)
        except SignInFailed as error:
            raise NotSent(str(error)) from None
        host = client.configuration.host
        url = host + path + ("?" + urlencode(query) if query else "")
        pool = client.rest_client.pool_manager
        try:
            reply = _carry(pool, method, url, signed, body, deadline)
        except _NOTHING_LEFT as error:
            raise NotSent(f"no connection to the API server at {host}: {_reason(error)}") from None
        except SSLError as error:
            self._sign_in.doubt()
            raise _tls_failure(error) from None
        if reply.status == 401:
            self._sign_in.doubt()
        return reply

    def close(self) -> None:
        """Close idle connections."""
        self._sign_in.close()


def _carry(
    pool: Any, method: str, url: str, headers: dict[str, str], body: bytes | None, deadline: float
) -> Reply:
    """One request and its whole answer, before ``deadline`` (monotonic seconds).

    Whatever is not known to have failed before a byte left counts as sent; the errors that tell
    so, and those of TLS, are for the caller.
    """
    left = max(deadline - time.monotonic(), 0.001)
    try:
        answer = pool.request(
            method,
            url,
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(connect=left, read=left, total=left),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        content = _read(answer, deadline)
    except (*_NOTHING_LEFT, SSLError):
        raise
    except (HTTPError, OSError) as error:
        raise Unanswered(f"no answer from the API server: {_reason(error)}") from None
    except ValueError:
        # http.client quotes the offending header: say nothing of it.
        raise Unanswered("the request or its answer is not valid HTTP") from None
    headers = {key.lower(): text for key, text in answer.headers.items()}
    return Reply(answer.status, headers, content)


def _read(answer: Any, deadline: float) -> bytes:
    """The whole body; a server that trickles can't hold us past ``deadline``."""
    chunks = []
    while chunk := answer.read1(_CHUNK):
        chunks.append(chunk)
        if time.monotonic() > deadline:
            answer.close()
            raise Unanswered("no whole answer from the API server in time")
    answer.release_conn()
    return b"".join(chunks)


def _tls_failure(error: SSLError) -> CallFailed:
    """A certificate that we refuse ends the connection before the request is sent."""
    cause = error.args[0] if error.args else error
    if isinstance(cause, ssl.SSLCertVerificationError | CertificateError):
        return NotSent(f"the API server's certificate is not trusted: {cause}")
    return Unanswered(f"TLS failed: {cause}")


def _reason(error: Exception) -> str:
    """The innermost cause in a few words: urllib3 nests them, and names pools by address."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return f"{type(cause).__name__}: {cause}" if str(cause) else type(cause).__name__
