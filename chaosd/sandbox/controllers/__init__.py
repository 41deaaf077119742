"""The controllers of the sandbox: one actor that does what is due and says when to wake it."""

from __future__ import annotations

import heapq
import random
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime

from chaosd.sandbox.cluster import Change, Cluster
from chaosd.sandbox.controllers import (
    budgets,
    collector,
    daemonsets,
    deployments,
    jobs,
    replicasets,
    statefulsets,
)
from chaosd.sandbox.controllers.kubelet import Kubelet
from chaosd.sandbox.controllers.processes import NoProcesses, PodProcesses
from chaosd.sandbox.controllers.scheduler import Scheduler
from chaosd.sandbox.controllers.timings import Timings
from chaosd.sandbox.objects import Json, Key, controller_of, is_deleting, is_finished, key_of

__all__ = ["Controllers", "Timings"]

Reconcile = Callable[[Cluster, Json, datetime], datetime | None]
Work = tuple[str, Key]

WORKLOADS: dict[str, Reconcile] = {
    "replicasets.apps": replicasets.reconcile,
    "statefulsets.apps": statefulsets.reconcile,
    "daemonsets.apps": daemonsets.reconcile,
    "jobs.batch": jobs.reconcile,
    "deployments.apps": deployments.reconcile,
    "poddisruptionbudgets.policy": budgets.reconcile,
    "namespaces": collector.reconcile_namespace,
}
ORDER = ("pods", "nodes", *WORKLOADS)
"""Kinds are worked on in this order, so that a budget is computed once for many pods."""


class Controllers:
    """Scheduler, kubelets, workload controllers, PDB controller and garbage collector.

    Call `step` whenever the time that it last returned has come, and after every write to the
    cluster by somebody else (or simply often): it does all that is due at the cluster's now.
    `processes` are what real processes some pods stand for.
    """

    def __init__(
        self,
        cluster: Cluster,
        timings: Timings | None = None,
        processes: PodProcesses | None = None,
    ) -> None:
        self.cluster = cluster
        rng = random.Random(f"controllers/{cluster.seed}")
        timings = timings or Timings()
        processes = processes or NoProcesses()
        with cluster.lock:
            self._scheduler = Scheduler(cluster, timings, rng)
            self._kubelet = Kubelet(cluster, timings, rng, processes)
            self._inbox: deque[Change] = deque()
            self._queues = {kind: OrderedDict[Key, None]() for kind in ORDER}
            self._timers: list[tuple[datetime, str, Key]] = []
            self._armed: dict[Work, datetime] = {}
            self._unsubscribe = cluster.subscribe(self._inbox.append)
            for kind in ORDER:
                self._queues[kind].update(dict.fromkeys(cluster.keys(kind)))

    def close(self) -> None:
        """Stop listening to the cluster."""
        self._unsubscribe()

    def step(self) -> datetime | None:
        """Do all that is due now; when something will be due next (None: nothing pending)."""
        with self.cluster.lock:
            now = self.cluster.now()
            while True:
                self._receive()
                self._fire(now)
                work = self._next()
                if work is None:
                    break
                self._reconcile(work, now)
            return self._timers[0][0] if self._timers else None

    # --- what to do

    def _next(self) -> Work | None:
        for kind, queue in self._queues.items():
            if queue:
                key, _ = queue.popitem(last=False)
                return kind, key
        return None

    def _fire(self, now: datetime) -> None:
        while self._timers and self._timers[0][0] <= now:
            due, kind, key = heapq.heappop(self._timers)
            if self._armed.get((kind, key)) == due:
                del self._armed[kind, key]
                self._queues[kind][key] = None

    def _arm(self, work: Work, due: datetime) -> None:
        armed = self._armed.get(work)
        if armed is None or due < armed:
            self._armed[work] = due
            heapq.heappush(self._timers, (due, *work))

    def _reconcile(self, work: Work, now: datetime) -> None:
        kind, key = work
        item = self.cluster.get(kind, *key)
        if item is None:
            return
        if kind == "pods":
            wakes = [self._scheduler.reconcile(item, now)]
            item = self.cluster.get(kind, *key)
            if item is not None:
                wakes.append(self._kubelet.reconcile(item, now))
        elif kind == "nodes":
            wakes = [self._kubelet.machines.reconcile(item, now)]
        else:
            wakes = [WORKLOADS[kind](self.cluster, item, now)]
        for wake in wakes:
            if wake is not None:
                self._arm(work, wake)

    # --- what has changed

    def _receive(self) -> None:
        while self._inbox:
            change = self._inbox.popleft()
            self._scheduler.observe(change)
            self._kubelet.observe(change)
            self._route(change)

    def _enqueue(self, kind: str, *keys: Key) -> None:
        if kind in self._queues:
            self._queues[kind].update(dict.fromkeys(keys))

    def _route(self, change: Change) -> None:
        self._enqueue(change.resource, change.key)
        namespace = change.key[0]
        for item in (change.old, change.new):
            owner = controller_of(item) if item is not None else None
            kind = owner and self.cluster.resources.of_kind(owner["apiVersion"], owner["kind"])
            if owner and kind:
                self._enqueue(kind.id, (namespace, owner["name"]))
        if change.resource in ("pods", "replicasets.apps", *_SCALED):
            for budget in self.cluster.all(budgets.PDBS, namespace):
                self._enqueue(budgets.PDBS, key_of(budget))
        if change.resource == "pods" and _leaves_room(change):
            self._enqueue("pods", *self._scheduler.waiting)
        if change.resource == "nodes":
            self._node_changed(change.key[1])
        if change.new is None and change.old is not None:
            self._removed(change.old, namespace)

    def _node_changed(self, name: str) -> None:
        self._enqueue("daemonsets.apps", *self.cluster.keys("daemonsets.apps"))
        self._enqueue("pods", *self._scheduler.pods_on(name), *self._scheduler.waiting)

    def _removed(self, item: Json, namespace: str) -> None:
        for kind, dependent in self.cluster.dependents(item["metadata"]["uid"]):
            collector.collect(self.cluster, self.cluster.resources[kind], dependent)
        above = self.cluster.get("namespaces", "", namespace) if namespace else None
        if above is not None and is_deleting(above):
            self._enqueue("namespaces", ("", namespace))


_SCALED = ("deployments.apps", "statefulsets.apps")


def _leaves_room(change: Change) -> bool:
    """Whether a pod has gone from its node, or has finished on it."""
    return change.new is None or (is_finished(change.new) and not is_finished(change.old or {}))
