"""A drain that is called off: by a halt, a pause, another configuration or a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chaosd.core.ledger import Halt, Result
from chaosd.core.model import Action
from chaosd.core.transitions import halt
from chaosd.core.undoing import call_off
from chaosd.core.window import Always, Windows
from tests.engine import troubles as on
from tests.engine.drains import HOLD, begun, drains, ends, held, pods_on, shop, taints
from tests.engine.machines import Machines
from tests.engine.process import Process
from tests.engine.scene import Scene, configured, only, policy


def paused(scene: Scene, _process: Process) -> None:
    stop = Halt("ann", "a test", scene.now())
    scene.rewrite(lambda ledger: halt(ledger, stop, "nodes"))


def gone_policy(scene: Scene, process: Process) -> None:
    scene.file.write(configured(policy("other")), "second")
    process.reload.step()


def turned_dry(scene: Scene, process: Process) -> None:
    scene.file.write(configured(drains(dry_run=True)), "second")
    process.reload.step()


def reloaded(**fields: Any) -> Callable[[Scene, Process], None]:
    """The policy is another one now."""

    def stop(scene: Scene, process: Process) -> None:
        scene.file.write(configured(drains(**{"action": Action.TERMINATE, **fields})), "second")
        process.reload.step()

    return stop


def person(scene: Scene, _process: Process) -> None:
    scene.rewrite(lambda ledger: ledger_after(call_off(ledger, only(scene).id, "ann")))


def ledger_after(outcome: Any) -> Any:
    assert not hasattr(outcome, "reasons"), outcome
    return outcome


@pytest.mark.parametrize(
    "stop", [on.halted, on.annotated, on.halted_by_file, paused, gone_policy, turned_dry, person]
)
def test_what_calls_it_off_ends_the_hold(stop: Callable[[Scene, Process], None]) -> None:
    """The node takes pods again at once, though nothing else may be done."""
    scene, process = held()
    stop(scene, process)
    scene.run(5)
    assert taints(scene) == []
    assert only(scene).undo is not None
    assert only(scene).undo.done_at is not None  # type: ignore[union-attr]
    assert "node n1 takes pods again (called off: " in only(scene).undo.detail  # type: ignore[union-attr]


FREEZE = Windows("UTC", (), (Always("freeze"),))
STOPS = [
    on.halted,
    on.annotated,
    on.halted_by_file,
    paused,
    gone_policy,
    turned_dry,
    reloaded(windows=FREEZE),
    reloaded(action=Action.DRAIN),
]


@pytest.mark.parametrize("stop", STOPS)
def test_a_machine_that_ends_is_not_given_pods_again(
    stop: Callable[[Scene, Process], None],
) -> None:
    """Nothing is left to call off; a person can still have the node back."""
    scene, cloud = Scene(ends(), shop), Machines()
    cloud.scene = scene
    process = scene.leader(clouds=(cloud,))
    process.attempt(policy="nodes")
    scene.run(10)
    assert (only(scene).result, len(cloud.ended)) == (Result.KILLED, 1)
    stop(scene, process)
    scene.run(60)
    assert taints(scene) == [only(scene).id]
    person(scene, process)
    scene.run(5)
    assert taints(scene) == []


@pytest.mark.parametrize("stop", [on.halted, on.annotated, paused, gone_policy, turned_dry])
def test_a_drain_under_way_is_called_off_and_put_back(
    stop: Callable[[Scene, Process], None],
) -> None:
    """No further pod is evicted, and the node takes pods again."""
    scene, process = begun()
    process.attempt(policy="nodes")
    stop(scene, process)
    scene.run(10)
    assert (taints(scene), pods_on(scene)) == ([], ["agent", "db", "web", "web"])
    assert only(scene).result is Result.REFUSED
    assert scene.victims() == []


def test_an_invalid_file_stops_evictions_and_the_hold_goes_on() -> None:
    """Undoing goes on while nothing new is struck."""
    scene, process = held()
    on.spoiled(scene, process)
    scene.run(10)
    assert taints(scene) != []
    scene.run(HOLD)
    assert taints(scene) == []
