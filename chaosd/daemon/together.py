"""Asking several places at the same time, where one that is slow would keep the others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextvars import Context, copy_context
from threading import Thread
from typing import TypeVar

MOST = 16
"""How many are asked at the same time at most; more than any cluster of etcd has members."""

_A = TypeVar("_A")
_B = TypeVar("_B")


def at_once(ask: Callable[[_A], _B], places: Iterable[_A], /) -> list[_B]:
    """A ``chaosd.targets.etcd_together.Together``: each call is on a thread of its own, in the
    caller's context, and has ended when this returns. So ``ask`` must be bounded in time, and must
    not mind threads."""
    known = list(places)
    if len(known) < 2:
        return [ask(one) for one in known]
    batches = [known[begin : begin + MOST] for begin in range(0, len(known), MOST)]
    return [answer for batch in batches for answer in _batch(ask, batch)]


def _batch(ask: Callable[[_A], _B], places: Sequence[_A]) -> list[_B]:
    answers: list[Future[_B]] = [Future() for _ in places]
    # Not those of an executor: Python waits for these at its end, also where one hangs.
    threads = [
        Thread(
            target=_answer,
            args=(ask, one, copy_context(), answer),
            name=f"chaosd-ask-{number}",
            daemon=True,
        )
        for number, (one, answer) in enumerate(zip(places, answers, strict=True))
    ]
    started: list[Thread] = []
    try:
        for thread in threads:
            thread.start()
            started.append(thread)
    finally:
        for thread in started:
            thread.join()
    return [answer.result() for answer in answers]


def _answer(ask: Callable[[_A], _B], place: _A, context: Context, answer: Future[_B]) -> None:
    try:
        answer.set_result(context.run(ask, place))
    except BaseException as error:  # noqa: BLE001 - it is raised where the answer is taken
        answer.set_exception(error)
