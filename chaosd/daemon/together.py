"""Asking several places at the same time, where one that is slow would keep the others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MOST = 16
"""How many are asked at the same time at most; more than any cluster of etcd has members."""

_A = TypeVar("_A")
_B = TypeVar("_B")


def at_once(ask: Callable[[_A], _B], places: Iterable[_A], /) -> list[_B]:
    """A ``chaosd.targets.etcd_together.Together``: each call is on a thread of its own, which has
    ended when this returns. So ``ask`` must be bounded in time, and must not mind threads."""
    known = list(places)
    if len(known) < 2:
        return [ask(one) for one in known]
    with ThreadPoolExecutor(min(len(known), MOST), "chaosd-ask") as pool:
        return list(pool.map(ask, known))
