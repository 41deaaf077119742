"""Every call of a drain gone wrong in every way: the promises hold, and no taint stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

import pytest

from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.ports import Target
from tests.engine.promises import (
    actions_twice,
    read_ledger,
    reports_missing,
    results_twice,
    taints_left,
)
from tests.engine.stage import Call, Kind, places, worth_trying
from tests.engine.story_of_nodes import tell
from tests.engine.world import World

SHARDS = 4


@cache
def recorded(*, requests: bool = False) -> tuple[Call, ...]:
    """The calls of the story when nothing goes wrong."""
    return tuple(tell(requests=requests).stage.calls)


def drains(calls: Sequence[Call]) -> dict[tuple[str, ...], int]:
    """The calls that make up drains, each in every place.

    Leading, reloading and telling are tried by the walk through the story of pods.
    """
    return places(calls, ("target.",))


def complaints(world: World) -> list[str]:
    """Whatever is not as promised at the end of the story."""
    found = reports_missing(world.sandbox, timedelta(seconds=80), world.time.now())
    ledger = read_ledger(world.sandbox)
    intents = {intent.id: intent for intent in ledger.all_intents()}
    for removal, key in world.sandbox.journal.struck:
        name = f"{removal.namespace}/{removal.name}"
        if not key:
            found.append(f"promise 9: {name} was not written down before")
        if not name.startswith("shop/web-") or removal.by != "eviction":
            found.append(f"promises 1 and 5: {name} went by {removal.by}")
        for start, end in world.halted:
            if removal.at >= start and (end is None or removal.at < end):
                found.append(f"promise 7: {name} at {removal.at} after a halt at {start}")
    twice = Counter(removal.uid for removal, _ in world.sandbox.journal.struck)
    found += [f"promise 2: {uid} struck {n} times" for uid, n in twice.items() if n > 1]
    found += actions_twice(ledger)
    found += taints_left(world.sandbox)
    killed = {step.victim.uid for i in intents.values() for step in i.steps if _hit(step.state)}
    for uid in twice.keys() - killed:
        found.append(f"promise 9: {uid} was evicted, and no step says so")
    recent = world.time.now() - timedelta(seconds=75)
    if not any(i.result is Result.KILLED and i.reserved_at > recent for i in intents.values()):
        found.append("liveness: nothing was drained in the last 75 s")
    return found + results_twice(daemon.tape for daemon in world.daemons)


def _hit(state: StepState) -> bool:
    return state in (StepState.KILLED, StepState.RESERVED)


def test_nothing_goes_wrong() -> None:
    """Undisturbed, the story has drains, recoveries, and no broken promise."""
    world = tell()
    assert complaints(world) == []
    intents = list(read_ledger(world.sandbox).all_intents())
    assert sum(intent.result is Result.KILLED for intent in intents) >= 3
    assert sum(intent.verdict is Verdict.RECOVERED for intent in intents) >= 2


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_every_call_gone_wrong(kind: Kind, shard: int) -> None:
    """After this fault at any call, every promise holds and chaos goes on."""
    calls = recorded()
    trials = [index for index in sorted(drains(calls).values()) if kind in calls[index].kinds]
    for index in trials[shard::SHARDS]:
        found = complaints(tell(index, kind))
        assert found == [], f"{kind} at call {index}, {calls[index]}"


def test_every_method_of_a_target_is_on_the_way() -> None:
    """The walk passes through what pods leave out, too."""
    every = {f"target.{name}" for name in vars(Target) if not name.startswith("_")}
    silent = {"target.kind"}
    assert every - silent - {call.name for call in recorded()} == set()


@pytest.mark.parametrize("kind", [Kind.ERROR_AFTER, Kind.SLOW])
def test_every_write_gone_wrong(kind: Kind) -> None:
    """The same for every single HTTP request that changes something, inside the ports' methods."""
    calls = recorded(requests=True)
    for index in worth_trying(calls):
        if Kind.ERROR_AFTER in calls[index].kinds:
            found = complaints(tell(index, kind, requests=True))
            assert found == [], f"{kind} at request {index}, {calls[index]}"
