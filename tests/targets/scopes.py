"""Questions for targets: a policy, what it selects, and how the cluster is read."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from chaosd.core.model import (
    Action,
    Candidate,
    Configuration,
    Helper,
    Limits,
    OptIn,
    Policy,
    Reason,
    Select,
    TargetKind,
    WorkloadKey,
)
from chaosd.core.schedule import Every, MeanTime
from chaosd.core.window import Windows
from chaosd.ports import Scope
from tests.support.lab import Lab

WINDOWS = Windows("UTC")
MEAN = MeanTime(timedelta(days=5), timedelta(hours=12))


def scope(
    lab: Lab,
    *,
    namespaces: tuple[str, ...] | None = None,
    opt_in: OptIn = OptIn(),  # noqa: B008 - frozen
    select: Select = Select(),  # noqa: B008 - frozen
    helper: Helper | None = None,
    **policy: Any,
) -> Scope:
    """A live policy for pods, every hour unless told otherwise, asked about now."""
    fields: dict[str, Any] = {
        "name": "web",
        "target": TargetKind.POD,
        "action": Action.EVICT,
        "schedule": Every(timedelta(hours=1)),
        "select": select,
        "windows": WINDOWS,
        "limits": Limits(),
        "dry_run": False,
    }
    one = Policy(**{**fields, **policy})
    configuration = Configuration(
        WINDOWS, (one,), opt_in=opt_in, namespaces=namespaces, helper=helper
    )
    return Scope(configuration, one, lab.clock.now())


def candidate(key: str) -> Candidate:
    """A drawn workload."""
    return Candidate(key, WorkloadKey.parse(key))


def inside(workload: str, pod: str) -> Candidate:
    """A pod of a drawn workload."""
    parsed = WorkloadKey.parse(workload)
    return Candidate(f"{parsed.namespace}/{pod}", parsed)


def codes(reasons: Iterable[Reason]) -> set[str]:
    """The codes of reasons."""
    return {str(reason.code) for reason in reasons}


def found(candidates: Iterable[Candidate]) -> dict[str, set[str]]:
    """Each candidate's reasons by its key; a key that comes twice is an error."""
    seen: dict[str, set[str]] = {}
    for one in candidates:
        assert one.key not in seen, f"{one.key} came twice"
        seen[one.key] = codes(one.reasons)
    return seen


def pods_of(lab: Lab, namespace: str, app: str) -> list[str]:
    """The names of the pods labelled app=APP that are not on their way out."""
    return [
        item["metadata"]["name"]
        for item in lab.cluster.all("pods", namespace)
        if item["metadata"].get("labels", {}).get("app") == app
        and "deletionTimestamp" not in item["metadata"]
    ]
