"""Declared etcd clusters as they are at this moment, for people who ask."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from chaosd.core.backup import backup_reasons
from chaosd.core.etcd_answer import EtcdAnswer, etcd_answer
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.model import Configuration, Reasons
from chaosd.ports import CallFailed

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection

_BACKUP_TIMEOUT = 5.0


def etcd_answers(
    connection: Connection,
    configuration: Configuration,
    now: datetime,
    only: Container[str] | None = None,
) -> Sequence[EtcdAnswer]:
    """What is known of every declared cluster, or of those that ``only`` names; never raises.

    The age of the newest backup is asked for; whether snapshots are good is known to the daemon
    alone, which tells it by its metrics.
    """
    clusters = connection.etcd.clusters

    def answer(cluster: EtcdCluster) -> EtcdAnswer:
        return etcd_answer(clusters.picture(cluster, now), _backup_reasons(connection, cluster))

    asked = [one for one in configuration.etcd if only is None or one.name in only]
    return clusters.together(answer, asked)


def _backup_reasons(connection: Connection, cluster: EtcdCluster) -> Reasons:
    if cluster.backup is None:
        return ()
    try:
        return backup_reasons(cluster, connection.etcd.backups.age(cluster.backup, _BACKUP_TIMEOUT))
    except CallFailed as error:
        return backup_reasons(cluster, str(error) or type(error).__name__)
