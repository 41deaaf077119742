"""Telling: a crash or an error at any point loses no report and makes none twice."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest

from chaosd.core.ledger import Intent
from chaosd.ports import Unanswered
from chaosd.sandbox import Timings
from tests.engine import troubles as on
from tests.engine.cluster_side import NAMESPACE
from tests.engine.process import Hook, Process
from tests.engine.scene import LEDGER, Scene, configured, policy
from tests.engine.stage import Died

TIMINGS = Timings(schedule=(0, 0), start=(2, 2), stop=(0, 0))


class Fate:
    """A transport whose request number ``at`` goes wrong, counted from when it is armed."""

    def __init__(self, at: int | None = None, *, after: bool = False, dies: bool = False) -> None:
        self.at, self.after, self.dies = at, after, dies
        self.armed = False
        self.seen: list[str] = []
        self.transport: Any = None

    def __call__(self, transport: Any) -> Fate:
        self.transport = transport
        return self

    def send(self, method: str, path: str, *args: Any) -> Any:
        mine = self.armed and len(self.seen) == self.at
        if self.armed:
            self.seen.append(f"{method} {path}")
        if not mine:
            return self.transport.send(method, path, *args)
        if self.after:
            self.transport.send(method, path, *args)
        if self.dies:
            raise Died
        raise Unanswered("the answer was lost")


def killed(fate: Fate) -> tuple[Scene, Process]:
    """A kill whose result nobody has told yet."""
    scene = Scene(configured(policy()), on.web(3, opt_in=True), TIMINGS)
    process = scene.leader(through=fate, without=("reload", "lead", "plan", "requests"))
    assert process.attempt().result == "killed"
    fate.armed = True
    return scene, process


@cache
def telling() -> tuple[str, ...]:
    """Every request of the observer from a kill until its verdict has been told."""
    fate = Fate()
    run(*killed(fate), fate)
    return tuple(fate.seen)


def intent(scene: Scene) -> Intent:
    (found,) = scene.ledger().all_intents()
    return found


def counted(scene: Scene) -> tuple[int, int]:
    """How often the result and the verdict were counted, over all processes."""
    tapes = [process.tape for process in scene.processes]
    return sum(len(t.results) for t in tapes), sum(len(t.verdicts) for t in tapes)


def events(scene: Scene) -> Counter[str]:
    about_pods = [item for item in scene.events() if item["involvedObject"]["kind"] != "ConfigMap"]
    return Counter(item["metadata"]["name"] for item in about_pods)


def expected(scene: Scene) -> set[str]:
    return {f"chaosd-{intent(scene).id}-{suffix}" for suffix in ("r", "r-pod", "v")}


def test_a_kill_is_told_by_three_events_and_counted_once() -> None:
    """On the victim and its workload the result, on the workload the verdict."""
    scene, process = killed(Fate())
    scene.run(30)
    process.lead.step()
    about = {
        (item["reason"], item["involvedObject"]["kind"], item["involvedObject"]["name"])
        for item in scene.events()
        if item["reason"] != "ConfigurationLoaded"
    }
    victim = intent(scene).victim.name
    assert about == {
        ("ChaosKilled", "Pod", victim),
        ("ChaosKilled", "Deployment", "web"),
        ("ChaosRecovered", "Deployment", "web"),
    }
    assert counted(scene) == (1, 1)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_request_of_telling_loses_no_report(after: bool) -> None:
    """The next leader tells what was not told; what was counted is not counted again."""
    for at in range(len(telling())):
        fate = Fate(at, after=after, dies=True)
        scene, process = killed(fate)
        with pytest.raises(Died):
            run(scene, process, fate)
        process.die()
        successor = scene.process("b", without=("reload", "plan", "requests")).start()
        scene.clock.advance(16)
        successor.lead.step()
        scene.run(8)
        where = f"{'after' if after else 'before'} {at}, {fate.seen[-1]}"
        assert events(scene) == Counter(expected(scene)), where
        assert intent(scene).told, where
        assert intent(scene).verdict_told, where
        # Only what the dead process had claimed, and had no time to count, went with it.
        claimed = fate.seen[-1] == f"PATCH {LEDGER}" and after
        results, verdicts = counted(scene)
        assert {results, verdicts} <= ({0, 1} if claimed else {1}), where
        assert results + verdicts >= 1, where


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_an_error_at_any_request_of_telling_loses_no_report(after: bool) -> None:
    """Every Event is made once, and result and verdict are counted exactly once."""
    for at in range(len(telling())):
        fate = Fate(at, after=after)
        scene, process = killed(fate)
        run(scene, process, fate)
        where = f"{'after' if after else 'before'} {at}, {fate.seen[at]}"
        assert events(scene) == Counter(expected(scene)), where
        assert (intent(scene).told, intent(scene).verdict_told) == ("a", "a"), where
        assert counted(scene) == (1, 1), where


def run(scene: Scene, process: Process, fate: Fate) -> None:
    """Until all is told, renewing the lease outside of the requests that may go wrong."""
    for _ in range(25):
        scene.run(1)
        fate.armed = False
        process.lead.step()
        fate.armed = True
        if intent(scene).verdict_told and counted(scene) == (1, 1):
            return


@pytest.mark.parametrize("skip", range(1, 8))
def test_answers_lost_in_a_row_lose_no_count(skip: int) -> None:
    """A claim may lie in the ledger before its claimer learns of it."""
    scene, process = killed(fate := Fate())
    scene.fault(do="lost", when="after", path="/chaosd-ledger$", skip=skip, count=2)
    run(scene, process, fate)
    assert (intent(scene).told, intent(scene).verdict_told) == ("a", "a")
    assert counted(scene) == (1, 1)


def test_events_that_can_not_be_made_do_not_hold_up_the_count_for_good() -> None:
    """Making Events is forbidden: after a minute the result is counted without them."""
    scene, process = killed(Fate())
    scene.fault(do="status", status=403, verbs=("create",), path="/events$")
    process.die()
    teller = scene.process("b")
    scene.run(50)
    assert counted(scene) == (0, 0)
    scene.run(60)
    assert counted(scene) == (1, 1)
    assert teller.tape.failures
    assert events(scene) == Counter()


def test_a_ledger_that_goes_away_while_telling_stops_nothing() -> None:
    """The observer says why it can't go on, and does when the ledger is back."""
    scene = Scene(configured(policy()), on.web(3, opt_in=True), TIMINGS)
    process = scene.leader(through=Hook("/events", lambda: remove(scene), nth=3))
    process.attempt()
    kept = scene.cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
    assert kept
    process.observer.step()
    assert any("LedgerUnusable" in failure for failure in process.tape.failures)
    process.observer.step()
    assert "ledger init" in process.context.unusable
    scene.cluster.add("configmaps", kept)
    scene.run(30)
    assert counted(scene) == (1, 1)


def remove(scene: Scene) -> None:
    scene.cluster.remove("configmaps", NAMESPACE, "chaosd-ledger")
