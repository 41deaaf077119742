"""Workloads, pods, nodes and policies for tests: all fine, until a test changes something."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from chaosd.core.eligibility import Sift
from chaosd.core.facts import (
    BudgetFacts,
    ContainerFacts,
    NodeFacts,
    Own,
    Owner,
    Phase,
    PodFacts,
    WorkloadFacts,
)
from chaosd.core.model import (
    Action,
    Code,
    Configuration,
    Limits,
    OptIn,
    Policy,
    Reason,
    Select,
    TargetKind,
    WorkloadKey,
)
from chaosd.core.schedule import Every, Schedule
from chaosd.core.selector import Selector
from chaosd.core.window import Windows

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
OPTED_IN = {"chaosd.io/enabled": "true"}
APP = {"app": "web"}
OWN = Own("chaosd", frozenset({"chaosd-0"}))
ALWAYS = Windows("UTC")


def ago(**spans: float) -> datetime:
    return NOW - timedelta(**spans)


def codes(reasons: Iterable[Reason]) -> list[Code]:
    return sorted({reason.code for reason in reasons})


def texts(reasons: Iterable[Reason]) -> list[str]:
    return [str(reason) for reason in reasons]


def policy(select: Select | None = None, schedule: Schedule | None = None) -> Policy:
    return Policy(
        name="web",
        target=TargetKind.POD,
        action=Action.EVICT,
        schedule=schedule or Every(timedelta(hours=1)),
        select=select or Select(),
        windows=ALWAYS,
        limits=Limits(),
    )


def sift(
    select: Select | None = None,
    *,
    schedule: Schedule | None = None,
    opt_in: OptIn | None = None,
    namespaces: tuple[str, ...] | None = None,
) -> Sift:
    one = policy(select, schedule)
    configuration = Configuration(
        windows=ALWAYS, policies=(one,), opt_in=opt_in or OptIn(), namespaces=namespaces
    )
    return Sift(configuration, one, NOW, OWN)


def workload(kind: str = "Deployment", /, **changes: object) -> WorkloadFacts:
    """Three replicas, all Ready and updated, opted in, a day old."""
    facts: dict[str, object] = {
        "key": WorkloadKey("shop", kind, "web"),
        "uid": "w-1",
        "created": ago(days=1),
        "labels": {**APP, **OPTED_IN},
        "template_labels": APP,
        "selector": Selector.parse("app=web"),
        "generation": 4,
        "observed_generation": 4,
        "desired": 3,
        "replicas": 3,
        "ready": 3,
        "updated": 3,
        "available": 3,
    }
    return WorkloadFacts(**{**facts, **changes})  # type: ignore[arg-type]


def custom(**changes: object) -> WorkloadFacts:
    """A workload of somebody's own kind, of which only its pods are known."""
    unknown: dict[str, object] = dict.fromkeys(
        ("observed_generation", "desired", "replicas", "ready", "updated", "available")
    )
    return workload("Database", **{**unknown, **changes})


def pod(number: int = 1, /, **changes: object) -> PodFacts:
    """Running and Ready for an hour, owned by a ReplicaSet."""
    facts: dict[str, object] = {
        "namespace": "shop",
        "name": f"web-{number}",
        "uid": f"p-{number}",
        "resource_version": "7",
        "created": ago(hours=1),
        "labels": APP,
        "phase": Phase.RUNNING,
        "ready": True,
        "ready_since": ago(minutes=59),
        "node": "n1",
        "owner": Owner("ReplicaSet", "web-7f", "r-1", "apps/v1"),
        "containers": (ContainerFacts("registry.example/web:1.2", ("web", "--port=80"), (80,)),),
    }
    return PodFacts(**{**facts, **changes})  # type: ignore[arg-type]


def node(**changes: object) -> NodeFacts:
    facts: dict[str, object] = {"name": "n1", "ready": True, "labels": {"pool": "spot"}}
    return NodeFacts(**{**facts, **changes})  # type: ignore[arg-type]


def budget(name: str = "web", /, **changes: object) -> BudgetFacts:
    """One more may go."""
    facts: dict[str, object] = {
        "namespace": "shop",
        "name": name,
        "selector": Selector.parse("app=web"),
        "disruptions_allowed": 1,
        "current_healthy": 3,
        "desired_healthy": 2,
        "expected_pods": 3,
        "generation": 1,
        "observed_generation": 1,
    }
    return BudgetFacts(**{**facts, **changes})  # type: ignore[arg-type]
