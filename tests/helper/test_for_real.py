"""The helper against real processes of the tests' own: their start times, descriptors and ends.

What has no place here: a container's own cgroup, which is said in a folder instead of /proc, and
the restart of a machine.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chaosd.helper.processes import reread
from chaosd.helper.program import World, main
from tests.helper.machines import CONTAINER, OTHER, rfc3339, scope_of
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
SLEEP = [sys.executable, "-c", "print('up', flush=True); import time; time.sleep(600)"]
# The first process of a pid namespace of its own, with a child.
INSIDE = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "sh", "-c"]
FAMILY = "sleep 600 & echo up; wait"


def never() -> None:
    raise AssertionError("a test must not restart the machine")


SAFE = World(restart=never)


class Processes:
    """Real processes, and a /proc that says of some of them that they are in a container."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.proc = folder / "proc"
        self.proc.mkdir()
        (self.proc / "uptime").symlink_to("/proc/uptime")
        self.log = folder / "termination-log"
        self.log.touch()
        self.running: list[subprocess.Popen[str]] = []

    def start(self, command: list[str] | None = None) -> subprocess.Popen[str]:
        """A process that runs until it is killed; returned once it is up."""
        started = subprocess.Popen(command or SLEEP, stdout=subprocess.PIPE, text=True)
        self.running.append(started)
        assert started.stdout is not None
        assert started.stdout.readline() == "up\n"
        return started

    def contain(self, pid: int, container: str) -> None:
        """Say that a process is in a container; all else about it is as it really is."""
        place = self.proc / str(pid)
        place.mkdir()
        (place / "cgroup").write_text(scope_of(container))
        for file in ("stat", "status"):
            (place / file).symlink_to(f"/proc/{pid}/{file}")

    def crash(self, container: str, ordered: datetime | None = None) -> tuple[int, str]:
        """Carry out an order that is given now; the exit code and the termination log.

        Clocks are read in ticks, by which a process of this very moment may seem a little younger:
        the order is for a second later, which the program takes for clocks that differ.
        """
        now = ordered or datetime.now(UTC) + timedelta(seconds=1)
        order = ["crash", "--container-id", f"containerd://{container}"]
        order += ["--not-before", rfc3339(now)]
        order += ["--not-after", rfc3339(now + timedelta(minutes=10))]
        order += ["--proc", str(self.proc), "--termination-log", str(self.log)]
        return main(order, SAFE), self.log.read_text()


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    found = Processes(tmp_path)
    yield found
    for process in found.running:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def test_it_kills_that_process_and_no_other(processes: Processes) -> None:
    """By SIGKILL, through a descriptor that means this process only; a second run finds nothing."""
    victim, bystander = processes.start(), processes.start()
    processes.contain(victim.pid, CONTAINER)
    processes.contain(bystander.pid, OTHER)
    code, said = processes.crash(CONTAINER)
    assert (code, f"killed process {victim.pid} of" in said) == (0, True)
    assert victim.wait() == -signal.SIGKILL
    assert bystander.poll() is None
    assert processes.crash(CONTAINER)[0] == 4
    assert bystander.poll() is None


def test_a_process_with_another_start_time_lives(processes: Processes) -> None:
    """The number is the same, and what was looked at first is not what is there now."""
    process = processes.start()
    processes.contain(process.pid, CONTAINER)
    stat = processes.proc / str(process.pid) / "stat"
    real = stat.read_text()
    fields = real.rpartition(")")[2].split()
    stat.unlink()
    stat.write_text(real.replace(f" {fields[19]} ", f" {int(fields[19]) - 1} "))

    def opened(pid: int) -> int:
        stat.write_text(real)
        return os.pidfd_open(pid)

    now = datetime.now(UTC)
    order = ["crash", "--container-id", CONTAINER, "--not-before", rfc3339(now)]
    order += ["--not-after", rfc3339(now + timedelta(minutes=10)), "--proc", str(processes.proc)]
    order += ["--termination-log", str(processes.log)]
    assert main(order, World(restart=never, open_process=opened)) == 3
    assert "has changed" in processes.log.read_text()
    assert process.poll() is None


def test_a_process_that_is_younger_than_the_order_lives(processes: Processes) -> None:
    """By the machine's own clocks: it was started after a minute ago."""
    process = processes.start()
    processes.contain(process.pid, CONTAINER)
    code, said = processes.crash(CONTAINER, datetime.now(UTC) - timedelta(minutes=1))
    assert (code, "after the order was given" in said) == (3, True)
    assert process.poll() is None


def test_the_first_process_of_a_namespace_ends_with_all_in_it(processes: Processes) -> None:
    """As a container does whose main process is killed from outside."""
    probe = subprocess.run([*INSIDE, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no pid namespace can be made here: {probe.stderr.decode().strip()}")
    outside = processes.start([*INSIDE, FAMILY])
    first = until(lambda: next(iter(children_of(outside.pid)), None))
    [child] = until(lambda: children_of(first))
    for pid in (first, child):
        processes.contain(pid, CONTAINER)
    found = reread(processes.proc, first, CONTAINER)
    assert found is not None
    assert (found.inner[-1], found.parent) == (1, outside.pid)
    code, said = processes.crash(CONTAINER)
    assert (code, f"killed process {first} of" in said) == (0, True)
    outside.wait()
    until(lambda: not Path(f"/proc/{child}").exists())


def children_of(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(number) for number in text.split()]


def test_it_runs_by_itself_with_the_standard_library_alone() -> None:
    """Without site-packages it looks through the real /proc, and loads nothing else of chaosd."""
    container = secrets.token_hex(32)
    now = datetime.now(UTC)
    order = ["crash", "--container-id", container, "--not-before", rfc3339(now)]
    order += ["--not-after", rfc3339(now + timedelta(minutes=10))]
    ended = subprocess.run(
        [sys.executable, "-S", "-m", "chaosd.helper", *order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr == f"no process of container {container} runs here\n"


def test_it_loads_nothing_else_of_chaosd() -> None:
    """It has to start fast, wherever it runs."""
    code = "import sys, chaosd.helper.__main__; print(*sorted(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    ours = [name for name in ended.stdout.split() if name.split(".")[0] == "chaosd"]
    assert [name for name in ours if not name.startswith("chaosd.helper")] == ["chaosd"]
    theirs = {name.split(".")[0] for name in ended.stdout.split()} - {"chaosd", "__main__"}
    assert theirs <= sys.stdlib_module_names | {"_distutils_hack"}


def test_malformed_arguments_end_with_two() -> None:
    """Also from the shell, in one line."""
    ended = subprocess.run(
        [sys.executable, "-m", "chaosd.helper", "reboot", "--boot-id", "mine"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
