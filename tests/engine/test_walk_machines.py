"""Every call of a reboot, an ended machine and a crash gone wrong: struck once, and put back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import cache

import pytest

from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.model import Action, StepAction
from tests.engine.helper_side import HELPERS
from tests.engine.promises import read_ledger, taints_left
from tests.engine.stage import Call, Kind
from tests.engine.story_of_machines import Deeds, tell
from tests.engine.test_walk_nodes import drains
from tests.engine.test_walk_nodes import recorded as recorded_of_nodes
from tests.engine.world import World

FINAL = {
    Action.REBOOT: StepAction.REBOOT,
    Action.TERMINATE: StepAction.TERMINATE,
    Action.CRASH: StepAction.CRASH,
}
OTHERS = ("target.strike", "target.fence", "target.undo", "target.recovered")
TIMES = 4


@cache
def recorded(action: Action) -> tuple[Call, ...]:
    """The calls of the story when nothing goes wrong."""
    return tuple(tell(action).stage.calls)


def trials(action: Action) -> list[int]:
    """What the walk through drains has not tried: around the last strike, its fence, its undo."""
    calls = recorded(action)
    known = drains(recorded_of_nodes())
    chosen = {index for key, index in drains(calls).items() if key not in known}
    # The same places mean other things here, and the second time other things than the first.
    seen: Counter[tuple[str, str]] = Counter()
    for index, call in enumerate(calls):
        if call.name in OTHERS:
            seen[call.actor, call.name] += 1
            if seen[call.actor, call.name] <= TIMES:
                chosen.add(index)
    return sorted(chosen)


def complaints(world: World, action: Action) -> list[str]:
    """Whatever is not as promised at the end of the story."""
    deeds: Deeds = world.deeds  # type: ignore[attr-defined]
    ledger = read_ledger(world.sandbox)
    intents = {intent.id: intent for intent in ledger.all_intents()}
    found = [f"promise 9: {d.identity} without an intent" for d in deeds.seen if not d.reserved]
    struck = Counter(key for deed in deeds.seen for key in deed.reserved)
    found += [f"promise 2: {key} struck {n} times" for key, n in struck.items() if n > 1]
    for intent in intents.values():
        last = next((s for s in intent.steps if s.action is FINAL[action]), None)
        if last is None or last.state is StepState.RESERVED:
            continue
        if (last.state is StepState.KILLED) != (intent.id in struck):
            found.append(f"promise 9: {intent.id} says {last.state} {last.detail!r}")
    found += taints_left(world.sandbox)
    left = {pod["metadata"]["name"].rpartition("-")[2] for pod in _helpers(world)}
    found += [f"the helper pod of {key} is left" for key in left - set(ledger.intents)]
    long_ago = world.time.now() - timedelta(seconds=120)
    found += [f"{i.id} was never settled" for i in ledger.unsettled() if i.reserved_at < long_ago]
    if not any(i.result is Result.KILLED for i in intents.values()):
        found.append("liveness: nothing was struck")
    return found


def _helpers(world: World) -> list[dict[str, dict[str, str]]]:
    return [p for p in world.sandbox.cluster.all("pods") if p["metadata"]["namespace"] == HELPERS]


@pytest.mark.parametrize("action", list(FINAL))
def test_nothing_goes_wrong(action: Action) -> None:
    """Undisturbed, each slot strikes once and everything recovers."""
    world = tell(action)
    assert complaints(world, action) == []
    intents = list(read_ledger(world.sandbox).all_intents())
    assert sum(i.verdict is Verdict.RECOVERED for i in intents) >= 2


@pytest.mark.parametrize("action", list(FINAL))
@pytest.mark.parametrize("kind", list(Kind), ids=lambda kind: kind.name.lower())
def test_every_call_gone_wrong(kind: Kind, action: Action) -> None:
    """After this fault at any call, nothing is struck twice, and nothing of ours is left."""
    calls = recorded(action)
    for index in trials(action):
        if kind in calls[index].kinds:
            found = complaints(tell(action, index, kind), action)
            assert found == [], f"{kind} at call {index}, {calls[index]}"
