"""Every call of a member's kill and of a leader's transfer gone wrong: once each, never the
quorum."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache

import pytest

from chaosd.core.ledger import Intent, Result, StepState, Verdict
from chaosd.core.model import Action, StepAction
from tests.engine.promises import actions_twice, read_ledger
from tests.engine.stage import Call, Kind, places
from tests.engine.story_of_etcd import Watched, tell
from tests.engine.world import World

ACTIONS = (Action.KILL, Action.MOVE_LEADER)
ABOUT = ("target.", "guard.", "gateway.")


@cache
def recorded(action: Action) -> tuple[Call, ...]:
    """The calls of the story when nothing goes wrong."""
    return tuple(tell(action).stage.calls)


def trials(action: Action) -> list[int]:
    """The calls that make up what is done to members, each in every place. Leading, reloading and
    telling are tried by the walk through the story of pods."""
    return sorted(places(recorded(action), ABOUT).values())


def complaints(world: World) -> list[str]:
    """Whatever is not as promised at the end of the story."""
    etcd = world.sandbox.etcd
    assert isinstance(etcd, Watched)
    ledger = read_ledger(world.sandbox)
    intents = {intent.id: intent for intent in ledger.all_intents()}
    found = [f"promise 6: its quorum was lost {etcd.lost} times"] if etcd.lost else []
    struck = Counter(etcd.intents)
    for removal, key in world.sandbox.journal.struck:
        struck[key] += 1
        if removal.by != "eviction" or not removal.name.startswith("etcd-"):
            found.append(f"promises 1 and 5: {removal.name} went by {removal.by}")
    found += ["promise 9: a strike was not written down before"] if struck[""] else []
    found += [f"promise 2: {key} struck {n} times" for key, n in struck.items() if n > 1]
    found += actions_twice(ledger)
    found += [line for i in intents.values() for line in _untrue(i, i.id in struck)]
    recent = world.time.now() - timedelta(seconds=130)
    found += [f"{i.id} was never settled" for i in ledger.unsettled() if i.reserved_at < recent]
    if not any(i.result is Result.KILLED and i.reserved_at > recent for i in intents.values()):
        found.append("liveness: nothing was struck in the last 130 s")
    return found


def _untrue(intent: Intent, struck: bool) -> list[str]:
    """Where the ledger says something else than what happened; a leader may have changed anyway."""
    step = intent.steps[-1]
    if step.state is StepState.RESERVED:
        return []
    said = step.state is StepState.KILLED
    moved = step.action is StepAction.MOVE_LEADER
    if said == struck or (said and moved):
        return []
    return [f"promise 9: {intent.id} says {step.state} {step.detail!r}"]


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_goes_wrong(action: Action) -> None:
    """Undisturbed, every slot strikes once, the cluster heals, and nothing else is touched."""
    world = tell(action)
    assert complaints(world) == []
    intents = list(read_ledger(world.sandbox).all_intents())
    assert sum(intent.verdict is Verdict.RECOVERED for intent in intents) >= 3
    assert {intent.workload for intent in intents} == {"Etcd/main"}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_every_call_gone_wrong(kind: Kind, action: Action) -> None:
    """After this fault at any call, every promise holds and chaos goes on."""
    calls = recorded(action)
    for index in trials(action):
        if kind in calls[index].kinds:
            found = complaints(tell(action, index, kind))
            assert found == [], f"{kind} at call {index}, {calls[index]}"
