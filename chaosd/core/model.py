"""The words that every room of chaosd shares: policies, candidates, victims, reasons.

All instants are timezone-aware datetimes in UTC; all spans are ``timedelta``. Nothing here reads a
clock, a network or a random source.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from chaosd.core.etcd_model import ETCD, Drawn, EtcdCluster, MemberRole
from chaosd.core.reasons import Code, Reason, Reasons
from chaosd.core.schedule import Schedule
from chaosd.core.selector import Selector
from chaosd.core.window import Windows

__all__ = [
    "EVERY_WORKLOAD",
    "NODE",
    "Action",
    "BudgetMode",
    "Candidate",
    "Code",
    "Configuration",
    "EtcdCluster",
    "Examined",
    "Helper",
    "Impact",
    "Limits",
    "MemberRole",
    "NodeRules",
    "OptIn",
    "Policy",
    "Reason",
    "Reasons",
    "Select",
    "StepAction",
    "TargetKind",
    "Undo",
    "Victim",
    "WorkloadKey",
]

EVERY_WORKLOAD = "*"
NODE = "Node"


class TargetKind(StrEnum):
    """What a policy takes down."""

    POD = "pod"
    NODE = "node"
    ETCD = "etcd"


class Action(StrEnum):
    """How a victim is taken down.

    Pods: ``evict``, and ``crash`` (SIGKILL of a container's main process). Nodes: ``drain``,
    ``reboot`` and ``terminate``. etcd members: ``kill``, and ``moveLeader`` (the leader hands its
    role to a follower).
    """

    EVICT = "evict"
    CRASH = "crash"
    DRAIN = "drain"
    REBOOT = "reboot"
    TERMINATE = "terminate"
    KILL = "kill"
    MOVE_LEADER = "moveLeader"


class StepAction(StrEnum):
    """What the one request of a step does; an action may take several steps of several kinds.

    ``reboot`` and ``crash`` make a helper pod, which then strikes or refuses by itself.
    """

    EVICT = "evict"
    DELETE = "delete"
    TAINT = "taint"
    CRASH = "crash"
    REBOOT = "reboot"
    TERMINATE = "terminate"
    KILL_PROCESS = "killProcess"
    MOVE_LEADER = "moveLeader"


class BudgetMode(StrEnum):
    """Whether PodDisruptionBudgets bind a policy.

    ``respect`` strikes through the Eviction API, ``bypass`` deletes and so ignores budgets.
    """

    RESPECT = "respect"
    BYPASS = "bypass"


class WorkloadKey(Struct, frozen=True, order=True):
    """A workload's name in every schedule, limit, lock and report: ``namespace/Kind/name``.

    A node stands for itself, in no namespace: ``Node/name``. So does a declared etcd cluster:
    ``Etcd/name``.
    """

    namespace: str
    kind: str
    name: str

    @property
    def target(self) -> TargetKind:
        """Which policies are about it."""
        if self.namespace:
            return TargetKind.POD
        return TargetKind.ETCD if self.kind == ETCD else TargetKind.NODE

    def __str__(self) -> str:
        if not self.namespace:
            return f"{self.kind}/{self.name}"
        return f"{self.namespace}/{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> WorkloadKey:
        """Read ``namespace/Kind/name``, ``Node/name`` or ``Etcd/name``; ValueError says what was
        expected."""
        parts = text.strip().split("/")
        if len(parts) == 2 and parts[0] in (NODE, ETCD) and parts[1]:
            return cls("", *parts)
        if len(parts) != 3 or not all(parts):
            raise ValueError(
                f"{text!r} is not namespace/Kind/name, like shop/Deployment/web, nor Node/name,"
                " nor Etcd/name"
            )
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


class NodeRules(Struct, frozen=True):
    """How far a policy may go with nodes.

    - ``max_unavailable``: how many of the selected nodes may be away at once, its own included.
    - ``pool``: the label whose value names a node's pool; "" makes all nodes one pool.
    - ``min_nodes``: how many Ready, schedulable nodes must be left in the pool.
    - ``last_of_zone``: whether the last Ready node of a zone may be struck.
    - ``control_plane``: whether nodes of the control plane may be (never terminated).
    - ``empty_dir``: whether pods whose emptyDir volumes would be lost may be evicted.
    """

    max_unavailable: int = 1
    pool: str = ""
    min_nodes: int = 1
    last_of_zone: bool = False
    control_plane: bool = False
    empty_dir: bool = False


class Helper(Struct, frozen=True, rename="camel"):
    """Where helper pods are made, and from which image."""

    namespace: str
    image: str


class Policy(Struct, frozen=True):
    """One policy, with the global settings that bind it already merged in.

    ``windows`` holds the global layers and its own; ``dry_run`` is true when either says so.
    ``limits`` are its own, on top of the global ones. ``hold`` is how long a drained node is kept
    out of service. ``container`` is whose process is to ``crash``; "" is the pod's default one.
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
    hold: timedelta = timedelta(minutes=5)
    node: NodeRules = NodeRules()
    container: str = ""
    clusters: tuple[str, ...] = ()
    member: MemberRole = MemberRole.ANY


class Configuration(Struct, frozen=True):
    """A whole valid configuration.

    ``namespaces`` None reads the whole cluster; a tuple is namespaced mode, in which nothing
    outside these namespaces is read. ``seed`` None stands for the UID of ``kube-system``.
    ``helper`` None: no helper pods are made, so nothing is rebooted and no process crashed.
    ``etcd`` are the declared etcd clusters, whose guard every policy meets.
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
    helper: Helper | None = None
    etcd: tuple[EtcdCluster, ...] = ()

    def policy(self, name: str) -> Policy | None:
        """The policy of that name, or None."""
        return next((policy for policy in self.policies if policy.name == name), None)

    def etcd_cluster(self, name: str) -> EtcdCluster | None:
        """The declared etcd cluster of that name, or None."""
        return next((cluster for cluster in self.etcd if cluster.name == name), None)


class Candidate(Struct, frozen=True):
    """Something that was looked at, with every reason against it; none means eligible.

    ``key`` is what the draw ranks (``shop/Deployment/web``, or ``shop/web-7f-x1`` for a pod).
    ``annotations`` carries the workload's chaosd.io annotations (they may lower its rate).
    """

    key: str
    workload: WorkloadKey
    reasons: Reasons = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


class Victim(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The very object that was chosen: no other of the same name will do.

    ``kind`` is ``Pod``, or ``Node`` with no namespace. ``container`` names a pod's container.
    ``identity`` is what else the strike must find unchanged: the container's ID, the node's boot
    ID, or the instance's provider ID.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    node: str = ""
    kind: str = "Pod"
    container: str = ""
    identity: str = ""

    @property
    def path(self) -> str:
        """``namespace/name``, or the name of a node."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        return f"{self.kind.lower()} {self.path}"


class Impact(Struct, frozen=True, rename="camel"):
    """All that an action takes down, whichever policy struck, for the guards to judge.

    ``pods`` are deleted (``namespace/name``); ``crashed`` are pods of which a process ends: they
    stay where they are, with their disks; ``machines`` are nodes that go down with all that runs
    there, ``disks_lost`` for good. ``workloads`` are ``namespace/Kind/name``, ``nodes`` all nodes
    that are touched. ``locks`` are the keys that no other open intent may hold. ``drawn`` is the
    member that a policy of target etcd has chosen by its role; None for policies of other targets.
    """

    pods: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    locks: tuple[str, ...] = ()
    crashed: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    disks_lost: bool = False
    drawn: Drawn | None = None


class Undo(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What must be put back: the taint ``chaosd.io/drain=<value>:NoSchedule`` on that very node."""

    node: str
    uid: str
    value: str
    done_at: Annotated[datetime, Meta(tz=True)] | None = None
    detail: str = ""


class Examined(Struct, frozen=True):
    """A candidate read again in full, right before it would be reserved.

    ``victim`` and ``impact`` are given only when ``reasons`` is empty. ``desired`` is how many
    pods its workload (or nodes its pool) wants at this moment. ``first`` is the first step,
    ``undoes`` the node that its end must put back into service. ``uids`` are those of the workload,
    and of what owns the pod of an etcd member, by their keys, as far as they are known.
    """

    reasons: Reasons = ()
    victim: Victim | None = None
    impact: Impact = Impact()
    desired: int = 0
    first: StepAction = StepAction.EVICT
    undoes: Victim | None = None
    uids: Mapping[str, str] = field(default_factory=dict)
