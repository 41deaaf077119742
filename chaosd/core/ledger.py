"""The ledger: what chaosd has decided, done and seen, as one readable JSON document.

Pure data. The rules that change it are in :mod:`chaosd.core.transitions`; reading and writing its
text is in :mod:`chaosd.core.ledger_text`. Every instant is UTC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from chaosd.core.leaderless import EtcdCost
from chaosd.core.model import (
    Action,
    BudgetMode,
    Helper,
    Reason,
    StepAction,
    TargetKind,
    Undo,
    Victim,
)

VERSION = 3
KEEP = timedelta(hours=25)

# What is read is held to these, since a text may come from anywhere: a time without a zone can't be
# compared, and one out of range can't be added to.
_Time = Annotated[datetime, Meta(tz=True)]
_CENTURIES = 30_000_000_000  # seconds: sums of two stay within the years that dates have
_Seconds = Annotated[int, Meta(ge=0, le=_CENTURIES)]
_SecondsIfKnown = Annotated[int, Meta(ge=-1, le=_CENTURIES)]
_Count = Annotated[int, Meta(ge=0, le=1_000_000_000)]
_MACHINES = (StepAction.REBOOT, StepAction.TERMINATE)


class StepState(StrEnum):
    """What is known of one step: ``reserved`` until its outcome is known.

    ``done`` is the outcome of one that took nothing down by itself, such as a taint.
    """

    RESERVED = "reserved"
    KILLED = "killed"
    DONE = "done"
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
    at: _Time


class Leader(Struct, frozen=True, rename="camel"):
    """Who may write: a holder (pod name and a random part per process) and its term."""

    holder: str
    term: int
    since: _Time


class Step(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One request that takes something down, reserved before it is sent.

    It is never sent after ``strike_by``, and never twice. ``workload`` is the one that loses its
    pod in a step of a drain ("" where the intent's own does).
    """

    number: int
    victim: Victim
    holder: str
    term: int
    reserved_at: _Time
    strike_by: _Time
    state: StepState = StepState.RESERVED
    detail: str = ""
    settled_at: _Time | None = None
    action: StepAction = StepAction.EVICT
    workload: str = ""


class Intent(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One action, from its reservation until nobody needs to remember it.

    ``recover_by`` is the deadline for the workload to be whole again; ``window_until`` is where
    the window's strikeable time ends, for steps that come later. ``told`` and ``verdict_told``
    name the process that reported the result and the verdict, so that a crash loses no report.
    ``seen`` is the last thing observed, for people.

    A node's intent has more: ``workloads`` are those that may lose pods (locked like ``locks``),
    ``undo`` is what must be put back, ``hold`` for how many seconds it is not, ``left`` how many
    pods a drain has still to evict. ``ended_by`` says who called it off: no further step comes.

    ``etcd`` is what it cost the etcd clusters of these names, so far as this was seen. ``uids`` are
    those of the objects that its Events are on beside the victim, by their ``namespace/Kind/name``.
    """

    id: str
    action_id: str
    policy: str
    target: TargetKind
    action: Action
    workload: str
    victim: Victim
    reserved_at: _Time
    deadline: float
    recover_by: _Time
    pdb: BudgetMode = BudgetMode.RESPECT
    grace_period_seconds: int | None = None
    window_until: _Time | None = None
    desired: int = 0
    locks: tuple[str, ...] = ()
    dry_run: bool = False
    steps: tuple[Step, ...] = ()
    result: Result | None = None
    detail: str = ""
    settled_at: _Time | None = None
    verdict: Verdict | None = None
    verdict_at: _Time | None = None
    closed_at: _Time | None = None
    seen: str = ""
    told: str = ""
    verdict_told: str = ""
    workloads: tuple[str, ...] = ()
    undo: Undo | None = None
    hold: float = 0.0
    left: int | None = None
    ended_by: str = ""
    helper: Helper | None = None
    etcd: dict[str, EtcdCost] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)

    @property
    def owes_undo(self) -> bool:
        """Whether something of it must still be put back."""
        return self.undo is not None and self.undo.done_at is None and not self.dry_run

    @property
    def keys(self) -> tuple[str, ...]:
        """What no other open intent may hold: its locks, and every workload that it touches."""
        return tuple(dict.fromkeys((*self.locks, *self.workloads)))

    @property
    def struck(self) -> tuple[str, ...]:
        """The workloads that it has taken something from: all that ran there, once a machine went
        down."""
        killed = [step for step in self.steps if step.state is StepState.KILLED]
        others = [step.workload for step in killed if step.workload]
        others += self.workloads if self.machine_struck else ()
        return tuple(dict.fromkeys([self.workload, *others]))

    @property
    def machine_struck(self) -> bool:
        """Whether its node's machine restarts or ends."""
        return any(
            step.action in _MACHINES for step in self.steps if step.state is StepState.KILLED
        )

    @property
    def unsettled(self) -> Step | None:
        """The step whose outcome is not known yet, if there is one (it is the last)."""
        if self.steps and self.steps[-1].state is StepState.RESERVED:
            return self.steps[-1]
        return None

    def stamps(self) -> list[datetime]:
        """Every instant at which something was written of it."""
        written = [self.reserved_at, self.settled_at, self.verdict_at, self.closed_at]
        written += [self.undo.done_at] if self.undo else []
        for step in self.steps:
            written += [step.reserved_at, step.settled_at]
        return [at for at in written if at is not None]


class Request(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A person's wish for one attempt: only the leader strikes, with every guard on."""

    id: str
    policy: str
    who: str
    at: _Time
    expires: _Time
    workload: str = ""
    taken_by: str = ""
    answer: str = ""
    reasons: tuple[Reason, ...] = ()


class LastKill(Struct, frozen=True, array_like=True):
    """When a workload was last struck (Unix seconds), and seconds until it was whole again.

    ``healed`` is -1 while it is not whole.
    """

    at: _Seconds
    healed: _SecondsIfKnown = -1


class Tally(Struct, frozen=True):
    """The kills of a day whose outcomes are forgotten: how many, by policy."""

    kills: dict[str, _Count]


class Ledger(Struct, frozen=True, rename="camel"):
    """The whole document.

    ``intents`` are open, ``outcomes`` closed (kept for 25 hours, since limits look back a day),
    both by intent id. ``last_kills`` is kept as long as a gap or cooldown may ask for it, by
    :func:`workload_hash`: hashed, because names of 15,000 workloads would not fit a ConfigMap.
    ``last_dry_kills`` is the same for dry runs, which count apart. ``days`` counts the real kills
    that are in no outcome any more (:mod:`chaosd.core.tally`).
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
    days: dict[date, Tally] = field(default_factory=dict)

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

    def nodes_struck(self) -> frozenset[str]:
        """The names of the nodes that open intents have struck or are about to: they are away, or
        soon will be, whatever they look like."""
        return frozenset(
            intent.victim.name for intent in self.intents.values() if intent.victim.kind == "Node"
        )

    def newest(self) -> datetime | None:
        """The latest instant at which something was written of terms and intents; a clock before
        it can't be right."""
        stamps = [self.leader.since] if self.leader else []
        for intent in self.all_intents():
            stamps += intent.stamps()
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
