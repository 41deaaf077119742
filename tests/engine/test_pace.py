"""A schedule at the very pace of its limit loses no slot to milliseconds."""

from __future__ import annotations

from datetime import timedelta

from chaosd.core.model import Code, Limits
from chaosd.engine.attempt import SKIPPED
from chaosd.sandbox import Cluster, scenarios
from tests.engine.scene import Scene, codes, configured

LATE = 0.4  # seconds from a slot to its reservation


def shop(cluster: Cluster) -> None:
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)


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
