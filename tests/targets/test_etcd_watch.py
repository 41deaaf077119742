"""Looking at etcd clusters, their backups and their snapshots, in virtual time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chaosd.core.etcd_model import EtcdBackup
from chaosd.core.ledger import Result
from chaosd.ports import Loaded
from chaosd.targets.etcd_gateway import SnapshotChecked
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.etcd_watch import EtcdSnapshots, EtcdWatch
from tests.core.ledgers import intent
from tests.support.clock import VirtualClock
from tests.targets.etcd_scripted import (
    MAIN,
    NAMES,
    NOW,
    Around,
    Members,
    Told,
    picture,
    play,
    with_,
)

HOUR = timedelta(hours=1)
BACKED_UP = with_(MAIN, backup=EtcdBackup(24 * HOUR, file="/backups"))
CHECKED = with_(MAIN, snapshot_check=24 * HOUR)


class Lab:
    """Both actors of a process over a scripted cluster."""

    def __init__(self) -> None:
        self.clock = VirtualClock(NOW)
        self.around = Around(self.clock)
        self.memory = EtcdMemory()
        self.members = Members(self.clock)
        self.told = Told()
        self.watch = EtcdWatch(self.around, self.memory, self.members, self.members, self.told)
        self.snapshots = EtcdSnapshots(self.around, self.memory, self.members, self.told)

    def runs(self, seconds: float) -> None:
        play(self.clock, (self.watch.step, self.snapshots.step), seconds)


def test_a_declared_cluster_is_looked_at_four_times_a_minute() -> None:
    """Each picture is kept and reported, also by a process that doesn't lead."""
    lab = Lab()
    lab.around.declare(MAIN)
    lab.around.leading = False
    lab.runs(61)
    assert lab.members.count("picture") == 5
    assert [leading for _, leading in lab.told.pictured] == [False] * 5
    assert lab.memory.pictures["main"] == lab.told.pictured[-1][0]


def test_what_happens_to_a_cluster_is_looked_at_at_once() -> None:
    """An intent that opens, strikes or closes on it; then every 15 seconds again."""
    lab = Lab()
    lab.around.declare(MAIN)
    lab.runs(5)
    struck = intent(locks=(MAIN.key,))
    looks = []
    for now in ({struck.id: struck}, {struck.id: replace(struck, result=Result.KILLED)}, {}):
        lab.around.intents = dict(now)
        lab.runs(2)
        looks.append(lab.members.count("picture"))
    assert looks == [2, 3, 4]
    lab.around.intents = {"other": intent(locks=("shop/Deployment/web",))}
    lab.runs(12)
    assert lab.members.count("picture") == 4
    lab.runs(4)
    assert lab.members.count("picture") == 5


@pytest.mark.parametrize("loaded", [Loaded(None), None], ids=["no configuration", "none declared"])
def test_where_nothing_is_declared_nobody_is_asked(loaded: Loaded | None) -> None:
    """A reload may declare one later: it is looked at within some seconds."""
    lab = Lab()
    if loaded is None:
        lab.around.declare()
    lab.runs(60)
    assert lab.members.asked == []
    lab.around.declare(MAIN)
    lab.runs(6)
    assert lab.members.count("picture") == 1


def test_what_is_not_declared_any_more_is_forgotten() -> None:
    """Its picture goes, and what was shown of it; a changed declaration is looked at anew."""
    lab = Lab()
    lab.around.declare(BACKED_UP)
    lab.runs(1)
    lab.around.declare(with_(BACKED_UP, endpoints=MAIN.endpoints[:2]))
    lab.runs(6)
    assert lab.members.count("picture") == lab.members.count("age") == 2
    lab.around.declare()
    lab.runs(6)
    assert (lab.memory.pictures, lab.memory.backups) == ({}, {})
    assert lab.told.declared[-1] == ()


def test_the_age_of_the_backup_is_asked_once_a_minute() -> None:
    """It is kept with the time at which it was true, and grows from then on."""
    lab = Lab()
    lab.around.declare(BACKED_UP)
    lab.runs(125)
    assert lab.members.count("age") == 3
    assert lab.told.backups == [HOUR] * 3
    asked, age = lab.memory.backups["main"]
    assert age == HOUR
    assert lab.memory.backup_age("main", asked + timedelta(seconds=30)) == HOUR + timedelta(
        seconds=30
    )


def test_why_the_age_is_not_known_is_kept() -> None:
    """What Prometheus answered is what a person wants to read."""
    lab = Lab()
    lab.around.declare(BACKED_UP)
    lab.members.age_of_backup = "Prometheus has 2 samples"
    lab.runs(1)
    assert lab.told.backups == ["Prometheus has 2 samples"]
    assert lab.memory.backup_age("main", lab.clock.now()) == "Prometheus has 2 samples"


def test_an_old_answer_about_a_backup_tells_nothing() -> None:
    """Nobody asked for long, or never: the age is not known."""
    memory = EtcdMemory(backups={"main": (NOW, HOUR)})
    late = memory.backup_age("main", NOW + timedelta(minutes=6))
    early = memory.backup_age("main", NOW - timedelta(minutes=1))
    assert late == early == "the last answer is of 2026-11-03 12:00:00 UTC"
    assert memory.backup_age("other", NOW) == "nobody has been asked yet"


def test_a_snapshot_is_checked_once_in_its_interval_from_a_follower() -> None:
    """Never from the leader; what came of it is kept and shown."""
    lab = Lab()
    lab.around.declare(CHECKED)
    lab.runs(24 * 3600 - 60)
    assert [one for one in lab.members.asked if one[0] == "snapshot"] == [("snapshot", NAMES["b"])]
    tried = lab.memory.snapshots["main"]
    assert (tried.error, tried.size, tried.seconds) == ("", 4096, 1.5)
    assert tried.good_at == tried.at
    assert lab.told.snapshots[-1] == {"main": tried}
    lab.runs(120)
    assert lab.members.count("snapshot") == 2


def test_a_check_that_failed_is_tried_again_after_five_minutes() -> None:
    """The last good one is remembered meanwhile, with its size."""
    lab = Lab()
    lab.around.declare(CHECKED)
    lab.runs(60)
    good = lab.memory.snapshots["main"]
    lab.members.snapshot = "its hash is wrong"
    lab.runs(24 * 3600 + 240)
    tried = lab.memory.snapshots["main"]
    assert lab.members.count("snapshot") == 2
    assert tried.error == "from etcd-b (b): its hash is wrong"
    assert (tried.good_at, tried.size) == (good.good_at, good.size)
    lab.runs(180)
    assert lab.members.count("snapshot") == 3
    lab.members.snapshot = SnapshotChecked(8192, 1.0)
    lab.runs(301)
    assert lab.memory.snapshots["main"].error == ""


def test_only_who_leads_checks_snapshots() -> None:
    """And who doesn't shows nothing of them."""
    lab = Lab()
    lab.around.declare(CHECKED)
    lab.around.leading = False
    lab.runs(60)
    assert lab.members.count("snapshot") == 0
    lab.around.leading = True
    lab.runs(60)
    assert lab.told.snapshots[-1].keys() == {"main"}
    lab.around.leading = False
    lab.runs(60)
    assert lab.told.snapshots[-1] == {}


def test_a_snapshot_waits_for_a_picture() -> None:
    """An old one, or none, can't tell who follows: nothing is asked and nothing has failed."""
    lab = Lab()
    lab.around.declare(CHECKED)
    lab.snapshots.step()
    lab.memory.pictures["main"] = picture(NOW - timedelta(minutes=2))
    lab.snapshots.step()
    assert lab.members.asked == []
    assert lab.memory.snapshots == {}


def test_no_snapshot_is_asked_for_while_a_member_is_struck() -> None:
    """Its victim may be the follower that is asked; once the cluster is quiet it is made up for."""
    lab = Lab()
    lab.around.declare(CHECKED)
    lab.around.intents = {"a": intent(locks=("Etcd/main",))}
    lab.runs(60)
    assert lab.members.count("snapshot") == 0
    lab.around.intents = {"b": intent(locks=("shop/Deployment/web",))}
    lab.runs(6)
    assert lab.members.count("snapshot") == 1


def test_a_snapshot_that_a_strike_cut_off_has_not_failed() -> None:
    """What came of it tells nothing of the cluster, and it is tried again soon."""
    lab = Lab()
    lab.around.declare(CHECKED)
    lab.memory.pictures["main"] = picture(NOW)

    def strike() -> None:
        lab.around.intents = {"a": intent(locks=("Etcd/main",))}

    lab.members.meanwhile, lab.members.snapshot = strike, "connection reset"
    lab.snapshots.step()
    assert lab.memory.snapshots == {}
    lab.members.meanwhile, lab.members.snapshot = lambda: None, SnapshotChecked(4096, 1.5)
    lab.around.intents = {}
    lab.runs(6)
    assert lab.memory.snapshots["main"].error == ""


@pytest.mark.parametrize("leader", ["a", ""], ids=["followers down", "no leader"])
def test_without_a_healthy_follower_the_check_waits(leader: str) -> None:
    """The leader is left alone; nothing was tried, so that nothing has failed: a cluster that has
    just started is not to wait for minutes."""
    lab = Lab()
    lab.around.declare(CHECKED)
    down = {NAMES["b"], NAMES["c"]} if leader else set()
    lab.memory.pictures["main"] = picture(NOW, leader, down=down)
    lab.snapshots.step()
    assert lab.members.asked == []
    assert lab.memory.snapshots == {}
