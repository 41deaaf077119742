"""``chaosd undo --stray``: taints of ours that no ledger knows of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from chaosd.cli.cluster import about_ledger
from chaosd.cli.failures import WENT_WRONG, in_words
from chaosd.cli.output import Output, complain, note, out, print_json
from chaosd.core.ledger import Ledger
from chaosd.engine.book import Book, LedgerUnusable
from chaosd.engine.undo import remove_stray, strays, tainted
from chaosd.ports import CallFailed

if TYPE_CHECKING:
    from chaosd.core.facts import NodeFacts
    from chaosd.daemon.wiring import Connection


def remove_strays(connection: Connection, output: Output) -> None:
    """Remove them and say so; exits 1 when one could not be removed. Raises CallFailed."""
    from chaosd.kube.node_reads import KubeNodeReads  # noqa: PLC0415 - brings the client along

    nodes = KubeNodeReads(connection.api)
    found = tainted(nodes)
    why = {}
    removed: list[NodeFacts] = []
    for stray in strays(found, _ledger(connection)):
        try:
            failed = remove_stray(nodes, stray)
        except CallFailed as error:
            failed = in_words(error)
        if failed:
            why[stray.name] = failed
        else:
            removed.append(stray)
    if output is Output.JSON:
        print_json(
            {
                "removed": [{"node": one.name, "intent": one.drained_by} for one in removed],
                "left": [{"node": name, "why": text} for name, text in why.items()],
            }
        )
    else:
        _tell(removed, why, owed=len(found) - len(removed) - len(why))
    if why:
        raise typer.Exit(WENT_WRONG)


def _ledger(connection: Connection) -> Ledger:
    try:
        return Book(connection.ledger).read().ledger
    except LedgerUnusable as error:
        note(f"{about_ledger(connection, error)}; so every taint of chaosd counts as stray")
        return Ledger()


def _tell(removed: list[NodeFacts], why: dict[str, str], owed: int) -> None:
    for one in removed:
        out().print(f"removed chaosd.io/drain={one.drained_by} from node {one.name}")
    for name, text in why.items():
        complain(f"node {name} keeps its taint: {text}")
    if not removed and not why:
        out().print("no node carries a taint of which the ledger knows nothing")
    if owed:
        note(f"{owed} more are known to the ledger: see chaosd undo")
