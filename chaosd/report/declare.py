"""Metrics are made here, once, and remembered for the reference (docs/metrics.md)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import Lock

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info

PREFIX = "chaosd_"


class Declared(Struct, frozen=True):
    """A metric as people look it up: ``example`` is one useful PromQL expression, or none."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    example: str = ""


class Declarations:
    """Makes the metrics of one registry, all of them named ``chaosd_*``.

    Units are base units and stand in the names, as
    https://prometheus.io/docs/practices/naming/ asks.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.made: list[Declared] = []

    def counter(self, name: str, meaning: str, *labels: str, example: str = "") -> Counter:
        """A counter; its name ends in ``_total``."""
        self._note(name, "counter", labels, meaning, example)
        return Counter(PREFIX + name, meaning, labels, registry=self._registry)

    def gauge(self, name: str, meaning: str, *labels: str, example: str = "") -> Gauge:
        """A gauge."""
        self._note(name, "gauge", labels, meaning, example)
        return Gauge(PREFIX + name, meaning, labels, registry=self._registry, unit=_unit(name))

    def histogram(
        self, name: str, meaning: str, *labels: str, buckets: Sequence[float], example: str = ""
    ) -> Histogram:
        """A histogram with these upper bounds of its buckets."""
        self._note(name, "histogram", labels, meaning, example)
        return Histogram(
            PREFIX + name,
            meaning,
            labels,
            registry=self._registry,
            unit=_unit(name),
            buckets=buckets,
        )

    def info(self, name: str, meaning: str, example: str = "", **labels: str) -> None:
        """A gauge ``NAME_info`` that is always 1 and says something by its labels."""
        self._note(f"{name}_info", "gauge", tuple(labels), meaning, example)
        Info(PREFIX + name, meaning, registry=self._registry).info(labels)

    def _note(
        self, name: str, kind: str, labels: tuple[str, ...], meaning: str, example: str
    ) -> None:
        self.made.append(Declared(PREFIX + name, kind, labels, meaning, example))


class Series:
    """A gauge whose series come and go with what they are about: a policy, a reason."""

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._shown: set[tuple[str, ...]] = set()
        self._lock = Lock()

    def show(self, values: Mapping[tuple[str, ...], float], only: str | None = None) -> None:
        """Show these values by labels, and take away what was shown before and isn't among them
        (with ``only``: just what has it as its first label)."""
        with self._lock:
            about = {key for key in self._shown if only is None or key[0] == only}
            self._remove(about - values.keys())
            for key, value in values.items():
                self._gauge.labels(*key).set(value)
            self._shown |= values.keys()

    def keep(self, names: Collection[str]) -> None:
        """Take away the series whose first label is not among ``names``."""
        with self._lock:
            self._remove({key for key in self._shown if key[0] not in names})

    def _remove(self, gone: set[tuple[str, ...]]) -> None:
        for key in gone:
            self._gauge.remove(*key)
        self._shown -= gone


def _unit(name: str) -> str:
    """The unit that OpenMetrics wants told: it is the end of the name."""
    last = name.rpartition("_")[2]
    return last if last in ("seconds", "bytes") else ""
