"""What the engine needs from the outside world, as Protocols, and how a call can go wrong.

Every method that leaves the process has a timeout of its own and raises only :class:`CallFailed`
and its subclasses. No adapter sends anything that changes the world more than once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chaosd.calls import (
    Answered,
    CallFailed,
    Conflict,
    Expired,
    Forbidden,
    Invalid,
    NotFound,
    NotSent,
    ServerFault,
    TooManyRequests,
    Unanswered,
)
from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import (
    Candidate,
    Configuration,
    Examined,
    Impact,
    Policy,
    Reasons,
    StepAction,
    TargetKind,
    Victim,
    WorkloadKey,
)
from chaosd.core.standing import Standing

__all__ = [
    "Answered",
    "CallFailed",
    "Clock",
    "Cluster",
    "Conflict",
    "Document",
    "Events",
    "Expired",
    "Fenced",
    "Forbidden",
    "Guard",
    "Guarded",
    "Invalid",
    "Loaded",
    "Next",
    "NotFound",
    "NotSent",
    "Notice",
    "Report",
    "Scope",
    "ServerFault",
    "Settings",
    "Standing",
    "Struck",
    "Target",
    "TooManyRequests",
    "Unanswered",
    "Undone",
    "Versioned",
]


class Clock(Protocol):
    """The process's clocks."""

    def now(self) -> datetime:
        """Wall-clock time, aware, UTC."""
        ...

    def boot(self) -> float:
        """Seconds that never jump and go on while the machine sleeps (CLOCK_BOOTTIME)."""
        ...


class Document(Struct, frozen=True):
    """A versioned object: its text, its annotations, and what identifies this very state of it.

    ``version`` is the resourceVersion.
    """

    text: str
    version: str
    uid: str
    annotations: Mapping[str, str]


class Versioned(Protocol):
    """One object that is changed by compare-and-swap: the ledger, the lease."""

    def read(self) -> Document | None:
        """The object as it is now; None when it does not exist."""
        ...

    def create(self, text: str, annotations: Mapping[str, str]) -> Document:
        """Make the object; raises Conflict when it exists."""
        ...

    def swap(
        self, seen: Document, text: str, annotations: Mapping[str, str | None] | None = None
    ) -> Document:
        """Replace the text (and the annotations given; None removes one) if the object is still
        exactly ``seen``; raises Conflict when it is not. Sent once."""
        ...


class Scope(Struct, frozen=True):
    """What a question about candidates is asked under; ``struck`` are the nodes that open intents
    have taken, which count as away."""

    configuration: Configuration
    policy: Policy
    now: datetime
    struck: frozenset[str] = frozenset()


class Struck(Struct, frozen=True):
    """What a strike's answer tells: killed, done, refused or failed (nothing happened). None: it
    is under way (a helper pod strikes, a cloud works), and a later fence tells."""

    state: StepState | None
    detail: str = ""


class Fenced(Struct, frozen=True):
    """What is known once a late strike can't land any more; ``known`` None: still nothing."""

    known: StepState | None
    detail: str = ""


class Next(Struct, frozen=True):
    """What an intent needs after its last step: another ``victim`` now (struck by ``action``, which
    takes something from ``workload``), to be asked again at ``wait_until``, or neither: its strikes
    are done. Then ``why`` tells what kept them from being complete; "" when they are.

    ``left`` is how many pods a drain has still to evict, ``seen`` what a person should know of it.
    ``then`` are more victims that the same look allows, to be struck right after this one.
    """

    victim: Victim | None = None
    wait_until: datetime | None = None
    action: StepAction = StepAction.EVICT
    workload: str = ""
    why: str = ""
    left: int | None = None
    seen: str = ""
    then: tuple[Next, ...] = ()


class Undone(Struct, frozen=True):
    """Whether what an intent owed is back (or there is nothing left to put back), and what is
    to be known of it; if not, it is not time yet, or something hinders."""

    done: bool
    detail: str = ""


class Target(Protocol):
    """A kind of victim."""

    @property
    def kind(self) -> TargetKind:
        """Which policies it serves."""
        ...

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterable[Candidate]:
        """What could be struck, with the reasons that are cheap to know, as pages arrive.

        ``only`` reads no more than that workload.
        """
        ...

    def expand(self, scope: Scope, candidate: Candidate) -> Sequence[Candidate]:
        """The single things inside a drawn candidate: a workload's pods, with their reasons."""
        ...

    def examine(self, scope: Scope, candidate: Candidate) -> Examined:
        """Read one expanded candidate and all that it depends on again, in full."""
        ...

    def many_steps(self, intent: Intent) -> bool:
        """Whether more than one step may come, so that ``next`` must be asked; sends nothing."""
        ...

    def next(self, scope: Scope, intent: Intent) -> Next:
        """What comes after the steps that ``intent`` has."""
        ...

    def strike(self, intent: Intent, step: Step, timeout: float) -> Struck:
        """Send the one request of ``step``, bounded by ``timeout`` seconds on both sides."""
        ...

    def fence(self, intent: Intent, step: Step, now: datetime) -> Fenced:
        """Make sure that a late strike of ``step`` can't land, then say what happened."""
        ...

    def undo(self, intent: Intent, now: datetime, *, early: bool) -> Undone:
        """Put back what ``intent`` owes, if it is time (``early``: now). May be sent again."""
        ...

    def recovered(self, intent: Intent, now: datetime) -> Recovery:
        """Whether the struck workload is whole again."""
        ...


class Guarded(Struct, frozen=True):
    """What a guard says of an impact: every reason against it, and the locks that an intent with
    this impact must hold until what they stand for is whole again."""

    reasons: Reasons = ()
    locks: tuple[str, ...] = ()


class Guard(Protocol):
    """A veto over impacts, whichever policy or kind of victim they come from.

    It is asked before an intent is reserved, and again right before each of its steps is struck. It
    never raises: what it can't see is a reason.
    """

    def object_to(self, configuration: Configuration, impact: Impact, now: datetime) -> Guarded:
        """What speaks against this impact, and what it must hold."""
        ...

    def healed(
        self, configuration: Configuration, intent: Intent, now: datetime
    ) -> Recovery | None:
        """Whether what ``intent`` holds by this guard's locks is whole again, beside its workload;
        None when it holds nothing of this guard's."""
        ...


class Cluster(Protocol):
    """Facts about the cluster as a whole."""

    def seed(self) -> str:
        """The UID of the kube-system namespace."""
        ...

    def skew(self) -> float | None:
        """Seconds by which the API server's clock is ahead of ours, from its newest answer;
        None when it has not answered lately."""
        ...


class Loaded(Struct, frozen=True):
    """What the configuration file says now.

    ``configuration`` is the newest valid one (None: there was none yet), ``problems`` are those of
    the file as it is now: while there are any, nothing new is struck. ``fingerprint`` changes with
    the file's content.
    """

    configuration: Configuration | None
    problems: tuple[str, ...] = ()
    fingerprint: str = ""


class Settings(Protocol):
    """The configuration file."""

    def load(self) -> Loaded:
        """Read the file again if it may have changed."""
        ...


class Notice(Struct, frozen=True):
    """Something that people see on an object with ``kubectl describe``: a Kubernetes Event.

    ``name`` makes it unique: sent again, it is made once. ``kind``/``namespace``/``object_name``
    /``uid`` name the object that it is about; ``warning`` marks what needs attention.
    """

    name: str
    kind: str
    namespace: str
    object_name: str
    reason: str
    message: str
    at: datetime
    uid: str = ""
    api_version: str = "v1"
    warning: bool = False


class Events(Protocol):
    """The place where notices go."""

    def make(self, notice: Notice) -> None:
        """Make the Event; one of that name already there is as good."""
        ...


class Report(Protocol):
    """Metrics and logs: local, and never a reason to fail."""

    def attempted(
        self, policy: str, target: str, action_id: str, result: str, reasons: Reasons
    ) -> None:
        """An attempt ended: ``killed``, ``refused``, ``failed``, ``begun``, ``unknown``,
        ``dryRun`` or ``skipped``."""
        ...

    def sifted(self, policy: str, counts: Mapping[str, int]) -> None:
        """How many candidates a survey found, by reason code (``eligible`` for none)."""
        ...

    def stepped(self, intent: Intent, what: str, **fields: object) -> None:
        """One line of an intent's life: reserved, struck, settled, fenced, observed."""
        ...

    def settled(self, intent: Intent) -> None:
        """A result is known and is counted here, once."""
        ...

    def judged(self, intent: Intent) -> None:
        """A verdict is known and is counted here, once."""
        ...

    def standing(self, standing: Standing) -> None:
        """How things stand now, for gauges."""
        ...

    def planned(self, next_slots: Mapping[str, datetime]) -> None:
        """The next slot of each policy."""
        ...

    def noted(self, what: str, **fields: object) -> None:
        """Something worth a log line: leadership, a reload, a halt."""
        ...

    def failed(self, what: str, error: BaseException) -> None:
        """Something inside went wrong that is nobody's input."""
        ...
