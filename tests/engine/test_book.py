"""The ledger behind its port: what is read is what is there now."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.ledger import Halt
from chaosd.core.transitions import halt
from chaosd.engine.book import LedgerUnusable
from tests.engine.scene import START, Scene


def test_a_ledger_that_did_not_change_is_not_decoded_again() -> None:
    """Idle daemons read it every few seconds; an annotation changes the object, not the text."""
    scene = Scene()
    book = scene.leader().context.book
    before = book.read()
    with scene.cluster.edit("configmaps", "chaosd", "chaosd-ledger") as item:
        item["metadata"]["annotations"] = {"chaosd.io/halt": "now"}
    after = book.read()
    assert after.ledger is before.ledger
    assert (before.annotation_halt, after.annotation_halt) == (None, "now")
    assert after.document.version != before.document.version


def test_every_other_text_is_decoded() -> None:
    """A change by another is seen at once, damage too, and so is the way back."""
    scene = Scene()
    book = scene.leader().context.book
    before = book.read()
    stop = Halt("somebody", "stop", START + timedelta(seconds=1))
    scene.book().change(lambda ledger: halt(ledger, stop))
    assert book.read().ledger.halt == stop
    scene.write("{")
    with pytest.raises(LedgerUnusable):
        book.read()
    scene.write(before.document.text)
    assert book.read().ledger == before.ledger
