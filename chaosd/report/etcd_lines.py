"""Log lines about declared etcd clusters: one for each change, none while all stays the same."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from structlog.types import FilteringBoundLogger

from chaosd.core import duration
from chaosd.core.backup import SnapshotTried, backup_reasons
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.ledger import Intent
from chaosd.core.quorum import Picture, state_reasons


class EtcdLines:
    """Remembers what was written last of each cluster."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        self._logger = logger
        self._states: dict[str, Hashable] = {}
        self._backups: dict[str, Hashable] = {}
        self._tried: dict[str, datetime] = {}

    def declared(self, clusters: Sequence[EtcdCluster]) -> None:
        """Forget the others: declared again, they are written of anew."""
        names = {cluster.name for cluster in clusters}
        backed_up = {cluster.name for cluster in clusters if cluster.backup is not None}
        for gone in self._states.keys() - names:
            del self._states[gone]
        for gone in self._backups.keys() - backed_up:
            del self._backups[gone]

    def pictured(self, picture: Picture) -> None:
        """A line when a member, the leader or a kind of trouble has changed; how far one lags, and
        the words of an error, may vary."""
        reasons = state_reasons(picture)
        state = (
            frozenset((one.id, one.healthy, one.learner) for one in picture.members),
            picture.leader.id if picture.leader else "",
            frozenset(reason.code for reason in reasons),
        )
        if self._states.get(picture.name) == state:
            return
        self._states[picture.name] = state
        fields: dict[str, Any] = {"etcd": picture.name}
        if picture.members:
            fields |= {"voters": len(picture.voters), "healthy": picture.healthy}
            fields |= {"margin": picture.margin, "leader": str(picture.leader or "unknown")}
        if reasons:
            why = [{"code": str(one.code), "detail": one.detail} for one in reasons]
            self._logger.warning("etcd members: none may be struck", **fields, reasons=why)
        else:
            self._logger.info("etcd members: all is well", **fields)

    def backup(self, cluster: EtcdCluster, age: timedelta | str) -> None:
        """A line when the newest backup becomes good, too old, or of unknown age."""
        reasons = backup_reasons(cluster, age)
        state = (bool(reasons), isinstance(age, str))
        if self._backups.get(cluster.name) == state:
            return
        self._backups[cluster.name] = state
        if reasons:
            why = reasons[0].detail
            self._logger.warning("etcd backup: not good enough", etcd=cluster.name, why=why)
        elif not isinstance(age, str):
            old = duration.render(age)
            self._logger.info("etcd backup: good", etcd=cluster.name, age=old)

    def snapshots(self, tried: Mapping[str, SnapshotTried]) -> None:
        """A line for each check that has ended."""
        for name, one in tried.items():
            if self._tried.get(name) == one.at:
                continue
            self._tried[name] = one.at
            if one.error:
                self._logger.warning("etcd snapshot: the check failed", etcd=name, why=one.error)
            else:
                seconds = round(one.seconds, 3)
                self._logger.info("etcd snapshot: good", etcd=name, bytes=one.size, seconds=seconds)


def costs(intent: Intent) -> dict[str, Any]:
    """What a verdict's line says of the etcd clusters that its action held."""
    found = {
        name: {
            "leaderlessSeconds": round(cost.leaderless, 2),
            "readGapSeconds": round(cost.read_gap, 2),
            "leaderChanges": cost.leader_changes,
            "reads": cost.reads,
            "failed": cost.failed,
        }
        for name, cost in intent.etcd.items()
        if cost.reads
    }
    return {"etcd": found} if found else {}
