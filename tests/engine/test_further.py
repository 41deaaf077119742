"""Further steps: what an intent of several steps does after its first, under the same rules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.limits import used
from chaosd.core.model import Code, Configuration, Limits
from chaosd.core.transitions import resume
from chaosd.core.window import Weekly, Windows
from chaosd.kube.reads import KubeReads
from chaosd.sandbox import Cluster, Denial, scenarios
from tests.engine import troubles as on
from tests.engine.process import Hook, Process
from tests.engine.rack import RackTarget
from tests.engine.scene import Scene, codes, configured, only, policy
from tests.engine.stage import Died, die

PAUSE = 3  # seconds, as RackTarget has it


def begun(
    configuration: Configuration | None = None, fill: Any = None, **options: Any
) -> tuple[Scene, Process]:
    """A scene in which the first of three steps has been taken, on a Deployment of six."""
    scene = Scene(configuration or configured(policy()), fill or on.web(6, opt_in=True))
    process = scene.leader(target=RackTarget, **options)
    assert process.attempt().result == "begun"
    assert len(scene.victims()) == 1
    return scene, process


def states(scene: Scene) -> list[StepState]:
    return [step.state for step in only(scene).steps]


K, R, F = StepState.KILLED, StepState.REFUSED, StepState.FAILED


# ------------------------------------------------------------------ one intent


def test_the_steps_come_one_after_the_other_each_reserved_and_settled() -> None:
    """Three pods go, the target's pause apart, and each is written down before it goes."""
    scene, _ = begun()
    scene.run(PAUSE - 1)
    assert states(scene) == [K]
    scene.run(12)
    intent = only(scene)
    assert states(scene) == [K, K, K]
    assert [step.number for step in intent.steps] == [1, 2, 3]
    assert len({step.victim.uid for step in intent.steps}) == 3
    assert scene.victims() == [f"shop/{step.victim.name}" for step in intent.steps]
    gaps = [
        b.reserved_at - a.reserved_at for a, b in zip(intent.steps, intent.steps[1:], strict=False)
    ]
    assert min(gaps) >= timedelta(seconds=PAUSE)
    assert (intent.result, intent.verdict) == (Result.KILLED, Verdict.RECOVERED)


def test_limits_count_the_intent_once() -> None:
    """One an hour, and its three steps are one; a second intent is not."""
    scene, process = begun(configured(policy(), limits=Limits(per_hour=1, concurrent=1)))
    scene.run(15)
    assert states(scene) == [K, K, K]
    assert used(scene.ledger(), scene.now(), dry_run=False).hour == 1
    assert codes(process.attempt()) == {Code.LIMIT_PER_HOUR}


def test_a_long_intent_blocks_no_other_slot() -> None:
    """Between its steps another workload is struck."""

    def two(cluster: Cluster) -> None:
        on.web(6, opt_in=True)(cluster)
        scenarios.stateful_set(cluster, "shop", "cart", 4, opt_in=True)

    scene, process = begun(fill=two)
    scene.clock.advance(1)
    ended = process.attempt()
    assert ended.intent
    assert ended.intent.workload != next(iter(scene.ledger().intents.values())).workload
    scene.run(20)
    done = scene.ledger().outcomes.values()
    assert [len(intent.steps) for intent in done] == [3, 3]


def test_what_is_told_is_told_once_for_all_steps() -> None:
    """One result, one verdict."""
    scene, process = begun()
    scene.run(20)
    assert [result for _, result in process.tape.results] == ["killed"]
    assert [verdict for _, verdict in process.tape.verdicts] == ["recovered"]


# ------------------------------------------------------------------ asked again before each


def unhalt(scene: Scene) -> None:
    scene.rewrite(resume)


def unpause(scene: Scene) -> None:
    scene.rewrite(lambda ledger: resume(ledger, "web"))


def unannotate(scene: Scene) -> None:
    with scene.cluster.edit("configmaps", "chaosd", "chaosd-ledger") as item:
        del item["metadata"]["annotations"]


def mend(scene: Scene) -> None:
    scene.file.write(scene.configuration, "third")
    scene.processes[0].reload.step()


@pytest.mark.parametrize(
    ("stop", "go"),
    [
        (on.halted, unhalt),
        (on.annotated, unannotate),
        (on.halted_by_file, mend),
        (on.paused, unpause),
    ],
)
def test_a_halt_calls_the_rest_off(stop: Any, go: Any) -> None:
    """What was struck is watched to its end, and nothing goes on with a resume."""
    scene, process = begun()
    scene.run(1)
    stop(scene, process)
    struck = len(scene.victims())
    scene.run(15)
    assert len(scene.victims()) == struck
    assert only(scene).result is Result.KILLED
    assert only(scene).detail
    go(scene)
    scene.run(12)
    assert states(scene) == [K] * struck


def test_an_invalid_file_makes_the_next_step_wait() -> None:
    """The intent waits, counts, and goes on when somebody puts it right."""
    scene, process = begun()
    scene.run(1)
    on.spoiled(scene, process)
    struck = len(scene.victims())
    scene.run(15)
    assert len(scene.victims()) == struck
    assert only(scene).result is None
    assert any("waiting" in line for line in process.tape.lines)
    mend(scene)
    scene.run(12)
    assert states(scene) == [K, K, K]


def test_no_step_is_taken_by_a_process_that_stops_or_follows() -> None:
    """SIGTERM between two steps: the next leader takes the rest."""
    scene, process = begun()
    process.stop()
    process.observer.step()
    assert states(scene) == [K]
    other = scene.process("b", target=RackTarget)
    scene.run(15)
    assert states(scene) == [K, K, K]
    assert [step.holder for step in only(scene).steps] == ["a", "b", "b"]
    assert other.context.leading


def test_when_its_window_is_over_no_step_comes_and_it_is_followed_to_its_end() -> None:
    """It began while the window had room; what is left of it is not taken, and what was struck is
    watched."""
    until = 10 * 3600 + 64
    windows = Windows("UTC", ((Weekly(frozenset(range(7)), 9 * 3600, until),),))
    scene, _ = begun(configured(policy(windows=windows)))
    assert only(scene).window_until == scene.start + timedelta(seconds=4)
    scene.run(30)
    intent = only(scene)
    assert all(step.reserved_at < scene.start + timedelta(seconds=4) for step in intent.steps)
    assert (intent.result, intent.verdict) == (Result.KILLED, Verdict.RECOVERED)


def test_no_step_comes_after_the_intents_own_deadline() -> None:
    """Halted until then, it does not go on hours later: what was struck is watched to its end."""
    scene, process = begun()
    on.halted(scene, process)
    scene.run(120)
    assert only(scene).verdict is Verdict.RECOVERED
    unhalt(scene)
    scene.run(20)
    assert states(scene) == [K]


# ------------------------------------------------------------------ gone wrong


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(
    ("when", "state"), [("before", StepState.FAILED), ("after", StepState.KILLED)]
)
def test_a_lost_answer_is_fenced_at_whichever_step(step: int, when: str, state: StepState) -> None:
    """What is not known is seen, and the steps go on."""
    scene = Scene(configured(policy()), on.web(6, opt_in=True))
    scene.fault(do="lost", when=when, verbs=("create",), path="/eviction$", skip=step - 1, count=1)
    scene.leader(target=RackTarget).attempt()
    scene.run(25)
    expected = [K, K, K]
    expected[step - 1] = state
    assert states(scene) == expected
    assert len(scene.victims()) == expected.count(K)
    assert only(scene).result is Result.KILLED


def test_a_refused_step_is_followed_by_the_next() -> None:
    """A budget refuses the second: it is settled as refused, and the third still goes."""
    scene = Scene(configured(policy()), on.web(6, opt_in=True))
    rule = {"do": "status", "status": 429, "path": "/eviction$", "skip": 1, "count": 1}
    scene.fault(**rule)
    scene.leader(target=RackTarget).attempt()
    scene.run(20)
    assert states(scene) == [K, R, K]
    assert only(scene).result is Result.KILLED


@pytest.mark.parametrize(
    ("rule", "result"),
    [
        ({"do": "status", "status": 429}, Result.REFUSED),
        ({"do": "status", "status": 403}, Result.FAILED),
    ],
)
def test_when_no_step_took_anything_down_nothing_counts(
    rule: dict[str, Any], result: Result
) -> None:
    """Its limit and its lock are given back."""
    scene = Scene(configured(policy(), limits=Limits(per_hour=1)), on.web(6, opt_in=True))
    scene.fault(path="/eviction$", count=3, **rule)
    process = scene.leader(target=RackTarget)
    process.attempt()
    scene.run(20)
    intent = only(scene)
    assert (intent.result, intent.locks, scene.victims()) == (result, (), [])
    assert process.attempt().intent


def test_another_leader_continues_after_a_crash_between_reservation_and_strike() -> None:
    """The step that was reserved is fenced and failed, the rest is taken by the new leader."""
    scene, process = begun(through=Hook("/eviction", die, nth=2))
    with pytest.raises(Died):
        scene.run(10)
    process.die()
    assert scene.ledger().unsettled()
    scene.process("b", target=RackTarget)
    scene.run(40)
    assert states(scene) == [K, F, K]
    assert [step.holder for step in only(scene).steps] == ["a", "a", "b"]
    assert len(scene.victims()) == 2


def test_a_frozen_leaders_step_fails_when_it_wakes() -> None:
    """Another fenced it, and took the next: the late request finds the victim changed."""
    scene = Scene(configured(policy()), on.web(6, opt_in=True))

    def freeze() -> None:
        first.awake = False
        scene.process("b", target=RackTarget)
        scene.run(40)
        first.awake = True

    first = scene.process("a", target=RackTarget, through=Hook("/eviction", freeze, nth=2))
    first.start().attempt()
    scene.run(60)
    assert states(scene) == [K, F, K]
    assert len(scene.victims()) == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("skip", range(6))
def test_lost_answers_of_the_ledger_lose_no_step_and_make_none_twice(skip: int, when: str) -> None:
    """At whichever swap: three steps at most, each on a pod of its own, all of them settled."""
    scene = Scene(configured(policy()), on.web(6, opt_in=True))
    scene.fault(do="lost", when=when, verbs=("patch",), path="/configmaps/", skip=skip + 2, count=1)
    scene.leader(target=RackTarget).attempt()
    scene.run(40)
    intent = only(scene)
    assert intent.result is Result.KILLED
    assert scene.ledger().unsettled() == ()
    uids = [step.victim.uid for step in intent.steps]
    assert len(uids) == len(set(uids)) == 3
    assert len(scene.victims()) == states(scene).count(K)


def test_a_step_that_can_not_be_fenced_holds_everything_up() -> None:
    """It is not known whether the second pod goes: no third, and no other intent."""
    scene, process = begun()
    scene.fault(do="lost", verbs=("create",), path="/eviction$", count=1)
    scene.sandbox.api.access.deny(Denial("patch", "", "pods/status"))
    scene.run(30)
    assert states(scene) == [K, StepState.RESERVED]
    assert codes(process.attempt()) == {Code.UNSETTLED_INTENT}
    scene.sandbox.api.access.allow_all()
    scene.run(20)
    assert states(scene) == [K, F, K]


def reads_of(reads: KubeReads) -> RackTarget:
    """A rack whose pods come at once, and are many."""
    return RackTarget(reads, steps=5, pause=timedelta(0))


def test_many_quick_steps_are_taken_by_the_observer() -> None:
    """About one a second, each asked for again."""
    scene = Scene(configured(policy()), on.web(9, opt_in=True))
    process = scene.leader(target=reads_of)
    process.attempt()
    scene.run(15)
    assert states(scene) == [K] * 5
    assert len(scene.victims()) == 5
