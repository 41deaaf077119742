"""The keys of a policy."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import ConfigDict, Field

from chaosd.config.groups import Group, PolicyLimitsSettings, PolicyWindowsSettings, one_of, unit
from chaosd.config.values import (
    Count,
    CronText,
    Duration,
    DurationOrZero,
    Flag,
    Kind,
    Labels,
    NamespaceGlob,
    PolicyName,
    Regex,
)
from chaosd.core.model import BudgetMode, Select
from chaosd.core.selector import Selector

_SELECT = Select()


class TargetKind(StrEnum):
    """What a policy takes down."""

    POD = "pod"


class Action(StrEnum):
    """How a victim is taken down."""

    EVICT = "evict"


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
        default=[], description="Names or globs, like `team-*`. Empty: all."
    )
    labels: Labels = Field(
        default=Selector(), description="By labels of the workload or of its pods. Empty: all."
    )
    annotations: Labels = Field(
        default=Selector(),
        description="The same for annotations, in the language of label selectors. Empty: all.",
    )
    kinds: list[Kind] = Field(
        default=[*_SELECT.kinds],
        description=(
            "Kinds of workloads: `Deployment`, `StatefulSet`, `DaemonSet`, `ReplicaSet`, `Job`,"
            " `CronJob`, `Pod` (pods without a controller), or a kind of your own that owns pods."
        ),
    )
    names: Regex = Field(
        default="",
        description="Workloads whose name has a part that matches, like `^api-`. Empty: all.",
    )
    nodes: Labels = Field(
        default=Selector(),
        description="By labels of the node that the pod runs on. Empty: all.",
    )
    min_age: DurationOrZero = Field(
        default=_SELECT.min_age, description="Nothing younger is a victim."
    )
    min_replicas: Count = Field(
        default=_SELECT.min_replicas,
        description="Nothing of a workload that has fewer Ready pods is a victim.",
        json_schema_extra=unit("pods"),
    )


class PolicySettings(Group):
    """What is taken down, when, and within which bounds."""

    name: PolicyName = Field(
        description="A name of its own: in metrics, logs, action ids.", examples=["web"]
    )
    target: TargetKind = Field(description="What is taken down.", examples=["pod"])
    action: Action = Field(description="How.", examples=["evict"])
    grace_period_seconds: Count | None = Field(
        default=None,
        description="How long a pod may take to stop. Not written: what the pod says itself.",
        json_schema_extra=unit("seconds"),
    )
    schedule: ScheduleSettings = Field(
        description="When it tries.", examples=[{"meanTimeBetweenKills": "5d"}]
    )
    count: Count = Field(
        default=1,
        description="Victims in each slot, of different workloads. At most `concurrent`.",
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
        default=timedelta(minutes=10),
        description=(
            "How long a workload may take to recover. Nothing starts when a window closes sooner."
        ),
    )
    cooldown: DurationOrZero = Field(
        default=timedelta(hours=1),
        description="How long a workload is left alone after it has recovered.",
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
