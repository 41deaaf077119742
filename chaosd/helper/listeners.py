"""Processes on the host: which one serves a port there, told by /proc."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from chaosd.helper.ends import Gone, Refused
from chaosd.helper.processes import pids, stat

_LISTEN = "0A"
"""TCP_LISTEN of the kernel's tcp_states.h, as /proc/net/tcp writes it."""
_SOCKET = re.compile(r"socket:\[(\d+)\]")


class Listener(NamedTuple):
    """A process that listens.

    ``started`` is in clock ticks since the machine started. ``network`` is its network namespace,
    ``sockets`` are the inodes of the sockets by which it listens.
    """

    pid: int
    started: int
    network: str
    sockets: frozenset[str]


def listener(proc: Path, program: str, port: int) -> Listener:
    """The process called ``program`` that listens on TCP ``port`` in the host's network, if there
    is exactly one.

    The host's network is that of its first process. A process of the same name in another one, as
    in a container, is not it, whatever its port.

    Raises Gone when there is none, Refused when there are several or it can't be told.
    """
    try:
        host = _network(proc / "1")
    except OSError as error:
        raise Refused(f"the host's network namespace can't be told: {error}") from None
    seen = (reread_listener(proc, pid, program, port) for pid in pids(proc))
    found = [one for one in seen if one is not None and one.network == host]
    if not found:
        raise Gone(f"no process {program} listens on TCP port {port} of this host")
    if len(found) > 1:
        several = ", ".join(str(one.pid) for one in sorted(found, key=lambda one: one.pid))
        raise Refused(f"several processes {program} listen on TCP port {port}: {several}")
    return found[0]


def reread_listener(proc: Path, pid: int, program: str, port: int) -> Listener | None:
    """That process as it is now; None when it is not there, dead, called otherwise, or does not
    listen on that port in its own network namespace. Raises Refused when it can't be read."""
    place = proc / str(pid)
    try:
        now = stat(place)
        if now is None or program not in _names(place):
            return None
        sockets = _open(place) & frozenset(_listening(place, port))
        return Listener(pid, now.started, _network(place), sockets) if sockets else None
    except (FileNotFoundError, ProcessLookupError):
        return None
    except (OSError, ValueError, IndexError) as error:
        raise Refused(f"{place} can't be read: {error}") from None


def _names(place: Path) -> frozenset[str]:
    """What a process is called: the kernel's name for it (15 bytes at most), that of its program's
    file, which may have been replaced meanwhile, and its own first argument.

    A thread of the kernel has no file and no arguments.
    """
    names = {(place / "comm").read_text(errors="replace").rstrip("\n")}
    argument = (place / "cmdline").read_bytes().partition(b"\0")[0]
    names.add(os.path.basename(os.fsdecode(argument)))
    with suppress(FileNotFoundError):
        names.add(os.path.basename(os.readlink(place / "exe").removesuffix(" (deleted)")))
    return frozenset(names)


def _listening(place: Path, port: int) -> Iterator[str]:
    """The inodes of the sockets that listen on the port in a process's network (proc_pid_net(5)).

    Read by lines, since a busy host has very many. A kernel without IPv6 has no tcp6.
    """
    for file in ("tcp", "tcp6"):
        with suppress(FileNotFoundError), (place / "net" / file).open() as lines:
            next(lines, None)
            for line in lines:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield fields[9]


def _open(place: Path) -> frozenset[str]:
    """The inodes of the sockets that a process has open."""
    found = set()
    for entry in (place / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            socket = _SOCKET.fullmatch(os.readlink(entry))
            if socket:
                found.add(socket[1])
    return frozenset(found)


def _network(place: Path) -> str:
    return os.readlink(place / "ns" / "net")
