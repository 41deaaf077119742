"""``chaosd run`` as a process of its own."""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from tests.daemon.bell import PATIENCE
from tests.daemon.launch import STACKS, Forked, Launched
from tests.daemon.site import Site
from tests.support.telling import total, with_values

T = TypeVar("T")

GRACE = 30.0
"""A pod's terminationGracePeriodSeconds, unless it says otherwise."""


class Child:
    """A daemon on a site, ended with the ``with`` block; its log lines are read as they come."""

    def __init__(
        self,
        site: Site,
        *,
        listen: str = "127.0.0.1:0",
        launch: Callable[[Sequence[str]], Launched] = Forked,
    ) -> None:
        self.site = site
        self.lines: list[dict[str, Any]] = []
        self.words: list[str] = []
        self._process = launch(
            ["run", str(site.file), "--listen", listen, "--kubeconfig", str(site.kubeconfig)]
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
        if not self.has_ended and error is not None:
            self._process.send(STACKS)
            self._reader.join(2)
        if not self.has_ended:
            self._process.send(signal.SIGKILL)
        self.wait()
        self._process.output.close()
        if error is not None:
            sys.stderr.write(f"--- chaosd run wrote\n{self}\n")

    def __repr__(self) -> str:
        return "\n".join([*self.words, *map(json.dumps, self.lines)])

    def _read(self) -> None:
        for line in self._process.output:
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.words.append(line.rstrip())
            self.site.bell.ring()
        self.site.bell.ring()

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.ended() is not None

    def until(self, ask: Callable[[], T]) -> T:
        """Wait for something to become true, while this process runs; the first true answer."""

        def asked() -> T | None:
            answer = ask()
            code = None if answer else self._process.ended()
            if code is not None:
                self._reader.join(PATIENCE)
                answer = ask()
                assert answer, f"it ended with {code} before that:\n{self}"
            return answer

        answer: T = self.site.until(asked, self)
        return answer

    # --- its log

    def said(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The log lines so far with these values."""
        return with_values(self.lines, event, **fields)

    def says(self, event: str, **fields: object) -> dict[str, Any]:
        """Wait for a log line, or the end of the process; the first such line."""
        self.site.until(
            lambda: self.said(event, **fields) or self._process.ended() is not None, self
        )
        found = self.said(event, **fields)
        assert found, f"it ended without saying {event!r}:\n{self}"
        return found[0]

    # --- its HTTP

    @property
    def address(self) -> str:
        """Where it serves, once it has started."""
        address: str = self.says("serving")["address"]
        return address

    def get(self, path: str) -> httpx.Response:
        """One GET."""
        return httpx.get(self.address + path, timeout=PATIENCE)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels."""
        return total(self.get("/metrics").text, name, **labels)

    def count(self, event: str, code: str = "") -> int:
        """How many log lines there are of an event (with this reason among its reasons)."""
        return sum(
            not code or code in {reason["code"] for reason in line.get("reasons", ())}
            for line in self.said(event)
        )

    def ready(self) -> Self:
        """Wait until it says that it is ready."""
        self.until(lambda: self.get("/readyz").status_code == 200)
        return self

    # --- its end

    def terminate(self) -> None:
        """SIGTERM, as the kubelet sends it."""
        self._process.send(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self._process.send(signal.SIGKILL)
        self.wait()

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for the end; the exit code."""
        code = self._process.wait(seconds)
        self._reader.join(seconds)
        return code
