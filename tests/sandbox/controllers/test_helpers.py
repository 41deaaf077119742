"""Helper pods: what their program would do to machines and containers, and how that comes back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import Json, condition_is, is_ready, stamp
from tests.sandbox.support import PODS, World, make_world

GONE_BOOT = "00000000-0000-4000-8000-000000000000"
KILL = ["kill", "--boot-id", GONE_BOOT, "--program", "etcd", "--port", "2380"]


@pytest.fixture
def world() -> World:
    """Two nodes with two pods of a Deployment each, settled."""
    world = make_world(nodes=2)
    scenarios.deployment(world.cluster, "shop", "web", 4)
    scenarios.settle(world.cluster)
    world.pass_time(60)
    return world


def node(world: World) -> Json:
    return world.cluster.get("nodes", "", "node-0") or {}


def boot_id(world: World) -> str:
    return str(node(world)["status"]["nodeInfo"]["bootID"])


def victim(world: World, on: str = "node-0") -> Json:
    return next(pod for pod in world.pods("web") if pod["spec"]["nodeName"] == on)


def status(pod: Json) -> Json:
    found: Json = pod["status"]["containerStatuses"][0]
    return found


def order(world: World, *what: str, start: float = 0, until: float = 60) -> list[str]:
    now = world.clock.now()
    first, last = now + timedelta(seconds=start), now + timedelta(seconds=until)
    return [*what, "--not-before", stamp(first), "--not-after", stamp(last)]


def helper(world: World, action: str, arguments: list[str]) -> None:
    container = {"name": "helper", "image": "chaosd:1", "args": arguments}
    labels = {"chaosd.io/helper": action}
    spec = {"nodeName": "node-0", "restartPolicy": "Never", "containers": [container]}
    body: dict[str, Any] = {"metadata": {"name": "h", "labels": labels}, "spec": spec}
    world.ok("POST", PODS, body)


def end(world: World) -> tuple[str, int, str]:
    """How the helper pod ended: its phase, exit code and message."""
    pod = world.cluster.get("pods", "shop", "h") or {}
    ended = status(pod)["state"]["terminated"]
    return pod["status"]["phase"], ended["exitCode"], ended.get("message", "")


def test_a_reboot(world: World) -> None:
    """The node goes away and comes back with another boot ID; its containers start anew."""
    before, mine, other = boot_id(world), victim(world), victim(world, "node-1")
    helper(world, "reboot", order(world, "reboot", "--boot-id", before))
    world.pass_time(6)
    assert condition_is(node(world), "Ready", "Unknown")
    assert boot_id(world) == before
    assert not is_ready(victim(world))
    world.pass_time(30)
    assert is_ready(node(world))
    assert boot_id(world) != before
    after = victim(world)
    assert after["metadata"]["uid"] == mine["metadata"]["uid"]
    assert is_ready(after)
    assert status(after)["restartCount"] == 1
    assert status(after)["containerID"] != status(mine)["containerID"]
    assert status(after)["lastState"]["terminated"]["containerID"] == status(mine)["containerID"]
    assert victim(world, "node-1") == other


def test_a_helper_that_runs_again_reboots_nothing(world: World) -> None:
    """The kubelet that came back has lost its status, so it runs it again: the boot ID differs."""
    before = boot_id(world)
    helper(world, "reboot", order(world, "reboot", "--boot-id", before))
    world.pass_time(60)
    now = boot_id(world)
    text = f"the machine has restarted: its boot ID is {now}, not {before}"
    assert end(world) == ("Failed", 4, text)
    world.pass_time(600)
    assert boot_id(world) == now


def test_a_node_returns_without_its_helper_pod(world: World) -> None:
    """It was deleted while the machine was away."""
    before = boot_id(world)
    helper(world, "reboot", order(world, "reboot", "--boot-id", before))
    world.pass_time(6)
    world.ok("DELETE", f"{PODS}/h", {"gracePeriodSeconds": 0})
    world.pass_time(30)
    assert is_ready(node(world))
    assert boot_id(world) != before


def test_how_long_a_reboot_takes_can_be_said(world: World) -> None:
    """By an annotation on the node, as for pods."""
    with world.cluster.edit("nodes", "", "node-0") as item:
        item["metadata"]["annotations"] = {"sandbox.chaosd.io/reboot-seconds": "100"}
    helper(world, "reboot", order(world, "reboot", "--boot-id", boot_id(world)))
    world.pass_time(90)
    assert not is_ready(node(world))
    world.pass_time(30)
    assert is_ready(node(world))


def test_a_crash(world: World) -> None:
    """That container alone is started anew, in the same pod, which is unready for a moment."""
    mine = victim(world)
    identity = status(mine)["containerID"]
    helper(world, "crash", order(world, "crash", "--container-id", identity))
    world.pass_time(5.5)
    bare = identity.removeprefix("sandbox://")
    assert end(world) == ("Succeeded", 0, f"killed the process of container {bare}")
    name = mine["metadata"]["name"]
    struck = world.cluster.get("pods", "shop", name) or {}
    assert struck["metadata"]["uid"] == mine["metadata"]["uid"]
    assert not is_ready(struck)
    assert status(struck)["restartCount"] == 1
    assert status(struck)["containerID"] not in ("", identity)
    assert status(struck)["lastState"]["terminated"]["exitCode"] == 137
    world.pass_time(10)
    assert is_ready(world.cluster.get("pods", "shop", name) or {})
    assert sum(status(pod)["restartCount"] for pod in world.pods("web")) == 1


def test_a_crash_of_what_never_restarts(world: World) -> None:
    """Its pod fails."""
    spec = {"nodeName": "node-0", "restartPolicy": "Never"}
    scenarios.pod(world.cluster, "shop", "once", pod_spec=spec)
    world.pass_time(20)
    identity = status(world.cluster.get("pods", "shop", "once") or {})["containerID"]
    helper(world, "crash", order(world, "crash", "--container-id", identity))
    world.pass_time(10)
    once = world.cluster.get("pods", "shop", "once") or {}
    assert once["status"]["phase"] == "Failed"
    assert end(world)[:2] == ("Succeeded", 0)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["reboot", "--boot-id", GONE_BOOT], 4, "the machine has restarted"),
        (["crash", "--container-id", "a" * 64], 4, "no process of container"),
        (["reboot"], 2, "required: --boot-id"),
        (KILL, 4, "the machine has restarted"),
        (["kill", "--boot-id", GONE_BOOT], 2, "required: --program, --port"),
        ([*KILL[:-1], "2,380"], 2, "is no TCP port"),
        ([*KILL[:-1], "65536"], 2, "is no TCP port"),
        (["halt", "--boot-id", GONE_BOOT], 2, "invalid choice"),
        ([], 2, ""),
    ],
)
def test_what_does_not_match_is_left_alone(
    world: World, arguments: list[str], code: int, said: str
) -> None:
    """The helper fails and says why; nothing has changed."""
    before = node(world), [status(pod) for pod in world.pods("web")]
    helper(world, "reboot", order(world, *arguments))
    world.pass_time(20)
    assert end(world)[:2] == ("Failed", code)
    assert said in end(world)[2]
    assert (node(world), [status(pod) for pod in world.pods("web")]) == before


@pytest.mark.parametrize("until", [60, 1])
def test_no_process_of_a_host_is_found(world: World, until: int) -> None:
    """None is simulated, so the helper ends as the program does where none listens: it says that
    before it looks at the time."""
    boot, mine = boot_id(world), [status(pod) for pod in world.pods("web")]
    arguments = ["kill", "--program", "etcd", "--port", "2380", "--boot-id", boot]
    helper(world, "killProcess", order(world, *arguments, until=until))
    world.pass_time(20)
    text = "no process etcd listens on TCP port 2380 of this host"
    assert end(world) == ("Failed", 4, text)
    assert is_ready(node(world))
    assert boot_id(world) == boot
    assert [status(pod) for pod in world.pods("web")] == mine


@pytest.mark.parametrize(
    ("start", "until", "said"),
    [(0, 1, "too late"), (600, 700, "the order is for"), (-100, -50, "too late")],
)
@pytest.mark.parametrize("action", ["reboot", "crash"])
def test_out_of_time(world: World, action: str, start: float, until: float, said: str) -> None:
    """Neither before its time nor after it."""
    mine = victim(world)
    what = {
        "reboot": ["reboot", "--boot-id", boot_id(world)],
        "crash": ["crash", "--container-id", status(mine)["containerID"]],
    }
    helper(world, action, order(world, *what[action], start=start, until=until))
    world.pass_time(30)
    assert end(world)[:2] == ("Failed", 3)
    assert said in end(world)[2]
    assert victim(world) == mine
    assert is_ready(node(world))


def test_a_container_that_started_after_the_order(world: World) -> None:
    """It may be the successor of the one that was meant."""
    mine = victim(world)
    arguments = order(
        world, "crash", "--container-id", status(mine)["containerID"], start=-3600, until=60
    )
    helper(world, "crash", arguments)
    world.pass_time(10)
    assert end(world)[1] == 3
    assert "after the order was given" in end(world)[2]


def test_a_helper_on_another_node_reaches_no_container_here(world: World) -> None:
    """A container's ID is looked for on the helper's own node."""
    identity = status(victim(world, "node-1"))["containerID"]
    helper(world, "crash", order(world, "crash", "--container-id", identity))
    world.pass_time(10)
    assert end(world)[1] == 4
