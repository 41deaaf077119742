"""The gates of etcd's backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.backup import SnapshotTried, backup_reasons, snapshot_reasons
from chaosd.core.etcd_model import EtcdBackup, EtcdCluster
from chaosd.core.reasons import Code, Reason

NOW = datetime(2026, 11, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
BACKED_UP = EtcdCluster("main", ("http://10.0.0.1:2379",), backup=EtcdBackup(24 * HOUR, file="/b"))
CHECKED = EtcdCluster("main", ("http://10.0.0.1:2379",), snapshot_check=12 * HOUR)
BARE = EtcdCluster("main", ("http://10.0.0.1:2379",))


@pytest.mark.parametrize(
    ("age", "detail"),
    [
        (
            timedelta(hours=31, minutes=4),
            "etcd main: its newest backup is 1d7h4m old; 1d is the most allowed",
        ),
        (
            "Prometheus did not answer",
            (
                "etcd main: how old its newest backup is isn't known (Prometheus did not answer);"
                " 1d is the most allowed"
            ),
        ),
        (
            -HOUR,
            (
                "etcd main: its newest backup claims to be from 1h in the future, so its age isn't"
                " known"
            ),
        ),
    ],
)
def test_a_backup_too_old_or_of_unknown_age_is_a_reason(age: timedelta | str, detail: str) -> None:
    """The reason says the age and the bound, or why there is no age."""
    (reason,) = backup_reasons(BACKED_UP, age)
    assert reason == Reason(Code.ETCD_BACKUP, detail)


@given(st.timedeltas(min_value=timedelta(0), max_value=24 * HOUR))
def test_a_backup_within_the_bound_is_good(age: timedelta) -> None:
    """No age from zero to the bound itself speaks against the cluster."""
    assert backup_reasons(BACKED_UP, age) == ()


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)) | st.text())
def test_without_a_declared_backup_its_age_does_not_matter(age: timedelta | str) -> None:
    """Nothing is asked of a cluster that declares no backup."""
    assert backup_reasons(BARE, age) == ()


def tried(error: str = "", good: timedelta | None = None) -> SnapshotTried:
    """A check that ended a minute ago, the newest good one ``good`` ago."""
    return SnapshotTried(
        NOW - timedelta(minutes=1), error, good_at=None if good is None else NOW - good
    )


@pytest.mark.parametrize(
    ("last", "detail"),
    [
        (None, "etcd main: no check of a snapshot has ended yet"),
        (
            tried("its hash is wrong"),
            "etcd main: the last check of a snapshot failed: its hash is wrong",
        ),
        (
            tried("its hash is wrong", good=HOUR),
            "etcd main: the last check of a snapshot failed: its hash is wrong",
        ),
        (
            tried(good=timedelta(hours=25)),
            "etcd main: the last good check of a snapshot was 25h ago; 1d is the most allowed",
        ),
    ],
)
def test_without_a_good_fresh_check_there_is_a_reason(
    last: SnapshotTried | None, detail: str
) -> None:
    """None yet, a failed one and one of long ago each say what is wrong."""
    assert snapshot_reasons(CHECKED, last, NOW) == (Reason(Code.ETCD_SNAPSHOT, detail),)


@given(st.timedeltas(min_value=timedelta(0), max_value=24 * HOUR))
def test_a_good_check_is_good_for_twice_its_interval(ago: timedelta) -> None:
    """One check may be missed before it is a reason."""
    assert snapshot_reasons(CHECKED, tried(good=ago), NOW) == ()


@pytest.mark.parametrize("last", [None, tried("broken"), tried(good=timedelta(days=90))])
def test_who_asks_for_no_checks_gets_no_reason(last: SnapshotTried | None) -> None:
    """Nothing is asked of a cluster without snapshotCheck."""
    assert snapshot_reasons(BARE, last, NOW) == ()
