"""The words that every room of chaosd shares: policies, candidates, victims, reasons.

All instants are timezone-aware datetimes in UTC; all spans are ``timedelta``. Nothing here reads a
clock, a network or a random source.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from msgspec import Struct, field

from chaosd.core.schedule import Schedule
from chaosd.core.selector import Selector
from chaosd.core.window import Windows

EVERY_WORKLOAD = "*"


class TargetKind(StrEnum):
    """What a policy takes down."""

    POD = "pod"


class Action(StrEnum):
    """How a victim is taken down."""

    EVICT = "evict"


class BudgetMode(StrEnum):
    """Whether PodDisruptionBudgets bind a policy.

    ``respect`` strikes through the Eviction API, ``bypass`` deletes and so ignores budgets.
    """

    RESPECT = "respect"
    BYPASS = "bypass"


class Code(StrEnum):
    """Every reason for which something is not killed: bounded, so it can label a metric."""

    # admission: may anything be struck now?
    NOT_LEADING = "notLeading"
    STOPPING = "stopping"
    HALTED = "halted"
    POLICY_PAUSED = "policyPaused"
    CONFIGURATION_INVALID = "configurationInvalid"
    CONFIGURATION_CHANGED = "configurationChanged"
    WINDOW_CLOSED = "windowClosed"
    WINDOW_TOO_SHORT = "windowTooShort"
    LIMIT_PER_HOUR = "limitPerHour"
    LIMIT_PER_DAY = "limitPerDay"
    LIMIT_CONCURRENT = "limitConcurrent"
    CLOCK_SKEW = "clockSkew"
    CLOCK_UNKNOWN = "clockUnknown"
    CLOCK_BACKWARDS = "clockBackwards"
    UNSETTLED_INTENT = "unsettledIntent"
    ALREADY_ATTEMPTED = "alreadyAttempted"
    TOO_LATE = "tooLate"
    LEDGER_UNREADABLE = "ledgerUnreadable"
    LEDGER_CONTENDED = "ledgerContended"
    LEDGER_FULL = "ledgerFull"
    LOCKED = "locked"
    UNREADABLE = "unreadable"
    FORBIDDEN = "forbidden"
    # the workload or pod that was looked at
    NOT_OPTED_IN = "notOptedIn"
    VETOED = "vetoed"
    NAMESPACE_NOT_SELECTED = "namespaceNotSelected"
    SYSTEM_NAMESPACE = "systemNamespace"
    KIND_NOT_SELECTED = "kindNotSelected"
    LABELS_NOT_SELECTED = "labelsNotSelected"
    ANNOTATIONS_NOT_SELECTED = "annotationsNotSelected"
    NAME_NOT_SELECTED = "nameNotSelected"
    NODE_NOT_SELECTED = "nodeNotSelected"
    BAD_ANNOTATION = "badAnnotation"
    TOO_YOUNG = "tooYoung"
    TOO_FEW_REPLICAS = "tooFewReplicas"
    STATUS_STALE = "statusStale"
    ROLLOUT = "rollout"
    NOT_ALL_READY = "notAllReady"
    TERMINATING = "terminating"
    FINISHED = "finished"
    NOT_READY = "notReady"
    NODE_NOT_READY = "nodeNotReady"
    OWN_POD = "ownPod"
    MIRROR_POD = "mirrorPod"
    NO_CONTROLLER = "noController"
    CRITICAL_PRIORITY = "criticalPriority"
    LOOKS_LIKE_ETCD = "looksLikeEtcd"
    DISRUPTION_BUDGET = "disruptionBudget"
    SEVERAL_BUDGETS = "severalBudgets"
    BUDGET_STALE = "budgetStale"
    MIN_GAP = "minGap"
    COOLDOWN = "cooldown"
    UNRECOVERED = "unrecovered"
    GONE = "gone"
    CHANGED = "changed"
    # the draw
    NO_CANDIDATE = "noCandidate"


class Reason(Struct, frozen=True, order=True):
    """Why not: a bounded code, and a detail for the person who reads it."""

    code: Code
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)


Reasons = tuple[Reason, ...]


class WorkloadKey(Struct, frozen=True, order=True):
    """A workload's name in every schedule, limit, lock and report: ``namespace/Kind/name``."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> WorkloadKey:
        """Read ``namespace/Kind/name``; ValueError says what was expected."""
        parts = text.strip().split("/")
        if len(parts) != 3 or not all(parts):
            raise ValueError(f"{text!r} is not namespace/Kind/name, like shop/Deployment/web")
        return cls(*parts)


class OptIn(Struct, frozen=True):
    """The label by which things opt in; the value ``"false"`` is always a veto."""

    label: str = "chaosd.io/enabled"
    value: str = "true"


class Limits(Struct, frozen=True):
    """How many intents at most: rolling 60 minutes, rolling 24 hours, open at once.

    None sets no limit.
    """

    per_hour: int | None = None
    per_day: int | None = None
    concurrent: int | None = None


class Select(Struct, frozen=True):
    """Which of the things that opted in a policy may choose from."""

    namespaces: tuple[str, ...] = ()
    labels: Selector = Selector()
    annotations: Selector = Selector()
    kinds: tuple[str, ...] = ("Deployment", "StatefulSet")
    names: str = ""
    nodes: Selector = Selector()
    min_age: timedelta = timedelta(minutes=10)
    min_replicas: int = 2


class Policy(Struct, frozen=True):
    """One policy, with the global settings that bind it already merged in.

    ``windows`` holds the global layers and its own; ``dry_run`` is true when either says so.
    ``limits`` are its own, on top of the global ones.
    """

    name: str
    target: TargetKind
    action: Action
    schedule: Schedule
    select: Select
    windows: Windows
    limits: Limits
    count: int = 1
    pdb: BudgetMode = BudgetMode.RESPECT
    grace_period_seconds: int | None = None
    deadline: timedelta = timedelta(minutes=10)
    cooldown: timedelta = timedelta(hours=1)
    dry_run: bool = True


class Configuration(Struct, frozen=True):
    """A whole valid configuration.

    ``namespaces`` None reads the whole cluster; a tuple is namespaced mode, in which nothing
    outside these namespaces is read. ``seed`` None stands for the UID of ``kube-system``.
    """

    windows: Windows
    policies: tuple[Policy, ...]
    dry_run: bool = True
    cluster: str = ""
    seed: str | None = None
    opt_in: OptIn = OptIn()
    namespaces: tuple[str, ...] | None = None
    survey_every: timedelta = timedelta(minutes=5)
    halted: bool = False
    limits: Limits = Limits(per_hour=6, per_day=20, concurrent=1)

    def policy(self, name: str) -> Policy | None:
        """The policy of that name, or None."""
        return next((policy for policy in self.policies if policy.name == name), None)


class Candidate(Struct, frozen=True):
    """Something that was looked at, with every reason against it; none means eligible.

    ``key`` is what the draw ranks (``shop/Deployment/web``, or ``shop/web-7f-x1`` for a pod).
    ``annotations`` carries the workload's chaosd.io annotations (they may lower its rate).
    """

    key: str
    workload: WorkloadKey
    reasons: Reasons = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


class Victim(Struct, frozen=True, rename="camel"):
    """The very object that was chosen: no other of the same name will do."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    node: str = ""


class Impact(Struct, frozen=True, rename="camel"):
    """All that an action takes down, whichever policy struck, for the guards to judge.

    ``pods`` are ``namespace/name``; ``workloads`` are ``namespace/Kind/name``. ``locks`` are the
    keys that no other open intent may hold.
    """

    pods: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()


class Examined(Struct, frozen=True):
    """A candidate read again in full, right before it would be reserved.

    ``victim`` and ``impact`` are given only when ``reasons`` is empty. ``desired`` is how many
    pods its workload wants at this moment.
    """

    reasons: Reasons = ()
    victim: Victim | None = None
    impact: Impact = Impact()
    desired: int = 0
