"""``chaosd run`` as a process on a real control plane."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

from tests.support.telling import total, with_values
from tests.support.waiting import until

_NOT_OURS = ("CHAOSD_", "KUBE", "POD_")


def environment() -> dict[str, str]:
    """This process's environment, without what would steer a chaosd."""
    return {name: text for name, text in os.environ.items() if not name.startswith(_NOT_OURS)}


class Daemon:
    """One replica, ended with the ``with`` block; its log lines are read as they come.

    ``pod`` is what its environment tells it of its pod, and of its namespace unless that is named.
    """

    def __init__(
        self,
        file: Path,
        kubeconfig: Path,
        namespace: str | None,
        pod: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.lines: list[dict[str, Any]] = []
        command = [sys.executable, "-m", "chaosd.cli.main", "run", str(file)]
        command += ["--kubeconfig", str(kubeconfig)]
        command += ["--namespace", namespace] if namespace else []
        self.process = subprocess.Popen(
            [*command, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**environment(), **pod},
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        if error is not None:
            sys.stderr.write(f"--- chaosd run wrote\n{self}\n")

    def __repr__(self) -> str:
        return "\n".join(map(json.dumps, self.lines))

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.lines.append({"event": line.rstrip(), "json": False})

    def said(self, event: str) -> list[dict[str, Any]]:
        """The log lines so far with this event."""
        return with_values(self.lines, event)

    def says(self, event: str) -> dict[str, Any]:
        """Wait for a log line; the first such one."""

        def ask() -> list[dict[str, Any]]:
            found = self.said(event)
            assert found or self.process.poll() is None, f"it ended:\n{self}"
            return found

        return until(ask, lambda: f"{event!r} in\n{self}")[0]

    def get(self, path: str) -> str:
        """The body of a GET."""
        address = self.says("serving")["address"]
        with urllib.request.urlopen(f"{address}{path}", timeout=60) as answer:
            body: bytes = answer.read()
        return body.decode()

    def metric(self, name: str) -> float:
        """The sum of a metric's samples."""
        return total(self.get("/metrics"), name)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(60)
        self._reader.join(60)
        return code


def command(*args: str, kubeconfig: Path, namespace: str) -> tuple[int, Mapping[str, Any]]:
    """Give a command with ``-o json``; its exit code and answer."""
    line = [sys.executable, "-m", "chaosd.cli.main", *args, "--output", "json"]
    line += ["--kubeconfig", str(kubeconfig), "--namespace", namespace]
    done = subprocess.run(
        line, check=False, capture_output=True, text=True, timeout=120, env=environment()
    )
    try:
        answer: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        answer = {"out": done.stdout, "err": done.stderr}
    return done.returncode, answer
