"""When the alerts about declared etcd clusters fire, and when they don't."""

from __future__ import annotations

from tests.monitoring.rules import Case, Fires

MAIN = {"etcd": "main"}
UNHEALTHY = 'etcd_members{etcd="main", state="unhealthy", pod="a"}'
MARGIN = 'etcd_quorum_margin{etcd="main"}'
SEEN = 'etcd_seen_timestamp_seconds{etcd="main"}'
AGE = 'etcd_backup_age_seconds{etcd="main"}'
BOUND = 'etcd_backup_max_age_seconds{etcd="main"}'
FAILING = 'etcd_snapshot_failing{etcd="main"}'

TOO_OLD = Fires(
    "The newest backup of etcd cluster main is too old",
    "The newest backup of etcd cluster main is older than its backup.maxAge, or its age is not"
    " known. No member of it is struck until a newer one is there.",
    MAIN,
)

ETCD_CASES = (
    Case(
        "one of three",
        "ChaosdEtcdUnhealthy",
        {UNHEALTHY: "0x2 1x30", 'etcd_members{etcd="main", state="healthy", pod="a"}': "2x40"},
        "20m",
        Fires(
            "A member of etcd cluster main is unhealthy",
            "1 voter(s) of etcd cluster main have not answered a linearizable read for 15 minutes."
            " No member of it is struck, and it can miss fewer than it should.",
            MAIN,
        ),
    ),
    Case("a restart", "ChaosdEtcdUnhealthy", {UNHEALTHY: "0x2 1x9 0x30"}, "20m"),
    Case(
        "none to lose",
        "ChaosdEtcdNoMargin",
        {MARGIN: "1x2 0x90"},
        "70m",
        Fires(
            "etcd cluster main can lose no member",
            "For an hour etcd cluster main could not have lost one healthy voter and kept its"
            " quorum. chaosd strikes none of its members; the next failure would stop it.",
            MAIN,
        ),
    ),
    Case("one to lose", "ChaosdEtcdNoMargin", {MARGIN: "0x30 1x90"}, "70m"),
    Case(
        "long ago",
        "ChaosdEtcdUnseen",
        {SEEN: "0+60x5 300x30"},
        "25m",
        Fires(
            "No member of etcd cluster main answers chaosd",
            "No member of etcd cluster main has answered chaosd for 10 minutes. None of them is"
            " struck, and nothing that chaosd could hit them with.",
            MAIN,
        ),
    ),
    Case("just now", "ChaosdEtcdUnseen", {SEEN: "0+60x60"}, "50m"),
    Case("too old", "ChaosdEtcdBackupOld", {AGE: "90000+60x40", BOUND: "86400x40"}, "20m", TOO_OLD),
    Case("of unknown age", "ChaosdEtcdBackupOld", {BOUND: "86400x40"}, "20m", TOO_OLD),
    Case("fresh", "ChaosdEtcdBackupOld", {AGE: "0+60x40", BOUND: "86400x40"}, "30m"),
    Case("once unknown", "ChaosdEtcdBackupOld", {AGE: "5x2 _x3 5x30", BOUND: "60x40"}, "19m"),
    Case(
        "again and again",
        "ChaosdEtcdSnapshotFailing",
        {FAILING: "0x2 1x40"},
        "20m",
        Fires(
            "No good snapshot can be had of etcd cluster main",
            "For 15 minutes no snapshot of etcd cluster main could be streamed with a hash that is"
            " right. No member of it is struck, and its backups may be no good either.",
            MAIN,
        ),
    ),
    Case("once", "ChaosdEtcdSnapshotFailing", {FAILING: "0x2 1x6 0x40"}, "20m"),
)
