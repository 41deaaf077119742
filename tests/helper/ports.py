"""Processes of a machine that listen on ports, as /proc has them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from tests.helper.machines import BOOT_ID, ORDERED, UNTIL, Machine, rfc3339

HOST = "net:[4026531840]"
INSIDE = "net:[4026532600]"
PORT = 2380
LISTEN, ESTABLISHED = "0A", "01"
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout"


def kill_order(
    *more: str,
    program: str = "etcd",
    port: int | str = PORT,
    boot_id: str = BOOT_ID,
    start: datetime = ORDERED,
    until: datetime = UNTIL,
) -> list[str]:
    """The arguments of a kill."""
    order = ["kill", "--program", program, "--port", str(port), "--boot-id", boot_id]
    order += ["--not-before", rfc3339(start.astimezone(UTC))]
    return [*order, "--not-after", rfc3339(until.astimezone(UTC)), *more]


def sockets_line(port: int, inode: int, state: str = LISTEN, address: str = "0100007F") -> str:
    """A line of /proc/net/tcp."""
    return (
        f"   0: {address}:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000"
        f"     0        0 {inode} 1 0000000000000000 100 0 0 10 0"
    )


def host(machine: Machine) -> None:
    """The machine's own network namespace."""
    link(machine.proc / "1/ns/net", HOST)


def serves(
    machine: Machine,
    pid: int = 500,
    *,
    command: str = "etcd",
    arguments: str = "/usr/bin/etcd\0--name\0a\0",
    exe: str = "/usr/bin/etcd",
    network: str = HOST,
    started: float = 1000.0,
    inode: int = 7001,
    lines: tuple[str, ...] = (),
    lines6: tuple[str, ...] | None = (),
    state: str = "S",
) -> None:
    """A process that has the socket ``inode`` open, by default one that listens on PORT.

    ``lines`` and ``lines6`` are the sockets of its network; None: there is no such file.
    """
    machine.process(pid, 1, cgroup="0::/system.slice/etcd.service\n", started=started, state=state)
    place = machine.proc / str(pid)
    (place / "comm").write_text(command + "\n")
    (place / "cmdline").write_text(arguments)
    if exe:
        link(place / "exe", exe)
    link(place / "ns/net", network)
    (place / "net").mkdir(exist_ok=True)
    table = lines or (sockets_line(PORT, inode),)
    (place / "net/tcp").write_text("\n".join([HEAD, *table, ""]))
    if lines6 is not None:
        (place / "net/tcp6").write_text("\n".join([HEAD, *lines6, ""]))
    link(place / "fd/0", "/dev/null")
    link(place / "fd/1", "pipe:[812]")
    link(place / "fd/7", f"socket:[{inode}]")


def link(path: Path, target: str) -> None:
    """A symbolic link, in place of one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
