"""Requests of people: taken once, by the leader, with every guard on, and answered with reasons."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.ledger import Request
from chaosd.core.model import Code, Limits
from chaosd.core.requests import VALID, post
from chaosd.engine.attempt import SKIPPED
from tests.engine import troubles as on
from tests.engine.process import Hook, Process
from tests.engine.scene import LEDGER, Scene, codes, configured, policy
from tests.engine.stage import Died, die


def ask(scene: Scene, name: str = "abcdefgh", workload: str = "", to: str = "web") -> Request:
    """Somebody's ``chaosd attempt``."""
    now = scene.now()
    request = Request(name, to, "ann", now, now + VALID, workload)
    scene.book().change(lambda ledger: post(ledger, request))
    return request


def answer(scene: Scene, name: str = "abcdefgh") -> Request:
    return scene.ledger().requests[name]


def test_it_is_taken_attempted_and_answered_within_seconds() -> None:
    """One kill of any workload, and the person reads what became of it."""
    scene = Scene(fill=on.shop)
    process = scene.process()
    scene.run(10)
    request = ask(scene)
    scene.run(3)
    assert (answer(scene).taken_by, answer(scene).answer) == ("a", "killed")
    (intent,) = scene.ledger().all_intents()
    assert intent.action_id.endswith(f"#0.{request.id}")
    assert len(process.ended) == len(scene.victims()) == 1


def test_a_named_workload_is_the_one_that_is_struck() -> None:
    """And no other, also where the draw would have it otherwise."""
    scene = Scene(fill=on.shop)
    scene.process()
    scene.run(5)
    for number, workload in enumerate((on.WEB, on.CART)):
        ask(scene, f"ask-{number}", workload)
        scene.run(5)
    assert {intent.workload for intent in scene.ledger().all_intents()} == {on.WEB, on.CART}
    assert [answer(scene, f"ask-{number}").answer for number in (0, 1)] == ["killed"] * 2


def paused(scene: Scene) -> None:
    on.paused(scene, scene.processes[0])


def halted(scene: Scene) -> None:
    on.halted(scene, scene.processes[0])


def spoiled(scene: Scene) -> None:
    scene.file.spoil()


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (halted, Code.HALTED),
        (paused, Code.POLICY_PAUSED),
        (spoiled, Code.CONFIGURATION_INVALID),
    ],
)
def test_every_guard_is_on_and_its_reason_is_the_answer(trouble: object, code: Code) -> None:
    """Nobody gets around a halt by asking."""
    assert callable(trouble)
    scene = Scene(fill=on.shop)
    scene.process()
    scene.run(5)
    trouble(scene)
    scene.run(5)
    ask(scene)
    scene.run(3)
    assert answer(scene).answer == SKIPPED
    assert [reason.code for reason in answer(scene).reasons] == [code]
    assert scene.victims() == []


def test_limits_hold_for_requests_too() -> None:
    """Ten people ask, one pod goes; each is told why."""
    scene = Scene(configured(policy(), limits=Limits(per_hour=1)), on.shop)
    scene.process()
    scene.run(5)
    for number in range(10):
        ask(scene, f"ask-{number}")
    scene.run(30)
    answers = [answer(scene, f"ask-{number}").answer for number in range(10)]
    assert sorted(answers) == ["killed", *[SKIPPED] * 9]
    assert len(scene.victims()) == 1


@pytest.mark.parametrize(
    ("to", "workload", "code"),
    [
        ("unknown", "", Code.CONFIGURATION_CHANGED),
        ("web", "shop/Deployment/nobody", Code.NO_CANDIDATE),
    ],
)
def test_what_is_not_there_is_answered(to: str, workload: str, code: Code) -> None:
    """A policy or a workload that nobody knows."""
    scene = Scene(fill=on.shop)
    scene.process()
    scene.run(5)
    ask(scene, workload=workload, to=to)
    scene.run(3)
    assert answer(scene).answer == SKIPPED
    assert [reason.code for reason in answer(scene).reasons] == [code]


def test_only_the_leader_takes_it() -> None:
    """The follower sees it too."""
    scene = Scene(fill=on.shop)
    leader, follower = scene.process("a"), scene.process("b")
    scene.run(10)
    ask(scene)
    scene.run(10)
    assert (len(leader.ended), len(follower.ended)) == (1, 0)


@pytest.mark.parametrize(("waits", "answered"), [(50, "killed"), (61, "")])
def test_it_is_good_for_its_minute_and_not_a_second_longer(waits: int, answered: str) -> None:
    """Nobody led when it was asked: within its minute it is still attempted."""
    scene = Scene(fill=on.shop)
    first = scene.leader()
    first.stop()
    ask(scene)
    scene.clock.advance(waits)
    scene.process("b")
    scene.run(8)
    assert answer(scene).answer == answered
    assert len(scene.victims()) == bool(answered)


def test_one_that_expired_before_it_could_begin_is_answered_as_late() -> None:
    """It was taken in time, and another attempt was in the way."""
    scene = Scene(fill=on.shop)
    process = scene.leader()
    request = ask(scene)
    (taken,), _ = process.wishes.step()
    scene.clock.advance(VALID + timedelta(seconds=1))
    process.lead.step()
    ended = process.wishes.run(taken)
    assert (ended.result, codes(ended)) == (SKIPPED, {Code.TOO_LATE})
    assert answer(scene, request.id).answer == SKIPPED
    assert scene.victims() == []


# ------------------------------------------------------------------ once


def dies(scene: Scene, where: str, nth: int) -> Process:
    """A leader that is gone right before a request of its own."""
    process = scene.process(through=Hook(where, die, nth))
    with pytest.raises(Died):
        scene.run(30)
    process.die()
    return process


@pytest.mark.parametrize(
    ("where", "nth", "taken", "answered"),
    [
        (f"PATCH {LEDGER}", 2, "b", "killed"),  # to take it
        (f"PATCH {LEDGER}", 3, "a", SKIPPED),  # to reserve
        ("/eviction", 1, "a", "failed"),
        (f"PATCH {LEDGER}", 5, "a", "killed"),  # to answer
    ],
    ids=["before it is taken", "before the reservation", "before the strike", "before the answer"],
)
def test_a_crash_never_makes_it_two(where: str, nth: int, taken: str, answered: str) -> None:
    """What was taken is not taken again by the next leader, whatever became of it; but the person
    is told, by the next leader if need be."""
    scene = Scene(fill=on.shop)
    scene.at(5, lambda: ask(scene))
    dies(scene, where, nth)
    scene.process("b")
    scene.run(50)
    assert (answer(scene).taken_by, answer(scene).answer) == (taken, answered)
    assert len(scene.victims()) == (answered == "killed")
    if answered == SKIPPED:
        [reason] = answer(scene).reasons
        assert reason.code is Code.NOT_LEADING
        assert reason.detail == "a, which took it, ended before anything was reserved for it"


def test_an_answer_that_could_not_be_written_is_written_later() -> None:
    """The leader lives on: it does not leave the person without."""
    scene = Scene(fill=on.shop)
    process = scene.process()
    scene.run(10)
    request = ask(scene)
    (taken,), _ = process.wishes.step()
    scene.fault(do="status", status=500, verbs=("patch",), path="/configmaps/", skip=2, count=3)
    assert process.wishes.run(taken).result == "killed"
    assert answer(scene, request.id).answer == ""
    scene.run(10)
    assert answer(scene, request.id).answer == "killed"
    assert len(scene.victims()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("skip", [0, 1, 2, 3])
def test_a_lost_answer_of_any_write_never_makes_it_two(skip: int, when: str) -> None:
    """Taking, reserving, settling, answering: at most one kill, and the person gets an answer."""
    scene = Scene(fill=on.shop)
    scene.process()
    scene.run(10)
    ask(scene)
    scene.fault(do="lost", when=when, verbs=("patch",), path="/configmaps/", skip=skip, count=1)
    scene.run(40)
    assert answer(scene).answer in ("killed", SKIPPED, "unknown")
    killed = answer(scene).answer == "killed"
    assert len(scene.victims()) == (1 if killed or answer(scene).answer == "unknown" else 0)
