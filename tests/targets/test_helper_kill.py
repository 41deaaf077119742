"""The helper pod that kills a process of the host: what it is told, and what is known of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import StepAction
from chaosd.helper.order import read_order
from chaosd.ports import Fenced, Struck
from chaosd.sandbox import scenarios
from chaosd.targets.helper import GRACE, fence, helper_name, helper_pod, strike
from tests.helper.machines import BOOT_ID, Machine
from tests.helper.ports import host, serves
from tests.support.intents import ID
from tests.support.lab import Lab
from tests.targets.helpers import (
    EARLY,
    FIRST,
    HELPER,
    LATE,
    Change,
    ended,
    helper_ended,
    helper_lab,
    helper_pod_of,
    made_not,
    node_victim,
    nothing,
    order,
    past_its_deadline,
    pod_victim,
    restart,
)

KILL = StepAction.KILL_PROCESS
KILLED, REFUSED, FAILED = StepState.KILLED, StepState.REFUSED, StepState.FAILED
SECOND = timedelta(seconds=1)


@pytest.fixture
def lab() -> Lab:
    return helper_lab()


def kill(lab: Lab, container: str = "etcd:2380", **changes: Any) -> tuple[Intent, Step]:
    """The order to kill a process of node-a."""
    victim = msgspec.structs.replace(node_victim(lab), container=container)
    return order(lab, KILL, **{"victim": victim, **changes})


def test_the_program_understands_what_it_is_told(lab: Lab) -> None:
    """The process by program and port, the machine by its boot, from the reservation on."""
    intent, step = kill(lab)
    manifest = helper_pod(intent, step)
    told = read_order(manifest["spec"]["containers"][0]["args"])
    assert (told.action, told.program, told.port) == ("kill", "etcd", 2380)
    assert told.identity == step.victim.identity
    assert (told.not_before, told.not_after) == (step.reserved_at, step.strike_by + GRACE)
    assert manifest["metadata"]["labels"]["chaosd.io/helper"] == "killProcess"
    assert (manifest["spec"]["nodeName"], manifest["spec"]["hostPID"]) == ("node-a", True)


def test_what_takes_a_member_of_etcd_has_no_time_to_wait(lab: Lab) -> None:
    """The guard's look is not to be older than it must: whatever was locked for a cluster ends with
    the time of its strike."""
    intent, step = kill(lab)
    held = msgspec.structs.replace(intent, locks=("Etcd/main",))
    told = read_order(helper_pod(held, step)["spec"]["containers"][0]["args"])
    assert told.not_after == step.strike_by


def test_its_pod_is_made_like_the_others(lab: Lab) -> None:
    """Once, by the one request of its step."""
    intent, step = kill(lab)
    assert strike(lab.reads, intent, step, 5.0) == Struck(
        None, f"helper pod {helper_name(ID)} was made"
    )
    assert "already" in strike(lab.reads, intent, step, 5.0).detail


@pytest.mark.parametrize("container", ["", "etcd", "etcd:", ":2380", "etcd:peer", "etcd:-1"])
def test_without_a_program_and_a_port_nothing_is_sent(lab: Lab, container: str) -> None:
    """Nothing else tells which process it is."""
    intent, step = kill(lab, container)
    lab.requests()
    struck = strike(lab.reads, intent, step, 5.0)
    assert (struck.state, "can killProcess node node-a" in struck.detail) == (FAILED, True)
    assert lab.asked() == []


@pytest.mark.parametrize("missing", ["helper", "identity", "kind"])
def test_what_no_helper_can_do_is_not_asked_for(lab: Lab, missing: str) -> None:
    """Without a place for it, a boot to know the machine by, or for a container of a pod."""
    victim = msgspec.structs.replace(node_victim(lab), container="etcd:2380")
    if missing == "identity":
        victim = msgspec.structs.replace(victim, identity="")
    if missing == "kind":
        victim = msgspec.structs.replace(pod_victim(lab), container="etcd:2380", identity=FIRST)
    helper = None if missing == "helper" else HELPER
    struck = strike(lab.reads, *kill(lab, victim=victim, helper=helper), 5.0)
    assert (struck.state, "can killProcess" in struck.detail) == (FAILED, True)


# ---- what it did


def node_away(lab: Lab) -> None:
    scenarios.set_node_ready(lab.cluster, "node-a", False)


def node_gone(lab: Lab) -> None:
    lab.cluster.remove("nodes", "", "node-a")


def other_node(lab: Lab) -> None:
    """Another node of that name, on the same boot of the machine."""
    boot_id = node_victim(lab).identity
    node_gone(lab)
    scenarios.node(lab.cluster, "node-a")
    restart(lab, boot_id)


NOT_SHOWN = "nothing shows that anything was struck"


@pytest.mark.parametrize(
    ("change", "early", "late", "detail"),
    [
        (ended(0), KILLED, KILLED, "as it was told"),
        (ended(3), REFUSED, REFUSED, "as it was told"),
        (ended(2), FAILED, FAILED, "as it was told"),
        (ended(4), None, REFUSED, "as it was told"),
        (ended(137), None, FAILED, f"as it was told, and {NOT_SHOWN}"),
        (past_its_deadline, None, FAILED, f"the helper pod Failed, and {NOT_SHOWN}"),
        (made_not, None, FAILED, f"no helper pod is there, and {NOT_SHOWN}"),
        (nothing, None, None, ""),
    ],
)
def test_the_end_of_the_pod_tells(
    change: Change, early: StepState | None, late: StepState | None, detail: str
) -> None:
    """Since the API shows nothing of a process that was killed."""
    assert seen(change, EARLY).known is early
    assert seen(change, LATE - SECOND).known is early
    assert seen(change, LATE) == Fenced(late, detail)


def seen(change: Change, after: timedelta) -> Fenced:
    """Strike, let ``change`` happen, and look ``after`` the reservation."""
    lab = helper_lab()
    intent, step = kill(lab)
    strike(lab.reads, intent, step, 5.0)
    change(lab)
    return fence(lab.reads, intent, step, step.reserved_at + after)


@pytest.mark.parametrize(
    ("deed", "detail"),
    [
        (restart, "the machine has restarted: boot ID 11111111-2222-4333-8444-555555555555"),
        (node_gone, "the node is gone"),
        (other_node, "the node is gone"),
    ],
)
@pytest.mark.parametrize("after", [EARLY, LATE])
@pytest.mark.parametrize("helper", [nothing, ended(3), ended(4), past_its_deadline])
def test_with_its_machine_the_process_went_down(
    lab: Lab, deed: Change, detail: str, after: timedelta, helper: Change
) -> None:
    """Whoever restarted it, and whatever the helper said: that is the safe side."""
    intent, step = kill(lab)
    strike(lab.reads, intent, step, 5.0)
    helper(lab)
    deed(lab)
    assert fence(lab.reads, intent, step, step.reserved_at + after) == Fenced(KILLED, detail)


@pytest.mark.parametrize("helper", [nothing, made_not])
def test_a_node_that_is_away_counts_as_struck(lab: Lab, helper: Change) -> None:
    """Nobody can ask what its helper did."""
    intent, step = kill(lab)
    strike(lab.reads, intent, step, 5.0)
    helper(lab)
    node_away(lab)
    assert fence(lab.reads, intent, step, step.reserved_at + EARLY) == Fenced(None)
    last = fence(lab.reads, intent, step, step.reserved_at + LATE)
    assert (last.known, "taken to be struck" in last.detail) == (KILLED, True)


def test_the_order_as_given_strikes_once(lab: Lab, tmp_path: Path) -> None:
    """From the step to the process and back; a helper that runs again spares what came after."""
    victim = msgspec.structs.replace(node_victim(lab), container="etcd:2380", identity=BOOT_ID)
    restart(lab, BOOT_ID)
    intent, step = kill(lab, victim=victim)
    strike(lab.reads, intent, step, 5.0)
    told = (helper_pod_of(lab) or {})["spec"]["containers"][0]["args"]
    machine = Machine(tmp_path, [step.reserved_at + EARLY])
    host(machine)
    serves(machine, 500)
    code, said = machine.run(told)
    helper_ended(lab, code, said)
    assert fence(lab.reads, intent, step, step.reserved_at + EARLY) == Fenced(KILLED, said.strip())
    (machine.proc / "500/stat").unlink()
    serves(machine, 501, started=5000.0)
    assert machine.run(told)[0] == 4
    assert machine.killed == [500]
