"""Calls that are made at the same time."""

from __future__ import annotations

import threading
from contextvars import ContextVar

import pytest

from chaosd.daemon.together import MOST, at_once
from chaosd.daemon.wiring import connect
from chaosd.ports import Unanswered
from chaosd.targets.etcd_together import Together, one_by_one

PATIENCE = 60.0
"""Seconds until a meeting that does not come about is given up."""


def left_over() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("chaosd-ask")]


@pytest.mark.parametrize("together", [at_once, one_by_one])
@pytest.mark.parametrize("count", [0, 1, 2, 3 * MOST])
def test_answers_come_in_order(together: Together, count: int) -> None:
    """Whoever answers first; no thread is left."""
    assert together(lambda one: one * one, range(count)) == [n * n for n in range(count)]
    assert left_over() == []


def test_all_are_asked_at_the_same_time() -> None:
    """As many as there are, up to the bound."""
    barrier = threading.Barrier(MOST)

    def ask(_one: int) -> str:
        barrier.wait(PATIENCE)
        return threading.current_thread().name

    assert len(set(at_once(ask, range(MOST)))) == MOST
    assert len(set(at_once(ask, range(2 * MOST)))) == MOST
    assert left_over() == []


def test_no_thread_outlives_the_process() -> None:
    """Python waits at its end for all threads that are not daemons, also for one that hangs."""
    assert all(at_once(lambda _: threading.current_thread().daemon, range(MOST)))


def test_calls_know_on_whose_behalf_they_are_made() -> None:
    """What is set where they are asked for is seen on their threads."""
    asker: ContextVar[str] = ContextVar("asker", default="nobody")
    asker.set("somebody")
    assert at_once(lambda _: asker.get(), range(3)) == ["somebody"] * 3


def test_what_a_call_raises() -> None:
    """Is raised when all that were begun have ended."""

    def ask(one: int) -> int:
        if one == 1:
            raise Unanswered("no")
        return one

    with pytest.raises(Unanswered):
        at_once(ask, range(3))
    assert left_over() == []


def test_a_process_asks_members_of_etcd_at_once() -> None:
    """Whoever looks at a cluster does, in the daemon and in commands."""
    connection = connect("/nowhere/kubeconfig", environ={})
    assert connection.etcd.clusters.together is at_once
