"""What benchmarks share: their sizes, and one large simulated cluster, made when it is needed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from benchmarks import children
from benchmarks.cluster import SimulatedCluster

T = TypeVar("T")

CACHE = children.ROOT / ".tools"
"""Where filled stores of real API servers are kept."""


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    ``repeat``: of so many runs, the fastest counts. ``isolated``: what should not be mixed with
    anything else gets a process of its own (a daemon and a cluster always do).
    """

    repeat: int = 5
    isolated: bool = True
    workloads: tuple[int, ...] = (1_000, 10_000)
    candidates: tuple[int, ...] = (10_000, 100_000)
    pages: int = 10
    pods: int = 500  # a page
    modelled_pages: int = 2
    listed_pages: int = 10
    deployments: int = 10_000
    pods_each: int = 5
    pods_a_node: int = 10
    opted_in: float = 0.05
    daemons: int = 4
    starts: int = 2
    policies: int = 20
    remembered: int = 15_000
    idle_seconds: float = 30.0
    imports: int | None = None  # how many steps; all of them
    drains: int = 3
    drained: int = 10  # Deployments of three pods each
    stopping: float = 10.0  # seconds that a pod takes to end
    shown: tuple[int, int] = (20, 15_000)  # Deployments on the status page
    real: tuple[int, int] = (2_000, 10_000)  # Deployments
    real_store: Path = CACHE
    real_pages: int = 20
    real_every: str = "15s"
    real_decisions: int = 2


SMALL = Scale(
    repeat=1,
    isolated=False,
    workloads=(10, 20),
    candidates=(10, 20),
    pages=2,
    pods=5,
    modelled_pages=1,
    listed_pages=1,
    deployments=40,
    daemons=1,
    starts=1,
    policies=2,
    remembered=10,
    idle_seconds=0.1,
    imports=1,
    drains=1,
    drained=2,
    shown=(2, 4),
    real=(40, 80),
    real_pages=1,
    real_every="1s",
    real_decisions=1,
)
"""Just enough to see that everything runs."""


class Lab:
    """A scale, and what is open until the end of the ``with`` block."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    @cached_property
    def cluster(self) -> SimulatedCluster:
        """The cluster of this scale."""
        scale = self.scale
        nodes = scale.deployments * scale.pods_each // scale.pods_a_node
        made = SimulatedCluster(scale.deployments, scale.pods_each, nodes, scale.opted_in)
        return self._open.enter_context(made)

    def run(self, function: Callable[..., T], **arguments: Any) -> T:
        """Call a function in a process of its own, or right here where the scale says so."""
        call = partial(children.run, function) if self.scale.isolated else function
        return call(**arguments)
