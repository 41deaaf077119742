"""The stage between an engine and its ports: records every call, and makes one of them go wrong."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NoReturn

from chaosd.ports import Unanswered

HANG = 12.0
SLOW = (6.0, 2.0)
LATE = 20.0
FREEZE = 40.0


class Kind(StrEnum):
    """What happens at a call."""

    ERROR_BEFORE = "error before it took effect"
    ERROR_AFTER = "error after it took effect"
    HANG = "hang: given up, and it takes effect later"
    SLOW = "slow: it takes effect later, and the answer comes later still"
    DEATH_BEFORE = "death of the process before"
    DEATH_AFTER = "death of the process after"
    FREEZE = "freeze: another takes over, then it wakes and goes on"


LOCAL = (Kind.DEATH_BEFORE, Kind.FREEZE)
"""What can happen at a call that does not leave the process: dying after it is dying before the
next."""


READ = (Kind.ERROR_BEFORE, Kind.HANG, Kind.DEATH_BEFORE, Kind.FREEZE)
"""What can happen at a read: it takes no effect, so before and after are one."""

_READS = re.compile(r"GET |.*\.(read|survey|expand|examine|next|recovered|seed)$")


class Died(BaseException):
    """The process is gone; nothing in it may catch this."""


def die() -> NoReturn:
    """As with SIGKILL, in the middle of a call."""
    raise Died


@dataclass(frozen=True)
class Call:
    """One call: who made it, in which step of which actor, through which port."""

    process: str
    actor: str
    step: int
    name: str
    local: bool

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What can go wrong here."""
        if self.local:
            return LOCAL
        return READ if _READS.match(self.name) else tuple(Kind)


@dataclass
class Stage:
    """Records calls; ``fault_at`` is the index of the one call that goes wrong as ``kind`` says.

    ``during(process, actor, seconds, whole)`` lets the world go on for some seconds while that
    actor (or the whole process) stands still; ``later(seconds, do)`` has something done later.
    """

    during: Callable[[str, str, float, bool], None]
    later: Callable[[float, Callable[[], object]], None]
    fault_at: int | None = None
    kind: Kind | None = None
    calls: list[Call] = field(default_factory=list)
    acting: list[tuple[str, str, int]] = field(default_factory=list)
    faulted: bool = False

    def through(self, name: str, do: Callable[[], Any], *, local: bool) -> Any:
        """Make a call, or let it go wrong."""
        if not self.acting:
            return do()
        process, actor, step = self.acting[-1]
        index = len(self.calls)
        self.calls.append(Call(process, actor, step, name, local))
        if index != self.fault_at:
            return do()
        self.faulted = True
        match self.kind:
            case Kind.ERROR_BEFORE:
                raise Unanswered(f"{name}: no answer")
            case Kind.ERROR_AFTER:
                do()
                raise Unanswered(f"{name}: the answer was lost")
            case Kind.HANG:
                self.later(LATE, do)
                self.during(process, actor, HANG, False)
                raise Unanswered(f"{name}: timed out")
            case Kind.SLOW:
                self.during(process, actor, SLOW[0], False)
                result = do()
                self.during(process, actor, SLOW[1], False)
                return result
            case Kind.DEATH_BEFORE:
                raise Died(process)
            case Kind.DEATH_AFTER:
                do()
                raise Died(process)
            case _:
                self.during(process, actor, FREEZE, True)
                return do()


class Wrapped:
    """A port seen through the stage."""

    def __init__(self, stage: Stage, name: str, port: Any, *, local: bool = False) -> None:
        self._stage, self._name, self._port, self._local = stage, name, port, local

    def __getattr__(self, method: str) -> Any:
        attribute = getattr(self._port, method)
        if not callable(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            def do() -> Any:
                result = attribute(*args, **kwargs)
                return list(result) if isinstance(result, Iterator) else result

            return self._stage.through(f"{self._name}.{method}", do, local=self._local)

        return call


class WrappedTransport:
    """An HTTP transport seen through the stage: every single request is a call."""

    def __init__(self, stage: Stage, transport: Any) -> None:
        self._stage = stage
        self._transport = transport

    def send(self, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        """Send through the stage; generated names are left out of the call's name."""
        name = f"{method} " + re.sub("(?<=/pods/)[^/]+", "*", path)
        return self._stage.through(
            name, lambda: self._transport.send(method, path, *args, **kwargs), local=False
        )


def places(calls: Sequence[Call], about: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    """The first call that is :func:`worth_trying` in every place, of those whose names begin like
    one of ``about``, and of the ledger's swaps.

    A place is the actor, and after which call and before which in the same step.
    """
    found: dict[tuple[str, ...], int] = {}
    for index in worth_trying(calls):
        call = calls[index]
        if call.name.startswith(about) or call.name == "ledger.swap":
            around = (calls[index - 1], call, calls[min(index + 1, len(calls) - 1)])
            names = [one.name if one.step == call.step else "" for one in around]
            found.setdefault((call.actor, *names), index)
    return found


def worth_trying(calls: Sequence[Call], twice: int = 1) -> list[int]:
    """The indexes of the calls of every distinct kind of step, of its first ``twice`` occurrences.

    A step's kind is its actor and the sequence of its calls: the hundredth renewal of a lease is
    the first one over again.
    """
    steps: dict[tuple[str, str, int], list[int]] = {}
    for index, call in enumerate(calls):
        steps.setdefault((call.process, call.actor, call.step), []).append(index)
    seen: dict[tuple[str, ...], int] = {}
    chosen: list[int] = []
    for (_, actor, _), indexes in steps.items():
        signature = (actor, *(calls[index].name for index in indexes))
        seen[signature] = seen.get(signature, 0) + 1
        if seen[signature] <= twice:
            chosen += indexes
    return sorted(chosen)
