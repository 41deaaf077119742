"""Daemons inside the test's own process: real threads and real HTTP, on an accelerated clock."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Any, Self

from prometheus_client import CollectorRegistry

from chaosd.config.watching import FileSettings
from chaosd.daemon.clocks import PaceSetClock
from chaosd.daemon.loops import Pulse
from chaosd.daemon.process import GRACE, Process
from chaosd.daemon.wiring import about, build_context, connect
from chaosd.kube.retry import RetryPolicy
from chaosd.report.logs import configure
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter
from chaosd.sandbox import AcceleratedClock
from tests.daemon.site import Site
from tests.support.telling import samples, total, with_values

START = datetime.fromisoformat("2026-03-04T10:00:00Z")


def _retry(speed: float) -> RetryPolicy:
    """As often as in production, but sooner: requests take as long as they take, so what waits add
    on a fast clock would cost leases that no production loses."""
    return RetryPolicy(wait_initial=0.005 * speed, wait_max=0.2 * speed, wait_jitter=0.01 * speed)


class Inside:
    """One daemon, stopped with the ``with`` block, and what it counted and logged."""

    def __init__(
        self,
        site: Site,
        clock: AcceleratedClock,
        name: str,
        grace: float = GRACE,
        watchers: Mapping[str, Callable[[], datetime]] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, "inside")
        self._out = io.StringIO()
        paced = PaceSetClock(clock.now, clock.speed)
        logger = configure(
            clock.now, stream=self._out, terminal=False, root=logging.getLogger(f"inside-{name}")
        )
        pulse = Pulse(paced)
        self.connection = connect(
            str(site.kubeconfig),
            clock=paced,
            observe=pulse.through(self.metrics.observe_request),
            environ={},
            retry=_retry(clock.speed),
        )
        self.reporter = Reporter(self.metrics, logger, clock.now)
        settings = FileSettings(site.file, {}, clock.now)
        self.context = build_context(self.connection, settings, self.reporter, name)
        self.metrics.gauges.leads(lambda: self.context.leading)
        self.process = Process(
            self.context,
            self.connection.ledger,
            about(self.connection),
            paced,
            pulse,
            grace,
            watchers,
        )

    def __enter__(self) -> Self:
        self.process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> bool:
        """Stop it, once; whether all of it ended in time."""
        return self.process.stopped.is_set() or self.process.stop()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log lines so far."""
        return [json.loads(line) for line in self._out.getvalue().splitlines()]

    def said(self, event: str, **fields: object) -> list[dict[str, Any]]:
        """The log lines so far with these values."""
        return with_values(self.lines, event, **fields)

    def samples(self, name: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values of a metric's samples."""
        return list(samples(self.registry.collect(), name))

    def total(self, name: str, **labels: str) -> float:
        """The sum of the samples that have these labels."""
        return total(self.registry.collect(), name, **labels)
