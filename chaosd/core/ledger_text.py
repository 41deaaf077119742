"""The ledger as text: written readably, read strictly, and salvaged when it is damaged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from chaosd.core.ledger import VERSION, Halt, Intent, LastKill, Leader, Ledger, Request

MAX_BYTES = 900 * 1024
_PRETTY_BELOW = 128 * 1024
_T = TypeVar("_T")


class LedgerDamaged(ValueError):
    """The text is not a ledger that this version can read; the message says why."""


def encode(ledger: Ledger) -> str:
    """The ledger as JSON: indented while it is small enough to be read by people."""
    raw = msgspec.json.encode(ledger)
    if len(raw) < _PRETTY_BELOW:
        raw = msgspec.json.format(raw, indent=1)
    return raw.decode()


def decode(text: str) -> Ledger:
    """Read what :func:`encode` wrote; LedgerDamaged for anything else."""
    if not text.strip():
        raise LedgerDamaged("it is empty")
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LedgerDamaged(f"it is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise LedgerDamaged("it is not a JSON object")
    version = raw.get("version")
    if not isinstance(version, int):
        raise LedgerDamaged("it has no version, so it is not chaosd's")
    if version > VERSION:
        raise LedgerDamaged(f"it has version {version}; this chaosd reads up to {VERSION}")
    try:
        return msgspec.convert(raw, Ledger)
    except msgspec.ValidationError as error:
        raise LedgerDamaged(f"it does not fit: {error}") from error


class Salvage(Struct, frozen=True):
    """What could be read of a damaged text, and what people should know about the rest."""

    ledger: Ledger
    lost: tuple[str, ...] = ()


def salvage(text: str) -> Salvage:
    """Keep every entry of a damaged ledger that still reads, wherever the damage is.

    Entries are found by their names, so that one broken or truncated entry costs only itself.
    """
    try:
        return Salvage(decode(text))
    except LedgerDamaged as error:
        lost = [str(error)]
    intents = _entries(text, r"[0-9a-f]{20}", _as(Intent), "intent", lost)
    requests = _entries(text, r"[a-z0-9]{8}", _as(Request), "request", lost)
    ledger = Ledger(
        halt=_single(text, "halt", _as(Halt)),
        paused=_section(text, "paused", Halt),
        leader=_single(text, "leader", _as(Leader)),
        intents={key: intent for key, intent in intents.items() if intent.closed_at is None},
        outcomes={key: intent for key, intent in intents.items() if intent.closed_at is not None},
        last_kills=_kills(text, "lastKills"),
        last_dry_kills=_kills(text, "lastDryKills"),
        requests=requests,
    )
    return Salvage(ledger, tuple(lost))


def _as(kind: type[_T]) -> Callable[[Any], _T]:
    return lambda raw: msgspec.convert(raw, kind)


def _value_at(text: str, position: int) -> Any:
    return json.JSONDecoder().raw_decode(text, position)[0]


def _entries(
    text: str, key: str, read: Callable[[Any], _T], what: str, lost: list[str]
) -> dict[str, _T]:
    found: dict[str, _T] = {}
    for match in re.finditer(rf'"({key})"\s*:\s*(?=\{{)', text):
        try:
            found[match.group(1)] = read(_value_at(text, match.end()))
        except (ValueError, RecursionError):
            lost.append(f"{what} {match.group(1)}")
    return found


def _single(text: str, key: str, read: Callable[[Any], _T]) -> _T | None:
    for match in re.finditer(rf'"{key}"\s*:\s*(?=\{{)', text):
        try:
            return read(_value_at(text, match.end()))
        except (ValueError, RecursionError):
            continue
    return None


def _section(text: str, key: str, kind: type[_T]) -> dict[str, _T]:
    return _single(text, key, _as(dict[str, kind])) or {}  # type: ignore[valid-type]


def _kills(text: str, section: str) -> dict[str, LastKill]:
    start = re.search(rf'"{section}"\s*:\s*\{{', text)
    if not start:
        return {}
    end = text.find("}", start.end())
    body = text[start.end() : end if end >= 0 else len(text)]
    pairs = re.findall(r'"([0-9a-f]{12})"\s*:\s*\[\s*(\d+)\s*,\s*(-?\d+)\s*\]', body)
    return {key: LastKill(int(at), int(healed)) for key, at, healed in pairs}
