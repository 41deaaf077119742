"""The gates of etcd's backups: how old the newest may be, and whether a snapshot can be had at all.

A backup that nobody can take or that is too old is no reason to lose a member for practice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from chaosd.core import duration
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.reasons import Code, Reason, Reasons

GOOD_FOR = 2
"""For how many times ``snapshot_check`` a good check speaks for the cluster: one may be missed."""


class SnapshotTried(Struct, frozen=True):
    """The newest check of a cluster's snapshot: when it ended, and why it failed ("": it was good).

    ``good_at`` is when the newest good one ended; ``size`` (bytes) and ``seconds`` are that one's.
    """

    at: datetime
    error: str = ""
    size: int = 0
    seconds: float = 0.0
    good_at: datetime | None = None


def backup_reasons(cluster: EtcdCluster, age: timedelta | str) -> Reasons:
    """Why the newest backup, ``age`` old, is not good enough; a text says why its age isn't known.

    Nothing speaks against a cluster for which no backup is declared.
    """
    if cluster.backup is None:
        return ()
    bound = duration.render(cluster.backup.max_age)
    if isinstance(age, str):
        why = age or "nobody says"
        detail = f"how old its newest backup is isn't known ({why}); {bound} is the most allowed"
    elif age < timedelta(0):
        ahead = duration.render(-age)
        detail = (
            f"its newest backup claims to be from {ahead} in the future, so its age isn't known"
        )
    elif age > cluster.backup.max_age:
        detail = f"its newest backup is {duration.render(age)} old; {bound} is the most allowed"
    else:
        return ()
    return (Reason(Code.ETCD_BACKUP, f"etcd {cluster.name}: {detail}"),)


def snapshot_reasons(cluster: EtcdCluster, tried: SnapshotTried | None, now: datetime) -> Reasons:
    """Why it isn't known that a whole snapshot of the cluster can be had; ``tried`` None: no check
    has ended yet. Nothing speaks against a cluster for which none are asked for."""
    every = cluster.snapshot_check
    if every is None:
        return ()
    if tried is None:
        detail = "no check of a snapshot has ended yet"
    elif tried.error or tried.good_at is None:
        detail = f"the last check of a snapshot failed: {tried.error or 'nobody knows why'}"
    elif now - tried.good_at > GOOD_FOR * every:
        detail = (
            f"the last good check of a snapshot was {duration.render(now - tried.good_at)} ago;"
            f" {duration.render(GOOD_FOR * every)} is the most allowed"
        )
    else:
        return ()
    return (Reason(Code.ETCD_SNAPSHOT, f"etcd {cluster.name}: {detail}"),)
