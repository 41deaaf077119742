"""The scheduler: pods to nodes."""

from __future__ import annotations

import random
from datetime import datetime

from chaosd.sandbox.cluster import Change, Cluster
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
        self._on_node: dict[str, dict[Key, None]] = {}
        self.waiting: dict[Key, None] = {}
        for pod in cluster.all("pods"):
            self._place(pod)

    def observe(self, change: Change) -> None:
        """Keep count of the pods on each node."""
        if change.resource != "pods":
            return
        if change.old is not None:
            node = (change.old.get("spec") or {}).get("nodeName", "")
            self._on_node.get(node, {}).pop(change.key, None)
            if change.new is None:
                self._due.pop(change.old["metadata"]["uid"], None)
                self.waiting.pop(change.key, None)
        if change.new is not None:
            self._place(change.new)

    def _place(self, pod: Json) -> None:
        node = (pod.get("spec") or {}).get("nodeName", "")
        if node and not is_finished(pod):
            key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
            self._on_node.setdefault(node, {})[key] = None

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
        node = self._choose(pod)
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        if node is None:
            self.waiting[key] = None
            total = len(self._cluster.keys("nodes"))
            why = f"0/{total} nodes are available."
            set_condition(copy, "PodScheduled", "False", now, reason="Unschedulable", message=why)
        else:
            self.waiting.pop(key, None)
            self._due.pop(uid, None)
            copy["spec"] = {**pod["spec"], "nodeName": node}
            set_condition(copy, "PodScheduled", "True", now, reason=None, message=None)
        self._cluster.put("pods", copy)
        return None

    def _choose(self, pod: Json) -> str | None:
        siblings = self._siblings_by_node(pod)
        best: tuple[int, int, str] | None = None
        for node in self._cluster.all("nodes"):
            name = node["metadata"]["name"]
            load = len(self._on_node.get(name, ()))
            if not fits(pod, node) or load >= capacity(node):
                continue
            rank = (siblings.get(name, 0), load, name)
            if best is None or rank < best:
                best = rank
        return None if best is None else best[2]

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


def fits(pod: Json, node: Json) -> bool:
    """Whether the scheduler may put a pod on a node."""
    if not is_ready(node) or is_deleting(node):
        return False
    if (node.get("spec") or {}).get("unschedulable") and not tolerates(
        pod, {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    ):
        return False
    return wants(pod["spec"], node) and tolerates_all(pod, node)


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
