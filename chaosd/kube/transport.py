"""What carries one HTTP request to the API server, and brings its answer back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

Query = Sequence[tuple[str, str]]


class Reply(Struct, frozen=True):
    """An answer, whatever its status. The keys of ``headers`` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport(Protocol):
    """Sends each request once: no retries, no redirects."""

    def send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Reply:
        """Send one request and wait at most ``timeout`` seconds for the whole answer.

        Raises :class:`~chaosd.ports.NotSent` when nothing left this process (connection refused,
        unknown host, a certificate that does not match) and :class:`~chaosd.ports.Unanswered` when
        the request left, or may have left, and no whole answer came back. Neither says anything
        of credentials.
        """
        ...
