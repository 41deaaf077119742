"""``chaosd undo``: what chaosd has taken and owes back, and having it back now."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from chaosd.cli.cluster import ServerClock, about_ledger, connected
from chaosd.cli.failures import WENT_WRONG, Failed, Mistaken, in_words
from chaosd.cli.halt import checked_reason, halt_all
from chaosd.cli.options import As, Context, Kubeconfig, Namespace
from chaosd.cli.output import Output, complain, note, out, print_json, table, zulu
from chaosd.cli.people import who
from chaosd.cli.standing import somebody_leads
from chaosd.cli.stray import remove_strays
from chaosd.core.ledger import Intent, Ledger
from chaosd.core.status_nodes import NodeHeld, Phase, nodes_held
from chaosd.engine.book import Book, LedgerUnusable
from chaosd.engine.lead import LEDGER_UID
from chaosd.engine.undo import PATIENCE, Owing, Progress, Undoing
from chaosd.ports import CallFailed, Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection

_EVERY = 0.5
Named = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[INTENT|NODE]...",
        help="What to put back: intents or nodes, as chaosd status shows them; else what is owed "
        "is listed.",
        show_default=False,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Put back all that is owed.")]
Stray = Annotated[
    bool,
    typer.Option(
        "--stray",
        help="Remove the taint chaosd.io/drain from nodes of which the ledger knows nothing.",
    ),
]
AndHalt = Annotated[
    bool,
    typer.Option("--halt", help="With --all: halt everything first, until chaosd resume."),
]
Why = Annotated[str, typer.Option("--reason", "-r", help="With --halt: why.", show_default=False)]
Timeout = Annotated[
    float, typer.Option(min=1, metavar="SECONDS", help="How long to wait until all is back.")
]


def undo(  # noqa: PLR0913, PLR0917 - options
    named: Named = None,
    everything: All = False,
    stray: Stray = False,
    and_halt: AndHalt = False,
    reason: Why = "",
    timeout: Timeout = 60,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """List the nodes that chaosd has out of service, or have them put back now.

    The action is called off: no further step of it comes, and its hold is over. Whoever leads puts
    the node back; if nobody does within 10 seconds (or nobody leads), it is done from here. Exit 0
    when nothing of it is owed any more.
    """
    _check(named, everything, stray, and_halt, reason)
    connection = connected(kubeconfig, context, namespace)
    if stray:
        remove_strays(connection, output)
        return
    clock = ServerClock(connection)
    book = _book(connection)
    if book is None:
        _nothing(output)
        return
    if not named and not everything:
        _list(nodes_held(book.read().ledger.intents.values(), clock.stamp()), output)
        return
    if and_halt:
        halt_all(connection, book, clock, reason, timeout)
    ledger = book.read().ledger
    intents = _meant(connection, ledger, named or ())
    patience = PATIENCE if somebody_leads(connection) else timedelta(0)
    undoing = Undoing(book, clock, connection.targets, who(), intents, patience)
    left = _follow(undoing, timeout).left
    _tell(book.read().ledger, intents, left, output)
    if left:
        raise typer.Exit(WENT_WRONG)


def _check(
    named: list[str] | None, everything: bool, stray: bool, and_halt: bool, reason: str
) -> None:
    """Raises Mistaken for options that don't go together."""
    if sum((bool(named), everything, stray)) > 1:
        raise Mistaken("write names, or --all, or --stray: only one of them")
    if and_halt and not everything:
        raise Mistaken("--halt goes with --all: to halt alone write chaosd halt")
    if and_halt:
        checked_reason(reason)
    elif reason:
        raise Mistaken("--reason goes with --halt: leave it out")


def _book(connection: Connection) -> Book | None:
    """The ledger; None where chaosd has never started, so that it owes nothing."""
    book = Book(connection.ledger)
    try:
        book.read()
    except LedgerUnusable as error:
        lease = connection.lease.read()
        if not (lease and lease.annotations.get(LEDGER_UID)) and connection.ledger.read() is None:
            note(about_ledger(connection, error))
            return None
        raise Failed(
            f"{about_ledger(connection, error)}; chaosd undo --stray removes the taints of chaosd "
            "without it"
        ) from None
    return book


def _meant(connection: Connection, ledger: Ledger, named: list[str] | tuple[()]) -> list[str]:
    """The ids of open intents that are to be undone; raises Mistaken for names that are nowhere."""
    owing = [one for one in ledger.intents.values() if one.owes_undo]
    if not named:
        return [one.id for one in owing]
    found: dict[str, None] = {}
    unknown = []
    for name in named:
        plain = name.strip().removeprefix("Node/").removeprefix("node/")
        mine = [one.id for one in owing if _is(one, plain)]
        found.update(dict.fromkeys(mine))
        known = mine or any(_is(one, plain) for one in ledger.all_intents())
        if not known and not _exists(connection, plain):
            unknown.append(name)
        elif not mine:
            note(f"{name}: nothing is owed")
    if unknown:
        owed = ", ".join(f"{one.undo.node} ({one.id})" for one in owing if one.undo)
        raise Mistaken(
            f"there is no node and no intent {', '.join(unknown)}: "
            + (f"owed are {owed}" if owed else "nothing is owed")
        )
    return [*found]


def _is(intent: Intent, name: str) -> bool:
    node = intent.undo.node if intent.undo else None
    return name in (intent.id, node)


def _exists(connection: Connection, name: str) -> bool:
    from chaosd.kube.node_reads import KubeNodeReads  # noqa: PLC0415 - brings the client along

    try:
        return KubeNodeReads(connection.api).node(name) is not None
    except (Forbidden, Invalid, NotFound):
        return False


def _follow(undoing: Undoing, timeout: float) -> Progress:
    """Step until all is back or the time is up; what may pass is tried again."""
    until = time.monotonic() + timeout
    said: tuple[Owing, ...] = ()
    while True:
        progress = None
        try:
            progress = undoing.step()
        except (Forbidden, Invalid, NotFound):
            raise
        except CallFailed as error:
            if time.monotonic() > until:
                raise
            note(f"trying again: {in_words(error)}")
        if progress and (not progress.left or time.monotonic() > until):
            return progress
        if progress and progress.left != said:
            said = progress.left
            note("; ".join(f"waiting for node {one.node}: {one.why}" for one in said))
        time.sleep(_EVERY)


# ---- what is told


def _nothing(output: Output) -> None:
    if output is Output.JSON:
        print_json({"owed": []})
    else:
        out().print("nothing is owed")


def _list(held: tuple[NodeHeld, ...], output: Output) -> None:
    if output is Output.JSON:
        print_json({"owed": held})
        return
    if not held:
        out().print("nothing is owed: chaosd has no node out of service")
        return
    rows = table("node", "since", "back by", "state", "policy", "intent", "pods left", "seen")
    for one in held:
        until = "at once" if one.phase is Phase.PUTTING_BACK else zulu(one.until)
        left = "-" if one.left is None else str(one.left)
        since = zulu(one.since)
        rows.add_row(one.node, since, until, one.phase, one.policy, one.intent, left, one.seen)
    out().print(rows)
    out().print("to put one back now: chaosd undo NODE; all of them: chaosd undo --all")


def _tell(ledger: Ledger, intents: list[str], left: tuple[Owing, ...], output: Output) -> None:
    owing = {one.intent for one in left}
    done = [one for key in intents if key not in owing and (one := ledger.find(key))]
    if output is Output.JSON:
        undone = [
            {"intent": one.id, "node": one.undo.node, "detail": one.undo.detail}
            for one in done
            if one.undo
        ]
        print_json({"undone": undone, "owed": left})
        return
    for one in done:
        if one.undo:
            out().print(f"{one.undo.detail or f'node {one.undo.node} is back'} (intent {one.id})")
    for waiting in left:
        complain(f"node {waiting.node} is not back (intent {waiting.intent}): {waiting.why}")
    if not left and not done:
        out().print("nothing is owed")
