"""A schedule at the very pace of its limit loses no slot to milliseconds."""

from __future__ import annotations

from datetime import timedelta

from chaosd.core.model import Code, Limits
from chaosd.core.schedule import Slot
from chaosd.engine.attempt import SKIPPED
from chaosd.sandbox import Cluster, scenarios
from tests.engine.scene import Scene, codes, configured, policy

LATE = 0.4  # seconds from a slot to its reservation


def shop(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)


def two(cluster: Cluster) -> None:
    shop(cluster)
    scenarios.deployment(cluster, "shop", "api", 3, opt_in=True)


def struck_once() -> Scene:
    """One kill an hour is allowed, and one was made a little after its slot."""
    scene = Scene(configured(limits=Limits(per_hour=1)), shop)
    leader = scene.leader(without=("plan",))
    slot = scene.now()
    scene.run(LATE)
    assert leader.attempt(slot).result == "killed"
    return scene


def test_a_limit_that_frees_within_the_slot_is_waited_for() -> None:
    """The attempt says when the limit frees; at that instant it strikes, and not before."""
    scene = struck_once()
    scene.run(3600 - LATE)
    slot = scene.now()
    ended = scene.processes[0].attempt(slot)
    assert (ended.result, codes(ended)) == (SKIPPED, {Code.LIMIT_PER_HOUR})
    assert ended.again_at == slot + timedelta(seconds=LATE)
    scene.run(LATE - 0.001)
    assert scene.processes[0].attempt(slot).result == SKIPPED
    scene.run(0.001)
    assert scene.processes[0].attempt(slot).result == "killed"


def test_a_limit_that_frees_later_is_not_waited_for() -> None:
    """A slot that would be over 30 s late by then is lost."""
    scene = struck_once()
    scene.run(3600 - LATE - 31)
    ended = scene.processes[0].attempt()
    assert (ended.result, ended.again_at) == (SKIPPED, None)


def test_nothing_else_is_waited_for() -> None:
    """With any other reason beside the limit, the slot is over."""
    scene = struck_once()
    scene.run(3600 - LATE)
    scene.file.spoil()
    scene.processes[0].reload.step()
    ended = scene.processes[0].attempt()
    assert codes(ended) >= {Code.LIMIT_PER_HOUR, Code.CONFIGURATION_INVALID}
    assert ended.again_at is None


def test_a_slot_that_is_tried_again_is_told_once() -> None:
    """Of two victims one fits under the hour's limit; the other is tried when that frees, the first
    is not, and each is told once."""
    limits = Limits(per_hour=2, concurrent=10)
    scene = Scene(configured(policy(count=2), limits=limits), two)
    leader = scene.leader(without=("plan",))
    before = scene.now()
    scene.run(LATE)
    leader.attempts.run(Slot("web", "*", before), "web/*/earlier#0")
    scene.run(3600 - LATE)
    slot = scene.now()
    told = len(leader.tape.attempts)
    leader.attempt(slot)
    assert [one[1] for one in leader.tape.attempts[told:]] == ["killed"]
    scene.run(LATE)
    leader.attempt(slot)
    assert [one[1] for one in leader.tape.attempts[told:]] == ["killed", "killed"]
    assert len({one.workload for one in leader.context.book.read().ledger.all_intents()}) == 2
