"""Metrics of declared etcd clusters: how they stand, and what strikes cost them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from chaosd.core.backup import SnapshotTried
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.ledger import Intent, Verdict
from chaosd.core.quorum import Picture
from chaosd.report.declare import Declarations, Series

COST_BUCKETS = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 15, 30, 60, 120, 300)
ALARMS = ("NOSPACE", "CORRUPT")
STATES = ("healthy", "unhealthy", "learner")
OTHER = "other"


class EtcdMetrics:
    """The series of a cluster that isn't declared any more go.

    Every process looks at the clusters for itself; what is counted is counted by the one that
    leads.
    """

    def __init__(self, make: Declarations) -> None:
        self._gauges: list[Series] = []
        self._make_members(make)
        self._make_data(make)
        self._make_costs(make)
        self._leaders: dict[str, str] = {}
        self._known: set[str] = set()
        self._counted: set[str] = set()

    def _series(
        self, make: Declarations, name: str, meaning: str, *more: str, example: str = ""
    ) -> Series:
        made = Series(make.gauge(name, meaning, "etcd", *more, example=example))
        self._gauges.append(made)
        return made

    def _make_members(self, make: Declarations) -> None:
        self._members = self._series(
            make,
            "etcd_members",
            "Members of a declared etcd cluster: voters that answer a linearizable read (healthy)"
            " or don't (unhealthy), and learners, which don't vote. No series while nobody"
            " answers.",
            "state",
            example='max by (etcd) (chaosd_etcd_members{state="unhealthy"}) > 0',
        )
        self._margin = self._series(
            make,
            "etcd_quorum_margin",
            "How many healthy voters the cluster could lose now and still have its quorum; a kill"
            " needs 1, below 0 the cluster does not work. No series while nobody answers.",
            example="min by (etcd) (chaosd_etcd_quorum_margin) < 1",
        )
        self._seen = self._series(
            make,
            "etcd_seen_timestamp_seconds",
            "Unix time at which members of the cluster last answered; 0 if they never have. It is"
            " looked at every 15 s.",
            example="time() - max by (etcd) (chaosd_etcd_seen_timestamp_seconds) > 60",
        )
        self._changes = make.counter(
            "etcd_leader_changes_total",
            "How often the cluster was seen with another leader than before, whatever made it"
            " change. Counted by the process that leads, and from pictures 15 s apart: sum over"
            " processes.",
            "etcd",
            example="sum by (etcd) (increase(chaosd_etcd_leader_changes_total[1h]))",
        )

    def _make_data(self, make: Declarations) -> None:
        self._database = self._series(
            make,
            "etcd_database_bytes",
            "Size of a member's database file. At its quota (2 GiB unless it is set) the cluster"
            " takes no more writes.",
            "member",
            example="max by (etcd) (chaosd_etcd_database_bytes)",
        )
        self._alarms = self._series(
            make,
            "etcd_alarms",
            "How many members raise an alarm: NOSPACE, CORRUPT or other. While there is one, no"
            " member is struck.",
            "alarm",
            example="max by (etcd, alarm) (chaosd_etcd_alarms) > 0",
        )
        self._backup_age = self._series(
            make,
            "etcd_backup_age_seconds",
            "How old the newest backup is, asked once a minute. No series while that isn't known.",
            example="max by (etcd) (chaosd_etcd_backup_age_seconds)",
        )
        self._backup_bound = self._series(
            make,
            "etcd_backup_max_age_seconds",
            "How old the newest backup may be (backup.maxAge): while it is older, no member is"
            " struck.",
        )
        self._make_snapshots(make)

    def _make_snapshots(self, make: Declarations) -> None:
        self._snapshot_failing = self._series(
            make,
            "etcd_snapshot_failing",
            "1 while the newest check of a snapshot (snapshotCheck) failed, 0 while it was good;"
            " from the process that leads.",
            example="max by (etcd) (chaosd_etcd_snapshot_failing) == 1",
        )
        self._snapshot_at = self._series(
            make,
            "etcd_snapshot_success_timestamp_seconds",
            "Unix time at which the newest good check of a snapshot ended, from the process that"
            " leads, since it leads.",
            example="time() - max by (etcd) (chaosd_etcd_snapshot_success_timestamp_seconds)",
        )
        self._snapshot_bytes = self._series(
            make,
            "etcd_snapshot_bytes",
            "Size of the newest snapshot that was good. Nothing of it is kept.",
        )
        self._snapshot_seconds = self._series(
            make,
            "etcd_snapshot_seconds",
            "How long streaming the newest good snapshot took, its hash being checked.",
        )

    def _make_costs(self, make: Declarations) -> None:
        self._leaderless = make.histogram(
            "etcd_leaderless_seconds",
            "Seconds in all for which the cluster had no leader after a strike, until its verdict;"
            " sampled ten times a second. One observation for each verdict of an action that held"
            " the cluster.",
            "etcd",
            buckets=COST_BUCKETS,
            example="histogram_quantile(0.9,"
            " sum by (le, etcd) (rate(chaosd_etcd_leaderless_seconds_bucket[1w])))",
        )
        self._gap = make.histogram(
            "etcd_read_gap_seconds",
            "The longest time between two linearizable reads that were answered, one in between"
            " having failed, after a strike and until its verdict; 0 when none failed. Read ten"
            " times a second, from another member when one fails.",
            "etcd",
            buckets=COST_BUCKETS,
            example="histogram_quantile(0.9,"
            " sum by (le, etcd) (rate(chaosd_etcd_read_gap_seconds_bucket[1w])))",
        )

    def declared(self, clusters: Sequence[EtcdCluster]) -> None:
        """Take away what was shown of others, and begin what counts of these at zero."""
        names = {cluster.name for cluster in clusters}
        for gauge in self._gauges:
            gauge.keep(names)
        for gone in self._counted - names:
            for counted in (self._changes, self._leaderless, self._gap):
                counted.remove(gone)
            self._leaders.pop(gone, None)
        for name in sorted(names):
            for counted in (self._changes, self._leaderless, self._gap):
                counted.labels(name)
        for new in sorted(names - self._known):
            self._seen.show({(new,): 0.0}, only=new)
        self._known, self._counted = names, set(names)
        backed_up = {one.name: one.backup for one in clusters if one.backup is not None}
        self._backup_age.keep(backed_up)
        self._backup_bound.show(
            {(name,): backup.max_age.total_seconds() for name, backup in backed_up.items()}
        )

    def pictured(self, picture: Picture, *, leading: bool) -> None:
        """Show a cluster as it was seen; of one of which nobody answered only that is known."""
        name = picture.name
        answered = any(member.healthy or member.cluster_id for member in picture.members)
        members: dict[tuple[str, ...], float] = {}
        if answered:
            self._seen.show({(name,): picture.at.timestamp()}, only=name)
            learners = len(picture.members) - len(picture.voters)
            counts = (picture.healthy, len(picture.voters) - picture.healthy, learners)
            members = {(name, state): n for state, n in zip(STATES, counts, strict=True)}
        self._members.show(members, only=name)
        self._margin.show({(name,): picture.margin} if answered else {}, only=name)
        self._database.show(
            {(name, one.name or one.id): one.size for one in picture.members if one.size},
            only=name,
        )
        self._alarms.show(_alarms(picture) if answered else {}, only=name)
        leader = picture.leader
        if leader is not None:
            before = self._leaders.get(name, leader.id)
            if leading and before != leader.id:
                self._changes.labels(name).inc()
            self._leaders[name] = leader.id

    def backup(self, cluster: EtcdCluster, age: timedelta | str) -> None:
        """Show the age of a backup, if it is known."""
        name = cluster.name
        known: dict[tuple[str, ...], float] = {}
        if not isinstance(age, str):
            known = {(name,): age.total_seconds()}
        self._backup_age.show(known, only=name)

    def snapshots(self, tried: Mapping[str, SnapshotTried]) -> None:
        """Show the newest checks of snapshots, and nothing of other clusters."""
        good = {name: one for name, one in tried.items() if one.good_at is not None}
        self._snapshot_failing.show({(name,): bool(one.error) for name, one in tried.items()})
        self._snapshot_at.show(
            {(name,): one.good_at.timestamp() for name, one in good.items() if one.good_at}
        )
        self._snapshot_bytes.show({(name,): one.size for name, one in good.items()})
        self._snapshot_seconds.show({(name,): one.seconds for name, one in good.items()})

    def judged(self, intent: Intent) -> None:
        """Count what an action cost, at its verdict; forgiving comes after another verdict."""
        if intent.verdict is Verdict.FORGIVEN:
            return
        for name, cost in intent.etcd.items():
            if cost.reads:
                self._counted.add(name)
                self._leaderless.labels(name).observe(cost.leaderless)
                self._gap.labels(name).observe(cost.read_gap)


def _alarms(picture: Picture) -> dict[tuple[str, ...], float]:
    """How many members raise each alarm."""
    found: dict[tuple[str, ...], float] = {(picture.name, alarm): 0.0 for alarm in ALARMS}
    for member in picture.members:
        for alarm in {one if one in ALARMS else OTHER for one in member.alarms}:
            key = (picture.name, alarm)
            found[key] = found.get(key, 0.0) + 1
    return found
