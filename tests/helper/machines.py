"""A machine as the helper sees it: a /proc in a folder, a clock, and what was done to it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaosd.helper.program import World, main

BOOT_ID = "0d9a2c4e-1111-4222-8333-444455556666"
CONTAINER = "4f" * 32
OTHER = "a7" * 32
ORDERED = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
UNTIL = ORDERED + timedelta(seconds=40)
UP = 5000.0
POD = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod9.slice"
TICKS = os.sysconf("SC_CLK_TCK")


def scope_of(container: str) -> str:
    """The text of /proc/PID/cgroup inside a container, as containerd has it with cgroup v2."""
    return f"0::{POD}/cri-containerd-{container}.scope\n"


def crash_order(*more: str, container: str = CONTAINER) -> list[str]:
    """The arguments of a crash."""
    return ["crash", "--container-id", container, *_times(), *more]


def reboot_order(*more: str, boot_id: str = BOOT_ID) -> list[str]:
    """The arguments of a reboot."""
    return ["reboot", "--boot-id", boot_id, *_times(), *more]


def _times() -> list[str]:
    return ["--not-before", rfc3339(ORDERED), "--not-after", rfc3339(UNTIL)]


def rfc3339(at: datetime) -> str:
    """As chaosd writes times."""
    return at.isoformat().replace("+00:00", "Z")


@dataclass
class Machine:
    """``now`` is asked in turn for each look at the clock, the last one for good. ``opened`` and
    ``killed`` are the processes that were held and ended, ``restarts`` counts restarts."""

    folder: Path
    now: list[datetime] = field(default_factory=lambda: [ORDERED + timedelta(seconds=5)])
    on_open: Callable[[int], None] = lambda _: None
    on_kill: Callable[[], None] = lambda: None
    on_restart: Callable[[], None] = lambda: None
    opened: list[int] = field(default_factory=list)
    killed: list[int] = field(default_factory=list)
    restarts: int = 0

    def __post_init__(self) -> None:
        (self.proc / "sys/kernel/random").mkdir(parents=True)
        (self.proc / "self/ns").mkdir(parents=True)
        (self.proc / "sys/kernel/random/boot_id").write_text(BOOT_ID + "\n")
        (self.proc / "uptime").write_text(f"{UP} 1.0\n")
        (self.proc / "self/ns/pid").symlink_to("pid:[4026531836]")
        self.log.touch()
        self.process(1, 0, cgroup="0::/init.scope\n", inner=(1,))

    @property
    def proc(self) -> Path:
        """Its /proc."""
        return self.folder / "proc"

    @property
    def log(self) -> Path:
        """The termination log."""
        return self.folder / "termination-log"

    def process(
        self,
        pid: int,
        parent: int,
        *,
        cgroup: str = "",
        inner: Sequence[int] = (),
        started: float = 1000.0,
        state: str = "S",
        command: str = "web",
    ) -> None:
        """A process that started ``started`` seconds after the machine; ``inner`` as in NSpid, with
        its number here left out where there is more."""
        place = self.proc / str(pid)
        place.mkdir(exist_ok=True)
        (place / "cgroup").write_text(cgroup or scope_of(CONTAINER))
        zeros = " ".join(["0"] * 17)
        ticks = int(started * TICKS)
        (place / "stat").write_text(f"{pid} ({command}) {state} {parent} {zeros} {ticks} 0 0\n")
        numbers = "\t".join(map(str, (pid, *inner) if pid != 1 else (1,)))
        (place / "status").write_text(f"Name:\t{command}\nNSpid:\t{numbers}\nThreads:\t1\n")

    def container(self) -> None:
        """A shim, and a container with a child below its main process, 210."""
        self.process(200, 1, cgroup="0::/system.slice/containerd.service\n", command="shim")
        self.process(210, 200, inner=(1,))
        self.process(211, 210, inner=(7,), started=1001.0)

    def run(self, argv: Sequence[str]) -> tuple[int, str]:
        """Carry out an order: the exit code, and what the termination log says."""
        world = World(self._clock, self._restart, self._open, self._kill)
        more = ("--proc", str(self.proc), "--termination-log", str(self.log)) if argv else ()
        code = main([*argv, *more], world)
        return code, self.log.read_text() if self.log.exists() else ""

    def _clock(self) -> datetime:
        return self.now.pop(0) if len(self.now) > 1 else self.now[0]

    def _open(self, pid: int) -> int:
        self.on_open(pid)
        self.opened.append(pid)
        return os.open(self.folder, os.O_RDONLY)

    def _kill(self, process: int) -> None:
        os.fstat(process)  # it is open
        self.on_kill()
        self.killed.append(self.opened[-1])

    def _restart(self) -> None:
        self.on_restart()
        self.restarts += 1
