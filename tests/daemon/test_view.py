"""What the page and the API are made of."""

from __future__ import annotations

from pathlib import Path

from chaosd.core.ledger import Halt
from chaosd.core.transitions import halt
from chaosd.engine.lead import Lead
from tests.daemon.served import served


def test_what_this_process_wrote_counts_at_once(tmp_path: Path) -> None:
    """Before the observer comes round again, and not the older of the two."""
    with served(tmp_path, started=False) as found:
        context = found.daemon.context
        Lead(context, found.daemon.connection.ledger).step()
        context.page, context.unusable = context.book.read(), ""
        assert found.json("status")["halts"] == []
        stop = Halt("eve", "a drill", context.clock.now())
        context.book.change(lambda ledger: halt(ledger, stop))
        assert found.json("status")["halts"][0]["why"] == "a drill"
        newer, older = context.book.last, context.page
        context.page, context.book.last = newer, older
        assert found.json("status")["halts"][0]["why"] == "a drill"
