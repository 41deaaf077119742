"""Declared etcd clusters in what the daemon says at `/`."""

from __future__ import annotations

from datetime import timedelta

from chaosd.core.etcd_model import EtcdBackup, EtcdCluster
from chaosd.core.quorum import Member, Picture
from chaosd.report.status_text import render
from tests.report.scene import START, Scene, configuration, policy
from tests.report.test_status_text import section, told

MAIN = EtcdCluster("main", backup=EtcdBackup(timedelta(days=1), file="/backups"))


def picture(down: str = "") -> Picture:
    members = tuple(
        Member(
            id=name,
            name=f"etcd-{name}",
            leader="a",
            cluster_id="c",
            known=("a", "b", "c"),
            error="connection refused" if name == down else "",
        )
        for name in ("a", "b", "c")
    )
    return Picture(name="main", at=START, members=members)


def test_each_cluster_is_in_the_table() -> None:
    """With its margin, and all that forbids taking a member down."""
    scene = Scene(configuration(policy()))
    scene.reporter.etcd_declared([MAIN])
    scene.reporter.etcd_pictured(picture(), leading=True)
    assert section(render(told(scene)), "ETCD")[1] == ["main", "3 of 3", "2", "1", "etcd-a", "-"]

    scene.reporter.etcd_pictured(picture(down="b"), leading=True)
    scene.reporter.etcd_backup(MAIN, timedelta(days=3))
    row = section(render(told(scene)), "ETCD")[1]
    assert row[:5] == ["main", "2 of 3", "2", "0", "etcd-a"]
    for code in ("etcdUnhealthy", "etcdQuorum", "etcdBackup"):
        assert code in row[5]


def test_a_cluster_that_is_not_declared_any_more_is_gone() -> None:
    """And so is the table, once there is none."""
    scene = Scene(configuration(policy()))
    scene.reporter.etcd_pictured(picture(), leading=True)
    scene.reporter.etcd_declared([])
    assert told(scene).etcd == ()
    assert "ETCD" not in render(told(scene))
