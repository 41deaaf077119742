"""The kubelets: pods that start, become Ready, finish and stop."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from chaosd.sandbox.cluster import Change, Cluster
from chaosd.sandbox.controllers.pods import TRACKING
from chaosd.sandbox.controllers.timings import NEVER_READY, RUN, START, STOP, Timings, pick
from chaosd.sandbox.deletes import finish_if_released
from chaosd.sandbox.objects import (
    Json,
    annotations_of,
    controller_of,
    for_status,
    is_deleting,
    is_finished,
    is_ready,
    set_condition,
    stamp,
    thaw,
)


class Kubelet:
    """Plays the kubelet of every node, and the node controller for nodes that are not Ready."""

    def __init__(self, cluster: Cluster, timings: Timings, rng: random.Random) -> None:
        self._cluster = cluster
        self._timings = timings
        self._rng = rng
        self._due: dict[tuple[str, str], datetime] = {}

    def observe(self, change: Change) -> None:
        """Forget the times of pods that are gone."""
        if change.resource == "pods" and change.new is None and change.old is not None:
            for step in (START, STOP, RUN):
                self._due.pop((change.old["metadata"]["uid"], step), None)

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
        return self._run(pod, now)

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
                finish(copy, "Failed", now)
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
            _set_readiness(copy, False, now)
            pod = self._cluster.put("pods", copy)
        due = self._time(pod, START, now, self._timings.start)
        if now < due:
            return due
        copy = for_status(pod)
        copy["status"] |= {"phase": "Running", "podIP": self._pod_ip(pod)}
        copy["status"]["podIPs"] = [{"ip": copy["status"]["podIP"]}]
        running = {"running": {"startedAt": stamp(now)}}
        copy["status"]["containerStatuses"] = [
            container_status(one, running, f"sandbox://{pod['metadata']['uid']}/{one.get('name')}")
            for one in containers_of(pod)
        ]
        set_condition(copy, "PodReadyToStartContainers", "True", now)
        _set_readiness(copy, wants_ready(copy), now)
        return self._run(self._cluster.put("pods", copy), now)

    def _run(self, pod: Json, now: datetime) -> datetime | None:
        self._set_ready(pod, wants_ready(pod), now)
        owner = controller_of(pod)
        if owner is None or owner["kind"] != "Job":
            return None
        due = self._time(pod, RUN, now, self._timings.run)
        if now < due:
            return due
        copy = thaw(self._cluster.get("pods", *_key(pod)))
        if copy is not None:
            finish(copy, "Succeeded", now)
            self._cluster.put("pods", copy)
        return None

    def _stop(self, pod: Json, now: datetime) -> datetime | None:
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

    def _set_ready(self, pod: Json, ready: bool, now: datetime) -> None:
        if pod["status"].get("phase") != "Running" or is_ready(pod) is ready:
            return
        copy = for_status(pod)
        _set_readiness(copy, ready, now)
        for one in copy["status"].get("containerStatuses") or ():
            one["ready"] = ready
        self._cluster.put("pods", copy)

    def _pod_ip(self, pod: Json) -> str:
        number = int(pod["metadata"]["uid"].replace("-", "")[:4], 16)
        return f"10.244.{number // 256}.{number % 256}"


def wants_ready(pod: Json) -> bool:
    """Whether its containers would pass their readiness probes."""
    return annotations_of(pod).get(NEVER_READY) != "true"


def containers_of(pod: Json) -> list[Json]:
    """The containers in a pod's spec."""
    return list(pod["spec"].get("containers") or ())


def host_ip(node: Json) -> str:
    """A node's internal address."""
    for address in (node.get("status") or {}).get("addresses") or ():
        if address.get("type") == "InternalIP":
            return str(address["address"])
    return ""


def container_status(container: Json, state: Json, container_id: str = "") -> Json:
    """A container's status in a state; running ones are ready and have an ID."""
    running = "running" in state
    image = container.get("image", "")
    status: dict[str, Any] = {
        "name": container.get("name", ""),
        "image": image,
        "imageID": f"sandbox://{image}" if running else "",
        **({"containerID": container_id} if container_id else {}),
        "ready": running,
        "started": running,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }
    return status


def finish(pod: Json, phase: str, now: datetime) -> None:
    """Bring a pod, in place, into a final phase."""
    status = pod["status"]
    status["phase"] = phase
    done = phase == "Succeeded"
    for one in status.get("containerStatuses") or ():
        one["ready"] = one["started"] = False
        one["state"] = {
            "terminated": {
                "exitCode": 0 if done else 143,
                "reason": "Completed" if done else "Error",
                "finishedAt": stamp(now),
            }
        }
    _set_readiness(pod, False, now)
    if done:
        for kind in ("Ready", "ContainersReady"):
            set_condition(pod, kind, "False", now, reason="PodCompleted")


def _set_readiness(pod: Json, ready: bool, now: datetime) -> None:
    fields: dict[str, Any] = {"reason": None, "message": None}
    if not ready:
        fields["reason"] = "ContainersNotReady"
        names = " ".join(one.get("name", "") for one in containers_of(pod))
        fields["message"] = f"containers with unready status: [{names}]"
    for kind in ("Ready", "ContainersReady"):
        set_condition(pod, kind, "True" if ready else "False", now, **fields)
    for one in pod["status"].get("containerStatuses") or ():
        one["ready"] = ready


def _key(pod: Json) -> tuple[str, str]:
    return pod["metadata"]["namespace"], pod["metadata"]["name"]
