"""Processes on the host: which one is a container's main process, told by /proc."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from chaosd.helper.ends import Gone, Refused

_DEAD = frozenset("ZXx")


class Stat(NamedTuple):
    """Its parent, and when it started: in clock ticks since the machine did (proc_pid_stat(5),
    fields 4 and 22)."""

    parent: int
    started: int


class Process(NamedTuple):
    """A process of the container.

    ``started`` is in clock ticks since the machine started: with ``pid`` it names this very
    process, whatever gets its number later. ``inner`` are its numbers in each pid namespace that
    it is in, from the host's inwards.
    """

    pid: int
    parent: int
    started: int
    inner: tuple[int, ...]


def names_container(cgroups: str, container: str) -> bool:
    """Whether the text of a ``/proc/PID/cgroup`` says that the process is in ``container``, or in a
    cgroup that it made below its own.

    The forms of cgroup v1 and v2, with the cgroupfs and the systemd driver, of containerd, CRI-O,
    Docker and Podman: ``.../ID``, ``.../cri-containerd-ID.scope``, ``.../crio-ID.scope``,
    ``...:cri-containerd:ID``. A monitor's own (``crio-conmon-ID.scope``) is none.
    """
    form = re.compile(
        r"(?:(?:[^/]*:)?(?:cri-containerd|crio|docker|libpod)[:-])?"
        + re.escape(container)
        + r"(?:\.scope)?"
    )
    return any(
        form.fullmatch(part)
        for line in cgroups.splitlines()
        for part in line.split(":", 2)[-1].removesuffix(" (deleted)").split("/")
    )


def main_process(proc: Path, container: str) -> Process:
    """The main process of a container, if there is exactly one that can be it.

    The main process is the one that the runtime started: its parent is not of the container. With
    a pid namespace of the container's own it also is the namespace's first process, which tells it
    from what ``kubectl exec`` started. In one that is shared (``shareProcessNamespace``,
    ``hostPID``) nothing tells them apart, nor from an orphan that its parent left behind: then
    several can be it, and none is taken.
    https://kubernetes.io/docs/tasks/configure-pod-container/share-process-namespace/

    Raises Gone when the container has no process, Refused when the main one can't be told.
    """
    members = {one.pid: one for one in _members(proc, container)}
    if not members:
        raise Gone(f"no process of container {container} runs here")
    tops = [one for one in members.values() if one.parent not in members]
    outermost = min(len(one.inner) for one in members.values())
    first = [one for one in tops if one.inner[-1] == 1 and len(one.inner) == outermost > 1]
    possible = first or tops
    if len(possible) != 1:
        pids = ", ".join(str(one.pid) for one in sorted(possible)) or "none"
        raise Refused(f"the main process of container {container} can't be told: {pids} may be it")
    return possible[0]


def reread(proc: Path, pid: int, container: str) -> Process | None:
    """That process as it is now; None when it is not there, dead, or not of the container."""
    place = proc / str(pid)
    try:
        if not names_container(_text(place / "cgroup"), container):
            return None
        now = stat(place)
        if now is None:
            return None
        return Process(pid, now.parent, now.started, _inner(_text(place / "status")))
    except (FileNotFoundError, ProcessLookupError):
        return None
    except (OSError, ValueError, IndexError) as error:
        raise Refused(f"{place} can't be read: {error}") from None


def pids(proc: Path) -> list[int]:
    """The processes that there are; raises Refused."""
    try:
        return [int(entry.name) for entry in proc.iterdir() if entry.name.isdecimal()]
    except OSError as error:
        raise Refused(f"{proc} can't be read: {error}") from None


def stat(place: Path) -> Stat | None:
    """What ``/proc/PID/stat`` says; None when the process is dead. Raises OSError, ValueError and
    IndexError."""
    # The command's name, in parentheses, may hold anything, parentheses too.
    fields = _text(place / "stat").rpartition(")")[2].split()
    if fields[0] in _DEAD:
        return None
    return Stat(int(fields[1]), int(fields[19]))


def _members(proc: Path, container: str) -> Iterable[Process]:
    found = (reread(proc, pid, container) for pid in pids(proc))
    return [one for one in found if one is not None]


def _inner(status: str) -> tuple[int, ...]:
    for line in status.splitlines():
        name, _, numbers = line.partition(":")
        if name == "NSpid" and numbers.split():
            return tuple(int(number) for number in numbers.split())
    raise ValueError("it has no NSpid")


def _text(path: Path) -> str:
    return path.read_text(errors="replace")
