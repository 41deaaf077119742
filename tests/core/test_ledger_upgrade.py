"""Older ledgers are carried over, newer ones are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chaosd.core.ledger import VERSION, Halt, Result, Verdict
from chaosd.core.ledger_text import LedgerDamaged, decode, encode
from chaosd.core.ledger_upgrade import upgrade
from chaosd.core.model import StepAction

GOLDEN = Path(__file__).with_name("golden")
OLD = GOLDEN / "ledger-v1.json"


@pytest.mark.parametrize("version", range(1, VERSION))
def test_a_ledger_of_an_older_version_loses_nothing(version: int) -> None:
    """A text that it wrote is read whole: halt, pauses, open and closed intents, last kills and
    requests; each step says what it did."""
    text = (GOLDEN / f"ledger-v{version}.json").read_text()
    ledger = decode(text)
    assert ledger.version == VERSION
    assert ledger.halt is not None
    assert ledger.halt.why == "a release"
    assert isinstance(ledger.paused["web"], Halt)
    assert [one.workload for one in ledger.unsettled()] == ["shop/Deployment/web1"]
    actions = [one.steps[0].action for one in ledger.all_intents()]
    assert actions == [StepAction.EVICT, StepAction.DELETE, StepAction.EVICT]
    assert [len(one.uids) for one in ledger.all_intents()] == [int(version > 1), 0, 0]
    assert ledger.days == {}
    (closed,) = ledger.outcomes.values()
    assert (closed.result, closed.verdict) == (Result.KILLED, Verdict.RECOVERED)
    assert ledger.last_kill(closed.workload, dry_run=False) is not None
    assert list(ledger.requests) == ["r1"]
    again = json.loads(encode(ledger))
    old = json.loads(text)
    assert again.keys() == old.keys() | {"days"}
    for section in old.keys() - {"version", "intents", "outcomes"}:
        assert again[section] == old[section]


@pytest.mark.parametrize("old", sorted(GOLDEN.glob("ledger-v*.json")), ids=lambda path: path.stem)
def test_what_is_written_then_is_of_this_version(old: Path) -> None:
    """The next change writes the version of this chaosd, which reads it as it is."""
    ledger = decode(old.read_text())
    assert json.loads(encode(ledger))["version"] == VERSION
    assert decode(encode(ledger)) == ledger


def test_a_newer_ledger_is_refused() -> None:
    """What a newer chaosd has written is not read, since it would be written back without what this
    one doesn't know."""
    newer = json.loads(OLD.read_text()) | {"version": VERSION + 1}
    with pytest.raises(LedgerDamaged, match=f"version {VERSION + 1}, made by a newer chaosd"):
        decode(json.dumps(newer))


@pytest.mark.parametrize(
    "spoil",
    [{"intents": []}, {"outcomes": {"x": 1}}, {"intents": {"x": {"steps": 3}}}, {"leader": 7}],
    ids=str,
)
def test_an_old_one_that_is_damaged_is_damaged(spoil: dict[str, Any]) -> None:
    """A text that does not fit its own version is not taken for anything else."""
    with pytest.raises(LedgerDamaged):
        decode(json.dumps(json.loads(OLD.read_text()) | spoil))


def test_every_version_has_its_step() -> None:
    """From each older version there is a way to this one."""
    for version in range(1, VERSION):
        document = {"version": version, "intents": {}, "outcomes": {}}
        assert upgrade(document, VERSION)["version"] == VERSION
