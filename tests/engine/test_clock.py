"""Clocks: a wrong one kills nothing, and none of them decides who leads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.model import Code
from chaosd.core.schedule import Every
from chaosd.core.window import Weekly, Windows
from tests.engine import troubles as on
from tests.engine.scene import Scene, codes, configured, policy

LIVE = configured(policy(schedule=Every(timedelta(minutes=1))))
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("seconds", [-4, 0, 4])
def test_clocks_that_differ_a_little_do_not_matter(seconds: int) -> None:
    """The API server tells its time in whole seconds, and answers take a while."""
    scene = Scene(fill=on.shop)
    assert scene.leader(off=timedelta(seconds=seconds)).attempt().result == "killed"


def test_an_old_answer_says_nothing_about_the_servers_clock() -> None:
    """What was compared is not remembered for long, and answers that took long are not compared."""
    scene = Scene(fill=on.shop)
    process = scene.leader()
    assert process.context.cluster.skew() is not None
    scene.clock.advance(61)
    assert process.context.cluster.skew() is None
    scene.fault(do="delay", seconds=4.5)
    process.lead.step()
    assert process.context.cluster.skew() is None
    scene.sandbox.api.faults.clear()
    process.lead.step()
    assert process.attempt().result == "killed"


@pytest.mark.parametrize("by", [-HOUR, HOUR])
def test_clocks_that_are_set_leave_the_lease_with_its_holder(by: timedelta) -> None:
    """Both processes and the API server jump by an hour: nobody takes over."""
    scene = Scene(LIVE, on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(30)
    scene.clock.jump(by)
    scene.run(60)
    assert (first.context.leading, second.context.leading) == (True, False)
    assert scene.ledger().leader
    assert scene.ledger().leader == first.context.page.ledger.leader  # type: ignore[union-attr]


def test_after_a_clock_was_set_back_nothing_is_struck_until_it_has_caught_up() -> None:
    """The ledger has entries from a time that has not come: one of the two is wrong."""
    scene = Scene(LIVE, on.shop)
    process = scene.process()
    scene.run(130)
    struck = len(scene.victims())
    scene.clock.jump(-timedelta(minutes=10))
    for _ in range(4):
        scene.run(140)
        assert codes(process.attempt()) == {Code.CLOCK_BACKWARDS}
    assert len(scene.victims()) == struck
    scene.run(300)
    assert len(scene.victims()) > struck


def test_after_a_clock_was_set_forward_missed_slots_are_not_made_up_for() -> None:
    """An hour's slots are late at once; the next one is struck."""
    scene = Scene(LIVE, on.shop)
    process = scene.process()
    scene.run(70)
    struck = len(scene.victims())
    scene.clock.jump(HOUR)
    scene.run(100)
    late = [ended for ended in process.ended if codes(ended) == {Code.TOO_LATE}]
    assert late
    assert struck < len(scene.victims()) <= struck + 3


def test_a_window_is_asked_with_the_time_at_which_the_strike_is_reserved() -> None:
    """It was open when the slot began, and closed when the cluster had been read."""
    until = 10 * 3600 + 62
    windows = Windows("UTC", ((Weekly(frozenset(range(7)), 9 * 3600, until),),))
    scene = Scene(configured(policy(windows=windows)), on.shop)
    process = scene.leader()
    scene.fault(do="delay", seconds=2.5, path="/budgets|/poddisruptionbudgets")
    ended = process.attempt()
    assert codes(ended) == {Code.WINDOW_TOO_SHORT}
    assert scene.victims() == []


def test_no_strike_is_sent_in_the_last_second_of_its_window() -> None:
    """It was reserved in time; there was too little left to strike."""
    until = 10 * 3600 + 63
    windows = Windows("UTC", ((Weekly(frozenset(range(7)), 9 * 3600, until),),))
    scene = Scene(configured(policy(windows=windows)), on.shop)
    process = scene.leader()
    scene.fault(
        do="delay", when="after", seconds=2.5, verbs=("patch",), path="/configmaps/", count=1
    )
    ended = process.attempt()
    assert ended.result == "failed"
    assert ended.intent
    assert ended.intent.steps[0].detail == "not sent: its time was up"
    assert scene.victims() == []
