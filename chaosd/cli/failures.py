"""How a command fails: in a few clear words, with an exit code, never with a traceback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chaosd.engine.book import LedgerUnusable
from chaosd.engine.caretaker import CantDo
from chaosd.ports import (
    Answered,
    CallFailed,
    Forbidden,
    NotSent,
    ServerFault,
    TooManyRequests,
    Unanswered,
)

WENT_WRONG = 1
WRONG_INPUT = 2
EXPECTED = (CallFailed, LedgerUnusable, CantDo)
"""What the engine and the cluster may raise at any command."""


class Failed(Exception):
    """It went wrong, and nobody's input is to blame: exit code 1."""


class NoCluster(Failed):
    """There is no cluster to talk to, or no way to sign in."""


class Mistaken(Exception):
    """The input is wrong; the message says what to write instead: exit code 2."""


class Place(Protocol):
    """One mistake in a file."""

    @property
    def path(self) -> str:
        """The key path; empty for the file as a whole."""
        ...

    @property
    def line(self) -> int | None:
        """Counted from 1; None: it stands on no line."""
        ...

    @property
    def message(self) -> str:
        """What is wrong, and what to write."""
        ...


class Mistakes(Mistaken):
    """All mistakes of one file."""

    def __init__(self, file: str, places: Sequence[Place]) -> None:
        super().__init__(f"{file} has {len(places)} mistakes")
        self.file = file
        self.places = tuple(places)


def in_words(error: Exception, *, looking: bool = False) -> str:
    """What went wrong with a call, for the person who gave the command; ``looking``: it is one that
    changes nothing."""
    match error:
        case NotSent():
            return f"the API server can't be reached: {error}"
        case Unanswered() if looking:
            return str(error)
        case ServerFault() | Unanswered() if not looking:
            return f"nobody knows whether it was done: {error}; look with `chaosd status`"
        case Forbidden(status=401):
            return (
                "the API server does not accept the credentials (401 Unauthorized): they have "
                "expired, or are not for this cluster"
            )
        case Forbidden():
            return f"the API server does not allow it: {error.message or error}"
        case TooManyRequests():
            return f"the API server is too busy: {error.message or error}"
        case Answered():
            return f"the API server answered {error}"
    return str(error) or type(error).__name__
