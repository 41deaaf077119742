"""The containers of a pod: their states, and what follows for the pod."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from chaosd.sandbox.controllers.timings import NEVER_READY
from chaosd.sandbox.objects import Json, annotations_of, set_condition, stamp

SIGTERM_CODE = 143
"""128 + SIGTERM."""


def wants_ready(pod: Json) -> bool:
    """Whether its containers would pass their readiness probes."""
    return annotations_of(pod).get(NEVER_READY) != "true"


def containers_of(pod: Json) -> list[Json]:
    """The containers in a pod's spec."""
    return list(pod["spec"].get("containers") or ())


def container_id(pod: Json, name: str, restarts: int = 0) -> str:
    """The ID of a container, as a runtime writes it: another one after each restart."""
    text = f"{pod['metadata']['uid']}/{name}/{restarts}"
    return f"sandbox://{hashlib.sha256(text.encode()).hexdigest()}"


def container_status(container: Json, state: Json, identity: str = "") -> Json:
    """A container's status in a state; running ones are ready and have an ID."""
    running = "running" in state
    image = container.get("image", "")
    status: dict[str, Any] = {
        "name": container.get("name", ""),
        "image": image,
        "imageID": f"sandbox://{image}" if running else "",
        **({"containerID": identity} if identity else {}),
        "ready": running,
        "started": running,
        "restartCount": 0,
        "state": state,
        "lastState": {},
    }
    return status


def restart(pod: Json, only: str | None, code: int, now: datetime) -> None:
    """End the running containers of a pod (or the `only` one), in place, and start them anew."""
    for one in pod["status"].get("containerStatuses") or ():
        running = (one.get("state") or {}).get("running")
        if running is None or only not in (None, one["name"]):
            continue
        ended = {
            "exitCode": code,
            "reason": "Error",
            "startedAt": running.get("startedAt"),
            "finishedAt": stamp(now),
            "containerID": one.get("containerID", ""),
        }
        one["lastState"] = {"terminated": ended}
        one["restartCount"] = one.get("restartCount", 0) + 1
        one["containerID"] = container_id(pod, one["name"], one["restartCount"])
        one["state"] = {"running": {"startedAt": stamp(now)}}
        one["ready"] = False


def finish(pod: Json, code: int, now: datetime, message: str = "") -> None:
    """Bring a pod, in place, into the final phase that its containers' exit code means."""
    status = pod["status"]
    done = code == 0
    status["phase"] = "Succeeded" if done else "Failed"
    for one in status.get("containerStatuses") or ():
        one["ready"] = one["started"] = False
        one["state"] = {
            "terminated": {
                "exitCode": code,
                "reason": "Completed" if done else "Error",
                **({"message": message} if message else {}),
                "finishedAt": stamp(now),
                **({"containerID": one["containerID"]} if one.get("containerID") else {}),
            }
        }
    set_readiness(pod, False, now)
    if done:
        for kind in ("Ready", "ContainersReady"):
            set_condition(pod, kind, "False", now, reason="PodCompleted")


def set_readiness(pod: Json, ready: bool, now: datetime) -> None:
    """Set the conditions Ready and ContainersReady, in place."""
    fields: dict[str, Any] = {"reason": None, "message": None}
    if not ready:
        fields["reason"] = "ContainersNotReady"
        names = " ".join(one.get("name", "") for one in containers_of(pod))
        fields["message"] = f"containers with unready status: [{names}]"
    for kind in ("Ready", "ContainersReady"):
        set_condition(pod, kind, "True" if ready else "False", now, **fields)
    for one in pod["status"].get("containerStatuses") or ():
        one["ready"] = ready
