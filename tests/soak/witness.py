"""Members whose ends are witnessed, and troubles that come from outside of chaosd."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from chaosd.sandbox import Cluster
from chaosd.sandbox.members import NAME, Members
from chaosd.sandbox.objects import Json

_STOPPED = "T"


@dataclass(frozen=True)
class Strike:
    """A process that ran and was killed through the API: ``others`` are how many members beside it
    were running at that instant."""

    pod: str
    others: int


class Witnessed(Members):
    """Notes how many other members were running whenever one is killed through the API."""

    def __init__(self, binary: Path, folder: Path, count: int) -> None:
        super().__init__(binary, folder, count)
        self.strikes: list[Strike] = []

    def kill(self, pod: Json) -> None:
        """As the sandbox does it; a process that runs no more was not struck by this."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        with self._lock:
            mine = self._kept.get(uid)
            others = [kept for key, kept in self._kept.items() if key != uid]
        if mine is not None and mine.pid is not None and name.startswith(f"{NAME}-"):
            self.strikes.append(Strike(name, sum(runs(kept.pid) for kept in others)))
        super().kill(pod)


def runs(pid: int | None) -> bool:
    """Whether a process runs: it is there, and neither stopped nor ended."""
    if pid is None:
        return False
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in (_STOPPED, "Z")


class Troubles:
    """Kills and freezes members from outside, at random, at most ``at_once`` at a time.

    Two never begin within half a second, so that between a look at the cluster and the strike that
    follows it at most one does.
    """

    def __init__(self, cluster: Cluster, members: Members, seed: int, at_once: int = 2) -> None:
        self._cluster = cluster
        self._members = members
        self._rng = random.Random(seed)
        self._at_once = at_once
        self._frozen: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="troubles", daemon=True)
        self.kills = self.freezes = 0

    def __enter__(self) -> Troubles:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for pid in list(self._frozen):
            self._thaw(pid)

    def _run(self) -> None:
        while not self._stop.wait(0.5 + self._rng.expovariate(1 / 6)):
            for pid, until in list(self._frozen.items()):
                if time.monotonic() > until:
                    self._thaw(pid)
            running = [pid for pid in self._pids() if runs(pid)]
            if self._members.count - len(running) >= self._at_once:
                continue
            pid = self._rng.choice(running)
            with suppress(ProcessLookupError):
                if self._rng.random() < 0.5:
                    os.kill(pid, signal.SIGKILL)
                    self.kills += 1
                else:
                    os.kill(pid, signal.SIGSTOP)
                    self._frozen[pid] = time.monotonic() + self._rng.uniform(1, 6)
                    self.freezes += 1

    def _pids(self) -> list[int]:
        pods = self._cluster.all("pods", NAME)
        return [pid for pod in pods if (pid := self._members.pid(pod)) is not None]

    def _thaw(self, pid: int) -> None:
        self._frozen.pop(pid, None)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
