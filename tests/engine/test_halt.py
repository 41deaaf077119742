"""Halting: nothing is acknowledged that is not certain."""

from __future__ import annotations

from collections.abc import Mapping

from chaosd.core import ledger_text
from chaosd.core.ledger import Halt, Ledger
from chaosd.engine.book import Book
from chaosd.engine.halt import Halting, resume_now
from chaosd.kube.documents import LedgerDocument
from chaosd.ports import Conflict, Document
from tests.support.lab import Lab


class Contended:
    """A ledger that others always change first, a number of times."""

    def __init__(self, ledger: LedgerDocument, times: int) -> None:
        self._ledger = ledger
        self.left = times

    def read(self) -> Document | None:
        return self._ledger.read()

    def create(self, text: str, annotations: Mapping[str, str]) -> Document:
        return self._ledger.create(text, annotations)

    def swap(
        self, seen: Document, text: str, annotations: Mapping[str, str | None] | None = None
    ) -> Document:
        if self.left:
            self.left -= 1
            raise Conflict(409, "Conflict", "others were first")
        return self._ledger.swap(seen, text, annotations)


def bench(times: int) -> tuple[Lab, LedgerDocument, Book]:
    lab = Lab()
    with lab.filled():
        pass
    ledger = LedgerDocument(lab.api, "kube-system")
    ledger.create(ledger_text.encode(Ledger()), {})
    return lab, ledger, Book(Contended(ledger, times))


def test_a_halt_that_could_not_be_written_is_not_acknowledged() -> None:
    """Others changed the ledger three times: it is tried again, and only then acknowledged."""
    lab, _, book = bench(times=3)
    stop = Halt("ann", "release", lab.clock.now())
    halting = Halting(book, lab.clock, {}, stop)
    first = halting.step()
    assert not first.acknowledged
    assert first.waiting_for == ("the ledger, to be written",)
    assert book.read().ledger.halt is None
    assert halting.step().acknowledged
    assert book.read().ledger.halt == stop


def test_a_pause_is_of_one_policy() -> None:
    """The whole is not halted, and resuming another policy leaves it."""
    lab, _, book = bench(times=0)
    stop = Halt("ann", "noisy", lab.clock.now())
    assert Halting(book, lab.clock, {}, stop, "web").step().acknowledged
    assert book.read().ledger.halt is None
    resume_now(book, "api")
    assert book.read().ledger.paused == {"web": stop}
    resume_now(book, "web")
    assert book.read().ledger.paused == {}
