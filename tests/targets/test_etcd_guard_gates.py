"""The guard of etcd: backups that must be young enough, and clusters that must be whole again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from chaosd.core.backup import SnapshotTried
from chaosd.core.etcd_model import EtcdBackup
from chaosd.core.leaderless import Trace
from chaosd.ports import Unanswered
from chaosd.targets.etcd_guard import EtcdGuard
from tests.targets.etcd_asked import (
    MEMBER,
    alarm,
    asked,
    held,
    lagging,
    one_down,
)
from tests.targets.etcd_lab import EtcdLab, pods_lab
from tests.targets.scopes import codes


class Ages:
    """Somebody who knows how old backups are."""

    def __init__(self, *ages: timedelta | Exception) -> None:
        self.ages = list(ages)
        self.asked = 0

    def age(self, backup: EtcdBackup, timeout: float) -> timedelta:
        self.asked += 1
        age = self.ages.pop(0)
        if isinstance(age, Exception):
            raise age
        return age


def gated(lab: EtcdLab, *ages: timedelta | Exception) -> Ages:
    backup = EtcdBackup(timedelta(hours=24), file="/backups")
    lab.declared = (msgspec.structs.replace(lab.declared[0], backup=backup),)
    known = Ages(*ages)
    lab.guard = EtcdGuard(lab.node_reads, lab.clusters, known)
    return known


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=23), set()),
        (timedelta(hours=25), {"etcdBackup"}),
        (Unanswered("timed out"), {"etcdBackup"}),
    ],
)
def test_the_age_of_the_backup(age: timedelta | Exception, expected: set[str]) -> None:
    """Asked for once a minute; no answer is too old."""
    lab = pods_lab()
    known = gated(lab, age, timedelta(0))
    assert codes(asked(lab, MEMBER).reasons) == expected
    lab.clock.advance(30)
    assert codes(asked(lab, MEMBER).reasons) == expected
    assert known.asked == 1
    lab.clock.advance(31)
    assert codes(asked(lab, MEMBER).reasons) == set()
    assert known.asked == 2


def test_a_process_that_checks_no_snapshots() -> None:
    """What it does not know is no reason."""
    lab = pods_lab()
    lab.declared = (msgspec.structs.replace(lab.declared[0], snapshot_check=timedelta(days=1)),)
    lab.memory.checks_snapshots = False
    assert asked(lab, MEMBER).reasons == ()


def test_the_check_of_a_snapshot() -> None:
    """One must have been good."""
    lab = pods_lab()
    lab.declared = (msgspec.structs.replace(lab.declared[0], snapshot_check=timedelta(days=1)),)
    assert codes(asked(lab, MEMBER).reasons) == {"etcdSnapshot"}
    now = lab.clock.now()
    lab.memory.snapshots["main"] = SnapshotTried(now, good_at=now)
    assert asked(lab, MEMBER).reasons == ()


# ---- healed


@pytest.mark.parametrize(
    ("ill", "whole", "detail"),
    [
        (None, True, "etcd main: 3 of 3 voters healthy"),
        (one_down, False, "2 of 3 voters healthy, not etcd-2 (a2)"),
        (alarm, False, "alarm NOSPACE on etcd-1 (a1)"),
        (lagging, False, "entries behind the leader"),
    ],
)
def test_whole_again(ill: Callable[[EtcdLab], None] | None, whole: bool, detail: str) -> None:
    """Only when nothing speaks against its state; with what it has cost so far."""
    lab = pods_lab()
    if ill:
        ill(lab)
    intent = held(lab, "Etcd/main", "data/StatefulSet/etcd")
    lab.memory.led[intent.id] = {"main": Trace().sampled(lab.clock.now(), "", read=False)}
    lab.clock.advance(3)
    seen = lab.guard.healed(lab.configuration(), intent, lab.clock.now())
    assert seen is not None
    assert (seen.whole, seen.desired, seen.costs["main"].leaderless) == (whole, 3, 3.0)
    assert detail in seen.detail


def test_whole_again_without_etcd() -> None:
    """An intent that holds no cluster is nothing to it; one that is not declared any more is
    whole."""
    lab = pods_lab()
    assert lab.guard.healed(lab.configuration(), held(lab, "Node/a"), lab.clock.now()) is None
    lab.declared = ()
    seen = lab.guard.healed(lab.configuration(), held(lab, "Etcd/main"), lab.clock.now())
    assert seen is not None
    assert (seen.whole, seen.detail) == (True, "etcd main is not declared any more")
