"""Real processes inside simulated pods: each has a thread that starts, asks and reaps it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from chaosd.sandbox.controllers.processes import Life
from chaosd.sandbox.objects import Json

PROBE_SECONDS = 0.5
FAILURES = 6
"""So many probes in a row may fail before a pod that was Ready is not any more: like a kubelet's
failureThreshold, it passes over an election."""
IN_VAIN = 3
"""So many processes of a pod in a row may end without having answered before that is told."""
_LAUNCHER = Path(__file__).with_name("launch.py")


@dataclass(frozen=True)
class Program:
    """What runs inside a pod. Two pods that have the same ``address`` never run at once.

    ``answers`` is the readiness probe, asked on a thread of its own; it may take seconds, and
    raises nothing. What the process writes is added to ``log``.
    """

    address: str
    command: tuple[str, ...]
    answers: Callable[[], bool]
    log: Path
    environ: Mapping[str, str]


def tell_nobody(_: Program) -> None:
    """For those who need not know that something dies."""


class Processes:
    """The processes of the pods for which ``plan`` has a program (see PodProcesses).

    They are asked every ``probe`` seconds. They end with the ``with`` block, and on Linux also when
    this process ends in any other way. ``dying`` is told, once and on a thread, of the first
    program that ends by itself IN_VAIN times in a row without having answered.
    """

    def __init__(
        self,
        plan: Callable[[Json], Program | None],
        probe: float = PROBE_SECONDS,
        dying: Callable[[Program], None] = tell_nobody,
    ) -> None:
        self._plan = plan
        self._probe = probe
        self._dying = dying
        self._told = False
        self._kept: dict[str, _Kept] = {}
        self._latest: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def address(self, pod: Json) -> str:
        """The address of the pod's program; "" without one."""
        program = self._plan(pod)
        return program.address if program else ""

    def run(self, pod: Json) -> Life:
        """Start the pod's process, unless that was done; how it is. Raises ValueError for
        a pod that has no address."""
        uid = pod["metadata"]["uid"]
        with self._lock:
            kept = self._kept.get(uid)
            if kept is None:
                program = self._plan(pod)
                if program is None:
                    raise ValueError(f"nothing runs in {pod['metadata']['name']}")
                earlier = self._latest.get(program.address)
                kept = _Kept(program, earlier, self._probe, self._tell)
                self._kept[uid] = self._latest[program.address] = kept
            return kept.life

    def kill(self, pod: Json) -> None:
        """SIGKILL the pod's process, if it has one that runs."""
        with self._lock:
            kept = self._kept.pop(pod["metadata"]["uid"], None)
        if kept is not None:
            kept.kill()

    def pid(self, pod: Json) -> int | None:
        """The process of a pod; None while there is none."""
        with self._lock:
            kept = self._kept.get(pod["metadata"]["uid"])
        return kept.pid if kept is not None else None

    def _tell(self, program: Program) -> None:
        with self._lock:
            told, self._told = self._told, True
        if not told:
            self._dying(program)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            everyone = {*self._kept.values(), *self._latest.values()}
            self._kept.clear()
        for kept in everyone:
            kept.kill()
        for kept in everyone:
            kept.join()


class _Kept:
    """One process from its start to its end; waits first for the end of the ``earlier`` one."""

    def __init__(
        self,
        program: Program,
        earlier: _Kept | None,
        probe: float,
        dying: Callable[[Program], None],
    ) -> None:
        self.life = Life.STARTING
        self.in_vain = 0
        """How many in a row, this one the last, ended by themselves and had never answered."""
        self._dying = dying
        self._probe = probe
        self._program = program
        self._earlier = earlier
        self._process: subprocess.Popen[bytes] | None = None
        self._killed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=program.address, daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int | None:
        """The process; None before its start and after its end."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    def kill(self) -> None:
        """SIGKILL; never starts it when it has not started yet."""
        with self._lock:
            self._killed.set()
            if self._process is not None:
                self._process.kill()

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def _run(self) -> None:
        if self._earlier is not None:
            self._earlier.join()
            self.in_vain = self._earlier.in_vain
            self._earlier = None
        with self._lock:
            if self._killed.is_set():
                return
            self._process = self._launched()
        self._watch(self._process)

    def _launched(self) -> subprocess.Popen[bytes]:
        # From the thread that lives as long as the process: see launch.py. A session of its own:
        # Ctrl-C in the terminal is for the sandbox.
        launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid())]
        with self._program.log.open("ab") as log:
            return subprocess.Popen(
                [*launcher, *self._program.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._program.environ,
                start_new_session=True,
            )

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        failures, answered = FAILURES, False
        while process.poll() is None:
            failures = 0 if self._program.answers() else failures + 1
            answered = answered or failures == 0
            self.life = Life.READY if failures < FAILURES else Life.STARTING
            if self._killed.wait(self._probe):
                process.wait()
        # Before anybody learns that it has ended, and kills what is left of it.
        self.in_vain = 0 if answered or self._killed.is_set() else self.in_vain + 1
        self.life = Life.ENDED
        if self.in_vain == IN_VAIN:
            self._dying(self._program)
