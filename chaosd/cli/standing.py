"""How things stand, as a command finds out: the ledger, the lease, and the file if one is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from chaosd.cli.cluster import ServerClock, about_ledger
from chaosd.core.admission import Circumstances
from chaosd.core.lease import read_spec
from chaosd.core.ledger import Ledger
from chaosd.core.model import Configuration
from chaosd.core.status import LEASE_LOST, Known, Status, status
from chaosd.engine.book import Book, LedgerUnusable, Page
from chaosd.engine.lead import LEDGER_UID

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection


class Standing(Struct, frozen=True):
    """What was read; ``ledger`` None: it can't be used, and ``status.ledger_problem`` says why.

    ``started``: whether a chaosd has ever started in this namespace.
    """

    status: Status
    ledger: Ledger | None
    started: bool


def read_standing(
    connection: Connection,
    configuration: Configuration | None,
    problems: tuple[str, ...] = (),
    clock: ServerClock | None = None,
) -> Standing:
    """Read the lease and the ledger and judge them with ``configuration``; raises CallFailed.

    ``problems`` are those of the configuration file, None of whose content is then known.
    """
    lease = connection.lease.read()
    uid = lease.annotations.get(LEDGER_UID) if lease else None
    page: Page | None = None
    problem = ""
    try:
        page = Book(connection.ledger, uid).read()
    except LedgerUnusable as error:
        problem = about_ledger(connection, error)
    around = Circumstances(
        now=(clock or ServerClock(connection)).stamp(),
        problems=problems,
        annotation_halt=page.annotation_halt if page else None,
    )
    found = status(
        page.ledger if page else None,
        configuration,
        around,
        ledger_problem=problem,
        known=Known(lease=read_spec(lease.text) if lease else None),
    )
    return Standing(found, page.ledger if page else None, started=page is not None or bool(uid))


def somebody_leads(connection: Connection) -> bool:
    """Whether a chaosd seems to lead, by its lease; raises CallFailed."""
    found = read_standing(connection, None).status
    leader = found.leader
    return bool(leader and leader.renewed and found.now - leader.renewed <= LEASE_LOST)
