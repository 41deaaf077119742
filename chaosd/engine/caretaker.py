"""A person looks after the ledger: shows it, makes or accepts it, repairs it. Nothing readable is
lost, and nothing is replaced without being asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from chaosd.core import ledger_text
from chaosd.core.lease import LeaseSpec, write_spec
from chaosd.core.ledger import VERSION, Halt, Leader, Ledger
from chaosd.core.pruning import prune
from chaosd.core.transitions import Refusal, Writer
from chaosd.engine.lead import LEDGER_UID
from chaosd.ports import CallFailed, Conflict, Document, ServerFault, Unanswered, Versioned

_TRIES = 5
_KEEP = timedelta(days=366)


class Shown(Struct, frozen=True):
    """The ledger as far as it can be read, and everything that is wrong with it.

    ``document`` None: there is none. ``lost`` says what could not be read. ``named`` is the UID of
    the ledger that the Lease trusts ("" when it names none yet).
    """

    document: Document | None
    ledger: Ledger
    lost: tuple[str, ...] = ()
    named: str = ""

    @property
    def foreign(self) -> bool:
        """Whether the Lease trusts another object than this one."""
        return bool(self.named and self.document and self.document.uid != self.named)

    @property
    def bytes(self) -> int:
        """The size of its text in UTF-8."""
        return len(self.document.text.encode()) if self.document else 0

    @property
    def problems(self) -> tuple[str, ...]:
        """Why chaosd can't use it, and which command helps; none: it can."""
        if self.document is None:
            if not self.named:
                return ("there is no ledger yet: chaosd makes it at its first start",)
            return ("the ledger is gone: `chaosd ledger init` makes an empty one",)
        found = []
        if self.foreign:
            found.append(
                "this is not the ledger that the lease names (it was made anew or restored):"
                " `chaosd ledger init` accepts it"
            )
        if self.lost:
            found.append(f"it is damaged, {self.lost[0]}: `chaosd ledger repair` keeps the rest")
        elif self.bytes > ledger_text.MAX_BYTES:
            found.append(
                f"it is too large ({self.bytes // 1024} of {ledger_text.MAX_BYTES // 1024} KiB),"
                " so nothing more is reserved: `chaosd ledger repair` drops what is out of date"
            )
        return tuple(found)


class Repaired(Struct, frozen=True):
    """What a repair did: ``lost`` could not be kept, ``copy`` names where the damaged text is,
    ``halted`` says that chaosd stands still until somebody resumes."""

    changed: bool
    lost: tuple[str, ...] = ()
    copy: str = ""
    halted: bool = False


class CantDo(Exception):
    """The command does not fit the state of things; the message says what does."""


class Caretaker:
    """Looks after one ledger and the Lease that names it.

    Every method raises CallFailed when the API server does not do what is asked.
    """

    def __init__(self, ledger: Versioned, lease: Versioned) -> None:
        self._ledger = ledger
        self._lease = lease

    def show(self) -> Shown:
        """What is there, whatever state it is in."""
        document = self._ledger.read()
        lease = self._lease.read()
        named = lease.annotations.get(LEDGER_UID, "") if lease else ""
        if document is None:
            return Shown(None, Ledger(), (), named)
        saved = ledger_text.salvage(document.text)
        return Shown(document, saved.ledger, saved.lost, named)

    def init(self) -> Document:
        """Make the ledger, or accept the one that is there, and have the Lease name it.

        Raises CantDo when the one that is there is damaged.
        """
        document = self._ledger.read()
        if document is None:
            document = self._ledger.create(ledger_text.encode(Ledger()), {})
        else:
            try:
                ledger_text.decode(document.text)
            except ledger_text.LedgerDamaged as error:
                raise CantDo(
                    f"there is a ledger, but {error}: use `chaosd ledger repair` first"
                ) from None
        self._name(document.uid)
        return document

    def repair(
        self, who: str, now: datetime, keep: Callable[[], tuple[Versioned, str]]
    ) -> Repaired:
        """Write back what can be read of a damaged ledger, and drop what is past its age from one
        that is too large.

        Before a damaged text is replaced it is copied to a new object: ``keep`` gives its port and
        its name. When entries were lost chaosd is halted, because limits and open work may be among
        them. Raises CantDo when there is nothing to repair.
        """
        shown = self.show()
        document = shown.document
        if document is None:
            raise CantDo(f"there is nothing to repair: {shown.problems[0]}")
        if _from_a_newer(document.text):
            raise CantDo(f"nothing was done: {shown.lost[0]}, so repair it with that newer chaosd")
        if not shown.lost:
            if shown.bytes <= ledger_text.MAX_BYTES:
                more = f"; but {shown.problems[0]}" if shown.problems else ""
                raise CantDo(f"there is nothing to repair: the whole ledger can be read{more}")
            smaller = _pruned(shown.ledger, now)
            self._ledger.swap(document, ledger_text.encode(smaller))
            return Repaired(smaller != shown.ledger)
        copy, name = keep()
        copy.create(document.text, {"chaosd.io/copied-from": document.uid})
        ledger = shown.ledger
        if ledger.halt is None:
            why = "the ledger was damaged and repaired: see what was lost, then resume"
            ledger = msgspec.structs.replace(ledger, halt=Halt(who, why, now))
        self._ledger.swap(document, ledger_text.encode(ledger))
        return Repaired(True, shown.lost, name, halted=True)

    def _name(self, uid: str) -> None:
        """Have the Lease say which ledger is trusted; its holder renews it meanwhile."""
        lost: CallFailed | None = None
        for _ in range(_TRIES):
            lease = self._lease.read()
            try:
                if lease is None:
                    self._lease.create(write_spec(LeaseSpec()), {LEDGER_UID: uid})
                elif lease.annotations.get(LEDGER_UID) != uid:
                    self._lease.swap(lease, lease.text, {LEDGER_UID: uid})
            except (Conflict, Unanswered, ServerFault) as error:
                lost = error
                continue
            return
        raise lost or AssertionError("unreachable")


def _pruned(ledger: Ledger, now: datetime) -> Ledger:
    """The ledger without what is past its age, as its leader would have it."""
    led = msgspec.structs.replace(ledger, leader=ledger.leader or Leader("", 0, now))
    writer = Writer(led.leader.holder, led.leader.term) if led.leader else Writer("", 0)
    pruned = prune(led, writer, now, _KEEP)
    if isinstance(pruned, Refusal):
        return ledger
    return msgspec.structs.replace(pruned, leader=ledger.leader)


def _from_a_newer(text: str) -> bool:
    """Whether a chaosd that knows more than this one wrote it: repairing would lose that."""
    try:
        version = msgspec.json.decode(text, type=_Versions).version
    except msgspec.MsgspecError:
        return False
    return version > VERSION


class _Versions(Struct):
    version: int = 0
