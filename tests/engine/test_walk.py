"""Every call through every port, gone wrong in every way: the promises hold."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

import pytest

from chaosd.core.ledger import Result, Verdict
from chaosd.ports import Cluster, Events, Guard, Report, Settings, Target, Versioned
from tests.engine.promises import broken_promises, read_ledger, reports_missing, results_twice
from tests.engine.stage import Call, Kind, worth_trying
from tests.engine.story import CONFIGURATION, OPTED_IN, tell
from tests.engine.world import World

SHARDS = 4


@cache
def recorded(*, requests: bool = False) -> tuple[Call, ...]:
    """The calls of the story when nothing goes wrong."""
    return tuple(tell(requests=requests).stage.calls)


def trials(kind: Kind) -> list[int]:
    """The calls through ports at which this kind of fault is tried."""
    calls = recorded()
    return [index for index in worth_trying(calls) if kind in calls[index].kinds]


def complaints(world: World) -> list[str]:
    """Whatever is not as promised at the end of the story."""
    found = broken_promises(world.sandbox, CONFIGURATION, world.halted, OPTED_IN)
    found += reports_missing(world.sandbox, timedelta(seconds=80), world.time.now())
    ledger = read_ledger(world.sandbox)
    recent = world.time.now() - timedelta(seconds=100)
    if not any(i.result is Result.KILLED and i.reserved_at > recent for i in ledger.all_intents()):
        found.append("liveness: nothing was killed in the last 100 s")
    return found + results_twice(daemon.tape for daemon in world.daemons)


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


def test_every_method_of_every_port_is_on_the_way() -> None:
    """The walk passes through each method of each port: none is left untried."""
    ports = {
        "ledger": Versioned,
        "lease": Versioned,
        "cluster": Cluster,
        "settings": Settings,
        "events": Events,
        "report": Report,
        "target": Target,
        "guard": Guard,
    }
    every = {
        f"{port}.{method}"
        for port, protocol in ports.items()
        for method, what in vars(protocol).items()
        if callable(what) and not method.startswith("_")
    }
    # Told only of errors: their own trials pass through it.
    unheard = {"report.failed", "target.next", "target.undo"}
    assert every - unheard - {call.name for call in recorded()} == set()


@pytest.mark.parametrize("kind", [Kind.ERROR_AFTER, Kind.SLOW])
def test_every_write_gone_wrong(kind: Kind) -> None:
    """The same for every single HTTP request that changes something, inside the ports' methods."""
    calls = recorded(requests=True)
    for index in worth_trying(calls):
        if Kind.ERROR_AFTER in calls[index].kinds:
            found = complaints(tell(index, kind, requests=True))
            assert found == [], f"{kind} at request {index}, {calls[index]}"
