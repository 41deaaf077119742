"""Halting a running chaosd: acknowledged once nothing can start any more, visible, and lasting."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.ledger import Halt, Result, Verdict
from chaosd.core.model import Code, TargetKind
from chaosd.core.schedule import Every
from chaosd.engine.halt import Halting, resume_now
from chaosd.kube.reads import KubeReads
from chaosd.sandbox import Denial, Timings
from chaosd.targets.pods import PodTarget
from tests.engine import troubles as on
from tests.engine.cluster_side import NAMESPACE, make_ports
from tests.engine.process import Hook, Process
from tests.engine.scene import Scene, codes, configured, policy
from tests.engine.stage import Died, die

LIVE = configured(policy(schedule=Every(timedelta(minutes=1))))
TWO = configured(
    policy(schedule=Every(timedelta(minutes=1))),
    policy("other", schedule=Every(timedelta(minutes=1))),
)


def halting(scene: Scene, why: str = "release", policy: str = "") -> Halting:
    """Somebody's ``chaosd halt``."""
    ports = make_ports(scene.sandbox, scene.clock)
    targets = {TargetKind.POD: PodTarget(KubeReads(ports.api))}
    stop = Halt("ann", why, scene.now())
    return Halting(scene.book(), scene.clock, targets, stop, policy)


def annotate(scene: Scene, text: str | None) -> None:
    """Somebody's ``kubectl annotate``."""
    with scene.cluster.edit("configmaps", NAMESPACE, "chaosd-ledger") as item:
        found = dict(item["metadata"].get("annotations") or {})
        found.pop("chaosd.io/halt", None)
        item["metadata"]["annotations"] = found | ({"chaosd.io/halt": text} if text else {})


# ------------------------------------------------------------------ acknowledged


def test_once_acknowledged_nothing_starts_until_somebody_resumes() -> None:
    """Not by the leader, not by the next one, not after a restart."""
    scene = Scene(LIVE, on.shop)
    scene.process("a")
    scene.run(130)
    assert halting(scene).step().acknowledged
    struck = len(scene.victims())
    scene.run(70)
    scene.processes[0].stop()
    second = scene.process("b")
    scene.run(130)
    assert len(scene.victims()) == struck
    assert {Code.HALTED} in [codes(ended) for ended in second.ended]
    assert resume_now(scene.book()) is None
    scene.run(130)
    assert len(scene.victims()) > struck


def test_without_anybody_running_it_is_acknowledged_too() -> None:
    """Whoever starts later is halted."""
    scene = Scene(LIVE, on.shop)
    scene.leader().stop()
    assert halting(scene).step().acknowledged
    late = scene.process("b")
    scene.run(100)
    assert late.ended
    assert scene.victims() == []


def test_a_strike_under_way_is_awaited() -> None:
    """Reserved and not yet sent: the halt is written, and acknowledged when it is settled."""
    scene = Scene(fill=on.shop)
    progress: list[Any] = []
    mine: list[Halting] = []

    def meanwhile() -> None:
        mine.append(halting(scene))
        progress.append(mine[0].step())

    process = scene.leader(through=Hook("/eviction", meanwhile))
    ended = process.attempt()
    assert ended.intent
    assert not progress[0].acknowledged
    assert ended.intent.id in progress[0].waiting_for[0]
    assert ended.result == "killed"
    assert mine[0].step().acknowledged


def left_behind(scene: Scene) -> Process:
    """A process that died between its reservation and its strike."""
    process = scene.leader(through=Hook("/eviction", die))
    with pytest.raises(Died):
        process.attempt()
    process.die()
    assert scene.ledger().unsettled()
    return process


def test_what_nobody_settles_is_fenced_after_its_time() -> None:
    """There is no leader: the command waits for strikeBy, then makes a late strike impossible."""
    scene = Scene(fill=on.shop)
    left_behind(scene)
    mine = halting(scene)
    for seconds in (0, 6, 6):
        scene.clock.advance(seconds)
        assert not mine.step().acknowledged
    scene.clock.advance(1)
    assert mine.step().acknowledged
    (intent,) = scene.ledger().outcomes.values()
    assert (intent.result, intent.steps[0].detail) == (
        Result.FAILED,
        "the pod is still there, and no late strike can hit it now",
    )


def test_a_running_leader_settles_it_sooner() -> None:
    """The next leader fences what the dead one left, and the halt is acknowledged."""
    scene = Scene(fill=on.shop)
    left_behind(scene)
    mine = halting(scene)
    assert not mine.step().acknowledged
    scene.process("b")
    scene.run(20)
    assert mine.step().acknowledged
    assert scene.victims() == []


def test_nothing_is_acknowledged_that_can_not_be_fenced() -> None:
    """The victim can't be touched, so a late strike may still land."""
    scene = Scene(fill=on.shop)
    left_behind(scene)
    scene.sandbox.api.access.deny(Denial("patch", "", "pods/status"))
    mine = halting(scene)
    for _ in range(5):
        assert not mine.step().acknowledged
        scene.clock.advance(10)
    scene.sandbox.api.access.allow_all()
    assert mine.step().acknowledged


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_halt_whose_answer_is_lost_is_written_all_the_same(when: str) -> None:
    """It is asked for until it is there, once."""
    scene = Scene(LIVE, on.shop)
    scene.process()
    scene.run(10)
    scene.fault(do="lost", when=when, verbs=("patch",), path="/configmaps/", count=1)
    assert halting(scene).step().acknowledged
    assert scene.ledger().halt == Halt("ann", "release", scene.now())


# ------------------------------------------------------------------ what goes on


def test_observing_goes_on_under_a_halt() -> None:
    """What was struck is followed to its verdict."""
    scene = Scene(fill=on.shop, timings=Timings(schedule=(0, 0), start=(20, 20), stop=(0, 0)))
    scene.leader().attempt()
    halting(scene).step()
    scene.run(30)
    assert [one.verdict for one in scene.ledger().outcomes.values()] == [Verdict.RECOVERED]


def test_a_paused_policy_stands_still_and_the_others_go_on() -> None:
    """Until it alone is resumed."""
    scene = Scene(TWO, on.shop)
    process = scene.process()
    scene.run(10)
    assert halting(scene, policy="web").step().acknowledged
    scene.run(130)
    results = {(a.partition("/")[0], result) for a, result, _ in process.tape.attempts}
    assert results == {("web", "skipped"), ("other", "killed")}
    assert process.tape.last_standing.paused == {"web": True, "other": False}
    resume_now(scene.book(), "web")
    scene.run(70)
    assert process.tape.last_standing.paused == {"web": False, "other": False}
    assert ("web", "killed") in {(a.partition("/")[0], r) for a, r, _ in process.tape.attempts}


def test_the_first_halt_stays_and_one_resume_ends_all_but_the_files() -> None:
    """Two people halt, one annotates, and the file says so too: only the file is left over."""
    scene = Scene(configured(policy(), halted=True), on.shop)
    process = scene.leader()
    halting(scene, "the first").step()
    halting(scene, "the second").step()
    annotate(scene, "by kubectl")
    process.observer.step()
    standing = process.tape.last_standing
    assert set(standing.halted) == {"command", "annotation", "configuration"}
    assert (standing.halted["command"].who, standing.halted["command"].why) == ("ann", "the first")
    assert standing.halted["annotation"].why == "by kubectl"
    resume_now(scene.book())
    process.observer.step()
    assert set(process.tape.last_standing.halted) == {"configuration"}
    assert codes(process.attempt()) == {Code.HALTED}


# ------------------------------------------------------------------ seen


@pytest.mark.parametrize("source", ["command", "annotation", "configuration"])
def test_a_halt_is_seen_within_seconds_and_so_is_its_end(source: str) -> None:
    """By the leader and by whoever follows, with who, why and when."""
    scene = Scene(LIVE, on.shop)
    processes = [scene.process("a"), scene.process("b")]
    scene.run(20)
    begin: dict[str, Callable[[], object]] = {
        "command": lambda: halting(scene).step(),
        "annotation": lambda: annotate(scene, "release"),
        "configuration": lambda: scene.file.write(configured(halted=True), "second"),
    }
    begin[source]()
    began = scene.now()
    scene.run(8)
    for process in processes:
        (found,) = process.tape.last_standing.halted.items()
        assert found[0] == source
        assert found[1].who
        assert "release" in found[1].why or source == "configuration"
        assert found[1].at - began <= timedelta(seconds=8)
    scene.file.write(LIVE, "third")
    resume_now(scene.book())
    scene.run(8)
    assert [process.tape.last_standing.halted for process in processes] == [{}, {}]
