"""One deadline for everything that a call does on the network.

A timeout for each read is none for a server that sends a byte now and then: its headers alone could
last for days. So what is left until the deadline bounds each connect, read and write.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpcore

_ends: ContextVar[float] = ContextVar("ends")


class Deadline:
    """``timeout`` seconds from now, by a clock that nobody sets."""

    def __init__(self, timeout: float) -> None:
        self._started = time.monotonic()
        self._ends = self._started + timeout

    @property
    def left(self) -> float:
        """Seconds until then; negative afterwards."""
        return self._ends - time.monotonic()

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @contextmanager
    def bounds(self) -> Iterator[None]:
        """Within, this thread's network ends then."""
        token = _ends.set(self._ends)
        try:
            yield
        finally:
            _ends.reset(token)


def _left(late: type[httpcore.TimeoutException], timeout: float | None) -> float:
    left = _ends.get() - time.monotonic()
    if left <= 0:
        raise late
    return left if timeout is None else min(left, timeout)


class BoundedNetwork(httpcore.NetworkBackend):
    """The network of httpcore, bounded by :meth:`Deadline.bounds` of the thread that uses it.

    Looking up a host's name takes as long as the system's resolver lets it (resolv.conf(5)).
    """

    def __init__(self) -> None:
        self._network = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address of ``host`` that takes the connection."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(error) from error
        failed: httpcore.ConnectError = httpcore.ConnectError("it has no address")
        # One address after another, or each would have all the time that is left.
        for address in dict.fromkeys(str(one[4][0]) for one in found):
            left = _left(httpcore.ConnectTimeout, timeout)
            try:
                stream = self._network.connect_tcp(
                    address, port, left, local_address, socket_options
                )
            except httpcore.ConnectError as error:
                failed = error
            else:
                return _BoundedStream(stream)
        raise failed


class _BoundedStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(httpcore.ReadTimeout, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(httpcore.WriteTimeout, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = _left(httpcore.ConnectTimeout, timeout)
        return _BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
