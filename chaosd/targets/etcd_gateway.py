"""What the guard and the target of etcd ask of members and of backups. ``chaosd.etcd`` answers it.

Every method leaves the process, is bounded by ``timeout`` seconds in all, and raises
:class:`~chaosd.ports.CallFailed`. ``endpoint`` is a member's client URL, such as
``https://10.0.0.7:2379``; ids are hexadecimal.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from chaosd.core.etcd_answers import Looked, SnapshotChecked
from chaosd.core.etcd_model import EtcdBackup, EtcdCluster

__all__ = ["Backups", "Gateway", "Looked", "SnapshotChecked"]


class Gateway(Protocol):
    """One etcd member at a time, through the JSON gateway of its client port."""

    def look(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> Looked:
        """What the member there says. One that answers, but not a linearizable read, has that in
        ``member.error``."""
        ...

    def read(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> None:
        """One linearizable read."""
        ...

    def leader(self, cluster: EtcdCluster, endpoint: str, timeout: float) -> str:
        """Whom the member there takes for the leader; "" for nobody."""
        ...

    def move_leader(self, cluster: EtcdCluster, endpoint: str, to: str, timeout: float) -> None:
        """Tell the leader at ``endpoint`` to hand its role to the member ``to``; sent once.

        Answered (not Unanswered or ServerFault) means that nothing happened.
        """
        ...

    def check_snapshot(
        self, cluster: EtcdCluster, endpoint: str, timeout: float
    ) -> SnapshotChecked:
        """Stream a whole snapshot and check its hash; nothing of it is kept. CallFailed says what
        was wrong with it."""
        ...


class Backups(Protocol):
    """Where the age of the newest backup is known."""

    def age(self, backup: EtcdBackup, timeout: float) -> timedelta:
        """How old the newest backup is. No answer, no sample, several samples, a value that is no
        time or lies in the future: CallFailed."""
        ...
