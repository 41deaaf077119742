"""A cluster for helper pods: what a kubelet would write of them, and of what they struck."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Helper, StepAction, Victim
from chaosd.sandbox import scenarios
from chaosd.targets.helper import GRACE, MARGIN, helper_name
from tests.support.intents import ID, reserved
from tests.support.lab import Lab

HELPER = Helper("chaosd-helper", "registry.example.com/chaosd:1.0")
CRASH, REBOOT = StepAction.CRASH, StepAction.REBOOT
FIRST = "containerd://" + "4f" * 32
SECOND = "containerd://" + "a7" * 32
PODS = f"/api/v1/namespaces/{HELPER.namespace}/pods"
BOTH = pytest.mark.parametrize("action", [CRASH, REBOOT])
Change = Callable[[Lab], None]
EARLY = timedelta(seconds=5)
"""After a strike's reservation: when a helper may still strike."""
LATE = timedelta(seconds=10) + GRACE + MARGIN + timedelta(seconds=1)
"""After a strike's reservation: when a helper is not waited for any longer."""


def helper_lab() -> Lab:
    """Three pods of a Deployment with two containers each, on two nodes."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.namespace(cluster, HELPER.namespace)
        scenarios.deployment(
            cluster,
            "shop",
            "web",
            3,
            opt_in=True,
            pod_spec={
                "containers": [
                    {"name": "app", "image": "web:1"},
                    {"name": "log", "image": "log:1"},
                ]
            },
        )
    for pod in lab.cluster.all("pods", "shop"):
        run_containers(lab, pod["metadata"]["name"], app=FIRST)
    return lab


def run_containers(lab: Lab, pod: str, **ids: str) -> None:
    """Say that these containers of a pod run under these IDs; "" for one that has ended."""
    with lab.cluster.edit("pods", "shop", pod) as item:
        for one in item["status"]["containerStatuses"]:
            if one["name"] in ids:
                one["containerID"] = ids[one["name"]] or one["containerID"]
                ended = {"terminated": {"exitCode": 137}}
                running = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
                one["state"] = running if ids[one["name"]] else ended


def pod_victim(lab: Lab) -> Victim:
    """The first of the pods, by its container."""
    name = sorted(item["metadata"]["name"] for item in lab.cluster.all("pods", "shop"))[0]
    pod = lab.reads.pod("shop", name)
    assert pod is not None
    return Victim(
        "shop", name, pod.uid, pod.resource_version, pod.node, container="app", identity=FIRST
    )


def node_victim(lab: Lab) -> Victim:
    """A node, by its boot."""
    node = lab.reads.node("node-a")
    assert node is not None
    return Victim(
        "", "node-a", node.uid, node.resource_version, "node-a", "Node", identity=node.boot_id
    )


def order(lab: Lab, action: StepAction, **changes: Any) -> tuple[Intent, Step]:
    """An intent with one step, reserved now; ``changes`` are of the intent."""
    struck = changes.pop("victim", None) or (
        pod_victim(lab) if action is CRASH else node_victim(lab)
    )
    return reserved(struck, lab.clock.now(), action, **{"helper": HELPER, **changes})


def helper_state(lab: Lab, state: dict[str, Any] | None, phase: str) -> None:
    """What the kubelet writes of the helper pod's one container (None: nothing)."""
    with lab.cluster.edit("pods", HELPER.namespace, helper_name(ID)) as item:
        item["status"]["phase"] = phase
        if state is not None:
            item["status"]["containerStatuses"] = [{"name": "helper", "state": state}]


def helper_ended(lab: Lab, code: int, message: str = "as it was told\n") -> None:
    """The helper's program has ended."""
    terminated = {"exitCode": code, "message": message}
    helper_state(lab, {"terminated": terminated}, "Failed" if code else "Succeeded")


def nothing(_: Lab) -> None:
    """Nothing has happened."""


def ended(code: int) -> Change:
    """The helper's program will have ended."""
    return lambda lab: helper_ended(lab, code)


def past_its_deadline(lab: Lab) -> None:
    """The kubelet ended the helper pod, and nothing is known of its container."""
    helper_state(lab, None, "Failed")


def running(lab: Lab) -> None:
    """The helper's program is at work."""
    helper_state(lab, {"running": {}}, "Running")


def pulling(lab: Lab) -> None:
    """The helper's image is not to be had."""
    helper_state(lab, {"waiting": {"reason": "ImagePullBackOff"}}, "Pending")


def made_not(lab: Lab) -> None:
    """There is no helper pod."""
    lab.cluster.remove("pods", HELPER.namespace, helper_name(ID))


def helper_pod_of(lab: Lab) -> dict[str, Any] | None:
    """The helper pod as it is stored."""
    found: dict[str, Any] | None = lab.cluster.get("pods", HELPER.namespace, helper_name(ID))
    return found


def restart(lab: Lab, boot_id: str = "11111111-2222-4333-8444-555555555555") -> None:
    """The machine of node-a is back under another boot ID."""
    with lab.cluster.edit("nodes", "", "node-a") as item:
        item["status"]["nodeInfo"]["bootID"] = boot_id
