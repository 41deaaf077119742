"""Leading: the Lease proposes, the ledger decides."""

from __future__ import annotations

from datetime import datetime

from chaosd.core import lease, ledger_text
from chaosd.core.lease import Sighting
from chaosd.core.ledger import Ledger
from chaosd.core.transitions import Refusal
from chaosd.core.transitions import lead as begin_term
from chaosd.engine.book import LedgerUnusable
from chaosd.engine.context import Context, Leadership
from chaosd.ports import CallFailed, Conflict, Document, Versioned

LEDGER_UID = "chaosd.io/ledger-uid"


class Lead:
    """The actor that takes and renews the Lease, and begins terms in the ledger.

    ``ledger`` is the ledger's port, needed to make it at the very first start.
    """

    def __init__(self, context: Context, ledger: Versioned) -> None:
        self._context = context
        self._ledger = ledger
        self._sighting: Sighting | None = None

    def step(self) -> datetime:
        """Take, renew or watch the Lease once; returns when to come again."""
        context = self._context
        try:
            held = self._propose()
            if held:
                document, valid_until = held
                self._decide(document, valid_until)
                return context.after(lease.RENEW_EVERY)
        except Conflict:
            pass
        except (CallFailed, LedgerUnusable) as error:
            context.report.failed("lead", error)
        return context.after(lease.RETRY_EVERY)

    def release(self) -> None:
        """Give the Lease back, so that another process can lead at once."""
        context = self._context
        if context.leadership is None:
            return
        context.leadership = None
        try:
            document = context.lease.read()
            if document is None:
                return
            spec = lease.read_spec(document.text)
            if spec.holder_identity == context.holder:
                given_back = lease.released(spec, context.clock.now())
                context.lease.swap(document, lease.write_spec(given_back))
                context.report.noted("released the lease")
        except CallFailed as error:
            context.report.failed("release the lease", error)

    def _propose(self) -> tuple[Document, float] | None:
        """Write the Lease if it is ours to write: it, and until when it is surely ours."""
        context = self._context
        document = context.lease.read()
        if document is not None:
            self._learn_ledger(document)
        spec = lease.read_spec(document.text) if document else None
        sent = context.clock.boot()
        decision = lease.decide(
            context.holder,
            spec,
            document.version if document else "",
            self._sighting,
            context.clock.now(),
            sent,
        )
        self._sighting = decision.sighting
        if decision.spec is None:
            self._lose(f"{spec.holder_identity if spec else 'nobody'} holds the lease")
            return None
        text = lease.write_spec(decision.spec)
        if document is None:
            return context.lease.create(text, {}), sent + lease.VALID_FOR
        return context.lease.swap(document, text), sent + lease.VALID_FOR

    def _learn_ledger(self, document: Document) -> None:
        uid = document.annotations.get(LEDGER_UID)
        if uid:
            self._context.book.uid = uid

    def _decide(self, document: Document, valid_until: float) -> None:
        """With the Lease in hand, lead in the ledger."""
        context = self._context
        if not document.annotations.get(LEDGER_UID):
            self._first_start(document)
        if context.leadership is not None and self._still_mine():
            context.leadership = Leadership(context.leadership.term, valid_until)
            return
        now = context.clock.now()
        changed = context.book.change(lambda ledger: begin_term(ledger, context.holder, now))
        if isinstance(changed, Refusal) or changed.leader is None:
            return
        context.leadership = Leadership(changed.leader.term, valid_until)
        context.report.noted("leading", term=changed.leader.term)

    def _still_mine(self) -> bool:
        leader = self._context.book.read().ledger.leader
        mine = self._context.writer
        if leader is not None and (leader.holder, leader.term) == (mine.holder, mine.term):
            return True
        self._lose("another term has begun in the ledger")
        return False

    def _first_start(self, document: Document) -> None:
        """Make the ledger, or adopt the one that is there, and name it in the Lease.

        A process that has known a ledger names that one again: somebody took its name, or the whole
        Lease, away, and that alone makes no other ledger trustworthy.
        """
        context = self._context
        uid = context.book.uid
        if uid is None:
            found = self._ledger.read()
            if found is None:
                found = self._ledger.create(ledger_text.encode(Ledger()), {})
                context.report.noted("made the ledger", uid=found.uid)
            uid = found.uid
        context.lease.swap(document, document.text, {LEDGER_UID: uid})
        context.book.uid = uid

    def _lose(self, why: str) -> None:
        if self._context.leadership is not None:
            self._context.leadership = None
            self._context.report.noted("not leading any more", why=why)
