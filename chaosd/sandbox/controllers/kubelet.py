"""The kubelets: pods that start, become Ready, finish and stop."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from chaosd.sandbox.cluster import Change, Cluster
from chaosd.sandbox.controllers.containers import (
    SIGTERM_CODE,
    container_id,
    container_status,
    containers_of,
    finish,
    set_readiness,
    wants_ready,
)
from chaosd.sandbox.controllers.machines import Machines
from chaosd.sandbox.controllers.orders import Ended, is_helper
from chaosd.sandbox.controllers.pods import TRACKING
from chaosd.sandbox.controllers.processes import Life, PodProcesses
from chaosd.sandbox.controllers.timings import RUN, START, STOP, Timings, pick
from chaosd.sandbox.deletes import finish_if_released
from chaosd.sandbox.objects import (
    Json,
    controller_of,
    for_status,
    is_deleting,
    is_finished,
    is_ready,
    set_condition,
    stamp,
    thaw,
)

LOOK = timedelta(seconds=1)
"""How often the kubelet looks how a real process is."""


class Kubelet:
    """Plays the kubelet of every node, and the node controller for nodes that are not Ready."""

    def __init__(
        self, cluster: Cluster, timings: Timings, rng: random.Random, processes: PodProcesses
    ) -> None:
        self._cluster = cluster
        self._processes = processes
        self._timings = timings
        self._rng = rng
        self._due: dict[tuple[str, str], datetime] = {}
        self.machines = Machines(cluster, timings, rng, processes)

    def observe(self, change: Change) -> None:
        """Forget the times of pods that are gone, and let no process of theirs go on."""
        if change.resource == "pods" and change.new is None and change.old is not None:
            self._processes.kill(change.old)
            uid = change.old["metadata"]["uid"]
            self.machines.forget(uid)
            for step in (START, STOP, RUN):
                self._due.pop((uid, step), None)

    def reconcile(self, pod: Json, now: datetime) -> datetime | None:
        """Take the pod one step further; when to look again."""
        node_name = pod["spec"].get("nodeName")
        node = self._cluster.get("nodes", "", node_name) if node_name else None
        if node is None:
            if node_name or is_deleting(pod):
                self._collect(pod, now)
            return None
        if not is_ready(node):
            self._set_ready(pod, False, now)
            return None
        if is_deleting(pod):
            return self._stop(pod, now)
        if is_finished(pod):
            return None
        if pod["status"].get("phase") != "Running":
            return self._start(pod, node, now)
        return self._run(pod, node, now)

    def _collect(self, pod: Json, now: datetime) -> None:
        """No kubelet looks after it: it fails and goes (the pod garbage collector)."""
        copy = thaw(pod)
        if not is_deleting(copy):
            copy["metadata"]["deletionTimestamp"] = stamp(now)
        self._vanish(copy, now)

    def _vanish(self, copy: Json, now: datetime) -> None:
        """Take a stopped pod away, or leave it as failed to whoever holds a finalizer."""
        copy["metadata"]["deletionGracePeriodSeconds"] = 0
        if not self._job_of(copy):
            held = copy["metadata"].get("finalizers") or ()
            copy["metadata"]["finalizers"] = [one for one in held if one != TRACKING]
        if copy["metadata"].get("finalizers"):
            if not is_finished(copy):
                finish(copy, SIGTERM_CODE, now)
            copy = self._cluster.put("pods", copy)
        finish_if_released(self._cluster, self._cluster.resources["pods"], copy)

    def _job_of(self, pod: Json) -> Json | None:
        """The Job that still wants to count a pod."""
        owner = controller_of(pod)
        if owner is None or owner["kind"] != "Job":
            return None
        job = self._cluster.get("jobs.batch", pod["metadata"]["namespace"], owner["name"])
        return job if job is not None and job["metadata"]["uid"] == owner["uid"] else None

    def _start(self, pod: Json, node: Json, now: datetime) -> datetime | None:
        if "startTime" not in pod["status"]:
            copy = for_status(pod)
            status = copy["status"]
            status["startTime"] = stamp(now)
            status["hostIP"] = host_ip(node)
            status["containerStatuses"] = [
                container_status(one, {"waiting": {"reason": "ContainerCreating"}})
                for one in containers_of(pod)
            ]
            set_condition(copy, "PodReadyToStartContainers", "False", now)
            set_condition(copy, "Initialized", "True", now)
            set_readiness(copy, False, now)
            pod = self._cluster.put("pods", copy)
        due = self._time(pod, START, now, self._timings.start)
        if now < due:
            return due
        copy = for_status(pod)
        address = self._processes.address(pod)
        copy["status"] |= {"phase": "Running", "podIP": address or self._pod_ip(pod)}
        copy["status"]["podIPs"] = [{"ip": copy["status"]["podIP"]}]
        running = {"running": {"startedAt": stamp(now)}}
        copy["status"]["containerStatuses"] = [
            container_status(one, running, container_id(pod, one["name"]))
            for one in containers_of(pod)
        ]
        set_condition(copy, "PodReadyToStartContainers", "True", now)
        set_readiness(copy, wants_ready(copy) and not address, now)
        return self._run(self._cluster.put("pods", copy), node, now)

    def _run(self, pod: Json, node: Json, now: datetime) -> datetime | None:
        if is_helper(pod):
            self._help(pod, node, now)
            return None
        ready_at = self.machines.ready_at(pod, now)
        if ready_at is None and self._processes.address(pod):
            return self._look_after(pod, now)
        self._set_ready(pod, ready_at is None and wants_ready(pod), now)
        if ready_at is not None:
            return ready_at
        owner = controller_of(pod)
        if owner is None or owner["kind"] != "Job":
            return None
        due = self._time(pod, RUN, now, self._timings.run)
        if now < due:
            return due
        copy = thaw(self._cluster.get("pods", *_key(pod)))
        if copy is not None:
            finish(copy, 0, now)
            self._cluster.put("pods", copy)
        return None

    def _look_after(self, pod: Json, now: datetime) -> datetime | None:
        """Run the process of a pod, and start it anew when it has ended by itself."""
        life = self._processes.run(pod)
        if life is Life.ENDED:
            self.machines.restart(pod, None, now)
            return self.machines.ready_at(pod, now)
        self._set_ready(pod, life is Life.READY and wants_ready(pod), now)
        return now + LOOK

    def _help(self, pod: Json, node: Json, now: datetime) -> None:
        """Let a helper pod strike, and end it, unless it goes down with its machine."""
        code = 0
        try:
            said = self.machines.obey(pod, node, now)
        except Ended as ended:
            code, said = ended.code, str(ended)
        if said is not None:
            copy = for_status(pod)
            finish(copy, code, now, said)
            self._cluster.put("pods", copy)

    def _stop(self, pod: Json, now: datetime) -> datetime | None:
        if self._processes.address(pod):
            self._processes.kill(pod)
            pod = self._set_ready(pod, False, now)
        meta = pod["metadata"]
        grace = meta.get("deletionGracePeriodSeconds", 0)
        due = self._time(pod, STOP, now, self._timings.stop, at_most=grace)
        if now < due:
            return due
        self._vanish(thaw(pod), now)
        return None

    def _time(
        self,
        pod: Json,
        step: str,
        now: datetime,
        span: tuple[float, float],
        at_most: float | None = None,
    ) -> datetime:
        """When a step is due: drawn once per pod, from when it was first asked for."""
        key = (pod["metadata"]["uid"], step)
        if key not in self._due:
            self._due[key] = now + pick(self._rng, pod, step, span)
        if at_most is not None:
            self._due[key] = min(self._due[key], now + timedelta(seconds=at_most))
        return self._due[key]

    def _set_ready(self, pod: Json, ready: bool, now: datetime) -> Json:
        """The pod as it is stored then."""
        if pod["status"].get("phase") != "Running" or is_ready(pod) is ready:
            return pod
        copy = for_status(pod)
        set_readiness(copy, ready, now)
        for one in copy["status"].get("containerStatuses") or ():
            one["ready"] = ready
        return self._cluster.put("pods", copy)

    def _pod_ip(self, pod: Json) -> str:
        number = int(pod["metadata"]["uid"].replace("-", "")[:4], 16)
        return f"10.244.{number // 256}.{number % 256}"


def host_ip(node: Json) -> str:
    """A node's internal address."""
    for address in (node.get("status") or {}).get("addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address["address"])
    return ""


def _key(pod: Json) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]
