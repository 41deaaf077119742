"""Pods that stand for real processes, by the example of a harmless one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chaosd.sandbox import Controllers, Timings, scenarios
from chaosd.sandbox.controllers.processes import Life
from chaosd.sandbox.controllers.timings import REBOOT
from chaosd.sandbox.objects import Json, is_ready, stamp
from chaosd.sandbox.processes import IN_VAIN, Processes, Program
from tests.sandbox.support import PODS, World, make_world
from tests.support.waiting import until

ADDRESS = "127.2.0.1"


# It says who it is, and does nothing more.
IDLE = """
import os, sys, time
with open(sys.argv[1], "a") as begun:
    begun.write(f"{os.getpid()}\\n")
time.sleep(600)
"""


class Inside:
    """A process for every pod of shop/db, which answers when it has begun and the test says so."""

    def __init__(self, folder: Path) -> None:
        self.begun = folder / "begun"
        self.log = folder / "log"
        self.answers = threading.Event()
        self.dying: list[Program] = []
        self.command: tuple[str, ...] = (sys.executable, "-I", "-S", "-c", IDLE, str(self.begun))

    def plan(self, pod: Json) -> Program | None:
        if not pod["metadata"]["name"].startswith("db-"):
            return None
        return Program(ADDRESS, self.command, self._healthy, self.log, os.environ)

    def pids(self) -> list[int]:
        """Every process that there was, in order."""
        return [int(text) for text in self.begun.read_text().split()] if self.begun.exists() else []

    def _healthy(self) -> bool:
        return self.answers.is_set() and any(alive(pid) for pid in self.pids())


@pytest.fixture
def inside(tmp_path: Path) -> Inside:
    """Nothing started yet."""
    return Inside(tmp_path)


@pytest.fixture
def processes(inside: Inside) -> Iterator[Processes]:
    """They end with the test."""
    with Processes(inside.plan, probe=0.02, dying=inside.dying.append) as processes:
        yield processes


@pytest.fixture
def world(processes: Processes) -> World:
    """StatefulSet shop/db of one, whose pod stands for a process, and shop/web of one."""
    world = make_world(nodes=1)
    world.controllers.close()
    scenarios.stateful_set(world.cluster, "shop", "db", 1)
    scenarios.deployment(world.cluster, "shop", "web", 1)
    world.controllers = Controllers(world.cluster, Timings.instant(), processes)
    return world


def wait(world: World, ask: Callable[[], Any]) -> None:
    """Let cluster and real time pass until it is so."""

    def asked() -> Any:
        world.pass_time(1)
        return ask()

    until(asked)


def ready(world: World) -> Callable[[], bool]:
    return lambda: [is_ready(pod) for pod in world.pods("db")] == [True]


def running(world: World, processes: Processes) -> int:
    """The process of the pod."""

    def pid() -> int | None:
        world.pass_time(1)
        pods = world.pods("db")
        return processes.pid(pods[0]) if pods else None

    return until(pid)


def answering(world: World, inside: Inside, processes: Processes) -> int:
    """The process of the pod, once it has answered and its pod is Ready."""
    inside.answers.set()
    wait(world, ready(world))
    return running(world, processes)


def alive(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_pod_is_ready_when_its_process_answers(
    world: World, inside: Inside, processes: Processes
) -> None:
    """It runs before that, at the process's address; pods without a process are as ever."""
    pid = running(world, processes)
    assert alive(pid)
    assert world.pod("db")["status"]["podIP"] == ADDRESS
    assert world.pod("db")["status"]["phase"] == "Running"
    assert not is_ready(world.pod("db"))
    assert is_ready(world.pod("web"))
    assert world.pod("web")["status"]["podIP"].startswith("10.244.")
    inside.answers.set()
    wait(world, ready(world))
    assert inside.pids() == [pid] == [running(world, processes)]


@pytest.mark.parametrize("grace", [None, 0, 5])
def test_a_deleted_pod_takes_its_process_along(
    world: World, inside: Inside, processes: Processes, grace: int | None
) -> None:
    """Whatever the grace period; the pod that comes back has a process of its own."""
    first = answering(world, inside, processes)
    options = {} if grace is None else {"gracePeriodSeconds": grace}
    world.ok("DELETE", f"{PODS}/db-0", options)
    world.controllers.step()
    until(lambda: not alive(first))
    wait(world, ready(world))
    assert inside.pids() == [first, running(world, processes)]
    assert world.pod("db")["status"]["containerStatuses"][0]["restartCount"] == 0


def test_an_eviction_kills_the_process(world: World, inside: Inside, processes: Processes) -> None:
    """By SIGKILL, at once: the pod is there until it has stopped."""
    first = answering(world, inside, processes)
    assert world.evict("db-0").status == 201
    world.controllers.step()
    assert not any(is_ready(pod) for pod in world.pods("db"))
    until(lambda: not alive(first))
    wait(world, ready(world))


def test_a_process_that_ends_by_itself_is_a_container_that_restarts(
    world: World, inside: Inside, processes: Processes
) -> None:
    """The pod stays, loses its readiness, and gets it back with the next process."""
    inside.answers.set()
    wait(world, ready(world))
    uid = world.pod("db")["metadata"]["uid"]
    inside.answers.clear()
    os.kill(running(world, processes), signal.SIGKILL)
    wait(world, lambda: not is_ready(world.pod("db")))
    wait(world, lambda: len(inside.pids()) == 2)
    inside.answers.set()
    wait(world, ready(world))
    assert world.pod("db")["metadata"]["uid"] == uid
    status = world.pod("db")["status"]["containerStatuses"][0]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["exitCode"] == 137


def helper(world: World, action: str, *arguments: str) -> None:
    """A helper pod on the node that strikes now."""
    now = world.clock.now()
    told = [action, *arguments, "--not-before", stamp(now)]
    told += ["--not-after", stamp(now + timedelta(minutes=1))]
    container = {"name": "helper", "image": "chaosd:1", "args": told}
    labels = {"chaosd.io/helper": action}
    spec = {"nodeName": "node-0", "restartPolicy": "Never", "containers": [container]}
    world.ok("POST", PODS, {"metadata": {"name": "h", "labels": labels}, "spec": spec})


def test_a_crash_kills_the_process(world: World, inside: Inside, processes: Processes) -> None:
    """The helper's strike on the container is one on the process; another one is started."""
    first = answering(world, inside, processes)
    identity = world.pod("db")["status"]["containerStatuses"][0]["containerID"]
    helper(world, "crash", "--container-id", identity)
    wait(world, lambda: len(inside.pids()) == 2)
    wait(world, ready(world))
    assert not alive(first)
    assert world.pod("db")["status"]["containerStatuses"][0]["restartCount"] == 1


def test_processes_go_down_with_their_machine(
    world: World, inside: Inside, processes: Processes
) -> None:
    """Nothing runs while it is away, and each has a new one after it."""
    first = answering(world, inside, processes)
    with world.cluster.edit("nodes", "", "node-0") as node:
        node["metadata"].setdefault("annotations", {})[REBOOT] = "20"
        boot = node["status"]["nodeInfo"]["bootID"]
    helper(world, "reboot", "--boot-id", boot)
    world.pass_time(10)
    until(lambda: not alive(first))
    assert processes.pid(world.pod("db")) is None
    assert not is_ready(world.pod("db"))
    wait(world, ready(world))
    assert inside.pids() == [first, running(world, processes)]


def test_a_process_that_answers_no_more_costs_the_readiness(
    world: World, inside: Inside, processes: Processes
) -> None:
    """And nothing else: it goes on, and is Ready again when it answers."""
    pid = answering(world, inside, processes)
    inside.answers.clear()
    wait(world, lambda: not is_ready(world.pod("db")))
    inside.answers.set()
    wait(world, ready(world))
    assert running(world, processes) == pid


def test_a_pod_that_is_never_ready_is_not_made_so_by_its_process(
    world: World, inside: Inside, processes: Processes
) -> None:
    """The annotation goes first."""
    inside.answers.set()
    wait(world, ready(world))
    scenarios.set_pod_ready(world.cluster, "shop", "db-0", False)
    until(lambda: processes.run(world.pod("db")) is Life.READY)
    world.pass_time(5)
    assert not is_ready(world.pod("db"))


def test_a_program_that_can_not_be_started_is_said_in_its_log(world: World, inside: Inside) -> None:
    """The container restarts again and again, and nothing is Ready."""
    inside.answers.set()
    inside.command = ("/nowhere/etcd",)
    wait(world, lambda: world.pod("db")["status"]["containerStatuses"][0]["restartCount"] > 1)
    assert "/nowhere/etcd does not start: [Errno 2]" in inside.log.read_text()


def restarts(world: World) -> int:
    return int(world.pod("db")["status"]["containerStatuses"][0]["restartCount"])


def restarted(world: World, more_than: int) -> Callable[[], bool]:
    return lambda: restarts(world) > more_than


def begun(inside: Inside, more_than: int) -> Callable[[], bool]:
    return lambda: len(inside.pids()) > more_than


def test_a_process_that_ends_at_once_again_and_again_is_told_once(
    world: World, inside: Inside
) -> None:
    """Before that nothing is: one process may end."""
    dies = "import sys; sys.exit('no such flag')"
    inside.command = (sys.executable, "-I", "-S", "-c", dies)
    wait(world, lambda: inside.dying or restarts(world) > 9)
    told = inside.dying[0]
    assert (told.address, told.log) == (ADDRESS, inside.log)
    assert inside.log.read_text().count("no such flag") == IN_VAIN
    wait(world, restarted(world, restarts(world) + IN_VAIN))
    assert len(inside.dying) == 1


def test_processes_that_answered_or_were_killed_do_not_count(
    world: World, inside: Inside, processes: Processes
) -> None:
    """A member that somebody kills time and again is no member that does not start."""
    inside.answers.set()
    for already in range(IN_VAIN):
        wait(world, ready(world))
        os.kill(running(world, processes), signal.SIGKILL)
        wait(world, restarted(world, already))
    inside.answers.clear()
    for already in range(IN_VAIN, 2 * IN_VAIN):
        wait(world, begun(inside, already))
        world.ok("DELETE", f"{PODS}/db-0")
    wait(world, begun(inside, 2 * IN_VAIN))
    assert inside.dying == []


def test_a_pod_without_a_program_has_no_process(world: World, processes: Processes) -> None:
    """Nobody may ask for one, and there is nothing to kill."""
    wait(world, lambda: world.pods("web"))
    pod = world.pod("web")
    assert processes.address(pod) == ""
    processes.kill(pod)
    with pytest.raises(ValueError, match="nothing runs in web-"):
        processes.run(pod)


def test_no_process_outlives_the_block(inside: Inside) -> None:
    """Nor is one started that was waiting for its turn."""
    pods = [{"metadata": {"name": "db-0", "uid": text}} for text in ("one", "two")]
    with Processes(inside.plan, probe=0.02) as processes:
        for pod in pods:
            processes.run(pod)
        pid = until(lambda: processes.pid(pods[0]))
        assert processes.pid(pods[1]) is None, "its address is taken"
    assert not alive(pid)
    assert processes.pid(pods[1]) is None


KILLED = """
    import os, signal, sys, threading, time
    from pathlib import Path
    from chaosd.sandbox.processes import IN_VAIN, Processes, Program
    folder = Path(sys.argv[1])
    plan = lambda pod: Program(
        "127.2.0.1", ("/bin/sleep", "600"), lambda: False, folder / "log", os.environ
    )
    pod = {"metadata": {"name": "db-0", "uid": "1"}}
    with Processes(plan) as processes:
        processes.run(pod)
        comm = lambda: Path(f"/proc/{processes.pid(pod)}/comm")
        while not processes.pid(pod) or "sleep" not in comm().read_text():
            time.sleep(0.01)
        print(processes.pid(pod), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_no_process_outlives_a_sandbox_that_is_killed(tmp_path: Path) -> None:
    """Though nobody is there to end it."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    until(lambda: not alive(int(done.stdout)))
