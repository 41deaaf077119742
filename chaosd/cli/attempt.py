"""``chaosd attempt`` and ``chaosd forgive``: one attempt now, and letting a workload go."""

from __future__ import annotations

import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from chaosd.cli.cluster import ServerClock, book_of, connected
from chaosd.cli.failures import WENT_WRONG, Failed, Mistaken, in_words
from chaosd.cli.options import As, Context, Kubeconfig, Namespace
from chaosd.cli.output import Output, complain, note, out, print_json, reasons_json, reasons_text
from chaosd.cli.people import who
from chaosd.cli.standing import somebody_leads
from chaosd.core.ledger import Intent, Request, Result
from chaosd.core.model import Reason
from chaosd.core.requests import VALID, action_id, post
from chaosd.core.schedule import intent_id
from chaosd.core.transitions import Refusal
from chaosd.core.transitions import forgive as forgiven
from chaosd.core.words import of_what, verb
from chaosd.daemon.naming import parse_workload
from chaosd.engine.attempt import BEGUN
from chaosd.engine.book import Book
from chaosd.ports import CallFailed

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection

_EVERY = 0.5
_MORE = timedelta(seconds=60)
"""How long past its expiry a request that was taken may still be answered."""

PolicyArgument = Annotated[
    str, typer.Argument(metavar="POLICY", help="A policy of the running chaosd.")
]
TargetOption = Annotated[
    str,
    typer.Option(
        metavar="WORKLOAD",
        help="Only this workload, namespace/Kind/name, or this node, Node/name; else one is drawn.",
        show_default=False,
    ),
]
WorkloadArgument = Annotated[
    str,
    typer.Argument(
        metavar="WORKLOAD", help="namespace/Kind/name or Node/name, as chaosd status shows it."
    ),
]
Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for what comes of it.")]


class Answer(Struct, frozen=True):
    """What came of a request: ``result`` is that of the attempt, or ``notTaken``."""

    result: str
    reasons: tuple[Reason, ...] = ()
    intent: Intent | None = None

    @property
    def begun(self) -> bool:
        """Whether it is under way, as a drain is, whose steps take minutes; what has become of it
        since it was answered is another question."""
        one = self.intent
        going_on = one is not None and one.owes_undo and one.result is None and not one.unsettled
        return self.result == BEGUN or going_on

    @property
    def fine(self) -> bool:
        """Whether a victim was struck (or is being, or would have been)."""
        return self.result in (Result.KILLED, Result.DRY_RUN) or self.begun


def attempt(
    policy: PolicyArgument,
    target: TargetOption = "",
    wait: Wait = True,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Ask the leading chaosd for one attempt now: exit 0 when it struck (or in a dry run would).

    Every guard stays on: windows, limits, budgets, halts. The request is good for 60 seconds.
    """
    workload = _workload(target) if target else ""
    connection = connected(kubeconfig, context, namespace)
    book = book_of(connection)
    now = ServerClock(connection).stamp()
    _demand_leader(connection)
    request = Request(secrets.token_hex(4), policy, who(), now, now + VALID, workload)
    changed = book.change(lambda ledger: post(ledger, request))
    if isinstance(changed, Refusal):
        raise Failed("; ".join(map(str, changed.reasons)))
    if not wait:
        if output is Output.JSON:
            print_json({"request": request.id, "result": None})
        else:
            out().print(f"asked for an attempt (request {request.id}, good for 60 s)")
        return
    answer = _await(book, request)
    _tell(request, answer, output)
    if not answer.fine:
        raise typer.Exit(WENT_WRONG)


def _demand_leader(connection: Connection) -> None:
    """Nobody would take the request: rather than waiting a minute, say so."""
    if not somebody_leads(connection):
        raise Failed("nobody leads, so nobody would take the request: does chaosd run?")


def _workload(text: str) -> str:
    try:
        return str(parse_workload(text))
    except ValueError as error:
        raise Mistaken(str(error)) from None


def _await(book: Book, request: Request) -> Answer:
    """Look at the ledger until the request is answered, or nobody will."""
    until = time.monotonic() + VALID.total_seconds()
    taken = ""
    note(f"asked for an attempt (request {request.id}); waiting for whoever leads")
    while True:
        try:
            ledger = book.read().ledger
        except CallFailed as error:
            note(f"trying again: {in_words(error)}")
        else:
            found = ledger.requests.get(request.id) or request
            if found.answer:
                intent = ledger.find(intent_id(action_id(request)))
                return Answer(found.answer, found.reasons, intent)
            if found.taken_by and not taken:
                taken = found.taken_by
                until += _MORE.total_seconds()
                note(f"taken by {taken}")
        if time.monotonic() > until:
            return Answer("unknown" if taken else "notTaken")
        time.sleep(_EVERY)


def _tell(request: Request, answer: Answer, output: Output) -> None:
    intent = answer.intent
    if output is Output.JSON:
        print_json(
            {
                "request": request.id,
                "result": answer.result,
                "reasons": reasons_json(answer.reasons),
                "intent": intent.id if intent else None,
                "workload": intent.workload if intent else None,
                "victim": intent.victim.path if intent else None,
            }
        )
        return
    whom = f" {of_what(intent)} (intent {intent.id})" if intent else ""
    did = verb(intent.action).did if intent else "killed"
    match answer.result:
        case Result.KILLED:
            out().print(f"{did}{whom}; chaosd watches whether it recovers")
        case Result.DRY_RUN:
            out().print(f"dry run: would have {did}{whom}; nothing was touched")
        case "notTaken":
            complain("nobody took the request: does a chaosd run and lead? (chaosd status)")
        case "begun" | "unknown" if answer.begun:
            out().print(f"begun:{whom}; `chaosd status` shows how it goes on")
        case "unknown":
            complain(f"taken, but its outcome is not known yet{whom}: see chaosd status")
        case other:
            detail = f": {intent.detail}" if intent and intent.detail else ""
            complain(f"{other}{whom}{detail}")
    if answer.reasons:
        out().print(reasons_text(answer.reasons))


def forgive(
    workload: WorkloadArgument,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Let a workload go that did not recover: it may be struck again, and counts no longer.

    Its cooldown begins now.
    """
    name = _workload(workload)
    connection = connected(kubeconfig, context, namespace)
    now, by = ServerClock(connection).stamp(), who()
    changed = book_of(connection).change(lambda ledger: forgiven(ledger, name, by, now))
    if isinstance(changed, Refusal):
        raise Failed("; ".join(reason.detail or str(reason) for reason in changed.reasons))
    if output is Output.JSON:
        print_json({"workload": name, "by": by, "at": now})
    else:
        out().print(f"forgave {name}")
