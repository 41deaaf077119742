"""A transport that answers from a script, for answers that no simulated cluster gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from chaosd.kube.transport import Query, Reply

Answer = Reply | Exception | Callable[[], Reply]


def reply(status: int, body: bytes | None = None, **headers: str) -> Reply:
    """An answer, an error as an API server gives it; ``retry_after`` names the header
    ``retry-after``."""
    if body is None:
        body = b"{}" if status < 300 else b'{"kind": "Status"}'
    return Reply(status, {key.replace("_", "-"): text for key, text in headers.items()}, body)


@dataclass
class Sent:
    """One request as it was sent."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes | None
    timeout: float


@dataclass
class ScriptedTransport:
    """Gives one answer after the other, and keeps what was asked."""

    answers: list[Answer]
    sent: list[Sent] = field(default_factory=list)

    def send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Reply:
        """The next answer."""
        self.sent.append(Sent(method, path, list(query), dict(headers), body, timeout))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Reply) else answer()
