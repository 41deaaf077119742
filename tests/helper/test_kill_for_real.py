"""The helper against real processes that listen on loopback, with all that /proc says of them.

The /proc is the real one, cut down to a test's own processes, so that no rights are needed.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chaosd.helper.program import World, main
from tests.helper.ports import kill_order
from tests.support.ports import steady_ports
from tests.support.waiting import until

REFUSED, GONE = 3, 4
ROOT = Path(__file__).parents[2]
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SERVE = """
import signal, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.socket(family)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((sys.argv[1], int(sys.argv[2])))
server.listen()
print(server.getsockname()[1], flush=True)
"""
WAIT = "signal.pause()\n"
FORK = "import os\nos.fork()\nprint(os.getpid(), flush=True)\n"
# A pid namespace of its own, whose first process starts one that listens, and then the helper.
WORLD = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
FIRST = """
import subprocess, sys
program, *order = sys.argv[1:]
command = ["etcd", "-S", "-E", "-c", program, "127.0.0.1", "0"]
etcd = subprocess.Popen(command, executable=sys.executable, stdout=subprocess.PIPE, text=True)
port = etcd.stdout.readline().strip()
order[order.index("PORT")] = port
sys.exit(subprocess.call([sys.executable, "-S", "-m", "chaosd.helper", *order]))
"""
LOOPBACK_UP = """
import fcntl, socket, struct
with socket.socket() as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
"""


def never() -> None:
    raise AssertionError("a test must not restart the machine")


SAFE = World(restart=never)


class Serving:
    """A process that listens, called ``name``."""

    def __init__(self, name: str, program: str, before: list[str], address: str, port: int) -> None:
        command = [*before, name, "-S", "-E", "-c", program, address, str(port)]
        executable = None if before else sys.executable
        self.process = subprocess.Popen(
            command, executable=executable, stdout=subprocess.PIPE, text=True
        )
        self.pid = self.process.pid
        line = self.line()
        self.port = int(line) if line else 0

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


class Host:
    """The machine, as far as it concerns the tests."""

    def __init__(self, folder: Path) -> None:
        self.name = f"member-{secrets.token_hex(4)}"
        self.proc = folder / "proc"
        self.log = folder / "termination-log"
        self.log.touch()
        (self.proc / "sys/kernel/random").mkdir(parents=True)
        (self.proc / "1/ns").mkdir(parents=True)
        (self.proc / "1/ns/net").symlink_to(os.readlink("/proc/self/ns/net"))
        for file in ("uptime", "sys/kernel/random/boot_id"):
            (self.proc / file).symlink_to(f"/proc/{file}")
        self.serving: list[Serving] = []

    def serve(
        self,
        program: str = SERVE + WAIT,
        before: list[str] | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
    ) -> Serving:
        """A process that listens until it is killed; a port of its own without one."""
        one = Serving(self.name, program, before or [], address, port)
        self.serving.append(one)
        self.show(one.pid)
        return one

    def show(self, pid: int) -> None:
        (self.proc / str(pid)).symlink_to(f"/proc/{pid}")

    def kill(self, port: int, start: datetime, boot_id: str = "") -> tuple[int, str]:
        """Carry out an order; the exit code and the termination log."""
        boot_id = boot_id or (self.proc / "sys/kernel/random/boot_id").read_text()
        order = kill_order(
            program=self.name, port=port, boot_id=boot_id, start=start, until=start + 10 * MINUTE
        )
        order += ["--proc", str(self.proc), "--termination-log", str(self.log)]
        return main(order, SAFE), self.log.read_text()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    for one in host.serving:
        one.process.kill()
        one.process.wait()
        if one.process.stdout:
            one.process.stdout.close()


def test_it_kills_that_process_once_and_never_its_successor(host: Host) -> None:
    """It refuses until its time has come, strikes, and then finds what came after too young; what
    is called the same and listens elsewhere lives."""
    victim, bystander = host.serve(), host.serve()
    code, said = host.kill(victim.port, datetime.now(UTC) + 10 * MINUTE)
    assert (code, "the order is for" in said) == (REFUSED, True)
    start = datetime.now(UTC) + 6 * SECOND
    runs: list[tuple[int, str]] = []

    def struck() -> bool:
        runs.append(host.kill(victim.port, start))
        return runs[-1][0] != REFUSED

    until(struck)
    assert (runs[-1][0], f"killed process {victim.pid}, {host.name}" in runs[-1][1]) == (0, True)
    assert victim.process.wait() == -signal.SIGKILL
    assert host.kill(victim.port, start)[0] == GONE
    successor = host.serve(port=victim.port)
    code, said = host.kill(victim.port, start)
    assert (code, f"process {successor.pid} started at" in said) == (GONE, True)
    assert (successor.process.poll(), bystander.process.poll()) == (None, None)


def test_a_socket_of_two_processes_is_no_proof(host: Host) -> None:
    """A child that inherited it is called the same and listens as well."""
    parent = host.serve(SERVE + FORK + WAIT)
    [child] = {int(parent.line()), int(parent.line())} - {parent.pid}
    host.show(child)
    try:
        code, said = host.kill(parent.port, datetime.now(UTC) - MINUTE)
        several = ", ".join(map(str, sorted((parent.pid, child))))
        assert (code, several in said) == (REFUSED, True)
        assert parent.process.poll() is None
    finally:
        os.kill(child, signal.SIGKILL)


def test_one_in_a_network_of_its_own_is_not_it(host: Host) -> None:
    """As in a container: the same name, the same port, and the host's process is told from it."""
    before = ["unshare", "--user", "--map-root-user", "--net"]
    probe = subprocess.run([*before, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no network namespace can be made here: {probe.stderr.decode().strip()}")
    before += ["bash", "-c", f'exec -a "$0" {sys.executable} "$@"']
    start = datetime.now(UTC) - MINUTE
    [port] = steady_ports(1)
    inside = host.serve(LOOPBACK_UP + SERVE + WAIT, before, port=port)
    code, said = host.kill(inside.port, start)
    assert (code, "no process member-" in said) == (GONE, True)
    outside = host.serve(port=inside.port)
    code, said = host.kill(inside.port, start)
    assert (code, f"process {outside.pid} started at" in said) == (GONE, True)
    assert (inside.process.poll(), outside.process.poll()) == (None, None)


def test_another_boot_is_another_machine(host: Host) -> None:
    """Whatever listens there now."""
    one = host.serve()
    code, said = host.kill(
        one.port, datetime.now(UTC), boot_id="0d9a2c4e-1111-4222-8333-444455556666"
    )
    assert (code, "the machine has restarted" in said) == (GONE, True)
    assert one.process.poll() is None


def test_it_finds_what_listens_on_ipv6(host: Host) -> None:
    """There a socket may also stand for both."""
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    one = host.serve(address="::1")
    code, said = host.kill(one.port, datetime.now(UTC) - MINUTE)
    assert (code, f"process {one.pid} started at" in said) == (GONE, True)


def test_it_runs_by_itself_through_the_whole_of_proc() -> None:
    """Without site-packages, among all processes of a small world that has its own first one."""
    probe = subprocess.run([*WORLD, "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip(f"no such world can be made here: {probe.stderr.decode().strip()}")
    start = datetime.now(UTC) - MINUTE
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text()
    order = kill_order(port="PORT", boot_id=boot_id, start=start, until=start + 10 * MINUTE)
    ended = subprocess.run(
        [*WORLD, sys.executable, "-c", FIRST, SERVE + WAIT, *order],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (GONE, "")
    assert re.fullmatch(
        "process 2 started at .*, after the order was given: at .*", ended.stderr.strip()
    )


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True
