"""Attempts: what changes while one is under way stops it, up to the very reservation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent, Result, StepState
from chaosd.core.model import Code, Configuration, Impact, Reason
from chaosd.core.transitions import halt
from chaosd.engine.attempt import SKIPPED
from chaosd.ports import Guarded, Unanswered
from tests.engine import troubles as on
from tests.engine.cluster_side import NAMESPACE
from tests.engine.process import Hook, Process
from tests.engine.scene import LEDGER, Scene, codes

Trouble = Callable[[Scene, Process], object]


def reloaded(scene: Scene, process: Process) -> None:
    scene.file.write(scene.configuration, "second")
    process.reload.step()


def overtaken(scene: Scene, _process: Process) -> None:
    """It stood still until another process led."""
    other = scene.process("b")
    other.start()
    scene.clock.advance(16)
    other.start()
    assert other.context.leading


WORST_MOMENTS = [
    (on.halted, {Code.HALTED}),
    (on.annotated, {Code.HALTED}),
    (on.paused, {Code.POLICY_PAUSED}),
    (on.spoiled, {Code.CONFIGURATION_INVALID, Code.CONFIGURATION_CHANGED}),
    (reloaded, {Code.CONFIGURATION_CHANGED}),
    (on.stopping, {Code.STOPPING}),
    (on.lease_ran_out, {Code.NOT_LEADING}),
    (overtaken, {Code.NOT_LEADING}),
    (on.ledger_deleted, {Code.LEDGER_UNREADABLE}),
]


@pytest.mark.parametrize(
    ("trouble", "expected"), WORST_MOMENTS, ids=[do.__name__ for do, _ in WORST_MOMENTS]
)
def test_everything_is_asked_again_after_the_victim_was_read(
    trouble: Trouble, expected: set[Code]
) -> None:
    """What changes while the cluster is being read stops it too."""
    scene = Scene(fill=on.shop)
    process = scene.leader(through=Hook("/nodes/", lambda: trouble(scene, scene.processes[0])))
    ended = process.attempt()
    assert ended.result == SKIPPED
    assert codes(ended) == expected
    assert scene.victims() == []
    found = scene.cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
    assert found is None or scene.ledger().intents == {}


@pytest.mark.parametrize("stop", [on.halted, on.annotated])
def test_a_halt_breaks_a_swap_under_way(stop: Trouble) -> None:
    """It came between the last look at the ledger and the reservation: nothing is reserved."""
    scene = Scene(fill=on.shop)
    hook = Hook(f"PATCH {LEDGER}", lambda: stop(scene, scene.processes[0]), nth=2)
    ended = scene.leader(through=hook).attempt()
    assert hook.left == 0
    assert codes(ended) == {Code.HALTED}
    assert scene.ledger().intents == {}
    assert scene.victims() == []


def test_a_ledger_that_others_keep_changing_is_given_up() -> None:
    """Three conflicts in a row end the attempt, and nothing is struck."""
    scene = Scene(fill=on.shop)
    names = iter("abcdefgh")

    class Busy(Hook):
        def send(self, method: str, path: str, *args: Any) -> Any:
            if method == "PATCH" and path == LEDGER and process.context.leading:
                scene.rewrite(lambda ledger: halt(ledger, on.STOP, next(names)))
            return super().send(method, path, *args)

    process = scene.process(through=Busy("never", lambda: None))
    process.start()
    ended = process.attempt()
    assert codes(ended) == {Code.LEDGER_CONTENDED}
    assert len(scene.ledger().paused) == 3
    assert scene.victims() == []


def test_the_time_to_strike_is_not_begun_anew_after_a_conflict() -> None:
    """It was set before the first swap: conflicts that take longer end the attempt."""
    scene = Scene(fill=on.shop)
    stops = iter("abcdefgh")

    class Slow(Hook):
        def send(self, method: str, path: str, *args: Any) -> Any:
            if method == "PATCH" and path == LEDGER and process.context.leading:
                scene.rewrite(lambda ledger: halt(ledger, on.STOP, next(stops)))
                scene.clock.advance(5.5)
            return super().send(method, path, *args)

    process = scene.process(through=Slow("never", lambda: None))
    process.start()
    ended = process.attempt()
    assert codes(ended) == {Code.TOO_LATE}
    assert "no time left to strike" in ended.reasons[0].detail
    assert len(scene.ledger().paused) == 2
    assert scene.victims() == []


def test_nothing_is_struck_once_the_lease_ran_out_after_the_reservation() -> None:
    """Its outcome is left to whoever leads next: it is fenced, and nothing was struck."""
    scene = Scene(fill=on.shop)
    hook = Hook(f"PATCH {LEDGER}", lambda: scene.clock.advance(6), nth=2)
    process = scene.leader(through=hook)
    scene.clock.advance(8)
    ended = process.attempt()
    assert (ended.result, scene.victims()) == ("unknown", [])
    process.die()
    scene.process("b")
    scene.run(40)
    assert [one.result for one in scene.ledger().outcomes.values()] == [Result.FAILED]


def test_who_observes_leaves_a_strike_under_way_alone() -> None:
    """Another loop of the same process looks at the ledger right before the strike is sent."""
    scene = Scene(fill=on.shop)

    def observe() -> None:
        scene.processes[0].observer.step()

    process = scene.leader(through=Hook("/eviction", observe))
    ended = process.attempt()
    assert ended.result == "killed"
    assert not any(one.path.endswith("/status") for one in scene.asked())


def test_what_another_process_left_open_is_settled_before_anything_is_reserved() -> None:
    """Its holder is gone: the attempt itself fences it, and then goes on."""
    scene = Scene(fill=on.shop)
    with pytest.raises(ZeroDivisionError):
        scene.leader(through=Hook("/eviction", lambda: 1 / 0)).attempt()
    scene.processes[0].stop()
    process = scene.process("b")
    process.reload.step()
    process.lead.step()
    scene.clock.advance(1)
    ended = process.attempt()
    assert ended.result == "killed"
    states = [intent.steps[0].state for intent in scene.ledger().all_intents()]
    assert sorted(states) == [StepState.FAILED, StepState.KILLED]


def test_a_cluster_that_reads_too_slowly_makes_the_slot_late() -> None:
    """What took until 30 s after the slot is not struck any more."""
    scene = Scene(fill=on.shop)
    process = scene.leader(through=Hook("/nodes/", lambda: scene.clock.advance(12)))
    ended = process.attempt(at=scene.now() - timedelta(seconds=25))
    assert codes(ended) == {Code.TOO_LATE}
    assert scene.victims() == []


def test_the_report_of_a_reserved_kill_names_its_intent() -> None:
    """The ledger has it with victim, lock, deadline and the holder who struck."""
    scene = Scene(fill=on.shop)
    ended = scene.leader().attempt(workload=on.WEB)
    (intent,) = scene.ledger().intents.values()
    assert ended.intent == intent
    assert (intent.workload, intent.locks, intent.desired) == (on.WEB, (on.WEB,), 3)
    assert intent.recover_by == scene.now() + timedelta(minutes=1)
    assert [(s.holder, s.term, s.state) for s in intent.steps] == [("a", 1, StepState.KILLED)]
    assert scene.victims() == [f"shop/{intent.victim.name}"]


class Spares:
    """A guard that lets nothing take down the workloads named here."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[Impact] = []

    def object_to(self, configuration: Configuration, impact: Impact, now: datetime) -> Guarded:
        self.asked.append(impact)
        spared = [name for name in impact.workloads if name in self.names]
        return Guarded(tuple(Reason(Code.LOOKS_LIKE_ETCD, f"{name} is spared") for name in spared))

    def healed(
        self, configuration: Configuration, intent: Intent, now: datetime
    ) -> Recovery | None:
        return None


@pytest.mark.parametrize("spared", [(on.WEB,), (on.CART,), (on.WEB, on.CART)])
def test_every_guard_is_asked_about_the_whole_impact(spared: tuple[str, ...]) -> None:
    """What one objects to is not struck; another workload is, if there is one."""
    guard = Spares(*spared)
    scene = Scene(fill=on.shop)
    ended = scene.leader(guards=[guard]).attempt()
    struck = {removal.owner.partition("/")[0] for removal in scene.sandbox.removals()}
    left = {on.WEB: "ReplicaSet", on.CART: "StatefulSet"}
    assert struck <= {kind for name, kind in left.items() if name not in spared}
    assert len(struck) == (len(spared) < 2)
    assert (codes(ended) == {Code.NO_CANDIDATE, Code.LOOKS_LIKE_ETCD}) is (len(spared) == 2)
    asked = [impact for impact in guard.asked if impact.workloads]  # not those before a strike
    assert asked
    assert all(impact.pods and impact.locks == impact.workloads for impact in asked)


def test_a_guard_that_can_not_tell_stops_the_attempt() -> None:
    """Doubt is a no."""

    class Unsure(Spares):
        def object_to(self, configuration: Configuration, impact: Impact, now: datetime) -> Guarded:
            raise Unanswered("no member answers")

    scene = Scene(fill=on.shop)
    ended = scene.leader(guards=[Unsure()]).attempt()
    assert (ended.result, codes(ended)) == (SKIPPED, {Code.UNREADABLE})
    assert "no member answers" in ended.reasons[0].detail
    assert scene.victims() == []
