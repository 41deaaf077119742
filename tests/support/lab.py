"""A simulated cluster in virtual time with the adapters on it, and what it was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from chaosd.kube.api import Api
from chaosd.kube.reads import KubeReads
from chaosd.kube.retry import NO_RETRIES, RetryPolicy
from chaosd.sandbox import Api as SandboxApi
from chaosd.sandbox import Cluster, RequestRecord, Rule, scenarios
from tests.support.clock import VirtualClock
from tests.support.inprocess import InProcessTransport


class Lab:
    """A cluster that is filled ``with lab.filled()``, and then a day old and Ready."""

    def __init__(self, retry: RetryPolicy = NO_RETRIES) -> None:
        self.clock = VirtualClock()
        self.cluster = Cluster(self.clock.now, seed=3)
        self.sandbox = SandboxApi(self.cluster, sleep=self.clock.sleep)
        self.transport = InProcessTransport(self.sandbox)
        self.api = Api(self.transport, self.clock, retry=retry)
        self.reads = KubeReads(self.api)

    @contextmanager
    def filled(self) -> Iterator[Cluster]:
        """What is built in here, with two nodes, is a day old and settled afterwards."""
        with self.cluster.backdated(timedelta(days=1)):
            scenarios.namespace(self.cluster, "kube-system")
            for name in ("node-a", "node-b"):
                scenarios.node(self.cluster, name, labels={"pool": name[-1]})
            yield self.cluster
            scenarios.settle(self.cluster)

    def fault(self, rule: Rule) -> None:
        """Put a fault in force."""
        self.sandbox.faults.add(rule)

    def requests(self) -> list[RequestRecord]:
        """What was asked since the last call."""
        found = self.sandbox.journal.requests
        self.sandbox.journal.clear()
        return found

    def asked(self) -> list[str]:
        """The same as short lines, ``VERB PATH``."""
        return [f"{one.verb} {one.path}" for one in self.requests()]
