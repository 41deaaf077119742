"""The guard of etcd: whichever policy strikes, no declared cluster loses its quorum by it."""

from __future__ import annotations

from datetime import datetime, timedelta

from chaosd.core.backup import backup_reasons, snapshot_reasons
from chaosd.core.etcd_match import has_host, may_be_of
from chaosd.core.etcd_model import ETCD, EtcdCluster
from chaosd.core.facts import NodeFacts, Recovery
from chaosd.core.ledger import Intent
from chaosd.core.model import Code, Configuration, Impact, Reason, Reasons
from chaosd.core.quorum import Picture, quorum_reasons, state_reasons
from chaosd.ports import CallFailed, Guarded
from chaosd.targets.etcd_clusters import EtcdClusters, Seen
from chaosd.targets.etcd_gateway import Backups
from chaosd.targets.etcd_hits import (
    Falling,
    Hits,
    concerns,
    drawn_reasons,
    falling,
    hits_of,
    members_among,
    strangers,
)
from chaosd.targets.node_reads import NodeReads

ASK_AGAIN = timedelta(minutes=1)
"""How often the age of a backup is asked for at most."""
_BACKUP_SECONDS = 3.0
_PREFIX = f"{ETCD}/"


class EtcdGuard:
    """A :class:`chaosd.ports.Guard`. Without declared clusters it asks nobody anything.

    An impact that takes down a member of a declared cluster, by whatever way, is allowed only when
    the cluster is whole and has its quorum without the members that fall, when their data stays,
    when the control plane that they are part of can miss them, and when its backups are in order.
    It must then hold the cluster's lock until the cluster is whole again. A member that a policy
    drew by its role must have that role at this moment.
    """

    def __init__(
        self, reads: NodeReads, clusters: EtcdClusters, backups: Backups | None = None
    ) -> None:
        self._reads = reads
        self._clusters = clusters
        self._backups = backups

    def object_to(self, configuration: Configuration, impact: Impact, now: datetime) -> Guarded:
        """What speaks against this impact, and the locks of the clusters that it hits."""
        self._clusters.learn(configuration)
        gone = self._undeclared(configuration, impact)
        held = any(lock.startswith(_PREFIX) for lock in impact.locks)
        if not configuration.etcd and not held:
            return Guarded(gone)
        try:
            fall = falling(self._reads, impact)
        except CallFailed as error:
            detail = f"whether members of etcd are hit can't be read: {error}"
            return Guarded((*gone, Reason(Code.ETCD_UNREADABLE, detail)))
        looked = self._look(configuration, impact, fall, now)
        reasons, locks = [*gone, *strangers(configuration.etcd, looked, fall)], []
        for cluster in configuration.etcd:
            if (seen := looked.get(cluster.name)) is None:
                continue
            others = self._members_of_others(configuration, looked, cluster, fall)
            hits = hits_of(cluster, seen, impact, fall, others)
            reasons += hits.reasons
            drawn = drawn_reasons(cluster, seen, impact, hits)
            if hits.ids or drawn or (cluster.key in impact.locks and _suspect(cluster, fall)):
                reasons += (*self._against(cluster, seen, hits, now), *drawn)
                locks.append(cluster.key)
            elif not seen.picture.members and self._clusters.lists(cluster, fall.struck, now):
                reasons += state_reasons(seen.picture)
        return Guarded(tuple(dict.fromkeys(reasons)), tuple(locks))

    def healed(
        self, configuration: Configuration, intent: Intent, now: datetime
    ) -> Recovery | None:
        """Whether every cluster whose lock ``intent`` holds is whole: all voters are healthy and
        have caught up, all agree on one leader, no alarm. One that is not declared any more is."""
        self._clusters.learn(configuration)
        names = [lock.removeprefix(_PREFIX) for lock in intent.locks if lock.startswith(_PREFIX)]
        if not names:
            return None
        clusters = [cluster for cluster in configuration.etcd if cluster.name in names]
        gone = [name for name in names if configuration.etcd_cluster(name) is None]
        told = [f"etcd {name} is not declared any more" for name in gone]
        whole, healthy, voters = True, 0, 0
        state = self._clusters.state
        for picture in self._clusters.together(lambda one: state(one, now), clusters):
            ill = state_reasons(picture)
            healthy, voters = healthy + picture.healthy, voters + len(picture.voters)
            whole = whole and not ill
            told.append("; ".join(reason.detail for reason in ill) or _well(picture))
        return Recovery(
            whole=whole,
            ready=healthy,
            desired=voters,
            detail="; ".join(told),
            costs=self._clusters.memory.costs(intent.id, now),
        )

    def _look(
        self, configuration: Configuration, impact: Impact, fall: Falling, now: datetime
    ) -> dict[str, Seen]:
        """The clusters that an impact concerns, by their names, in the order of the declaration."""

        def look(cluster: EtcdCluster) -> Seen | None:
            clusters = self._clusters
            if concerns(cluster, impact, fall) or clusters.lists(cluster, fall.struck, now):
                return clusters.look_for_strike(cluster, now)
            return None

        seen = zip(
            configuration.etcd, self._clusters.together(look, configuration.etcd), strict=True
        )
        return {cluster.name: one for cluster, one in seen if one is not None}

    def _undeclared(self, configuration: Configuration, impact: Impact) -> Reasons:
        """A step about a cluster that nobody can look at any more. A pod that falls is no matter
        here: one of its own looks like etcd that nobody declares, a drain has others beside."""
        if impact.pods or impact.crashed:
            return ()
        return tuple(
            Reason(Code.ETCD_UNREADABLE, f"{lock} is not declared any more")
            for lock in impact.locks
            if lock.startswith(_PREFIX)
            and configuration.etcd_cluster(lock.removeprefix(_PREFIX)) is None
        )

    def _members_of_others(
        self,
        configuration: Configuration,
        looked: dict[str, Seen],
        cluster: EtcdCluster,
        fall: Falling,
    ) -> frozenset[str]:
        return frozenset(
            path
            for other in configuration.etcd
            if other.name != cluster.name and other.name in looked
            for path in members_among(other, looked[other.name], fall.all)
        )

    def _against(self, cluster: EtcdCluster, seen: Seen, hits: Hits, now: datetime) -> Reasons:
        return (
            *quorum_reasons(seen.picture, hits.ids),
            *(_reason(cluster, Code.ETCD_DATA, f"{one} would lose its data") for one in hits.lost),
            *self._control_plane_reasons(cluster, seen, hits),
            *self._backup_reasons(cluster, now),
            *self._snapshot_reasons(cluster, now),
        )

    def _snapshot_reasons(self, cluster: EtcdCluster, now: datetime) -> Reasons:
        memory = self._clusters.memory
        if not memory.checks_snapshots:
            return ()
        return snapshot_reasons(cluster, memory.snapshots.get(cluster.name), now)

    def _control_plane_reasons(self, cluster: EtcdCluster, seen: Seen, hits: Hits) -> Reasons:
        """What the control plane would miss beside the member: its nodes must all be Ready, and an
        API server on another of them as well."""
        hosts = {place.node for place in seen.places.values()}
        plane = [node for name, node in seen.nodes.items() if name in hosts and node.control_plane]
        hit = {seen.places[one].node for one in hits.ids if one in seen.places}
        struck = [node for node in plane if node.name in hit]
        if not struck:
            return ()
        unready = ", ".join(sorted(node.name for node in plane if not node.ready))
        found = []
        if unready:
            detail = f"of the control plane's nodes with its members, {unready} is not Ready"
            found.append(_reason(cluster, Code.ETCD_CONTROL_PLANE, detail))
        names = ", ".join(sorted(node.name for node in struck))
        try:
            left = [one for one in self._reads.api_servers() if not _is_at(one, struck)]
        except CallFailed as error:
            detail = f"whether another API server is ready can't be read: {error}"
            return (*found, _reason(cluster, Code.ETCD_CONTROL_PLANE, detail))
        if not left:
            detail = f"no API server is ready but on {names}"
            found.append(_reason(cluster, Code.ETCD_CONTROL_PLANE, detail))
        return tuple(found)

    def _backup_reasons(self, cluster: EtcdCluster, now: datetime) -> Reasons:
        """The age of the newest backup, asked for if the last answer is not of this minute."""
        if cluster.backup is None:
            return ()
        memory = self._clusters.memory
        asked = memory.backups.get(cluster.name)
        old = asked is None or not timedelta(0) <= now - asked[0] < ASK_AGAIN
        if old and self._backups is not None:
            age: timedelta | str
            try:
                age = self._backups.age(cluster.backup, _BACKUP_SECONDS)
            except CallFailed as error:
                age = str(error) or type(error).__name__
            memory.backups[cluster.name] = (now, age)
        return backup_reasons(cluster, memory.backup_age(cluster.name, now))


def _suspect(cluster: EtcdCluster, fall: Falling) -> bool:
    """Whether a step of an intent that holds the cluster is about the cluster, although no member
    was found among what falls: nothing falls (a leader hands over), or what may be a member."""
    nothing = not (fall.struck or fall.machines)
    return nothing or any(may_be_of(cluster, pod) for pod in fall.struck)


def _is_at(address: str, nodes: list[NodeFacts]) -> bool:
    return any(has_host(node, address) for node in nodes)


def _well(picture: Picture) -> str:
    healthy = f"{picture.healthy} of {len(picture.voters)} voters healthy"
    return f"etcd {picture.name}: {healthy}, {picture.leader} leads"


def _reason(cluster: EtcdCluster, code: Code, detail: str) -> Reason:
    return Reason(code, f"etcd {cluster.name}: {detail}")
