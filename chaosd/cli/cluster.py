"""The cluster as commands reach it."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chaosd.cli.failures import Failed, NoCluster
from chaosd.cli.output import note
from chaosd.core.admission import MAX_SKEW
from chaosd.engine.book import Book, LedgerUnusable
from chaosd.engine.lead import LEDGER_UID
from chaosd.ports import CallFailed

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection


def connected(kubeconfig: str | None, context: str | None, namespace: str | None) -> Connection:
    """Sign in; raises NoCluster."""
    # Brings the official client along, which takes its time.
    from chaosd.daemon.wiring import connect  # noqa: PLC0415
    from chaosd.kube.signin import SignInFailed  # noqa: PLC0415

    try:
        # The daemon checks snapshots, and knows what came of it.
        connection = connect(kubeconfig, context, namespace, checks_snapshots=False)
        connection.where()
    except SignInFailed as error:
        raise NoCluster(str(error)) from None
    return connection


def book_of(connection: Connection) -> Book:
    """The ledger, for a person's command; raises Failed when there is none to use."""
    book = Book(connection.ledger)
    try:
        book.read()
    except LedgerUnusable as error:
        raise Failed(about_ledger(connection, error)) from None
    return book


def about_ledger(connection: Connection, error: LedgerUnusable) -> str:
    """Why there is no ledger to use, and whether another namespace may be meant.

    Raises CallFailed.
    """
    lease = connection.lease.read()
    named = bool(lease and lease.annotations.get(LEDGER_UID))
    if not named and connection.ledger.read() is None:
        return (
            f"chaosd has not started in namespace {connection.namespace}, there is no ledger: "
            "if it runs in another one, name that with --namespace"
        )
    return f"{error}; while that is so, nothing new is struck"


class ServerClock:
    """Our clocks, put right by the API server's (a :class:`chaosd.ports.Clock`).

    What others compare with is written in the server's time. A difference so large that chaosd
    would not kill is said. A server that does not answer leaves our own time as it is.
    """

    def __init__(self, connection: Connection) -> None:
        self._clock = connection.clock
        if connection.cluster.skew() is None:
            with contextlib.suppress(CallFailed):
                connection.lease.read()
        skew = connection.cluster.skew() or 0.0
        if abs(skew) > MAX_SKEW:
            note(f"this machine's clock is {-skew:+.0f} s off the API server's, whose time is used")
        # Dates of answers are good to a second or so: less is no difference.
        self._ahead = timedelta(seconds=skew if abs(skew) > 1 else 0)

    def now(self) -> datetime:
        """The server's time, in UTC."""
        now: datetime = self._clock.now()
        return now + self._ahead

    def boot(self) -> float:
        """Seconds that never jump."""
        return float(self._clock.boot())

    def stamp(self) -> datetime:
        """The server's time in whole seconds, for people to read."""
        return self.now().replace(microsecond=0)
