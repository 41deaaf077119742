"""``chaosd halt`` and ``chaosd resume``: stop everything or one policy, and go on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chaosd.cli.cluster import ServerClock, about_ledger, book_of, connected
from chaosd.cli.failures import WENT_WRONG, Failed, Mistaken, Mistakes, in_words
from chaosd.cli.file import load_file
from chaosd.cli.options import As, Context, FileOption, Kubeconfig, Namespace, PolicyName
from chaosd.cli.output import Output, complain, note, out, print_json, zulu
from chaosd.cli.people import who
from chaosd.core.ledger import Halt, Ledger
from chaosd.engine.book import Book, LedgerUnusable, Page
from chaosd.engine.halt import Halting, Progress, resume_now
from chaosd.ports import CallFailed, Forbidden, Invalid, NotFound

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection

_EVERY = 0.5
_LONGEST_REASON = 500
Why = Annotated[
    str, typer.Option("--reason", "-r", help="Why, for those who find it.", show_default=False)
]
Timeout = Annotated[
    float,
    typer.Option(min=1, metavar="SECONDS", help="How long to wait until nothing is under way."),
]


def halt(
    reason: Why,
    policy: PolicyName = "",
    timeout: Timeout = 60,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Stop everything, or one policy: exit 0 once no action can start until somebody resumes.

    The halt is in force as soon as it is written; then the outcome of what was under way is awaited
    (or made certain from here, if chaosd itself is gone), and only that acknowledges it.
    """
    why = checked_reason(reason)
    connection = connected(kubeconfig, context, namespace)
    book = Book(connection.ledger)
    clock = ServerClock(connection)
    stop = Halt(who(), why, clock.stamp())
    try:
        progress = _follow(Halting(book, clock, connection.targets, stop, policy), timeout)
    except LedgerUnusable as error:
        raise Failed(about_ledger(connection, error)) from None
    ledger = book.read().ledger
    if policy and all(policy != one.policy for one in ledger.all_intents()):
        note(f"the ledger knows of no action of a policy {policy!r}: is that its name?")
    _tell(ledger, stop, policy, progress, output)
    if not progress.acknowledged:
        raise typer.Exit(WENT_WRONG)


def checked_reason(reason: str) -> str:
    """The reason without blanks around it; raises Mistaken when there is none."""
    why = reason.strip()
    if not why or len(why) > _LONGEST_REASON:
        raise Mistaken(f"--reason must hold 1 to {_LONGEST_REASON} characters: say why")
    return why


def halt_all(
    connection: Connection, book: Book, clock: ServerClock, reason: str, timeout: float
) -> None:
    """Halt everything before something else is done: it is in force, acknowledged or not."""
    stop = Halt(who(), checked_reason(reason), clock.stamp())
    progress = _follow(Halting(book, clock, connection.targets, stop), timeout)
    said = "halted everything" if progress.acknowledged else "halted, but not acknowledged"
    note(f"{said}: no action starts until somebody says `chaosd resume`")


def _follow(halting: Halting, timeout: float) -> Progress:
    """Step until it is acknowledged or the time is up; what may pass is tried again."""
    until = time.monotonic() + timeout
    said: tuple[str, ...] = ()
    progress = Progress(acknowledged=False)
    while True:
        try:
            progress = halting.step()
        except (Forbidden, Invalid, NotFound):
            raise
        except CallFailed as error:
            if time.monotonic() > until:
                raise
            note(f"trying again: {in_words(error)}")
        if progress.acknowledged or time.monotonic() > until:
            return progress
        if progress.waiting_for != said:
            said = progress.waiting_for
            note(f"waiting for {', '.join(said)}")
        time.sleep(_EVERY)


def _tell(ledger: Ledger, stop: Halt, policy: str, progress: Progress, output: Output) -> None:
    now = ledger.paused.get(policy) if policy else ledger.halt
    what = f"policy {policy}" if policy else "everything"
    if output is Output.JSON:
        print_json(
            {
                "acknowledged": progress.acknowledged,
                "policy": policy or None,
                "halt": now,
                "waitingFor": progress.waiting_for,
            }
        )
        return
    if not progress.acknowledged:
        waiting = ", ".join(progress.waiting_for) or "the ledger"
        complain(
            f"halted {what}, but not acknowledged: nobody knows yet what became of {waiting}; "
            "the halt stays in force, say it again to go on waiting"
        )
        return
    if now is not None and now != stop:
        out().print(f"{what} was halted already, by {now.who} at {zulu(now.at)}: {now.why}")
    resume = f"chaosd resume --policy {policy}" if policy else "chaosd resume"
    out().print(f"halted {what}: no action starts until somebody says `{resume}`")


def resume(
    policy: PolicyName = "",
    file: FileOption = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Take back a halt (by command or annotation), or the pause of one policy.

    Says what still stands in the way: paused policies, and halted: true in the configuration if
    its file is given.
    """
    connection = connected(kubeconfig, context, namespace)
    book = book_of(connection)
    before = book.read()
    was = before.ledger.paused.get(policy) if policy else before.ledger.halt
    annotated = not policy and before.annotation_halt is not None
    refused = resume_now(book, policy)
    if refused is not None:
        raise Failed("; ".join(map(str, refused.reasons)))
    page = book.read()
    left = _still(page, file)
    if output is Output.JSON:
        print_json({"resumed": was is not None or annotated, "was": was, "stillHalted": left})
        return
    what = f"policy {policy}" if policy else "everything"
    if was is not None:
        out().print(f"resumed {what}, halted by {was.who} at {zulu(was.at)}: {was.why}")
    elif annotated:
        out().print(f"resumed {what}, halted by annotation: {before.annotation_halt}")
    elif policy:
        out().print(f"policy {policy} was not paused: there was nothing to resume")
    else:
        out().print("no halt of everything was in force: there was nothing to resume")
    for line in left:
        out().print(f"still halted: {line}")
    for name in sorted(page.ledger.paused):
        out().print(f"to let policy {name} go on: chaosd resume --policy {name}")
    if file is None:
        note("a halt in the configuration (halted: true) is not seen from here without --file")


def _still(page: Page, file: Path | None) -> list[str]:
    """What goes on halting, whoever resumes."""
    found = []
    if page.ledger.halt:
        found.append(f"everything, by {page.ledger.halt.who}: {page.ledger.halt.why}")
    if page.annotation_halt is not None:
        found.append(f"everything, by annotation: {page.annotation_halt}")
    found += [
        f"policy {name}, by {pause.who}: {pause.why}"
        for name, pause in sorted(page.ledger.paused.items())
    ]
    if file is not None:
        try:
            if load_file(file).halted:
                found.append(f"everything, by {file}: halted: true")
        except Mistakes as mistakes:
            found.append(f"everything, while {mistakes}")
    return found
