"""The row of declared etcd clusters: what they can lose, and what strikes cost them."""

from __future__ import annotations

from monitoring.build import Ask, Column, Head, Row, columns, lines, ranking
from monitoring.promql import CLUSTER, grown, select, shown

_MARGIN = Head(
    "etcd: quorum margin",
    "How many healthy voters each cluster could lose now and still work. A kill needs 1; at 0 the"
    " next failure stops all writes, below 0 it has. `chaosd explain --file FILE` says who is"
    " missing. docs/runbooks/ChaosdEtcdNoMargin.md.",
    8,
)
_MEMBERS = Head(
    "etcd: members by state",
    "Voters that answer a linearizable read (healthy) or don't (unhealthy), and learners. While one"
    " is unhealthy, no member is struck. Longer than a restart takes: look at that member, its disk"
    " and its certificates. docs/runbooks/ChaosdEtcdUnhealthy.md.",
    8,
)
_ALARMS = Head(
    "etcd: alarms",
    "Members that raise an alarm; no member is struck meanwhile. NOSPACE: the database is at its"
    " quota and takes no writes; compact, defragment, then `etcdctl alarm disarm`. CORRUPT: a"
    " member's data differs; replace that member from a healthy one.",
    8,
)
_LEADERLESS = Head(
    "etcd: without a leader after a strike",
    "For how long clusters had no leader, of the strikes of the day before: half, nine in ten and"
    " nearly all. About the election timeout (1 s by default) is usual. More: slow disks or a"
    " network that is far; or a shorter --election-timeout is due.",
    8,
)
_GAPS = Head(
    "etcd: gap of reads after a strike",
    "The longest time in which no linearizable read was answered, of the strikes of the day before,"
    " as a client with failover sees it. Near the timeouts of your clients: they fail with each"
    " change of the leader, so give them longer ones or let them try again.",
    8,
)
_CHANGES = Head(
    "etcd: leader changes",
    "How often another leader was seen, whatever made it change. Many without a strike nearby: a"
    " leader whose disk or network is slow loses its role again and again; look at its fsync"
    " times.",
    8,
)
_DATABASE = Head(
    "etcd: database size",
    "Size of each member's database. At the quota (2 GiB unless it is set) the cluster takes no"
    " more writes: compact and defragment before that, or raise --quota-backend-bytes. Members that"
    " differ much: defragment the large ones.",
    8,
)
_BACKUPS = Head(
    "etcd: age of the newest backup",
    "How old the newest backup is, and how old it may be (`backup.maxAge`); while it is older, or"
    " nobody says, no member is struck. No line of an age: it isn't known, and the log says why."
    " docs/runbooks/ChaosdEtcdBackupOld.md.",
    8,
)
_FAILING = Head(
    "etcd: snapshot checks failing",
    "1 while the newest check of a snapshot failed (`snapshotCheck`): no member is struck, and your"
    " own backups may fail as well. The log says what was wrong; it is tried again every five"
    " minutes. docs/runbooks/ChaosdEtcdSnapshotFailing.md.",
    8,
)
_CHECKS = Head(
    "etcd: seen and checked",
    "When members of each cluster last answered, and its newest good snapshot: when, how large, how"
    " long it took. Not seen for minutes: addresses, certificates or a NetworkPolicy;"
    " docs/runbooks/ChaosdEtcdUnseen.md. Slow: take snapshots where there is less to do.",
    24,
    6,
)


def _each(how: str, name: str, legend: str = "{{etcd}}", more: str = "") -> Ask:
    """A gauge of each etcd cluster, over the processes, which look for themselves."""
    return Ask(shown(how, ", ".join(filter(None, ("etcd", more))), name, CLUSTER), legend)


def _quantiles(name: str) -> tuple[Ask, ...]:
    found = f"sum by (le, etcd) (increase({select(f'{name}_bucket')}[1d]))"
    shares = ((0.5, "half"), (0.9, "9 in 10"), (0.99, "99 in 100"))
    return tuple(
        Ask(f"histogram_quantile({share}, {found})", f"{{{{etcd}}}} {word}")
        for share, word in shares
    )


def _at(name: str) -> str:
    return f"1000 * {shown('max', 'etcd', name, CLUSTER)}"


ROW = Row(
    "etcd",
    (
        lines(_MARGIN, _each("min", "etcd_quorum_margin")),
        lines(_MEMBERS, _each("max", "etcd_members", "{{etcd}} {{state}}", "state")),
        ranking(_ALARMS, _each("max", "etcd_alarms", "{{etcd}} {{alarm}}", "alarm")),
        lines(_LEADERLESS, *_quantiles("etcd_leaderless_seconds"), unit="s"),
        lines(_GAPS, *_quantiles("etcd_read_gap_seconds"), unit="s"),
        lines(
            _CHANGES,
            Ask(grown("etcd", select("etcd_leader_changes_total")), "{{etcd}}"),
            bars=True,
        ),
        lines(
            _DATABASE,
            _each("max", "etcd_database_bytes", "{{etcd}} {{member}}", "member"),
            unit="bytes",
        ),
        lines(
            _BACKUPS,
            _each("max", "etcd_backup_age_seconds", "{{etcd}}"),
            _each("max", "etcd_backup_max_age_seconds", "{{etcd}}: at most"),
            unit="s",
        ),
        lines(_FAILING, _each("max", "etcd_snapshot_failing")),
        columns(
            _CHECKS,
            "etcd",
            Column("Last seen", _at("etcd_seen_timestamp_seconds"), "dateTimeFromNow"),
            Column(
                "Last good snapshot",
                _at("etcd_snapshot_success_timestamp_seconds"),
                "dateTimeFromNow",
            ),
            Column("Its size", shown("max", "etcd", "etcd_snapshot_bytes", CLUSTER), "bytes"),
            Column("It took", shown("max", "etcd", "etcd_snapshot_seconds", CLUSTER), "s"),
        ),
    ),
)
