"""The demo on the screen: a live view on a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from chaosd.sandbox import Cluster

_LINES = 16
_KINDS = ("deployments.apps", "statefulsets.apps")


class Screen:
    """Where the story is told. ``head`` is asked for the line on top of the live view."""

    def __init__(
        self, console: Console, cluster: Cluster, now: Callable[[], datetime], head: str
    ) -> None:
        self._console = console
        self._cluster = cluster
        self._now = now
        self._head = head
        self._lines: deque[Text] = deque(maxlen=_LINES)
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        if self._console.is_terminal:
            self._live = Live(
                get_renderable=self._view, console=self._console, refresh_per_second=6
            )
            self._live.start()
        else:
            self._console.print(self._head)
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def tell(self, line: str, style: str) -> None:
        """Add a line to the story."""
        stamped = Text(f"{self._now():%H:%M:%S}  ", style="dim").append(line, style=style)
        if self._live is not None:
            self._lines.append(stamped)
        else:
            self._console.print(stamped)

    def _view(self) -> Any:
        clock = Text(f"{self._now():%a %H:%M:%S} UTC\n", style="bold", overflow="fold")
        clock.append(self._head, "dim")
        story = Panel(Group(*self._lines), title="what happens", title_align="left")
        return Group(clock, self._workloads(), story)

    def _workloads(self) -> Table:
        table = Table(title="workloads", title_justify="left", expand=False)
        table.add_column("namespace")
        table.add_column("workload")
        table.add_column("ready", justify="right")
        with self._cluster.lock:
            items = [item for kind in _KINDS for item in self._cluster.all(kind)]
        for item in sorted(items, key=lambda item: item["metadata"]["namespace"]):
            meta, wanted = item["metadata"], item["spec"].get("replicas", 1)
            ready = item.get("status", {}).get("readyReplicas", 0)
            if meta["namespace"] == "kube-system":
                continue
            style = "green" if ready >= wanted else "bold red"
            row = f"{ready}/{wanted} {'●' * ready}{'○' * max(0, wanted - ready)}"
            table.add_row(meta["namespace"], meta["name"], Text(row, style=style))
        return table
