"""The ledger as text: written readably, read strictly, and salvaged when it is damaged."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from typing import TypeVar

import msgspec
from msgspec import Struct

from chaosd.core.ledger import (
    VERSION,
    Halt,
    Intent,
    LastKill,
    Leader,
    Ledger,
    Request,
    Tally,
    workload_hash,
)
from chaosd.core.ledger_upgrade import OLDEST, SINCE, upgrade

MAX_BYTES = 900 * 1024
_PRETTY_BELOW = 128 * 1024
_SECTIONS = tuple(field.encode_name for field in msgspec.structs.fields(Ledger))
# A name and the start of its value. Quotes inside of strings are escaped, so that nothing that
# somebody wrote into one is taken for a name.
_NAMED = re.compile(r'"([^"\\]{1,253})"\s*:\s*(?=[{\[])')
_ID = re.compile(r"[0-9a-f]{20}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HASH = re.compile(r"[0-9a-f]{12}")
_DECODER = json.JSONDecoder()
# Made at the import: a process in which two threads are the first to read a type may crash.
_LEDGERS = msgspec.json.Decoder(Ledger)
_Value = Intent | Request | Leader | Halt | LastKill | Tally
_KINDS: tuple[type[_Value], ...] = (Intent, Request, Leader, Halt, LastKill, Tally)
# What holds entries, and what is inside of them.
_NOT_ENTRIES = frozenset(
    {"intents", "outcomes", "paused", "lastKills", "lastDryKills", "requests", "days"}
    | {"victim", "steps", "locks", "reasons", "undo", "helper", "workloads", "uids", "kills"}
)
_Entry = TypeVar("_Entry", Intent, Request)


class LedgerDamaged(ValueError):
    """The text is not a ledger that this version can read; the message says why."""


def encode(ledger: Ledger) -> str:
    """The ledger as JSON: indented while it is small enough to be read by people.

    Halves of characters, which a terminal can let in, become question marks.
    """
    try:
        raw = msgspec.json.encode(ledger)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(ledger), ensure_ascii=False)
        raw = text.encode(errors="replace")
    if len(raw) < _PRETTY_BELOW:
        raw = msgspec.json.format(raw, indent=1)
    return raw.decode()


def decode(text: str) -> Ledger:
    """Read what :func:`encode` wrote; LedgerDamaged for anything else.

    The sections must be exactly those of this version: without one of them, or with one more, it is
    another thing's text, or one that would be written back without what it holds.
    """
    if not text.strip():
        raise LedgerDamaged("it is empty")
    try:
        sections = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise LedgerDamaged("it is not a JSON object") from error
    except (ValueError, RecursionError) as error:
        raise LedgerDamaged(f"it is not JSON: {error}") from error
    version = _check_sections(sections)
    try:
        ledger = _LEDGERS.decode(text if version == VERSION else _carried_over(text))
    except (ValueError, RecursionError) as error:
        raise LedgerDamaged(f"it does not fit: {error}") from error
    for problem in _misplaced(ledger):
        raise LedgerDamaged(f"it does not fit: {problem}")
    return ledger


def _carried_over(text: str) -> bytes:
    try:
        return msgspec.json.encode(upgrade(msgspec.json.decode(text, type=dict), VERSION))
    except (KeyError, TypeError, AttributeError) as error:
        raise LedgerDamaged(f"it does not fit its own version: {error}") from error


def _check_sections(sections: dict[str, msgspec.Raw]) -> int:
    """Its version, once it is known to be one that can be read, with all of its sections."""
    try:
        version = msgspec.json.decode(sections["version"], type=int)
    except (KeyError, ValueError):
        raise LedgerDamaged("it has no version, so it is not chaosd's") from None
    if version > VERSION:
        newer = f"it has version {version}, made by a newer chaosd"
        raise LedgerDamaged(f"{newer}; this one reads up to version {VERSION}")
    if version < OLDEST:
        raise LedgerDamaged(f"it has version {version}, and there was never such a one")
    known = _sections_of(version)
    if missing := [name for name in known if name not in sections]:
        raise LedgerDamaged(f"it lacks {', '.join(missing)}")
    if unknown := sorted(set(sections) - set(known)):
        raise LedgerDamaged(f"it has {', '.join(unknown)}, which no ledger has")
    return version


def _sections_of(version: int) -> tuple[str, ...]:
    return tuple(name for name in _SECTIONS if SINCE.get(name, OLDEST) <= version)


def _misplaced(ledger: Ledger) -> Iterator[str]:
    """What stands under another name than its own, or among the open ones although it is closed."""
    named: list[tuple[str, str]] = [(key, one.id) for key, one in ledger.requests.items()]
    for intents in (ledger.intents, ledger.outcomes):
        named += [(key, one.id) for key, one in intents.items()]
    yield from (f"{own} stands under {key}" for key, own in named if own != key)
    for key in ledger.intents.keys() & ledger.outcomes.keys():
        yield f"intent {key} stands among the open ones and among the closed ones"
    for intent in ledger.intents.values():
        if intent.closed_at is not None:
            yield f"intent {intent.id} is closed and stands among the open ones"
    for intent in ledger.outcomes.values():
        if intent.closed_at is None:
            yield f"intent {intent.id} is open and stands among the closed ones"


class Salvage(Struct, frozen=True):
    """What could be read of a damaged text, and what people should know about the rest."""

    ledger: Ledger
    lost: tuple[str, ...] = ()


def salvage(text: str) -> Salvage:
    """Keep every entry of a damaged ledger that still reads, wherever the damage is.

    Entries are found by their names and told apart by their form, so that a broken one costs only
    itself, also where the start of a section is broken. In doubt, what is kept stops more: an
    intent is open, a pause is a halt, the kill of a dry run is a real one too.
    """
    try:
        return Salvage(decode(text))
    except LedgerDamaged as error:
        found, lost = _entries(text)
        lost = [str(error), *lost]
    intents = _by_id(found, Intent, lambda intent: intent.closed_at is None)
    real, dry = _kills(found, _start(text, "lastDryKills"), intents)
    halt, paused = _stops(found, _start(text, "paused"))
    if not halt and not re.search(r'"halt"\s*:\s*null', text):
        lost.append("whether it was halted")
    sections = _sections_of(_number(text, "version") or VERSION)
    lost += [f"the start of {name}" for name in sections if _start(text, name) is None]
    ledger = Ledger(
        revision=_number(text, "revision") or 0,
        halt=halt,
        paused=paused,
        leader=next((one.value for one in found if isinstance(one.value, Leader)), None),
        intents={key: intent for key, intent in intents.items() if intent.closed_at is None},
        outcomes={key: intent for key, intent in intents.items() if intent.closed_at is not None},
        last_kills=real,
        last_dry_kills=dry,
        requests=_by_id(found, Request, lambda request: bool(request.taken_by)),
        days=_days(found),
    )
    return Salvage(ledger, tuple(dict.fromkeys(lost)))


class _Found(Struct, frozen=True):
    """An entry, its name, and where in the text that name stands."""

    key: str
    at: int
    value: _Value


def _entries(text: str) -> tuple[list[_Found], list[str]]:
    """All entries that read, in order, and the names of those that don't."""
    found: list[_Found] = []
    lost: list[str] = []
    position = 0
    while match := _NAMED.search(text, position):
        key, position = match.group(1), match.end()
        value, end = _value(text, position)
        if value is not None:
            found.append(_Found(key, match.start(), value))
            position = end
        elif key not in _NOT_ENTRIES:
            lost.append(f"{_what(key)} {key}")
    return found, lost


def _value(text: str, position: int) -> tuple[_Value | None, int]:
    """The entry that starts at a position, told by its form, and where it ends."""
    try:
        end = _DECODER.raw_decode(text, position)[1]
    except (ValueError, RecursionError):
        return None, position
    for kind in _KINDS:
        try:
            value = msgspec.json.decode(text[position:end], type=kind)
        except (ValueError, RecursionError):
            continue
        return value, position if _swallowed(text[position:end], kind) else end
    return None, position


def _swallowed(text: str, kind: type[_Value]) -> bool:
    """Whether an entry holds names that are none of its own: where the damage joined it to what
    came after, that has entries too."""
    raw = json.loads(text)
    return isinstance(raw, dict) and not raw.keys() <= set(kind.__struct_encode_fields__)


def _what(key: str) -> str:
    if _ID.fullmatch(key):
        return "intent"
    if _DAY.fullmatch(key):
        return "number of kills on"
    return "last kill" if _HASH.fullmatch(key) else "entry"


def _start(text: str, section: str) -> int | None:
    match = re.search(rf'"{section}"\s*:', text)
    return match.start() if match else None


def _number(text: str, name: str) -> int | None:
    match = re.search(rf'"{name}"\s*:\s*([0-9]{{1,15}})', text)
    return int(match.group(1)) if match else None


def _by_id(
    found: list[_Found], kind: type[_Entry], doubtful: Callable[[_Entry], bool]
) -> dict[str, _Entry]:
    """Entries by their id; of several, the one that stands under its own name and is doubtful."""
    entries = [(one.key, one.value) for one in found if isinstance(one.value, kind)]
    entries.sort(key=lambda entry: (entry[0] == entry[1].id, doubtful(entry[1])))
    return {entry.id: entry for _, entry in entries}


def _stops(found: list[_Found], paused_at: int | None) -> tuple[Halt | None, dict[str, Halt]]:
    """The halt and the pauses; the halt stands before these."""
    stops = [(one.key, one.at, one.value) for one in found if isinstance(one.value, Halt)]
    for key, at, stop in stops:
        if key == "halt" and (paused_at is None or at < paused_at):
            return stop, {key: stop for key, other, stop in stops if other != at}
    return None, {key: stop for key, _, stop in stops}


def _kills(
    found: list[_Found], dry_at: int | None, intents: dict[str, Intent]
) -> tuple[dict[str, LastKill], dict[str, LastKill]]:
    """The last kills, and those of dry runs, which stand behind them.

    Without the intent that would tell when a workload is whole again, it counts as whole from the
    moment that it was struck: its cooldown begins then.
    """
    unsure = {workload_hash(one.workload) for one in intents.values() if one.closed_at is None}
    real: dict[str, LastKill] = {}
    dry: dict[str, LastKill] = {}
    for one in found:
        if not isinstance(one.value, LastKill) or not _HASH.fullmatch(one.key):
            continue
        kill = one.value
        if kill.healed < 0 and one.key not in unsure:
            kill = LastKill(kill.at, 0)
        for kills, here in (
            (real, dry_at is None or one.at < dry_at),
            (dry, dry_at is None or one.at > dry_at),
        ):
            if here:
                kills[one.key] = max(kill, kills.get(one.key, kill), key=_rests_from)
    return real, dry


def _days(found: list[_Found]) -> dict[date, Tally]:
    """The kills of each day; the larger numbers of one that was found twice."""
    days: dict[date, Counter[str]] = {}
    for one in found:
        if isinstance(one.value, Tally) and _DAY.fullmatch(one.key):
            with suppress(ValueError):
                day = date.fromisoformat(one.key)
                days[day] = days.get(day, Counter()) | Counter(one.value.kills)
    return {day: Tally(dict(kills)) for day, kills in days.items()}


def _rests_from(kill: LastKill) -> int:
    return kill.at + max(kill.healed, 0)
