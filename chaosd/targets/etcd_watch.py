"""Looking at declared etcd clusters, whatever else happens: who is well, how old the newest backup
is, and whether a snapshot can be had. What is seen is remembered and reported, nothing is decided.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from chaosd.core.backup import SnapshotTried
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.ledger import Intent
from chaosd.core.quorum import Member, Picture
from chaosd.ports import CallFailed, Clock, Loaded
from chaosd.targets.etcd_gateway import Backups, Gateway
from chaosd.targets.etcd_memory import EtcdMemory

LOOK_EVERY = 15.0
BACKUP_EVERY = 60.0
SNAPSHOT_TIMEOUT = 600.0
_BACKUP_TIMEOUT = 10.0
_IDLE = 5.0  # a reload may declare a cluster at any time
_GLANCE = 1.0  # at the open intents, which is asked of nobody
_AGAIN = timedelta(minutes=5)
_PICTURE_GOOD_FOR = timedelta(minutes=1)


class Here(Protocol):
    """What these actors need to know of the process that they run in."""

    @property
    def clock(self) -> Clock:
        """Its clocks."""
        ...

    @property
    def loaded(self) -> Loaded:
        """The configuration as it is now."""
        ...

    @property
    def leading(self) -> bool:
        """Whether it may strike at this very moment."""
        ...

    def open_intents(self) -> Mapping[str, Intent]:
        """Open intents as it last wrote or read them."""
        ...

    def after(self, seconds: float) -> datetime:
        """The instant some seconds from now."""
        ...


class Pictures(Protocol):
    """Who can look at a whole cluster; never raises, what it can't see is in ``problems``."""

    def picture(self, cluster: EtcdCluster, now: datetime) -> Picture:
        """What all its members say now."""
        ...


class EtcdReport(Protocol):
    """Metrics and logs of what is seen: local, and never a reason to fail."""

    def etcd_declared(self, clusters: Sequence[EtcdCluster]) -> None:
        """These are all that are declared; what was shown of others goes away."""
        ...

    def etcd_pictured(self, picture: Picture, *, leading: bool) -> None:
        """A cluster was looked at; ``leading``: by the process whose counts count."""
        ...

    def etcd_backup(self, cluster: EtcdCluster, age: timedelta | str) -> None:
        """The age of its newest backup, or why that isn't known."""
        ...

    def etcd_snapshots(self, tried: Mapping[str, SnapshotTried]) -> None:
        """The newest checks of snapshots, by cluster; what was shown of others goes away."""
        ...


def declared(here: Here) -> tuple[EtcdCluster, ...]:
    """The clusters of the newest valid configuration."""
    configuration = here.loaded.configuration
    return tuple(configuration.etcd) if configuration else ()


class EtcdWatch:
    """The actor that looks at every declared cluster, four times a minute, and asks once a minute
    how old its newest backup is. Every process does, so that each can show it. What opens, strikes
    or closes on a cluster changes it: then it is looked at at once."""

    def __init__(
        self,
        here: Here,
        memory: EtcdMemory,
        pictures: Pictures,
        backups: Backups,
        report: EtcdReport,
    ) -> None:
        self._here = here
        self._memory = memory
        self._pictures = pictures
        self._backups = backups
        self._report = report
        # What was asked about which declaration, and when by the boot clock: a changed one is new.
        self._looked: dict[str, tuple[EtcdCluster, float]] = {}
        self._asked: dict[str, tuple[EtcdCluster, float]] = {}
        self._open: dict[str, frozenset[tuple[str, str]]] = {}

    def step(self) -> datetime:
        """Look at what is due; returns when to come again."""
        here = self._here
        if here.loaded.configuration is None:
            return here.after(_IDLE)
        clusters = declared(here)
        self._forget_but(clusters)
        for cluster in clusters:
            if self._disturbed(cluster) or self._due(self._looked, cluster, LOOK_EVERY):
                self._look(cluster)
            if cluster.backup is not None and self._due(self._asked, cluster, BACKUP_EVERY):
                self._ask(cluster)
        boot = here.clock.boot()
        waits = [at + LOOK_EVERY - boot for _, at in self._looked.values()]
        return here.after(max(0.0, min([_GLANCE if clusters else _IDLE, *waits])))

    def _disturbed(self, cluster: EtcdCluster) -> bool:
        """Whether what is open on the cluster is no more what it was at the last look, which is
        then as good as forgotten."""
        intents = self._here.open_intents().values()
        now = frozenset((i.id, str(i.result)) for i in intents if cluster.key in i.locks)
        before, self._open[cluster.name] = self._open.get(cluster.name, frozenset()), now
        if now == before:
            return False
        self._looked[cluster.name] = (cluster, self._here.clock.boot())
        return True

    def _due(
        self, done: dict[str, tuple[EtcdCluster, float]], cluster: EtcdCluster, every: float
    ) -> bool:
        boot = self._here.clock.boot()
        before = done.get(cluster.name)
        if before is not None and before[0] == cluster and boot < before[1] + every:
            return False
        done[cluster.name] = (cluster, boot)
        return True

    def _look(self, cluster: EtcdCluster) -> None:
        picture = self._pictures.picture(cluster, self._here.clock.now())
        self._memory.pictures[cluster.name] = picture
        self._report.etcd_pictured(picture, leading=self._here.leading)

    def _ask(self, cluster: EtcdCluster) -> None:
        assert cluster.backup is not None  # noqa: S101 - asked by the caller
        age: timedelta | str
        try:
            age = self._backups.age(cluster.backup, _BACKUP_TIMEOUT)
        except CallFailed as error:
            age = str(error) or type(error).__name__
        self._memory.backups[cluster.name] = (self._here.clock.now(), age)
        self._report.etcd_backup(cluster, age)

    def _forget_but(self, clusters: Sequence[EtcdCluster]) -> None:
        names = {cluster.name for cluster in clusters}
        self._memory.keep(names)
        for done in (self._looked, self._asked, self._open):
            for gone in done.keys() - names:
                done.pop(gone, None)
        for cluster in clusters:
            if cluster.backup is None:
                self._memory.backups.pop(cluster.name, None)
                self._asked.pop(cluster.name, None)
        self._report.etcd_declared(clusters)


class EtcdSnapshots:
    """The actor of the process that leads which has a whole snapshot streamed and its hash checked,
    as often as ``snapshotCheck`` asks; a check that failed is tried again after five minutes.

    It is taken from a healthy follower, never from the leader, whose work the members wait for; and
    never while an action is open on the cluster, whose victim it may be. A check that failed while
    one was opened tells nothing, and is made again once the cluster is quiet.
    """

    def __init__(
        self, here: Here, memory: EtcdMemory, gateway: Gateway, report: EtcdReport
    ) -> None:
        self._here = here
        self._memory = memory
        self._gateway = gateway
        self._report = report

    def step(self) -> datetime:
        """Do the checks that are due, one after the other; returns when to come again."""
        here = self._here
        asked = [cluster for cluster in declared(here) if cluster.snapshot_check is not None]
        for cluster in asked:
            if here.leading and self._due(cluster) and not self._disturbed(cluster):
                self._check(cluster)
        self._show(asked)
        return here.after(_IDLE)

    def _show(self, asked: Sequence[EtcdCluster]) -> None:
        """Who leads no more checks no more: what it saw long ago tells nothing."""
        known = self._memory.snapshots
        names = [cluster.name for cluster in asked if cluster.name in known]
        leading = self._here.leading
        self._report.etcd_snapshots({name: known[name] for name in names} if leading else {})

    def _due(self, cluster: EtcdCluster) -> bool:
        tried, every = self._memory.snapshots.get(cluster.name), cluster.snapshot_check
        if tried is None or every is None:
            return True
        since = self._here.clock.now() - tried.at
        pause = min(_AGAIN, every) if tried.error else every
        return since >= pause or since < timedelta(0)

    def _disturbed(self, cluster: EtcdCluster) -> bool:
        intents = self._here.open_intents().values()
        return any(cluster.key in intent.locks for intent in intents)

    def _check(self, cluster: EtcdCluster) -> None:
        """Check one, unless nobody has looked at the cluster yet."""
        picture = self._memory.pictures.get(cluster.name)
        now = self._here.clock.now()
        if picture is None or now - picture.at > _PICTURE_GOOD_FOR:
            return
        before = self._memory.snapshots.get(cluster.name) or SnapshotTried(now)
        follower = _follower(picture)
        if follower is None:
            return  # the cluster is not well, which the guard says; it is looked at again soon
        try:
            good = self._gateway.check_snapshot(cluster, follower.endpoint, SNAPSHOT_TIMEOUT)
        except CallFailed as failed:
            what = str(failed) or type(failed).__name__
            if not self._disturbed(cluster):
                self._keep(cluster, before, f"from {follower}: {what}")
            return
        at = self._here.clock.now()
        tried = SnapshotTried(at, "", good.size, good.seconds, good_at=at)
        self._memory.snapshots[cluster.name] = tried

    def _keep(self, cluster: EtcdCluster, before: SnapshotTried, error: str) -> None:
        self._memory.snapshots[cluster.name] = SnapshotTried(
            self._here.clock.now(), error, before.size, before.seconds, before.good_at
        )


def _follower(picture: Picture) -> Member | None:
    """The healthy follower that is least behind; None when there is none, or no leader to tell it
    from."""
    leader = picture.leader
    if leader is None:
        return None
    fit = [m for m in picture.voters if m.healthy and m.id != leader.id and m.endpoint]
    return min(fit, key=lambda member: (picture.lag(member) or 0, member.id), default=None)
