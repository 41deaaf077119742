"""CPU seconds and memory, of this process and of others. Memory and others need Linux's /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")

PROC = Path("/proc")
HAS_PROC = (PROC / "self" / "status").exists()
_TICKS = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """MiB: resident now, the most that ever was, and what of it no file backs and none shares."""

    resident: float
    peak: float
    private: float


def cpu_seconds(work: Callable[[], T]) -> tuple[float, T]:
    """Run it once: its CPU seconds and its result."""
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def fastest(works: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The CPU seconds of each work's fastest run, all of them once in each round.

    So a bad moment of the machine meets all, and their ratios stay right.
    """
    best = dict.fromkeys(works, float("inf"))
    for _ in range(max(1, rounds)):
        for name, work in works.items():
            best[name] = min(best[name], cpu_seconds(work)[0])
    return best


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used since its start, in steps of 10 ms."""
    # The name in the second field may hold anything, so what counts begins behind its parenthesis.
    fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def bytes_read_by(pid: int | str = "self") -> int:
    """Bytes that a process has read since its start, from files and sockets."""
    lines = (PROC / str(pid) / "io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["rchar"])


def waited_of(pid: int) -> float:
    """Seconds that a process's main thread wanted to run and others had the cores; 0: unknown."""
    try:
        return int((PROC / str(pid) / "schedstat").read_text().split()[1]) / 1e9
    except OSError:
        return 0.0  # a kernel without CONFIG_SCHEDSTATS


def memory_of(pid: int | str = "self") -> Memory:
    """The memory of a process.

    Not by getrusage: its peak begins with that of the process that started this one.
    """
    lines = (PROC / str(pid) / "status").read_text().splitlines()
    fields = dict(line.split(":", 1) for line in lines)
    kib = (int(fields[name].split()[0]) for name in ("VmRSS", "VmHWM", "RssAnon"))
    return Memory(*(one / 1024 for one in kib))
