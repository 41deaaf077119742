"""Every call through every port, gone wrong in every way: the promises hold."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest

from chaosd.core.ledger import Result, Verdict
from tests.engine.promises import broken_promises, read_ledger, reports_missing
from tests.engine.stage import LOCAL, Call, Kind, worth_trying
from tests.engine.story import CONFIGURATION, OPTED_IN, tell
from tests.engine.world import World

SHARDS = 8


@cache
def recorded() -> tuple[Call, ...]:
    """The calls of the story when nothing goes wrong."""
    return tuple(tell().stage.calls)


def trials(kind: Kind) -> list[int]:
    """The calls at which this kind of fault is tried."""
    calls = list(recorded())
    chosen = worth_trying(calls)
    return [index for index in chosen if kind in LOCAL or not calls[index].local]


def complaints(world: World) -> list[str]:
    """Whatever is not as promised at the end of the story."""
    found = broken_promises(world.sandbox, CONFIGURATION, world.halted, OPTED_IN)
    found += reports_missing(world.sandbox, timedelta(seconds=150), world.time.now())
    ledger = read_ledger(world.sandbox)
    recent = world.time.now() - timedelta(seconds=200)
    if not any(i.result is Result.KILLED and i.reserved_at > recent for i in ledger.all_intents()):
        found.append("liveness: nothing was killed in the last 200 s")
    counted = [result for daemon in world.daemons for result, _ in daemon.tape.results]
    if len(counted) != len(set(counted)):
        found.append("a result was counted twice")
    return found


def test_nothing_goes_wrong() -> None:
    """Undisturbed, the story has kills, recoveries, and no broken promise."""
    world = tell()
    assert complaints(world) == []
    intents = list(read_ledger(world.sandbox).all_intents())
    assert sum(intent.result is Result.KILLED for intent in intents) >= 4
    assert sum(intent.verdict is Verdict.RECOVERED for intent in intents) >= 3


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_every_call_gone_wrong(kind: Kind, shard: int) -> None:
    """After this fault at any call, every promise holds and chaos goes on."""
    for index in trials(kind)[shard::SHARDS]:
        found = complaints(tell(index, kind))
        assert found == [], f"{kind} at call {index}, {recorded()[index]}"
