"""Nothing that opens a door goes into a log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from structlog.types import EventDict

REDACTED = "[redacted]"
_DEEPEST = 20

_NAMES = re.compile(
    r"token|authorization|passw(or)?d|passphrase|secret|credential|cookie"
    r"|api[-_]?key|(private|client|access|signing)[-_]?key|key[-_]?data|kubeconfig",
    re.IGNORECASE,
)

_TEXTS: tuple[tuple[re.Pattern[str], str], ...] = (
    # What an Authorization header says (RFC 6750, RFC 7617).
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    # A JSON Web Token anywhere: service account tokens are ones.
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), REDACTED),
    (
        re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?(-----END \1-----|\Z)", re.DOTALL),
        REDACTED,
    ),
    # https://user:password@host
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{REDACTED}@"),
    # token=..., "password": "..."
    (
        re.compile(
            r"""(\b[\w-]*(?:token|passw(?:or)?d|secret|api[-_]?key)["']?(?:=|["']\s*:\s*)["']?)"""
            r"""[^\s"',;&}]+""",
            re.IGNORECASE,
        ),
        rf"\1{REDACTED}",
    ),
)


def without_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: blanks values whose name says that they are secret, and what looks
    like a secret inside any text. Must run after exceptions have become text."""
    return {key: _cleaned(key, value, 0) for key, value in event.items()}


def without_secrets_in(text: str) -> str:
    """A text with everything blanked that looks like a secret."""
    for pattern, instead in _TEXTS:
        text = pattern.sub(instead, text)
    return text


def _cleaned(name: str, value: Any, depth: int) -> Any:
    if _NAMES.search(name) and value not in (None, "", True, False):
        return REDACTED
    if isinstance(value, str):
        return without_secrets_in(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if depth >= _DEEPEST:
        return without_secrets_in(str(value))
    if isinstance(value, Mapping):
        return {str(key): _cleaned(str(key), one, depth + 1) for key, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [_cleaned("", one, depth + 1) for one in value]
    return without_secrets_in(str(value))
