"""What this process remembers of declared etcd clusters, between the actors that look and measure
and those who decide and tell. Nothing here outlives the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from chaosd.core.leaderless import EtcdCost, Trace
from chaosd.core.quorum import Picture


class SnapshotTried(Struct, frozen=True):
    """The newest check of a cluster's snapshot: when it ended, and why it failed ("": it was good).
    ``good_at`` is when the newest good one ended."""

    at: datetime
    error: str = ""
    size: int = 0
    seconds: float = 0.0
    good_at: datetime | None = None


@dataclass
class EtcdMemory:
    """By the name of the cluster; ``traces`` by intent id and then by name."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    snapshots: dict[str, SnapshotTried] = field(default_factory=dict)
    traces: dict[str, dict[str, Trace]] = field(default_factory=dict)

    def costs(self, intent_id: str, now: datetime) -> Mapping[str, EtcdCost]:
        """What an intent has cost so far, as far as this process has measured it."""
        traces = dict(self.traces.get(intent_id, {}))
        return {name: trace.so_far(now) for name, trace in traces.items()}
