"""The PodDisruptionBudget controller, with the arithmetic of the real one.

k8s.io/kubernetes/pkg/controller/disruption: expected, desired and current healthy pods; pods that
were evicted but still stand are left out for two minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.objects import (
    Json,
    controller_of,
    for_status,
    int_or_percent,
    is_deleting,
    is_ready,
    labels_of,
    parse_time,
    set_condition,
)
from chaosd.sandbox.selectors import matches_labels, parse_label_selector

PDBS = "poddisruptionbudgets.policy"
DELETION_TIMEOUT = timedelta(minutes=2)
"""How long an evicted pod that does not go counts as disrupted."""


class SyncFailedError(Exception):
    """The budget can't be computed; its message goes into the condition."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the spec asks of the pods that match."""

    expected: int
    desired: int


def reconcile(cluster: Cluster, budget: Json, now: datetime) -> datetime | None:
    """Write the status; when the next disrupted pod is given up."""
    if is_deleting(budget):
        return None
    pods = _pods_of(cluster, budget)
    copy = for_status(budget)
    status = copy["status"]
    generation = budget["metadata"].get("generation", 1)
    try:
        numbers = _numbers(cluster, budget, pods)
    except SyncFailedError as error:
        status["disruptionsAllowed"] = 0
        status.setdefault("currentHealthy", 0)
        status.setdefault("desiredHealthy", 0)
        status.setdefault("expectedPods", 0)
        status["observedGeneration"] = generation
        _condition(copy, "False", "SyncFailed", str(error), now)
        cluster.put(PDBS, copy)
        return None
    disrupted, recheck = _disrupted(budget, pods, now)
    healthy = sum(
        1
        for pod in pods
        if not is_deleting(pod) and pod["metadata"]["name"] not in disrupted and is_ready(pod)
    )
    allowed = healthy - numbers.desired
    if numbers.expected <= 0 or allowed <= 0:
        allowed = 0
    status |= {
        "currentHealthy": healthy,
        "desiredHealthy": numbers.desired,
        "expectedPods": numbers.expected,
        "disruptionsAllowed": allowed,
        "observedGeneration": generation,
    }
    status.pop("disruptedPods", None)
    if disrupted:
        status["disruptedPods"] = disrupted
    reason = "SufficientPods" if allowed else "InsufficientPods"
    _condition(copy, "True" if allowed else "False", reason, "", now)
    cluster.put(PDBS, copy)
    return recheck


def _condition(budget: Json, status: str, reason: str, message: str, now: datetime) -> None:
    generation = budget["status"]["observedGeneration"]
    set_condition(
        budget,
        "DisruptionAllowed",
        status,
        now,
        reason=reason,
        message=message,
        observedGeneration=generation,
    )


def _pods_of(cluster: Cluster, budget: Json) -> list[Json]:
    terms = parse_label_selector((budget.get("spec") or {}).get("selector"))
    if terms is None:
        return []
    pods = cluster.all("pods", budget["metadata"]["namespace"])
    return [pod for pod in pods if matches_labels(terms, labels_of(pod))]


def _numbers(cluster: Cluster, budget: Json, pods: list[Json]) -> Numbers:
    spec = budget.get("spec") or {}
    if "maxUnavailable" in spec:
        expected = _expected_scale(cluster, pods)
        unavailable = int_or_percent(spec["maxUnavailable"], expected, round_up=True)
        return Numbers(expected, max(0, expected - unavailable))
    minimum = spec.get("minAvailable")
    if isinstance(minimum, int):
        return Numbers(len(pods), minimum)
    if minimum is None:
        return Numbers(len(pods), 0)
    expected = _expected_scale(cluster, pods)
    return Numbers(expected, int_or_percent(minimum, expected, round_up=True))


def _expected_scale(cluster: Cluster, pods: Iterable[Json]) -> int:
    """The replicas that the pods' controllers ask for, each controller counted once."""
    scales: dict[str, int] = {}
    for pod in pods:
        owner = controller_of(pod)
        if owner is None:
            continue
        uid, scale = _scale_of(cluster, pod, owner)
        scales[uid] = scale
    return sum(scales.values())


def _scale_of(cluster: Cluster, pod: Json, owner: Json) -> tuple[str, int]:
    resource = cluster.resources.of_kind(owner["apiVersion"], owner["kind"])
    namespace = pod["metadata"]["namespace"]
    found = cluster.get(resource.id, namespace, owner["name"]) if resource else None
    if resource is not None and found is not None and resource.scale:
        above = controller_of(found)
        if above is not None and above["kind"] == "Deployment":
            deployment = cluster.get("deployments.apps", namespace, above["name"])
            found = deployment or found
        return str(found["metadata"]["uid"]), int((found.get("spec") or {}).get("replicas", 1))
    if resource is not None and resource.scale:
        return str(owner["uid"]), 0
    name = resource.id if resource else owner["kind"].lower()
    raise SyncFailedError(f"{name} does not implement the scale subresource")


def _disrupted(
    budget: Json, pods: list[Json], now: datetime
) -> tuple[dict[str, str], datetime | None]:
    """The evicted pods that still stand, and when the first of them is given up."""
    known = (budget.get("status") or {}).get("disruptedPods") or {}
    kept: dict[str, str] = {}
    recheck: datetime | None = None
    for pod in pods:
        name = pod["metadata"]["name"]
        since = known.get(name)
        if since is None or is_deleting(pod):
            continue
        until = parse_time(since) + DELETION_TIMEOUT
        if until <= now:
            continue
        kept[name] = since
        recheck = until if recheck is None else min(recheck, until)
    return kept, recheck
