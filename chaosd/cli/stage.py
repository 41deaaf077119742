"""A sandbox with the real daemon running against it, in this process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from prometheus_client import CollectorRegistry

from chaosd.cli.failures import Failed
from chaosd.config.watching import FileSettings
from chaosd.daemon.clocks import PaceSetClock
from chaosd.daemon.loops import Pulse
from chaosd.daemon.process import Process
from chaosd.daemon.run import answers
from chaosd.daemon.start import preflight
from chaosd.daemon.wiring import about, build_context, connect, etcd_watchers
from chaosd.ports import Report
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter
from chaosd.sandbox import AcceleratedClock, Cluster, SandboxServer
from chaosd.sandbox.demo import demo
from chaosd.sandbox.members import NAME, Members, PortsTaken, etcd
from chaosd.sandbox.pools import nodes

NAMESPACE = "chaosd"


class Scenario(NamedTuple):
    """What fills the cluster, the configuration that goes with it, and the namespace to look at."""

    fill: Callable[[Cluster], Cluster]
    file: str
    namespace: str = "shop"


SCENARIOS = {
    "shop": Scenario(demo, "demo.yaml"),
    "nodes": Scenario(nodes, "nodes.yaml"),
    "etcd": Scenario(etcd, "etcd.yaml", NAME),
}
SEED = 11
_LOOKING = 10.0
"""Real seconds that a look at etcd may take once the daemon has stopped."""


class Stage:
    """Cluster and daemon on one clock that runs ``speed`` times as fast as real time.

    ``start`` is what that clock says first (None: the present). ``file`` is the configuration to
    run (None: a copy of the scenario's own, which may be edited); ``scenario`` is one of SCENARIOS.
    ``reporting`` is given the Reporter and the clock, and returns the Report that the daemon is to
    use. ``members`` makes the processes of the scenario etcd, with their data in the folder that it
    is given: a cluster of so many. Raises Failed.
    """

    def __init__(
        self,
        speed: float,
        start: datetime | None,
        file: Path | None,
        port: int,
        listen: int,
        reporting: Callable[[Metrics, AcceleratedClock], tuple[Reporter, Report]],
        scenario: str = "shop",
        members: Callable[[Path], Members] | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chaosd-sandbox-"))
        self.clock = AcceleratedClock(start or datetime.now(UTC), speed)
        self._scenario = SCENARIOS[scenario]
        self.members = self._members(members) if members else None
        fill = self._scenario.fill
        if self.members is not None:
            fill = partial(etcd, members=self.members.count)
        self.cluster = fill(Cluster(self.clock.now, seed=SEED))
        self.metrics = Metrics(CollectorRegistry(), "sandbox")
        self.reporter, self._report = reporting(self.metrics, self.clock)
        self.file = file or self._copied(self._scenario.file)
        self._listen = listen
        self.server = SandboxServer(self.cluster, port=port, speed=speed, processes=self.members)
        self.kubeconfig = self.folder / "kubeconfig"
        self.address = ""
        self._paced = PaceSetClock(self.clock.now, speed)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _start(self) -> None:
        self.server.start()
        self.server.kubeconfig(self.kubeconfig, namespace=self._scenario.namespace)
        pulse = Pulse(self._paced)
        self.connection = connect(
            str(self.kubeconfig),
            namespace=NAMESPACE,
            clock=self._paced,
            observe=pulse.through(self.metrics.observe_request),
            environ={},
        )
        settings = FileSettings(self.file, {}, self.clock.now)
        self.context = build_context(self.connection, settings, self._report, "sandbox")
        configuration = self.context.loaded.configuration
        if configuration is None:
            raise Failed(f"{self.file} is not valid: chaosd check {self.file}")
        self.metrics.gauges.leads(lambda: self.context.leading)
        watchers = etcd_watchers(self.connection.etcd, self.context, self.reporter)
        process = Process(
            self.context,
            self.connection.ledger,
            about(self.connection),
            self._paced,
            pulse,
            watchers=watchers,
        )
        preflight(self.connection, lambda: configuration, self._report)
        self.process = process
        self.process.start()
        pages = answers(self.process, self.context, self.connection, self.metrics, self.reporter)
        self.address = self.process.serve(pages, "127.0.0.1", self._listen)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with ExitStack() as last_first:
            last_first.callback(shutil.rmtree, self.folder, ignore_errors=True)
            if self.members is not None:
                last_first.push(self.members)
            last_first.callback(self.server.stop)
            if hasattr(self, "process"):
                last_first.callback(self.connection.close)
                last_first.callback(self.process.wait_for_watchers, _LOOKING)
                last_first.callback(self.process.stop)

    def _members(self, make: Callable[[Path], Members]) -> Members:
        try:
            return make(self.folder / "etcd")
        except PortsTaken as taken:
            raise Failed(f"no address is free for etcd members: {taken}") from None

    def _copied(self, name: str) -> Path:
        own = self.folder / "chaosd.yaml"
        shutil.copyfile(Path(__file__).with_name(name), own)
        return own
