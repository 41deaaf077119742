"""What a strike cost an etcd cluster: how long it had no leader, and how long reads failed.

Folded from samples, so both are known to about the time between two of them.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct


class EtcdCost(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Seconds, as far as they were seen: ``leaderless`` in all without a leader, ``read_gap`` the
    longest time between two linearizable reads that were answered, if one in between failed.
    ``reads`` and ``failed`` count the reads. ``leader_changes``: how often another leader was seen.
    """

    leaderless: float = 0.0
    read_gap: float = 0.0
    reads: int = 0
    failed: int = 0
    leader_changes: int = 0


class Trace(Struct, frozen=True):
    """What the samples of one cluster have told so far.

    ``cost`` counts only what has ended; :meth:`so_far` adds what still lasts.
    """

    cost: EtcdCost = EtcdCost()
    leader: str = ""
    leaderless_since: datetime | None = None
    read_at: datetime | None = None
    failing: bool = False

    def sampled(self, at: datetime, leader: str | None, *, read: bool) -> Trace:
        """The trace after one more sample: ``leader`` is the id that the members name, "" when they
        know of none, None when nobody could be asked; ``read`` whether a linearizable read was
        answered. Nobody to ask is as good as no leader."""
        cost, since = self.cost, self.leaderless_since
        named = leader or ""
        changes = cost.leader_changes + (1 if named and self.leader and named != self.leader else 0)
        leaderless = cost.leaderless
        if named and since is not None:
            leaderless += (at - since).total_seconds()
            since = None
        elif not named and since is None:
            since = at
        gap = cost.read_gap
        if read and self.failing and self.read_at is not None:
            gap = max(gap, (at - self.read_at).total_seconds())
        return Trace(
            EtcdCost(leaderless, gap, cost.reads + 1, cost.failed + (not read), changes),
            named or self.leader,
            since,
            at if read else self.read_at,
            not read,
        )

    def so_far(self, now: datetime) -> EtcdCost:
        """The cost with what lasts still, up to ``now``."""
        leaderless, gap = self.cost.leaderless, self.cost.read_gap
        if self.leaderless_since is not None:
            leaderless += max(0.0, (now - self.leaderless_since).total_seconds())
        if self.failing and self.read_at is not None:
            gap = max(gap, (now - self.read_at).total_seconds())
        return msgspec.structs.replace(self.cost, leaderless=leaderless, read_gap=gap)
