"""The ledger: what chaosd has decided, done and seen, as one readable JSON document.

Pure data. The rules that change it are in :mod:`chaosd.core.transitions`; reading and writing its
text is in :mod:`chaosd.core.ledger_text`. Every instant is UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from chaosd.core.model import Action, BudgetMode, Reason, TargetKind, Victim

VERSION = 1
KEEP = timedelta(hours=25)


class StepState(StrEnum):
    """What is known of one step: ``reserved`` until its outcome is known."""

    RESERVED = "reserved"
    KILLED = "killed"
    REFUSED = "refused"
    FAILED = "failed"


class Result(StrEnum):
    """How an intent's strikes ended; ``dryRun`` when nothing was to be touched."""

    KILLED = "killed"
    REFUSED = "refused"
    FAILED = "failed"
    DRY_RUN = "dryRun"


class Verdict(StrEnum):
    """What became of the workload: ``closed`` when it was deleted or scaled to zero meanwhile,
    ``forgiven`` when a person said so."""

    RECOVERED = "recovered"
    NOT_RECOVERED = "notRecovered"
    CLOSED = "closed"
    FORGIVEN = "forgiven"


class Halt(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Who stopped chaosd (or one policy), why and when."""

    who: str
    why: str
    at: datetime


class Leader(Struct, frozen=True, rename="camel"):
    """Who may write: a holder (pod name and a random part per process) and its term."""

    holder: str
    term: int
    since: datetime


class Step(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One request that takes something down, reserved before it is sent.

    It is never sent after ``strike_by``, and never twice.
    """

    number: int
    victim: Victim
    holder: str
    term: int
    reserved_at: datetime
    strike_by: datetime
    state: StepState = StepState.RESERVED
    detail: str = ""
    settled_at: datetime | None = None


class Intent(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One action, from its reservation until nobody needs to remember it.

    ``recover_by`` is the deadline for the workload to be whole again; ``window_until`` is where
    the window's strikeable time ends, for steps that come later. ``told`` and ``verdict_told``
    name the process that reported the result and the verdict, so that a crash loses no report.
    ``seen`` is the last thing observed, for people.
    """

    id: str
    action_id: str
    policy: str
    target: TargetKind
    action: Action
    workload: str
    victim: Victim
    reserved_at: datetime
    deadline: float
    recover_by: datetime
    pdb: BudgetMode = BudgetMode.RESPECT
    grace_period_seconds: int | None = None
    window_until: datetime | None = None
    desired: int = 0
    locks: tuple[str, ...] = ()
    dry_run: bool = False
    steps: tuple[Step, ...] = ()
    result: Result | None = None
    detail: str = ""
    settled_at: datetime | None = None
    verdict: Verdict | None = None
    verdict_at: datetime | None = None
    closed_at: datetime | None = None
    seen: str = ""
    told: str = ""
    verdict_told: str = ""

    @property
    def unsettled(self) -> Step | None:
        """The step whose outcome is not known yet, if there is one (it is the last)."""
        if self.steps and self.steps[-1].state is StepState.RESERVED:
            return self.steps[-1]
        return None


class Request(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person's wish for one attempt: only the leader strikes, with every guard on."""

    id: str
    policy: str
    who: str
    at: datetime
    expires: datetime
    workload: str = ""
    taken_by: str = ""
    answer: str = ""
    reasons: tuple[Reason, ...] = ()


class LastKill(Struct, frozen=True, array_like=True):
    """When a workload was last struck (Unix seconds), and seconds until it was whole again.

    ``healed`` is -1 while it is not whole.
    """

    at: int
    healed: int = -1


class Ledger(Struct, frozen=True, rename="camel"):
    """The whole document.

    ``intents`` are open, ``outcomes`` closed (kept for 25 hours, since limits look back a day),
    both by intent id. ``last_kills`` is kept as long as a gap or cooldown may ask for it, by
    :func:`workload_hash`: hashed, because names of 15,000 workloads would not fit a ConfigMap.
    ``last_dry_kills`` is the same for dry runs, which count apart.
    """

    version: int = VERSION
    revision: int = 0
    halt: Halt | None = None
    paused: dict[str, Halt] = field(default_factory=dict)
    leader: Leader | None = None
    intents: dict[str, Intent] = field(default_factory=dict)
    outcomes: dict[str, Intent] = field(default_factory=dict)
    last_kills: dict[str, LastKill] = field(default_factory=dict)
    last_dry_kills: dict[str, LastKill] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)

    def all_intents(self) -> Iterator[Intent]:
        """Open intents, then closed ones."""
        yield from self.intents.values()
        yield from self.outcomes.values()

    def find(self, intent_id: str) -> Intent | None:
        """The intent of that id, open or closed."""
        return self.intents.get(intent_id) or self.outcomes.get(intent_id)

    def unsettled(self) -> tuple[Intent, ...]:
        """Open intents with a step whose outcome is unknown."""
        return tuple(intent for intent in self.intents.values() if intent.unsettled)

    def newest(self) -> datetime | None:
        """The latest instant that a daemon wrote; a clock before it can't be right."""
        stamps = [self.leader.since] if self.leader else []
        for intent in self.all_intents():
            stamps += [intent.reserved_at]
            stamps += [at for at in (intent.settled_at, intent.verdict_at, intent.closed_at) if at]
        return max(stamps, default=None)

    def last_kill(self, workload: str, *, dry_run: bool) -> LastKill | None:
        """When ``workload`` was last struck for real, or in dry runs."""
        kills = self.last_dry_kills if dry_run else self.last_kills
        return kills.get(workload_hash(workload))


def workload_hash(workload: str) -> str:
    """Twelve hex digits for ``namespace/Kind/name``.

    A collision (1 in 2 million at 15,000 workloads) makes one workload rest too long, never too
    short.
    """
    return hashlib.sha256(workload.encode()).hexdigest()[:12]


def instant(unix: float) -> datetime:
    """The UTC datetime of a Unix time."""
    return datetime.fromtimestamp(unix, UTC)
