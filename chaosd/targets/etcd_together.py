"""Asking several places: how is for whoever puts the process together, as threads are its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")


class Together(Protocol):
    """Calls ``ask`` with each of ``places``, perhaps at the same time, and then on other threads;
    what it answers comes in their order."""

    def __call__(self, ask: Callable[[_A], _B], places: Iterable[_A], /) -> list[_B]:
        """All answers, once all calls have ended. Raises what a call raises."""
        ...


def one_by_one(ask: Callable[[_A], _B], places: Iterable[_A], /) -> list[_B]:
    """One after another on this thread."""
    return [ask(one) for one in places]
