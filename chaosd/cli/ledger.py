"""``chaosd ledger``: show it in any state, make or accept it, repair it."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from chaosd.cli.cluster import ServerClock, connected
from chaosd.cli.failures import WENT_WRONG, Mistaken
from chaosd.cli.options import As, Context, Kubeconfig, Namespace, Yes
from chaosd.cli.output import Output, complain, err, out, print_json, zulu
from chaosd.cli.people import who
from chaosd.engine.caretaker import Caretaker, Repaired, Shown
from chaosd.engine.lead import LEDGER_UID

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection
    from chaosd.ports import Versioned

ledger = typer.Typer(
    no_args_is_help=True,
    help="Look after the ledger, in which chaosd writes down all that it does.",
)
Raw = Annotated[bool, typer.Option("--raw", help="The text as it is, damaged or not.")]


@ledger.command()
def show(
    raw: Raw = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Show the ledger as far as it can be read, and what is wrong with it (which exits 1)."""
    connection = connected(kubeconfig, context, namespace)
    shown = Caretaker(connection.ledger, connection.lease).show()
    if raw:
        typer.echo(shown.document.text if shown.document else "")
    elif output is Output.JSON:
        print_json(_as_json(shown))
    else:
        _print(shown, connection)
    for problem in shown.problems if output is Output.TEXT else ():
        complain(problem)
    if shown.problems and (shown.document or shown.named):
        raise typer.Exit(WENT_WRONG)


@ledger.command()
def init(
    yes: Yes = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
) -> None:
    """Make an empty ledger, or accept the one that is there, so that chaosd trusts it.

    Needed only when the ledger was deleted or restored: chaosd makes its first one by itself. An
    empty one has forgotten limits, cooldowns, and actions that were under way.
    """
    connection = connected(kubeconfig, context, namespace)
    caretaker = Caretaker(connection.ledger, connection.lease)
    shown = caretaker.show()
    if shown.document is not None and shown.document.uid == shown.named and not shown.lost:
        out().print("nothing to do: the ledger is there, and it is the one that the lease names")
        return
    _confirm(_question(shown, connection.namespace), yes)
    document = caretaker.init()
    out().print(
        f"ledger {document.uid} is the one that chaosd trusts now (lease annotation {LEDGER_UID})"
    )


@ledger.command()
def repair(
    yes: Yes = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Write back what can be read of a damaged ledger; drop what is out of date from a large one.

    The damaged text is kept in a ConfigMap of its own. As limits and actions under way may be among
    what was lost, chaosd is then halted until somebody says resume.
    """
    connection = connected(kubeconfig, context, namespace)
    caretaker = Caretaker(connection.ledger, connection.lease)
    shown = caretaker.show()
    if shown.lost:
        for lost in shown.lost:
            err().print(f"can't be read: {lost}")
        _confirm(f"Keep {_counts(shown)}, set the damaged text aside, and halt chaosd?", yes)
    now = ServerClock(connection).stamp()
    done = caretaker.repair(who(), now, lambda: _aside(connection, now))
    if output is Output.JSON:
        print_json(done)
    else:
        _tell(done, connection.namespace)


def _question(shown: Shown, namespace: str) -> str:
    if shown.document is not None:
        return (
            f"Accept the ledger in namespace {namespace} (revision {shown.ledger.revision}), which "
            "is not the one that the lease names?"
        )
    if not shown.named:
        return (
            f"Make a ledger in namespace {namespace}? chaosd has not started there, and makes its "
            "first one by itself."
        )
    return (
        f"Make an empty ledger in namespace {namespace}? What the old one knew of limits, "
        "cooldowns and actions under way is forgotten."
    )


def _aside(connection: Connection, now: datetime) -> tuple[Versioned, str]:
    """A ConfigMap for a damaged text."""
    from chaosd.kube.documents import LEDGER_NAME, LedgerDocument  # noqa: PLC0415

    name = f"{LEDGER_NAME}-damaged-{now:%Y%m%d-%H%M%S}"
    return LedgerDocument(connection.api, connection.namespace, name), name


def _confirm(question: str, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Mistaken(f"{question} Nobody is here to ask: say --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(WENT_WRONG)


def _tell(done: Repaired, namespace: str) -> None:
    if not done.copy:
        freed = (
            "dropped what is out of date" if done.changed else "found nothing that is out of date"
        )
        out().print(f"the ledger could be read whole; {freed}")
        return
    out().print(f"repaired: {len(done.lost)} parts could not be kept")
    out().print(f"the damaged text is in configmap {done.copy} in namespace {namespace}")
    out().print("chaosd is halted: look at what was lost, then say `chaosd resume`")


def _counts(shown: Shown) -> str:
    book = shown.ledger
    kinds = (
        (len(book.intents), "open intents"),
        (len(book.outcomes), "outcomes"),
        (len(book.last_kills) + len(book.last_dry_kills), "last kills"),
        (len(book.requests), "requests"),
        (len(book.days), "days with kills"),
    )
    return ", ".join(f"{n} {what}" for n, what in kinds)


def _as_json(shown: Shown) -> dict[str, object]:
    return {
        "exists": shown.document is not None,
        "uid": shown.document.uid if shown.document else None,
        "named": shown.named or None,
        "bytes": shown.bytes,
        "problems": shown.problems,
        "lost": shown.lost,
        "ledger": shown.ledger if shown.document else None,
    }


def _print(shown: Shown, connection: Connection) -> None:
    if shown.document is None:
        return
    from chaosd.core.ledger_text import encode  # noqa: PLC0415

    book = shown.ledger
    out().print(
        f"ledger {shown.document.uid} in namespace {connection.namespace}: revision "
        f"{book.revision}, {shown.bytes / 1024:.1f} KiB, {_counts(shown)}"
    )
    if book.leader:
        since = zulu(book.leader.since)
        out().print(f"leader {book.leader.holder}, term {book.leader.term}, since {since}")
    typer.echo(encode(book))
    for lost in shown.lost:
        err().print(f"can't be read: {lost}")
