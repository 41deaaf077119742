"""Declared etcd clusters in what the daemon says at `/`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.etcd_model import EtcdBackup, EtcdCluster
from chaosd.core.model import Action, TargetKind
from chaosd.core.quorum import Member, Picture
from chaosd.ports import Standing
from chaosd.report.status_text import render
from tests.report.scene import START, Scene, configuration, policy
from tests.report.test_status_text import section, told

ETCD: dict[str, Any] = {
    "target": TargetKind.ETCD,
    "action": Action.KILL,
    "clusters": ("main",),
}
PLAIN = EtcdCluster("main")
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
    assert "nobody has been asked yet" in section(render(told(scene)), "ETCD")[1][6]

    scene.reporter.etcd_backup(MAIN, timedelta(hours=3))
    scene.time.passes(12)
    whole = ["main", "3 of 3", "2", "1", "etcd-a", "10:00:00Z (12s ago)", "-"]
    assert section(render(told(scene)), "ETCD")[1] == whole

    scene.reporter.etcd_pictured(picture(down="b"), leading=True)
    scene.reporter.etcd_backup(MAIN, timedelta(days=3))
    row = section(render(told(scene)), "ETCD")[1]
    assert row[:5] == ["main", "2 of 3", "2", "0", "etcd-a"]
    for code in ("etcdUnhealthy", "etcdQuorum", "etcdBackup"):
        assert code in row[6]


def test_what_is_not_known_is_no_figure() -> None:
    """Nobody answers: neither how many there are nor what they need is known."""
    scene = Scene(configuration(policy()))
    scene.reporter.etcd_declared([MAIN])
    unread = Picture(name="main", at=START, problems=("no way there",))
    scene.reporter.etcd_pictured(unread, leading=True)
    row = section(render(told(scene)), "ETCD")[1]
    assert row[1:5] == ["unknown"] * 4
    assert "no way there" in row[6]
    assert told(scene).etcd[0].known is False


def test_the_first_line_does_not_claim_what_the_table_denies() -> None:
    """A cluster that can miss none, or of which nothing is known, is no victim."""
    scene = Scene(configuration(policy("etcd", **ETCD)))
    first = render(told(scene)).splitlines()[0]
    assert first == (
        "UNKNOWN whether anything can be killed now: etcd: etcd main has not been looked at yet"
    )
    scene.reporter.etcd_declared([PLAIN])
    scene.reporter.etcd_pictured(picture(), leading=True)
    assert render(told(scene)).startswith("Victims CAN be killed now, by etcd\n")
    scene.reporter.etcd_pictured(picture(down="b"), leading=True)
    assert render(told(scene)).startswith("NOTHING can be killed now: etcdUnhealthy: etcd main: ")


def test_others_that_can_kill_are_named_alone() -> None:
    """What is not known of a policy is said below, as well as what speaks against it."""
    scene = Scene(configuration(policy(), policy("etcd", **ETCD)))
    first, second, *_ = render(told(scene)).splitlines()
    assert first == "Victims CAN be killed now, by web"
    assert second == "  not known of etcd: etcd main has not been looked at yet"
    scene.reporter.etcd_declared([PLAIN])
    scene.reporter.etcd_pictured(picture(down="b"), leading=True)
    first, second, *_ = render(told(scene)).splitlines()
    assert first == "Victims CAN be killed now, by web"
    assert second.startswith("  not by etcd: etcdUnhealthy: etcd main: ")


@pytest.mark.parametrize("leading", [True, False])
def test_snapshots_that_fail_forbid_too(leading: bool) -> None:
    """As the guard has it; who does not lead checks none, and says nothing of them."""
    scene = Scene(configuration(policy("etcd", **ETCD)))
    scene.reporter.etcd_declared([EtcdCluster("main", snapshot_check=timedelta(days=1))])
    scene.reporter.etcd_pictured(picture(), leading=leading)
    scene.reporter.standing(Standing(leading, configuration_valid=True, dry_run={"etcd": False}))
    against = [str(reason.code) for reason in told(scene).etcd[0].against]
    assert against == (["etcdSnapshot"] if leading else [])


def test_a_cluster_that_is_not_declared_any_more_is_gone() -> None:
    """And so is the table, once there is none."""
    scene = Scene(configuration(policy()))
    scene.reporter.etcd_pictured(picture(), leading=True)
    scene.reporter.etcd_declared([])
    assert told(scene).etcd == ()
    assert "ETCD" not in render(told(scene))
