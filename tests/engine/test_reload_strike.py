"""A configuration that is reloaded between a step's reservation and its strike: nothing is sent,
and what was done before is watched and put back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent, Result, StepState, Verdict
from chaosd.core.model import Action, BudgetMode, Configuration, Impact, Limits
from chaosd.core.window import Always, Windows
from chaosd.ports import Guarded
from tests.engine import troubles as on
from tests.engine.drains import drains, ends, pods_on, taints
from tests.engine.drains import shop as nodes
from tests.engine.machines import Machines
from tests.engine.process import Hook, Process
from tests.engine.scene import LEDGER, WRITES, Scene, changed, configured, only, policy
from tests.engine.test_requests import answer, ask

FREEZE = Windows("UTC", (), (Always("freeze"),))
ONE = Limits(per_hour=1, per_day=1, concurrent=1)

Reload = Callable[[Scene, Process], None]


def altered(**fields: Any) -> Reload:
    """The file's policy says this from now on."""

    def reload(scene: Scene, process: Process) -> None:
        (one,) = scene.configuration.policies
        scene.file.write(configured(msgspec.structs.replace(one, **fields)), "second")
        process.reload.step()

    return reload


def gone(scene: Scene, process: Process) -> None:
    """The file has another policy from now on."""
    scene.file.write(configured(policy("other")), "second")
    process.reload.step()


def renamed(scene: Scene, process: Process) -> None:
    """The file says something else that no policy minds."""
    scene.file.write(changed(scene.configuration, cluster="renamed"), "second")
    process.reload.step()


def mend(scene: Scene, process: Process) -> None:
    """The file says what it said at first."""
    scene.file.write(scene.configuration, "third")
    process.reload.step()


HALTED = "halted: by the configuration: halted: true"
CHANGED = "configurationChanged: policy {}"
STOPS: dict[str, tuple[Reload, str]] = {
    "invalid": (on.spoiled, "configurationInvalid: it is spoiled"),
    "halted": (on.halted_by_file, HALTED),
    "gone": (gone, f"{CHANGED} is not configured any more"),
    "dry run": (altered(dry_run=True), f"{CHANGED} is a dry run now"),
    "closed": (altered(windows=FREEZE), "windowClosed: denied by 'freeze' (always)"),
}


def scene_of(
    configuration: Configuration, fill: Any, reload: Reload, **options: Any
) -> tuple[Scene, Process, Hook]:
    """A scene with a leader, and what reloads right before a swap of its ledger, when its ``left``
    is set: the step that is reserved by it has been admitted by then."""
    scene = Scene(configuration, fill)
    hook = Hook(f"PATCH {LEDGER}", lambda: reload(scene, process), nth=0)
    process = scene.leader(through=hook, **options)
    scene.asked()
    return scene, process, hook


def sent(scene: Scene) -> list[str]:
    """What was asked to be changed since the last call, but for chaosd's own objects."""
    asked = [one for one in scene.asked() if one.verb in WRITES]
    return [f"{one.verb} {one.path}" for one in asked if "/namespaces/chaosd/" not in one.path]


# ------------------------------------------------------------------ the first step


@pytest.mark.parametrize("pdb", list(BudgetMode))
@pytest.mark.parametrize("stop", list(STOPS))
def test_a_reload_after_the_reservation(stop: str, pdb: BudgetMode) -> None:
    """Nothing is sent, the reason is written down, and limits and locks are given back."""
    reload, why = STOPS[stop]
    scene, process, hook = scene_of(configured(policy(pdb=pdb), limits=ONE), on.shop, reload)
    hook.left = 1
    assert process.attempt().result == str(Result.REFUSED)
    intent = only(scene)
    assert (intent.result, intent.steps[0].state) == (Result.REFUSED, StepState.REFUSED)
    assert intent.detail == f"not sent: {why.format('web')}"
    assert (intent.closed_at, intent.keys) == (scene.now(), ())
    assert (sent(scene), scene.victims()) == ([], [])
    mend(scene, process)
    again = process.attempt(scene.now() + timedelta(seconds=1))
    assert again.result == str(Result.KILLED), again.reasons


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"pdb": BudgetMode.RESPECT}, "respects PodDisruptionBudgets now"),
        ({"action": Action.CRASH}, "asks for a crash now, not for an eviction"),
    ],
)
def test_a_policy_that_asks_for_something_else(fields: dict[str, Any], why: str) -> None:
    """What was reserved is not what it says any more."""
    live = configured(policy(pdb=BudgetMode.BYPASS))
    scene, process, hook = scene_of(live, on.shop, altered(**fields))
    hook.left = 1
    assert process.attempt().result == str(Result.REFUSED)
    assert only(scene).detail == f"not sent: {CHANGED.format('web')} {why}"
    assert sent(scene) == []


def test_a_reload_that_changes_nothing_for_it() -> None:
    """Its strike is made."""
    scene, process, hook = scene_of(configured(), on.shop, renamed)
    hook.left = 1
    assert process.attempt().result == str(Result.KILLED)
    assert hook.left == 0
    assert len(scene.victims()) == 1


@pytest.mark.parametrize("stop", ["invalid", "halted", "gone", "dry run"])
def test_the_attempt_that_a_person_asked_for(stop: str) -> None:
    """It has every guard on: it is answered as refused, and the ledger says why."""
    reload, why = STOPS[stop]
    scene, _, hook = scene_of(configured(), on.shop, reload)
    scene.run(3)
    ask(scene)
    hook.left = 2  # it is taken, then reserved
    scene.run(5)
    assert hook.left == 0
    assert answer(scene).answer == str(Result.REFUSED)
    assert only(scene).detail == f"not sent: {why.format('web')}"
    assert scene.victims() == []


@pytest.mark.parametrize("stop", list(STOPS))
def test_a_drain_that_never_began(stop: str) -> None:
    """It is over with its first step, also while the file is invalid, and goes on with no other."""
    reload, why = STOPS[stop]
    scene, process, hook = scene_of(configured(drains(), limits=ONE), nodes, reload)
    hook.left = 1
    assert process.attempt(policy="nodes").result == str(Result.REFUSED)
    assert (taints(scene), sent(scene)) == ([], [])
    scene.run(5)
    intent = only(scene)
    assert (intent.result, intent.keys, intent.owes_undo) == (Result.REFUSED, (), False)
    assert intent.detail == f"not sent: {why.format('nodes')}"
    mend(scene, process)
    scene.run(10)
    assert (taints(scene), scene.victims()) == ([], [])
    assert process.attempt(policy="nodes").result == "begun"


# ------------------------------------------------------------------ later steps


@pytest.mark.parametrize("skip", [0, 2])
@pytest.mark.parametrize("stop", [stop for stop in STOPS if stop != "invalid"])
def test_a_reload_after_a_later_reservation(stop: str, skip: int) -> None:
    """That eviction is not sent and no other comes; the node takes pods again, and what was evicted
    by then is watched to its end, whatever the configuration says."""
    reload, why = STOPS[stop]
    scene, process, hook = scene_of(configured(drains()), nodes, reload)
    assert process.attempt(policy="nodes").result == "begun"
    hook.left = 1 + skip  # an eviction is reserved and settled by two swaps
    scene.run(20)
    assert hook.left == 0
    assert len(scene.victims()) == skip // 2
    intent = only(scene)
    assert intent.steps[-1].state is StepState.REFUSED
    assert intent.steps[-1].detail == f"not sent: {why.format('nodes')}"
    assert intent.detail == why.format("nodes")
    assert (taints(scene), intent.keys) == ([], ())
    expected = (Result.KILLED, Verdict.RECOVERED) if skip else (Result.REFUSED, None)
    assert (intent.result, intent.verdict) == expected


def test_an_invalid_file_after_a_later_reservation() -> None:
    """That eviction is not sent; the node stays held, and the drain goes on with a valid file."""
    scene, process, hook = scene_of(configured(drains()), nodes, on.spoiled)
    process.attempt(policy="nodes")
    hook.left = 1
    scene.run(20)
    assert [step.state for step in only(scene).steps] == [StepState.DONE, StepState.REFUSED]
    assert (scene.victims(), taints(scene)) == ([], [only(scene).id])
    mend(scene, process)
    scene.run(20)
    assert (only(scene).result, pods_on(scene)) == (Result.KILLED, ["agent"])


def test_a_file_that_stays_invalid_keeps_no_node() -> None:
    """At the deadline what was taken is put back all the same."""
    scene, process, hook = scene_of(configured(drains()), nodes, on.spoiled)
    process.attempt(policy="nodes")
    hook.left = 1
    scene.run(245)
    intent = only(scene)
    assert (intent.result, intent.keys) == (Result.REFUSED, ())
    assert (taints(scene), scene.victims()) == ([], [])


# ------------------------------------------------------------------ while guards are asked


class Slow:
    """A guard that objects to nothing; once it is ``armed``, something happens while it is asked
    about a machine."""

    def __init__(self, do: Callable[[], None]) -> None:
        self._do = do
        self.armed = False

    def object_to(self, configuration: Configuration, impact: Impact, now: datetime) -> Guarded:
        if self.armed and impact.machines:
            self.armed = False
            self._do()
        return Guarded()

    def healed(
        self, configuration: Configuration, intent: Intent, now: datetime
    ) -> Recovery | None:
        return None


@pytest.mark.parametrize("stop", list(STOPS))
def test_a_reload_while_the_guards_are_asked(stop: str) -> None:
    """Their answers take seconds: the last look is at the configuration, and no machine ends."""
    reload, why = STOPS[stop]
    cloud, guard = Machines(), Slow(lambda: reload(scene, process))
    scene = Scene(ends(), nodes)
    cloud.scene = scene
    process = scene.leader(clouds=(cloud,), guards=(guard,))
    process.attempt(policy="nodes")
    guard.armed = True
    scene.run(60)
    assert not guard.armed
    assert cloud.ended == {}
    intent = only(scene)
    assert intent.steps[-1].detail == f"not sent: {why.format('nodes')}"
    assert (taints(scene), intent.owes_undo) == ([], False)
    assert (intent.result, intent.verdict) == (Result.KILLED, Verdict.RECOVERED)
