"""``chaosd run`` in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from benchmarks.children import PATIENCE, start, until
from benchmarks.timing import Memory, bytes_read_by, cpu_of, memory_of, waited_of


class Daemon:
    """A daemon, from its start to its end by SIGTERM with the ``with`` block.

    ``seconds`` tells how long it took from its start until it answered that it is ready, ``waited``
    how many of them it wanted to run and could not because others had the cores, ``stages`` how
    they went by; ``cpu`` how many CPU seconds it had used by then.
    """

    def __init__(
        self,
        folder: Path,
        kubeconfig: Path,
        home: str,
        configuration: str,
        environ: Mapping[str, str],
    ) -> None:
        self._file = folder / f"{home}.yaml"
        self._file.write_text(configuration, encoding="utf-8")
        self._log = folder / f"{home}.log"
        self._arguments = ["-m", "chaosd.cli.main", "run", str(self._file)]
        self._arguments += ["--listen", "127.0.0.1:0", "--kubeconfig", str(kubeconfig)]
        self._arguments += ["--namespace", home]
        self._environ = environ
        self.seconds = self.waited = self.cpu = 0.0
        self.stages: dict[str, float] = {}

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            begin, wall = time.monotonic(), time.time()
            self._process = start(
                *self._arguments, more=self._environ, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            started = until(lambda: self.said("started"), self)
            self._address = started["address"]
            until(self._ready, self)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        self.seconds = time.monotonic() - begin
        self.waited, self.cpu = waited_of(self._process.pid), cpu_of(self._process.pid)
        # The second log line is said after everything was imported and the file was read.
        connected = _unix(self.said("connected")) - wall
        checked = _unix(started) - wall
        self.stages = {
            "imports, configuration": connected,
            "permissions, outlook": checked - connected,
            "lease, ledger": self.seconds - checked,
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(PATIENCE)
        if code and error is None:
            raise RuntimeError(f"it ended with exit code {code}: {self}")

    def __repr__(self) -> str:
        return f"chaosd run said\n{self._log.read_text(errors='replace')}"

    def said(self, event: str) -> dict[str, Any]:
        """The first log line of this event; empty when there is none yet."""
        return next(iter(self.all_said(event)), {})

    def all_said(self, event: str) -> list[dict[str, Any]]:
        """The log lines of this event so far."""
        if self._process.poll() is not None:
            raise RuntimeError(f"it ended early: {self}")
        lines = self._log.read_text(errors="replace").splitlines(keepends=True)
        told = [json.loads(one) for one in lines if one.startswith("{") and one.endswith("}\n")]
        return [one for one in told if one.get("event") == event]

    def used(self) -> float:
        """CPU seconds since its start."""
        return cpu_of(self._process.pid)

    def read(self) -> int:
        """Bytes that it has read since its start, files among them."""
        return bytes_read_by(self._process.pid)

    def requests(self) -> int:
        """How many requests it has sent, as it counts them itself."""
        with urlopen(f"{self._address}/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        counts = [one for one in lines if one.startswith("chaosd_api_requests_total{")]
        return round(sum(float(one.rpartition(" ")[2]) for one in counts))

    def memory(self) -> Memory:
        """Its memory."""
        return memory_of(self._process.pid)

    def _ready(self) -> bool:
        try:
            with urlopen(f"{self._address}/readyz", timeout=5):
                return True
        except HTTPError as refused:
            refused.close()
        except URLError:
            pass
        return False


def _unix(line: dict[str, Any]) -> float:
    return datetime.fromisoformat(line["timestamp"]).timestamp()
