"""The scheduler: pods to nodes."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime

from chaosd.sandbox.cluster import Change, Cluster
from chaosd.sandbox.controllers.sizes import Size, requested, size_of
from chaosd.sandbox.controllers.timings import SCHEDULE, Timings, pick
from chaosd.sandbox.objects import (
    Json,
    Key,
    controller_of,
    for_status,
    is_deleting,
    is_finished,
    is_ready,
    labels_of,
    set_condition,
)


class Scheduler:
    """Binds each pending pod, after a delay, to the node that suits it best."""

    def __init__(self, cluster: Cluster, timings: Timings, rng: random.Random) -> None:
        self._cluster = cluster
        self._timings = timings
        self._rng = rng
        self._due: dict[str, datetime] = {}
        self._on_node: dict[str, dict[Key, Size]] = {}
        self._taken: dict[str, Size] = {}
        self.waiting: dict[Key, None] = {}
        for pod in cluster.all("pods"):
            self._place(pod)

    def observe(self, change: Change) -> None:
        """Keep count of the pods on each node."""
        if change.resource != "pods":
            return
        if change.old is not None:
            node = (change.old.get("spec") or {}).get("nodeName", "")
            size = self._on_node.get(node, {}).pop(change.key, None)
            if size is not None:
                self._taken[node] -= size
            if change.new is None:
                self._due.pop(change.old["metadata"]["uid"], None)
                self.waiting.pop(change.key, None)
        if change.new is not None:
            self._place(change.new)

    def _place(self, pod: Json) -> None:
        node = (pod.get("spec") or {}).get("nodeName", "")
        if node and not is_finished(pod):
            key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
            size = requested(pod["spec"])
            self._on_node.setdefault(node, {})[key] = size
            self._taken[node] = self._taken.get(node, Size()) + size

    def pods_on(self, node: str) -> list[Key]:
        """The unfinished pods bound to a node."""
        return list(self._on_node.get(node, {}))

    def reconcile(self, pod: Json, now: datetime) -> datetime | None:
        """Bind the pod once its time has come; when to look again."""
        if pod["spec"].get("nodeName") or is_finished(pod) or is_deleting(pod):
            return None
        uid = pod["metadata"]["uid"]
        if uid not in self._due:
            delay = pick(self._rng, pod, SCHEDULE, self._timings.schedule)
            self._due[uid] = now + delay
        if now < self._due[uid]:
            return self._due[uid]
        copy = for_status(pod)
        node, against = self._choose(pod)
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        if node is None:
            self.waiting[key] = None
            why = _told(against)
            set_condition(copy, "PodScheduled", "False", now, reason="Unschedulable", message=why)
        else:
            self.waiting.pop(key, None)
            self._due.pop(uid, None)
            copy["spec"] = {**pod["spec"], "nodeName": node}
            set_condition(copy, "PodScheduled", "True", now, reason=None, message=None)
        self._cluster.put("pods", copy)
        return None

    def _choose(self, pod: Json) -> tuple[str | None, list[str]]:
        """The best node; or None and, for each node, what speaks against it."""
        siblings = self._siblings_by_node(pod)
        size = requested(pod["spec"])
        best: tuple[int, int, str] | None = None
        against = []
        for node in self._cluster.all("nodes"):
            name = node["metadata"]["name"]
            load = len(self._on_node.get(name, ()))
            why = unfit(pod, node) or self._crowded(node, load, size)
            if why:
                against.append(why)
                continue
            rank = (siblings.get(name, 0), load, name)
            if best is None or rank < best:
                best = rank
        return (None if best is None else best[2]), against

    def _crowded(self, node: Json, load: int, size: Size) -> str:
        """What there is too little of on a node; "" for nothing."""
        if load >= capacity(node):
            return "Too many pods"
        if size == Size():
            return ""
        taken = self._taken.get(node["metadata"]["name"], Size()) + size
        return taken.beyond(size_of((node.get("status") or {}).get("allocatable")))

    def _siblings_by_node(self, pod: Json) -> dict[str, int]:
        owner = controller_of(pod)
        counts: dict[str, int] = {}
        if owner is None or owner["kind"] == "DaemonSet":
            return counts
        for sibling in self._cluster.dependents_of(owner["uid"], "pods"):
            node = sibling["spec"].get("nodeName")
            if node and not is_deleting(sibling):
                counts[node] = counts.get(node, 0) + 1
        return counts


def capacity(node: Json) -> int:
    """How many pods a node takes: 110, as a kubelet does, unless it says another number."""
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    number = str(allocatable.get("pods", ""))
    return int(number) if number.isdecimal() else 110


def unfit(pod: Json, node: Json) -> str:
    """What keeps a pod off a node, as the scheduler says it; "" for nothing."""
    if is_deleting(node):
        return "node(s) were unschedulable"
    if not is_ready(node):
        return "node(s) had untolerated taint(s)"
    if (node.get("spec") or {}).get("unschedulable") and not tolerates(
        pod, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    ):
        return "node(s) were unschedulable"
    if not wants(pod["spec"], node):
        return "node(s) didn't match Pod's node affinity/selector"
    return "" if tolerates_all(pod, node) else "node(s) had untolerated taint(s)"


def _told(against: list[str]) -> str:
    """Why no node will do, as `kubectl describe` shows it."""
    counts = sorted(f"{number} {why}" for why, number in Counter(against).items())
    head = f"0/{len(against)} nodes are available"
    return f"{head}: {', '.join(counts)}." if counts else f"{head}."


def tolerates_all(pod: Json, node: Json) -> bool:
    """Whether a pod tolerates every taint that keeps pods off a node."""
    return all(
        tolerates(pod, taint)
        for taint in (node.get("spec") or {}).get("taints") or ()
        if taint.get("effect") in ("NoSchedule", "NoExecute")
    )


def wants(spec: Json, node: Json) -> bool:
    """Whether a pod's node selector and its affinity to a node's name are fulfilled."""
    labels = labels_of(node)
    for key, value in (spec.get("nodeSelector") or {}).items():
        if labels.get(key) != value:
            return False
    affinity = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    )
    for term in (affinity or {}).get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            if node["metadata"]["name"] not in (field.get("values") or ()):
                return False
    return True


def tolerates(pod: Json, taint: Json) -> bool:
    """Whether one of a pod's tolerations covers a taint."""
    for toleration in pod["spec"].get("tolerations") or ():
        if toleration.get("effect") not in (None, "", taint.get("effect")):
            continue
        if toleration.get("operator") == "Exists":
            if toleration.get("key") in (None, "", taint["key"]):
                return True
        elif toleration.get("key") == taint["key"] and toleration.get("value", "") == taint.get(
            "value", ""
        ):
            return True
    return False
