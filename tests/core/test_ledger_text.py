"""The ledger's text: what is written is read, and everything else is refused with its reason."""

from __future__ import annotations

import json
import re

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chaosd.core.ledger import VERSION, Halt, LastKill, Ledger, workload_hash
from chaosd.core.ledger_text import LedgerDamaged, Salvage, decode, encode, salvage
from tests.core.any_ledger import ID, TEXTS, ledgers, plain, sections
from tests.core.ledgers import NOW, led


@given(ledgers())
def test_what_was_written_is_read(ledger: Ledger) -> None:
    """Every ledger comes back as it was, and nothing of it is lost by a salvage."""
    assert decode(encode(ledger)) == ledger
    assert salvage(encode(ledger)) == Salvage(ledger)


def test_small_ledgers_are_readable_and_large_ones_short() -> None:
    """A small one is indented for people; 15,000 last kills fit in half of a ConfigMap."""
    assert encode(led()).startswith(f'{{\n "version": {VERSION},')
    kills = {workload_hash(str(n)): LastKill(1_700_000_000 + n, 60) for n in range(15_000)}
    large = msgspec.structs.replace(led(), last_kills=kills)
    text = encode(large)
    assert len(text.encode()) < 2**19  # half of what a ConfigMap takes
    assert "\n" not in text
    assert decode(text) == large


def test_half_characters_do_not_stop_a_halt() -> None:
    """Bytes that are no UTF-8, as a terminal lets them in, become question marks."""
    why = "gr\udcfcn"
    text = encode(msgspec.structs.replace(led(), halt=Halt("ann", why, NOW)))
    assert decode(text).halt == Halt("ann", "gr?n", NOW)


CLOSED = "2026-03-04T10:00:00Z"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is empty"),
        (" \n\t", "it is empty"),
        ("{", "it is not JSON"),
        ("{} x", "it is not JSON"),
        ("version: 1", "it is not JSON"),
        ("\x00", "it is not JSON"),
        ("\ud800", "it is not JSON"),
        (encode(led())[:-1], "it is not JSON"),
        (encode(led())[:40], "it is not JSON"),
        ("[" * 100_000, "it is not a JSON object"),
        ('{"version":' + "[" * 100_000, "it is not JSON"),
        ("null", "it is not a JSON object"),
        ("[]", "it is not a JSON object"),
        ("{}", "it has no version, so it is not chaosd's"),
        (sections(version=...), "it has no version, so it is not chaosd's"),
        (sections(version="1"), "it has no version, so it is not chaosd's"),
        (sections(version=True), "it has no version, so it is not chaosd's"),
        (sections(version=None), "it has no version, so it is not chaosd's"),
        (sections(version=0), "it has version 0, and there was never such a one"),
        (sections(version=VERSION + 1), "made by a newer chaosd; this one reads up to version"),
        (sections(version=2), "it has days, which no ledger has"),
        (sections(days={"2026-02-30": {"kills": {}}}), "it does not fit: Invalid RFC3339"),
        (sections(days={"2026-03-02": {"kills": {"web": -1}}}), "Expected `int` >= 0"),
        ('{"version": 2}', "it lacks revision, halt, paused, leader, intents, outcomes, "),
        (sections(halt=...), "it lacks halt"),
        (sections(lastKills=..., intents=...), "it lacks intents, lastKills"),
        (sections(kills={}), "it has kills, which no ledger has"),
        (sections(halt={"who": "ann"}), "it does not fit: Object missing required field `why`"),
        (sections(halt={"who": "a", "why": "b", "at": "2026-03-04T10:00:00"}), "timezone"),
        (sections(leader={"holder": "a", "term": "1", "since": CLOSED}), "it does not fit"),
        (sections(intents=[]), "it does not fit: Expected `object`, got `array`"),
        (sections(intents=plain(result="exploded")), "Invalid enum value 'exploded'"),
        (sections(intents=plain(reservedAt="2026-03-04T10:00:00")), "timezone"),
        (sections(intents=plain(deadline=float("nan"))), "it is not JSON"),
        (sections(intents={"0" * 20: plain()[ID]}), f"{ID} stands under {'0' * 20}"),
        (sections(intents=plain(closedAt=CLOSED)), f"{ID} is closed and stands among the open"),
        (sections(outcomes=plain()), f"{ID} is open and stands among the closed"),
        (
            sections(intents=plain(), outcomes=plain(closedAt=CLOSED)),
            f"{ID} stands among the open ones and among the closed ones",
        ),
        (sections(lastKills={"0" * 12: [-1, 0]}), "Expected `int` >= 0"),
        (sections(lastKills={"0" * 12: [0, -2]}), "Expected `int` >= -1"),
        (sections(lastKills={"0" * 12: [10**12, 0]}), "Expected `int` <= 30000000000"),
        (sections(lastKills={"0" * 12: ["0", 0]}), "Expected `int`, got `str`"),
        (encode(led()).replace("chaosd-0", "\\ud800"), "it is not JSON"),
    ],
)
def test_what_is_no_ledger_says_why(text: str, why: str) -> None:
    """Whatever is not exactly a ledger of this version is refused, and the reason can be read."""
    with pytest.raises(LedgerDamaged) as caught:
        decode(text)
    assert why in str(caught.value)
    assert salvage(text).lost[0] == str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
TOP = st.fixed_dictionaries(
    {"version": st.integers(1, VERSION)},
    optional={name: JSON for name in json.loads(sections()) if name != "version"},
)


@settings(max_examples=60)
@given(st.text() | JSON.map(json.dumps) | TOP.map(json.dumps))
@example("1" * 5000)
@example(f'{{"lastKills": {{"{"0" * 12}": [{"1" * 5000}, 0]}}}}')
@example(f'{{"revision": {"1" * 5000}}}')
@example('{"a":' * 3000)
def test_no_text_is_a_reason_to_crash(text: str) -> None:
    """Any text is a ledger or damaged, and what a salvage makes of it is a ledger."""
    saved = salvage(text)
    assert decode(encode(saved.ledger)) == saved.ledger
    if saved.lost:
        with pytest.raises(LedgerDamaged, match=re.escape(saved.lost[0])):
            decode(text)
    else:
        assert decode(text) == saved.ledger
