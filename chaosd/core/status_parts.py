"""What a status is made of: plain values that go into JSON with ``msgspec.json.encode``.

Keys are in camelCase, instants in UTC and RFC 3339. :func:`chaosd.core.status.status` fills them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.lease import LeaseSpec
from chaosd.core.ledger import Intent, Result, Verdict
from chaosd.core.model import Action, BudgetMode, Reasons, TargetKind
from chaosd.core.status_nodes import NodeHeld


class LastAttempt(Struct, frozen=True, rename="camel"):
    """How a policy's newest attempt ended, and why nothing was struck if so."""

    at: datetime
    action_id: str
    result: str
    reasons: Reasons = ()


class Known(Struct, frozen=True):
    """What is known besides the ledger and the configuration; all of it may be missing.

    ``holder`` is the process that answers ("" for a command), ``lease`` the Lease as it was read.
    ``next_slots``, ``attempts``, ``funnels`` (candidates by reason code) and ``surveyed`` (when
    those were counted) go by policy. ``etcd`` are the declared clusters as they were last seen;
    None: this process does not look. ``halts_seen`` says since when, by the source of a halt.
    """

    holder: str = ""
    lease: LeaseSpec | None = None
    next_slots: Mapping[str, datetime] = {}
    attempts: Mapping[str, LastAttempt] = {}
    funnels: Mapping[str, Mapping[str, int]] = {}
    surveyed: Mapping[str, datetime] = {}
    etcd: tuple[EtcdAnswer, ...] | None = None
    halts_seen: Mapping[str, datetime] = {}


class LeaderNow(Struct, frozen=True, rename="camel"):
    """Who leads by the ledger; ``here``: the process that answers. ``renewed`` is when its lease
    was last renewed, by its own clock; None: not known, or the lease is somebody else's."""

    holder: str
    term: int
    since: datetime
    here: bool = False
    renewed: datetime | None = None


class HaltNow(Struct, frozen=True, rename="camel"):
    """A halt in force; ``source`` is ``command``, ``annotation`` or ``configuration``. Only a
    command leaves who and when; ``seen_since`` is since when the process that answers has seen
    another (None: it has not, or the process looks only once)."""

    source: str
    who: str
    why: str
    since: datetime | None = None
    seen_since: datetime | None = None


class PauseNow(Struct, frozen=True, rename="camel"):
    """A policy that somebody has paused; ``no_such_policy``: the configuration has none of that
    name, so a mistyped one goes on (None: no configuration is known here)."""

    policy: str
    who: str
    why: str
    since: datetime
    no_such_policy: bool | None = None


class WindowNow(Struct, frozen=True, rename="camel"):
    """A policy's windows: open or not, why, and when that changes (None: not for two years).

    ``strikeable_until`` is when the last action could start whose recovery deadline is still
    inside; None: no action may start now.
    """

    open: bool
    because: tuple[str, ...]
    next_change: datetime | None
    strikeable_until: datetime | None


class PolicyNow(Struct, frozen=True, rename="camel"):
    """A policy at this instant; ``against`` are all reasons why it may not strike, none means that
    it may, unless ``unknown`` says why that can't be told. ``candidates`` is its newest survey, by
    reason code (``eligible`` for none), made at ``surveyed_at``."""

    name: str
    target: TargetKind
    action: Action
    pdb: BudgetMode
    dry_run: bool
    paused: bool
    window: WindowNow
    against: Reasons
    next_slot: datetime | None = None
    last_attempt: LastAttempt | None = None
    candidates: Mapping[str, int] = {}
    unknown: str = ""
    surveyed_at: datetime | None = None

    @property
    def able(self) -> bool:
        """Whether it can strike for real, as far as is known."""
        return not (self.dry_run or self.against or self.unknown)

    @property
    def barren(self) -> bool:
        """Whether its newest survey found nobody to strike."""
        return self.surveyed_at is not None and not self.candidates.get("eligible")

    @property
    def does(self) -> str:
        """What it does, in words: of etcd, one member at a time."""
        if self.action is Action.MOVE_LEADER:
            return "move the leader of etcd"
        if self.target is TargetKind.ETCD:
            return f"{self.action} one etcd member"
        return f"{self.action} {self.target}"


class LimitUse(Struct, frozen=True, rename="camel"):
    """One limit: ``scope`` is ``all`` or a policy, ``limit`` is perHour, perDay or concurrent.
    Dry runs are counted apart, by the same limits."""

    scope: str
    limit: str
    used: int
    allowed: int
    left: int
    dry_run: bool = False


class State(StrEnum):
    """Where an open intent is: ``striking`` while the outcome of a step is not known, ``underWay``
    between steps, then ``recovering``, and ``unrecovered`` past its deadline."""

    STRIKING = "striking"
    UNDER_WAY = "underWay"
    RECOVERING = "recovering"
    UNRECOVERED = "unrecovered"

    @classmethod
    def of(cls, intent: Intent) -> State:
        """The state of an open intent."""
        if intent.verdict is Verdict.NOT_RECOVERED:
            return cls.UNRECOVERED
        if intent.unsettled:
            return cls.STRIKING
        return cls.UNDER_WAY if intent.result is None else cls.RECOVERING


class OpenIntent(Struct, frozen=True, rename="camel"):
    """An action that is not over; ``victim`` is ``namespace/name`` or a node's name, ``seen`` what
    was last observed."""

    intent: str
    action_id: str
    policy: str
    workload: str
    victim: str
    state: State
    seen: str
    since: datetime
    recover_by: datetime

    @classmethod
    def of(cls, intent: Intent) -> OpenIntent:
        """An open intent of the ledger."""
        return cls(
            intent=intent.id,
            action_id=intent.action_id,
            policy=intent.policy,
            workload=intent.workload,
            victim=intent.victim.path,
            state=State.of(intent),
            seen=intent.seen,
            since=intent.reserved_at,
            recover_by=intent.recover_by,
        )


class Unrecovered(Struct, frozen=True, rename="camel"):
    """A workload that did not heal in time, and the command by which a person lets it go (or has a
    node put back that is still held)."""

    workload: str
    intent: str
    policy: str
    since: datetime
    seen: str
    command: str

    @classmethod
    def of(cls, intent: Intent) -> Unrecovered:
        """An open intent of the ledger whose verdict is ``notRecovered``."""
        return cls(
            workload=intent.workload,
            intent=intent.id,
            policy=intent.policy,
            since=intent.verdict_at or intent.recover_by,
            seen=intent.seen,
            command=_way_out(intent),
        )


class Outcome(Struct, frozen=True, rename="camel"):
    """An action that is over; ``seconds`` is how long it took to recover, if it did."""

    intent: str
    action_id: str
    policy: str
    workload: str
    victim: str
    at: datetime
    result: Result | None
    detail: str
    verdict: Verdict | None
    seconds: float | None

    @classmethod
    def of(cls, intent: Intent) -> Outcome:
        """A closed intent of the ledger."""
        return cls(
            intent=intent.id,
            action_id=intent.action_id,
            policy=intent.policy,
            workload=intent.workload,
            victim=intent.victim.path,
            at=intent.reserved_at,
            result=intent.result,
            detail=intent.detail,
            verdict=intent.verdict,
            seconds=recovery_seconds(intent),
        )


class Status(Struct, frozen=True, rename="camel"):
    """Everything at a glance.

    ``can_kill`` is whether a policy could strike at this instant (None: not known here), and
    ``because`` what speaks against it: first what binds every policy, then ``policy: reason``
    (of None: first why it isn't known).
    ``outcomes`` are the newest 20, newest first. ``nodes_held`` are owed back, whatever else holds.
    ``etcd`` are the declared clusters as the process that answers last saw them (a command: none).
    """

    now: datetime
    cluster: str
    can_kill: bool | None
    because: tuple[str, ...]
    leader: LeaderNow | None
    halts: tuple[HaltNow, ...]
    paused: tuple[PauseNow, ...]
    policies: tuple[PolicyNow, ...]
    limits: tuple[LimitUse, ...]
    open_intents: tuple[OpenIntent, ...]
    unrecovered: tuple[Unrecovered, ...]
    outcomes: tuple[Outcome, ...]
    problems: tuple[str, ...]
    nodes_held: tuple[NodeHeld, ...] = ()
    ledger_problem: str = ""
    revision: int = 0
    etcd: tuple[EtcdAnswer, ...] = ()


def recovery_seconds(intent: Intent) -> float | None:
    """Seconds from an intent's reservation to its workload being whole; None unless it recovered
    within its deadline."""
    if intent.verdict is not Verdict.RECOVERED or intent.verdict_at is None:
        return None
    return (intent.verdict_at - intent.reserved_at).total_seconds()


def _way_out(intent: Intent) -> str:
    if intent.owes_undo:
        return f"chaosd undo {intent.victim.name}"
    return f"chaosd forgive {intent.workload}"
