"""Access to the ledger: read it, change it by compare-and-swap."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from chaosd.core import ledger_text
from chaosd.core.ledger import Ledger
from chaosd.core.model import Code, Reason
from chaosd.core.transitions import Change, Refusal
from chaosd.ports import Conflict, Document, ServerFault, Unanswered, Versioned

HALT_ANNOTATION = "chaosd.io/halt"
_TRIES = 3


class LedgerUnusable(Exception):
    """There is no ledger that may be trusted; the message says why and what to do."""


class Page(Struct, frozen=True):
    """The ledger, and the exact state of the object that it was read from."""

    document: Document
    ledger: Ledger

    @property
    def annotation_halt(self) -> str | None:
        """The text of a ``chaosd.io/halt`` annotation, None when there is none."""
        return self.document.annotations.get(HALT_ANNOTATION)


class Book:
    """The ledger behind its port.

    ``uid`` is what the Lease says the ledger's UID is: another object, or none, is never trusted.
    ``uid`` None trusts whichever is there (for commands of a person). ``last`` is the newest page
    that this process has read or written, whoever in it did: for showing and measuring, never for
    deciding.
    """

    def __init__(self, versioned: Versioned, uid: str | None = None) -> None:
        self._versioned = versioned
        self.uid = uid
        self.last: Page | None = None
        # The newest text and what it says: mostly the ledger is read again and has not changed.
        self._known: tuple[str, Ledger] | None = None
        self._version = ""

    def read(self) -> Page:
        """The ledger as it is now; LedgerUnusable when there is none to trust."""
        document = self._versioned.read()
        self._version = document.version if document else ""
        if document is None:
            raise LedgerUnusable("the ledger is gone: see `chaosd ledger init`")
        if self.uid is not None and document.uid != self.uid:
            raise LedgerUnusable(
                "the ledger is not the one that the lease names: see `chaosd ledger init`"
            )
        try:
            page = Page(document, self._decoded(document.text))
        except ledger_text.LedgerDamaged as error:
            raise LedgerUnusable(
                f"the ledger can't be read, {error}: see `chaosd ledger repair`"
            ) from error
        self.last = page
        return page

    def _decoded(self, text: str) -> Ledger:
        known = self._known
        if known is None or known[0] != text:
            known = self._known = (text, ledger_text.decode(text))
        return known[1]

    def swap(self, page: Page, ledger: Ledger, *, unhalt: bool = False) -> Page:
        """Write ``ledger`` if nothing has changed since ``page``, once; raises Conflict if
        something has, Unanswered or ServerFault when nobody knows."""
        ledger = msgspec.structs.replace(ledger, revision=page.ledger.revision + 1)
        annotations = {HALT_ANNOTATION: None} if unhalt else None
        document = self._versioned.swap(page.document, ledger_text.encode(ledger), annotations)
        self._version = document.version
        written = self.last = Page(document, ledger)
        return written

    def newest(self, page: Page) -> Page:
        """``page``, or the ledger read again if this process has seen it in another state since."""
        return page if page.document.version == self._version else self.read()

    def change(self, change: Change) -> Ledger | Refusal:
        """Apply an idempotent change, reading again after a conflict or a lost answer.

        Returns the ledger as it then is, or why the change was refused; raises CallFailed when
        it could not be done in three tries.
        """
        turned = self.turn(change)
        return turned if isinstance(turned, Refusal) else turned.ledger

    def turn(self, change: Change, page: Page | None = None) -> Page | Refusal:
        """As :meth:`change`, for who goes on from the page that it comes to.

        ``page`` is tried first, unread: one that nobody has changed since it was written.
        """
        lost: Exception | None = None
        for _ in range(_TRIES):
            known, page = page, None
            seen = known or self.read()
            changed = change(seen.ledger)
            if isinstance(changed, Refusal):
                if known is not None:
                    continue
                return changed
            if changed == seen.ledger:
                return seen
            try:
                return self.swap(seen, changed)
            except (Conflict, Unanswered, ServerFault) as error:
                lost = error
        if lost is None or isinstance(lost, Conflict):
            return Refusal((Reason(Code.LEDGER_CONTENDED, "others changed it three times"),))
        raise lost


def too_large(ledger: Ledger) -> bool:
    """Whether a ledger leaves too little room in its ConfigMap to reserve anything more."""
    return len(ledger_text.encode(ledger).encode()) > ledger_text.MAX_BYTES
