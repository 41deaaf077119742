"""What this process remembers of declared etcd clusters, between the actors that look and measure
and those who decide and tell. Nothing here outlives the process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec.structs import replace

from chaosd.core.backup import SnapshotTried
from chaosd.core.leaderless import EtcdCost, Trace
from chaosd.core.quorum import Picture

__all__ = ["EtcdMemory", "SnapshotTried"]

FRESH = timedelta(minutes=5)
"""How old an answer about a backup may be and still tell its age."""


@dataclass
class EtcdMemory:
    """By the name of the cluster; ``read`` and ``led`` by intent id and then by name: the samples
    of reads, and of who leads. Each is folded by one actor, at its own pace.

    ``backups`` has when it was asked how old the newest backup is, and the answer: its age then, or
    why that isn't known. Values are replaced, never changed in place, so that threads may share it.
    ``checks_snapshots``: whether this process has snapshots checked at all; a command does not, and
    what it doesn't know is no reason then.
    """

    pictures: dict[str, Picture] = field(default_factory=dict)
    backups: dict[str, tuple[datetime, timedelta | str]] = field(default_factory=dict)
    snapshots: dict[str, SnapshotTried] = field(default_factory=dict)
    read: dict[str, dict[str, Trace]] = field(default_factory=dict)
    led: dict[str, dict[str, Trace]] = field(default_factory=dict)
    checks_snapshots: bool = True

    def backup_age(self, name: str, now: datetime) -> timedelta | str:
        """How old the newest backup of a cluster is by now, or why that isn't known: an answer of
        long ago tells nothing, as the backup may have been lost since."""
        asked = self.backups.get(name)
        if asked is None:
            return "nobody has been asked yet"
        at, age = asked
        since = now - at
        if not timedelta(0) <= since <= FRESH:
            return f"the last answer is of {at:%Y-%m-%d %H:%M:%S} UTC"
        return age if isinstance(age, str) else age + since

    def costs(self, intent_id: str, now: datetime) -> Mapping[str, EtcdCost]:
        """What an intent has cost so far, as far as this process has measured it."""
        read, led = dict(self.read.get(intent_id, {})), dict(self.led.get(intent_id, {}))
        return {name: _cost(read.get(name), led.get(name), now) for name in {**read, **led}}

    def keep(self, names: Collection[str]) -> None:
        """Forget the clusters that are not among ``names``, but not what intents have cost."""
        for kept in (self.pictures, self.backups, self.snapshots):
            for gone in [name for name in kept if name not in names]:
                kept.pop(gone, None)


def _cost(read: Trace | None, led: Trace | None, now: datetime) -> EtcdCost:
    """What reads tell, and what those tell who were asked for the leader."""
    reads, leaders = ((trace or Trace()).so_far(now) for trace in (read, led))
    return replace(reads, leaderless=leaders.leaderless, leader_changes=leaders.leader_changes)
