"""A fault that holds one request of an attempt until it is let go."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from typing import Literal

from chaosd.sandbox import Faults, RequestRecord, Rule

When = Literal["before", "after"]
_NAMES = re.compile("(?<=/pods/)[^/]+|(?<=/nodes/)[^/]+")


def named(verb: str, path: str) -> str:
    """A request by its verb and path, whichever pod or node it was about."""
    return f"{verb} {_NAMES.sub('*', path)}"


def names(requests: Sequence[RequestRecord]) -> list[str]:
    """The same for what was recorded."""
    return [named(one.verb, one.path) for one in requests]


class Hold(Faults):
    """Delays the first request called ``name`` that comes after all those in ``behind`` have come.

    ``when`` says whether it is held before it takes effect or after. It is held until the site lets
    go, at most for as long as its client waits.
    """

    def __init__(self, behind: Sequence[str], name: str, when: When) -> None:
        super().__init__()
        self._behind = list(behind)
        self._name = name
        self._when = when
        self._order = threading.Lock()
        self.held = False
        self._everything = False

    def for_all(self) -> None:
        """Delay every request from now on."""
        self._everything = True

    def none(self) -> None:
        """Delay nothing any more."""
        self._everything, self.held = False, True

    def pick(self, verb: str, path: str, *, continued: bool = False) -> Rule | None:
        """The delay for the one request."""
        name = named(verb, path)
        with self._order:
            if self._everything:
                return Rule(do="delay", seconds=3600)
            if self.held:
                return None
            if self._behind:
                if name == self._behind[0]:
                    self._behind.pop(0)
                return None
            if name != self._name:
                return None
            self.held = True
        return Rule(do="delay", when=self._when, seconds=4)
