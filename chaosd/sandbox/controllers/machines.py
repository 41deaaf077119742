"""The machines under the nodes: they restart, and containers on them crash."""

from __future__ import annotations

import random
from datetime import datetime

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers.containers import finish, restart, set_readiness
from chaosd.sandbox.controllers.orders import (
    GONE,
    REFUSED,
    Ended,
    Order,
    is_helper,
    order_of,
)
from chaosd.sandbox.controllers.processes import PodProcesses
from chaosd.sandbox.controllers.timings import REBOOT, START, Timings, pick
from chaosd.sandbox.objects import (
    Json,
    for_status,
    is_finished,
    parse_time,
    set_condition,
    stamp,
)

_KILLED = 137
"""128 + SIGKILL."""


class Machines:
    """What helper pods strike, and how it comes back."""

    def __init__(
        self, cluster: Cluster, timings: Timings, rng: random.Random, processes: PodProcesses
    ) -> None:
        self._processes = processes
        self._cluster = cluster
        self._timings = timings
        self._rng = rng
        self._back: dict[str, datetime] = {}
        self._ready_at: dict[str, datetime] = {}

    def forget(self, uid: str) -> None:
        """A pod is gone."""
        self._ready_at.pop(uid, None)

    def ready_at(self, pod: Json, now: datetime) -> datetime | None:
        """When the pod can be Ready again after a restart of its containers; None: it can be."""
        uid = pod["metadata"]["uid"]
        due = self._ready_at.get(uid)
        if due is not None and due <= now:
            del self._ready_at[uid]
            return None
        return due

    def reconcile(self, node: Json, now: datetime) -> datetime | None:
        """Bring a node back whose machine has restarted; when to look again."""
        name = node["metadata"]["name"]
        due = self._back.get(name)
        if due is None or now < due:
            return due
        del self._back[name]
        for pod in self._pods_on(name):
            self.restart(pod, None, now)
        copy = for_status(node)
        copy["status"].setdefault("nodeInfo", {})["bootID"] = self._cluster.new_uid()
        _say_ready(copy, "True", "KubeletReady", "kubelet is posting ready status", now)
        self._cluster.put("nodes", copy)
        return None

    def obey(self, pod: Json, node: Json, now: datetime) -> str | None:
        """Do what a helper pod was told: what it says of it, or None when it went down with its
        machine. Raises Ended when it refuses."""
        order = order_of(pod)
        if order.action == "kill":
            _must_be_boot(order, node)
            # Nothing runs on a host of the sandbox beside its pods, whose networks are their own.
            listener = f"{order.program} listens on TCP port {order.port}"
            raise Ended(GONE, f"no process {listener} of this host")
        if order.action == "reboot":
            self._reboot(order, node, now)
            return None
        return self._crash(order, node["metadata"]["name"], now)

    def _reboot(self, order: Order, node: Json, now: datetime) -> None:
        _must_be_boot(order, node)
        order.check_time(now)
        for pod in self._pods_on(node["metadata"]["name"]):
            self._processes.kill(pod)
        self._back[node["metadata"]["name"]] = now + pick(
            self._rng, node, REBOOT, self._timings.reboot
        )
        copy = for_status(node)
        message = "Kubelet stopped posting node status."
        _say_ready(copy, "Unknown", "NodeStatusUnknown", message, now)
        self._cluster.put("nodes", copy)

    def _crash(self, order: Order, node: str, now: datetime) -> str:
        order.check_time(now)
        for pod in self._pods_on(node):
            for one in pod["status"].get("containerStatuses") or ():
                if str(one.get("containerID", "")).endswith("://" + order.identity):
                    self._kill(pod, one, order, now)
                    return f"killed the process of container {order.identity}"
        raise Ended(GONE, f"no process of container {order.identity} is there")

    def _kill(self, pod: Json, container: Json, order: Order, now: datetime) -> None:
        running = (container.get("state") or {}).get("running")
        if running is None:
            raise Ended(GONE, f"container {order.identity} does not run")
        if parse_time(running["startedAt"]) > order.not_before:
            since = f"started at {running['startedAt']}, after the order was given"
            raise Ended(REFUSED, f"container {order.identity} {since}")
        self.restart(pod, container["name"], now)

    def restart(self, pod: Json, only: str | None, now: datetime) -> None:
        """End containers (None: all that run) and start them again, unless the pod says never.

        A helper pod that went down with its machine is run again all the same, as by a kubelet that
        has lost the status of its container.
        """
        if pod["status"].get("phase") != "Running" or is_helper(pod):
            return
        self._processes.kill(pod)
        copy = for_status(pod)
        if pod["spec"].get("restartPolicy") == "Never":
            finish(copy, _KILLED, now)
        else:
            restart(copy, only, _KILLED, now)
            set_readiness(copy, False, now)
            span = pick(self._rng, pod, START, self._timings.start)
            self._ready_at[pod["metadata"]["uid"]] = now + span
        self._cluster.put("pods", copy)

    def _pods_on(self, node: str) -> list[Json]:
        return [
            pod
            for pod in self._cluster.all("pods")
            if pod["spec"].get("nodeName") == node and not is_finished(pod)
        ]


def _must_be_boot(order: Order, node: Json) -> None:
    found = ((node.get("status") or {}).get("nodeInfo") or {}).get("bootID", "")
    if found != order.identity:
        told = f"its boot ID is {found}, not {order.identity}"
        raise Ended(GONE, f"the machine has restarted: {told}")


def _say_ready(node: Json, status: str, reason: str, message: str, now: datetime) -> None:
    set_condition(
        node, "Ready", status, now, reason=reason, message=message, lastHeartbeatTime=stamp(now)
    )
