"""What a damaged ledger keeps: every entry that still reads, wherever the damage is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.core.ledger import (
    VERSION,
    Halt,
    LastKill,
    Ledger,
    Request,
    Tally,
    workload_hash,
)
from chaosd.core.ledger_text import Salvage, decode, encode, salvage
from tests.core.any_ledger import ID, builtins, ledgers, plain, sections
from tests.core.ledgers import NOW, STOP, WEB, changed, intent, led


class Entry(NamedTuple):
    """An entry, and where it stands in the text."""

    section: str
    key: str
    start: int
    end: int


def members(text: str, at: int) -> Iterator[tuple[str, int, int, int]]:
    """The members of the object at `at`: name, and where it and its value start and end."""
    space, decoder = re.compile(r"[\s:,]*"), json.JSONDecoder()

    def skip(at: int) -> int:
        match = space.match(text, at)
        return match.end() if match else at

    at = skip(at + 1)
    while text[at] != "}":
        start = at
        name, at = decoder.raw_decode(text, at)
        value = skip(at)
        _, at = decoder.raw_decode(text, value)
        yield name, start, value, at
        at = skip(at)


def entries(text: str) -> Iterator[Entry]:
    for section, start, value, end in members(text, 0):
        if section in ("halt", "leader") and text[value] == "{":
            yield Entry(section, section, start, end)
        elif text[value] == "{":
            for key, key_start, _, key_end in members(text, value):
                yield Entry(section, key, key_start, key_end)


def rests(kills: dict[str, LastKill], key: str) -> tuple[int, int]:
    kill = kills.get(key, LastKill(-1))
    return kill.at, kill.at + kill.healed


def is_kept(entry: Entry, before: Ledger, after: Ledger) -> bool:
    """Whether `after` stops at least what the entry of `before` stopped."""
    key = entry.key
    match entry.section:
        case "halt":
            return after.halt == before.halt
        case "leader":
            return after.leader == before.leader
        case "paused":
            return before.paused[key] in (after.paused.get(key), key == "halt" and after.halt)
        case "intents":
            return after.intents.get(key) == before.intents[key]
        case "outcomes":
            return after.outcomes.get(key) == before.outcomes[key]
        case "requests":
            return after.requests.get(key) == before.requests[key]
        case "lastKills":
            return rests(after.last_kills, key)[1] >= rests(before.last_kills, key)[1]
        case "lastDryKills":
            return rests(after.last_dry_kills, key)[1] >= rests(before.last_dry_kills, key)[1]
        case "days":
            day = date.fromisoformat(key)
            found = after.days.get(day, Tally({}))
            return Counter(found.kills) >= Counter(before.days[day].kills)
    raise AssertionError(entry.section)


OVERWRITES = st.just("") | st.text('{}[]":, 0a\\', max_size=8) | st.text(max_size=8)


@settings(max_examples=120)
@given(ledgers(), st.data())
def test_damage_costs_only_what_it_touches(ledger: Ledger, data: st.DataObject) -> None:
    """Cut out or overwrite any slice of the text: every entry beside it is kept."""
    text = encode(ledger)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.just(len(text)) | st.integers(start, min(len(text), start + 80)))
    saved = salvage(text[:start] + data.draw(OVERWRITES) + text[end:])
    beside = [one for one in entries(text) if one.end <= start or end <= one.start]
    assert [one for one in beside if not is_kept(one, ledger, saved.ledger)] == []
    assert decode(encode(saved.ledger)) == saved.ledger


def test_what_damage_joined_to_an_entry_is_found_in_it() -> None:
    """Where a cut joins the end of an outcome to a request, both are read."""
    ledger = full()
    text = encode(ledger)
    start = text.index('"closedAt"')
    saved = salvage(text[:start] + text[text.index('"abcd1234"') :])
    assert list(saved.ledger.requests) == ["abcd1234"]


@pytest.mark.parametrize("section", [name for name in json.loads(sections()) if name != "version"])
def test_a_lost_start_of_a_section_costs_none_of_its_entries(section: str) -> None:
    """Entries are told by their form; what could not be told is said."""
    ledger = full()
    text = encode(ledger).replace(f'"{section}": ', "", 1)
    saved = salvage(text)
    kept = [one for one in entries(encode(ledger)) if is_kept(one, ledger, saved.ledger)]
    gone = [one for one in entries(encode(ledger)) if one not in kept]
    assert [one.section for one in gone] == ([section] if section in ("halt", "leader") else [])
    said = "whether it was halted" if section == "halt" else f"the start of {section}"
    assert said in saved.lost


def full() -> Ledger:
    """A ledger with something in every section."""
    closed = intent("web", "shop/Deployment/db", NOW, closed_at=NOW)
    return msgspec.structs.replace(
        led(),
        revision=7,
        halt=STOP,
        paused={"web": STOP, "halt": Halt("bob", "", NOW)},
        intents={ID: intent()},
        outcomes={closed.id: closed},
        last_kills={workload_hash("a"): LastKill(10), workload_hash(WEB): LastKill(20)},
        last_dry_kills={workload_hash("a"): LastKill(30, 5)},
        requests={"abcd1234": Request("abcd1234", "web", "ann", NOW, NOW)},
        days={date(2026, 3, 2): Tally({"web": 3, "halt": 1})},
    )


def broken(key: str) -> Salvage:
    """A salvage of `full`, in which the value of `key` does not read."""
    return salvage(re.sub(rf'("{key}": [{{\[])', r"\1#", encode(full()), count=1))


@pytest.mark.parametrize(
    ("key", "lost"),
    [
        (ID, f"intent {ID}"),
        (workload_hash("a"), f"last kill {workload_hash('a')}"),
        ("web", "entry web"),
        ("halt", "entry halt"),
        ("leader", "entry leader"),
        ("abcd1234", "entry abcd1234"),
        ("2026-03-02", "number of kills on 2026-03-02"),
    ],
)
def test_what_was_lost_is_named(key: str, lost: str) -> None:
    """A person reads which entry could not be kept, and that the rest was."""
    saved = broken(key)
    assert saved.lost[0].startswith("it is not JSON")
    assert lost in saved.lost[1:]
    kept = [one for one in entries(encode(full())) if is_kept(one, full(), saved.ledger)]
    assert key not in [one.key for one in kept if one.section not in ("paused", "lastDryKills")]
    assert len(kept) >= len(list(entries(encode(full())))) - 1


def test_an_unknown_halt_is_said() -> None:
    """Where it can't be read whether there was a halt, a person is told so; else not."""
    unsure = "whether it was halted"
    assert unsure in broken("halt").lost
    assert unsure in salvage("").lost
    assert unsure not in broken("web").lost
    assert unsure not in salvage(encode(led())[:-3]).lost


def test_the_revision_goes_on() -> None:
    """A repaired ledger counts its changes from where it was."""
    assert broken("web").ledger.revision == 7


def test_a_kill_without_its_intent_rests_from_the_strike() -> None:
    """Nobody would ever say that the workload is whole again: its cooldown begins with the kill.
    Where the open intent is there, it goes on."""
    kills = broken("abcd1234").ledger.last_kills
    assert kills == {workload_hash("a"): LastKill(10, 0), workload_hash(WEB): LastKill(20)}


def test_kills_that_may_be_real_or_dry_count_as_both() -> None:
    """Without the border between the two, each workload rests from its later kill, either way."""
    saved = salvage(encode(full()).replace('"lastDryKills": ', "")).ledger
    assert saved.last_kills[workload_hash("a")] == LastKill(30, 5)
    assert saved.last_kills == saved.last_dry_kills


def test_an_id_found_twice_is_open_under_its_own_name() -> None:
    """Of two intents with one id, the open one that stands under it is believed."""
    done = changed(intent(), closed_at=NOW)
    text = sections(
        intents={"0" * 20: builtins(changed(done, detail="under another name")), **plain()},
        outcomes={ID: builtins(done)},
    )
    saved = salvage(text).ledger
    assert (saved.intents, saved.outcomes) == ({ID: intent()}, {})


def test_a_newer_ledger_keeps_what_this_version_knows() -> None:
    """A repair by an older chaosd says which version it met, and keeps the entries."""
    newer = VERSION + 1
    saved = salvage(encode(full()).replace(f'"version": {VERSION}', f'"version": {newer}'))
    assert saved.lost == (
        f"it has version {newer}, made by a newer chaosd; this one reads up to version {VERSION}",
    )
    assert [one for one in entries(encode(full())) if not is_kept(one, full(), saved.ledger)] == []


def test_an_older_ledger_lost_nothing_that_it_never_had() -> None:
    """Of a section that came later, the start is not missed."""
    text = re.sub(r',\s*"days": \{.*', "}", encode(full()), flags=re.DOTALL)
    saved = salvage(
        text.replace(f'"version": {VERSION}', '"version": 2').replace('"who"', '"whom"')
    )
    assert saved.lost
    assert "the start of days" not in saved.lost
    assert "the start of days" in salvage(text).lost


def test_a_day_found_twice_has_the_larger_numbers() -> None:
    """And what is no day is none."""
    days = '"2026-03-02": {"kills": {"web": 5}}, "2026-02-30": {"kills": {"web": 5}}, "2026-03-02"'
    saved = salvage(encode(full()).replace('"2026-03-02"', days)[:-1]).ledger
    assert saved.days == {date(2026, 3, 2): Tally({"web": 5, "halt": 1})}
