"""The metrics of one process, on a registry of their own."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chaosd.report.counts import Counts
from chaosd.report.declare import Declarations, Declared
from chaosd.report.etcd import EtcdMetrics
from chaosd.report.gauges import Gauges


class Metrics:
    """All ``chaosd_*`` metrics, and those of the process and of Python.

    A registry takes them once. Every method may be called from any thread. ``cluster`` is what
    people call the cluster: a label of everything that is served, unless it is empty.
    """

    def __init__(self, registry: CollectorRegistry, version: str) -> None:
        self._registry = registry
        self.cluster = ""
        make = Declarations(registry)
        self.counts = Counts(make)
        self.gauges = Gauges(make)
        self.etcd = EtcdMetrics(make)
        make.info(
            "build",
            "Always 1; the labels say which chaosd this is.",
            example="count by (version) (chaosd_build_info)",
            version=version,
        )
        self.declared: tuple[Declared, ...] = tuple(make.made)
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

    def observe_request(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count a request to the API server; ``code`` is its HTTP status or why it has none."""
        self.counts.requested(verb, resource, code, seconds)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition for an HTTP ``Accept`` header, OpenMetrics if it asks for that, and its
        content type."""
        encode, content_type = choose_encoder(accept)
        return encode(_Served(self._registry, self.cluster)), content_type


class _Served(Collector):
    """A registry with the cluster's name on every sample, and without the ``_created`` series,
    which double the others and which nobody asks.

    The client's own switch for them is global to the Python process.
    """

    def __init__(self, registry: CollectorRegistry, cluster: str) -> None:
        self._registry = registry
        self._named = {"cluster": cluster} if cluster else {}

    def collect(self) -> Iterator[Metric]:
        for metric in self._registry.collect():
            metric.samples = [
                sample._replace(labels={**sample.labels, **self._named})
                for sample in metric.samples
                if sample.name != f"{metric.name}_created"
            ]
            yield metric
