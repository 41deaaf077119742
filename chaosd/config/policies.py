"""The keys of a policy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pydantic import ConfigDict, Field

from chaosd.config.groups import Group, PolicyLimitsSettings, PolicyWindowsSettings, one_of, unit
from chaosd.config.values import (
    Container,
    Count,
    CountOrZero,
    CronText,
    Duration,
    DurationOrZero,
    Flag,
    Kind,
    Labels,
    NamespaceGlob,
    PolicyName,
    PoolLabel,
    Regex,
)
from chaosd.core.model import Action, BudgetMode, MemberRole, NodeRules, Select, TargetKind
from chaosd.core.selector import Selector

_SELECT = Select()
_NODE = NodeRules()
_DEADLINE = {
    TargetKind.POD: timedelta(minutes=10),
    TargetKind.NODE: timedelta(minutes=15),
    TargetKind.ETCD: timedelta(minutes=10),
}
_SIMPLEST = {
    TargetKind.POD: (Action.EVICT,),
    TargetKind.NODE: (Action.DRAIN,),
    TargetKind.ETCD: (Action.KILL, Action.MOVE_LEADER),
}
"""The actions on each target that ask for nothing more, such as a helper."""
_HOLD = timedelta(minutes=5)
_SECOND = timedelta(seconds=1)


def longest_hold(deadline: timedelta) -> timedelta:
    """How long a node may be held at most: a third of the deadline, in whole seconds.

    Half of the deadline is for evicting; the rest is for holding it and for recovering.
    """
    return deadline // 3 // _SECOND * _SECOND


def action_beside(written: Mapping[str, Any]) -> str:
    """What to write as the action of a policy that has none, in words: what fits its target."""
    target = written.get("target", str(TargetKind.POD))
    known = [kind for kind in TargetKind if kind == target]
    if not known:
        return "one that fits the target"
    return f"action: {' or '.join(_SIMPLEST[known[0]])}"


def _deadline(read: Mapping[str, Any]) -> timedelta:
    return _DEADLINE[read.get("target", TargetKind.POD)]


def _hold(read: Mapping[str, Any]) -> timedelta:
    return min(_HOLD, longest_hold(read.get("deadline", _DEADLINE[TargetKind.NODE])))


class ScheduleSettings(Group):
    """When a policy tries: exactly one of `every`, `cron` and `meanTimeBetweenKills`."""

    model_config = ConfigDict(json_schema_extra=one_of("every", "cron", "meanTimeBetweenKills"))

    every: Duration | None = Field(
        default=None,
        description=(
            "One slot for the policy each time this has passed, from an offset that the seed gives."
        ),
    )
    jitter: DurationOrZero | None = Field(
        default=None,
        description="With `every`: each slot is later by a random part of this. Below `every`.",
    )
    cron: CronText | None = Field(
        default=None,
        description=(
            "One slot for the policy at these local times: five fields as Debian's cron reads them,"
            " `0 10 * * TUE`. Weekdays count from 0 for Sunday; names are safer."
        ),
    )
    mean_time_between_kills: Duration | None = Field(
        default=None,
        description=(
            "For each workload one kill every so often on average, in calendar time, at random"
            " times spread evenly over the open hours."
        ),
    )
    min_gap: Duration | None = Field(
        default=None,
        description=(
            "With `meanTimeBetweenKills`: the least time between two kills of a workload. At least"
            " `deadline` + `cooldown`, which is also what it is when not written."
        ),
    )


class SelectSettings(Group):
    """Which of the things that opted in a policy may choose from. All conditions must hold."""

    namespaces: list[NamespaceGlob] = Field(
        default=[], description="Of pods: names or globs, like `team-*`. Empty: all."
    )
    labels: Labels = Field(
        default=Selector(), description="Pods, by labels of the workload or its pods. Empty: all."
    )
    annotations: Labels = Field(
        default=Selector(),
        description="The same for annotations, in the language of label selectors. Empty: all.",
    )
    kinds: list[Kind] = Field(
        default=[*_SELECT.kinds],
        description=(
            "Kinds of the workloads of pods: `Deployment`, `StatefulSet`, `DaemonSet`,"
            " `ReplicaSet`, `Job`, `CronJob`, `Pod` (pods without a controller), or a kind of your"
            " own that owns pods."
        ),
    )
    names: Regex = Field(
        default="",
        description=(
            "Workloads (or nodes) whose name has a part that matches, like `^api-`. Empty: all."
        ),
    )
    nodes: Labels = Field(
        default=Selector(),
        description="Nodes by their labels; pods by those of the node they run on. Empty: all.",
    )
    min_age: DurationOrZero = Field(
        default=_SELECT.min_age, description="Nothing younger is a victim."
    )
    min_replicas: Count = Field(
        default=_SELECT.min_replicas,
        description="No pod of a workload that has fewer Ready ones is a victim.",
        json_schema_extra=unit("pods"),
    )


class NodeSettings(Group):
    """How far a policy may go with nodes."""

    max_unavailable: Count = Field(
        default=_NODE.max_unavailable,
        description=(
            "How many of the selected nodes may be away at once: not Ready, cordoned, being"
            " deleted, or taken by chaosd."
        ),
        json_schema_extra=unit("nodes"),
    )
    pool: PoolLabel = Field(
        default=_NODE.pool,
        description=(
            "The label whose value says which pool a node belongs to, like"
            " `eks.amazonaws.com/nodegroup`. Empty: all nodes are one pool."
        ),
    )
    min_nodes: CountOrZero = Field(
        default=_NODE.min_nodes,
        description="How many nodes that are Ready and take pods must be left in the pool.",
        json_schema_extra=unit("nodes"),
    )
    last_of_zone: Flag = Field(
        default=_NODE.last_of_zone, description="Allow the last Ready node of a zone."
    )
    control_plane: Flag = Field(
        default=_NODE.control_plane,
        description="Allow nodes of the control plane. They are never terminated.",
    )
    empty_dir: Flag = Field(
        default=_NODE.empty_dir,
        description="Allow evicting pods whose `emptyDir` volumes are lost with them.",
    )


class PolicySettings(Group):
    """What is taken down, when, and within which bounds."""

    name: PolicyName = Field(
        description="A name of its own: in metrics, logs, action ids.", examples=["web"]
    )
    target: TargetKind = Field(description="What is taken down.", examples=["pod"])
    action: Action = Field(
        description=(
            "How. Pods: `evict`, or `crash` (SIGKILL of a container's main process). Nodes:"
            " `drain`, `reboot` or `terminate`; the last two drain first, unless `pdb` is `bypass`."
            " etcd members: `kill`, or `moveLeader` (the leader hands its role to a follower)."
        ),
        examples=["evict"],
    )
    clusters: list[PolicyName] = Field(
        default=[],
        description=(
            "With `target: etcd`, where it must be there: which clusters, by their names in `etcd`."
        ),
    )
    member: MemberRole = Field(
        default=MemberRole.ANY,
        description="With `target: etcd` and `kill`: which member, by its role at that moment.",
    )
    container: Container = Field(
        default="",
        description="With `crash`: whose process. Empty: the pod's default container.",
    )
    grace_period_seconds: Count | None = Field(
        default=None,
        description=(
            "How long an evicted pod (or an etcd member's) may take to stop. Not written: what the"
            " pod says itself."
        ),
        json_schema_extra=unit("seconds"),
    )
    schedule: ScheduleSettings = Field(
        description="When it tries.", examples=[{"meanTimeBetweenKills": "5d"}]
    )
    count: Count = Field(
        default=1,
        description=(
            "Victims in each slot, of different workloads (or etcd clusters). At most `concurrent`."
        ),
        json_schema_extra=unit("victims"),
    )
    select: SelectSettings = Field(
        default=SelectSettings(), description="Which victims it may choose from."
    )
    pdb: BudgetMode = Field(
        default=BudgetMode.RESPECT,
        description=(
            "`respect` keeps to PodDisruptionBudgets. `bypass` deletes without asking them."
        ),
    )
    deadline: Duration = Field(
        default_factory=_deadline,
        description=(
            "How long a workload may take to recover, or a node to be drained, held and back."
            " Nothing starts when a window closes sooner. Not written: `10m` for pods and etcd,"
            " `15m` for nodes."
        ),
    )
    hold: DurationOrZero = Field(
        default_factory=_hold,
        description=(
            "With `drain`: how long the empty node is kept out of service. At most a third of"
            " `deadline`. Not written: `5m`, or that third if it is less."
        ),
    )
    node: NodeSettings = Field(default=NodeSettings(), description="With nodes: how far it may go.")
    cooldown: DurationOrZero = Field(
        default=timedelta(hours=1),
        description=(
            "How long a workload (or node, or etcd cluster) is left alone after it has recovered."
        ),
    )
    dry_run: Flag = Field(
        default=False,
        description="Decide and report, strike nothing. `false` can't undo a global `true`.",
    )
    windows: PolicyWindowsSettings = Field(
        default=PolicyWindowsSettings(), description="Narrows the global windows."
    )
    limits: PolicyLimitsSettings = Field(
        default=PolicyLimitsSettings(), description="On top of the global limits."
    )
