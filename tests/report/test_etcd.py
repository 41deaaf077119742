"""What is shown, logged and told of etcd clusters."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse

from chaosd.core.backup import SnapshotTried
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.leaderless import EtcdCost
from chaosd.core.ledger import Intent, Result, Verdict
from chaosd.core.quorum import Member, Picture
from chaosd.engine.tell import notices
from tests.core.ledgers import intent
from tests.report.etcd_scene import MAIN, member, picture
from tests.report.scene import START, Scene

HOUR = timedelta(hours=1)
OTHER = EtcdCluster("other", ("http://10.1.0.1:2379",))
COST = EtcdCost(leaderless=1.23, read_gap=1.41, reads=80, failed=3, leader_changes=1)


def shown(scene: Scene) -> dict[str, float]:
    """The etcd series, by name and the labels beside ``etcd``; but no buckets."""
    body, _ = scene.metrics.render()
    found = {}
    for family in parse(body.decode()):
        for one in family.samples:
            if one.name.startswith("chaosd_etcd_") and not one.name.endswith("_bucket"):
                labels = " ".join((one.labels["etcd"], *_besides(one.labels)))
                found[f"{one.name.removeprefix('chaosd_etcd_')} {labels}"] = one.value
    return found


def _besides(labels: dict[str, str]) -> list[str]:
    return [value for label, value in labels.items() if label != "etcd"]


def lines(scene: Scene) -> list[dict[str, Any]]:
    """What was logged of etcd clusters."""
    return [line for line in scene.lines() if "etcd" in line]


def judged(**changes: Any) -> Intent:
    """An intent with its verdict, and what it cost."""
    plain = intent(
        result=Result.KILLED,
        verdict=Verdict.RECOVERED,
        verdict_at=START,
        etcd={"main": COST},
        locks=("Etcd/main",),
    )
    return msgspec.structs.replace(plain, **changes)


def test_a_cluster_that_is_well() -> None:
    """All of it is shown, alarms at zero; the log says so once."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    for _ in range(3):
        scene.reporter.etcd_pictured(picture(), leading=True)
    found = shown(scene)
    assert found["members main healthy"] == 3
    assert (found["members main unhealthy"], found["members main learner"]) == (0, 0)
    assert found["quorum_margin main"] == 1
    assert found["database_bytes main b"] == 4096
    assert (found["alarms main NOSPACE"], found["alarms main CORRUPT"]) == (0, 0)
    assert found["seen_timestamp_seconds main"] == START.timestamp()
    assert found["leader_changes_total main"] == 0
    (line,) = lines(scene)
    assert line["event"] == "etcd members: all is well"
    assert (line["etcd"], line["healthy"], line["margin"], line["leader"]) == (
        *("main", 3, 1),
        "a (id-a)",
    )


def test_what_ails_a_cluster() -> None:
    """A member down, a learner and alarms; the line has every reason, and comes once, though the
    words of the error differ."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    ill = (member("a"), member("b", alarms=("NOSPACE", "ODD")))
    for error in ("no answer in 5.01 s", "no answer in 5.02 s"):
        down = member("c", error=error, cluster_id="", size=0)
        learner = member("d", learner=True, size=0)
        scene.reporter.etcd_pictured(picture(*ill, down, learner), leading=True)
    found = shown(scene)
    assert [found[f"members main {one}"] for one in ("healthy", "unhealthy", "learner")] == [
        *(2, 1, 1),
    ]
    assert found["quorum_margin main"] == 0
    assert [found[f"alarms main {one}"] for one in ("NOSPACE", "CORRUPT", "other")] == [1, 0, 1]
    assert "database_bytes main c" not in found
    (line,) = lines(scene)
    assert line["level"] == "warning"
    assert {reason["code"] for reason in line["reasons"]} == {"etcdUnhealthy", "etcdAlarm"}


@pytest.mark.parametrize(
    "nobody",
    [(), tuple(member(one, error="refused", cluster_id="", leader="") for one in "abc")],
    ids=["no list", "no answers"],
)
def test_of_a_cluster_of_which_nobody_answers_nothing_is_claimed(nobody: tuple[Member]) -> None:
    """No margin and no members are shown, and when it was last seen stays."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    assert shown(scene)["seen_timestamp_seconds main"] == 0
    scene.reporter.etcd_pictured(picture(), leading=True)
    later = START + HOUR
    seen = Picture(name="main", at=later, members=nobody, problems=("nobody answered",))
    scene.reporter.etcd_pictured(seen, leading=True)
    found = shown(scene)
    assert found["seen_timestamp_seconds main"] == START.timestamp()
    assert not [one for one in found if one.startswith(("members", "quorum", "alarms"))]


@pytest.mark.parametrize(("leading", "counted"), [(True, 1), (False, 0)])
def test_leader_changes_are_counted_by_who_leads(leading: bool, counted: int) -> None:
    """Once over all processes; a cluster that has none for a while has not changed it."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    for leader in ("id-a", "id-a", "", "id-b", "id-b"):
        members = (member(one, leader=leader) for one in "abc")
        scene.reporter.etcd_pictured(picture(*members), leading=leading)
    assert shown(scene)["leader_changes_total main"] == counted


def test_backups() -> None:
    """Age and bound while it is known; a line when it becomes too old, unknown, or good."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    ages: list[timedelta | str] = [HOUR, 2 * HOUR, 30 * HOUR, 31 * HOUR, "no samples", HOUR]
    seen = []
    for age in ages:
        scene.reporter.etcd_backup(MAIN, age)
        seen.append(shown(scene).get("backup_age_seconds main"))
    assert seen == [3600, 7200, 108000, 111600, None, 3600]
    assert shown(scene)["backup_max_age_seconds main"] == 86400
    assert [line["event"] for line in lines(scene)] == [
        *("etcd backup: good", "etcd backup: not good enough"),
        *("etcd backup: not good enough", "etcd backup: good"),
    ]


def test_snapshots() -> None:
    """The newest good one is shown beside what failed; each check is one line."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    good = SnapshotTried(START, "", 4096, 1.5, START)
    bad = SnapshotTried(START + HOUR, "its hash is wrong", 4096, 1.5, START)
    for tried in (good, good, bad, bad):
        scene.reporter.etcd_snapshots({"main": tried})
    found = shown(scene)
    assert found["snapshot_failing main"] == 1
    assert found["snapshot_bytes main"] == 4096
    assert found["snapshot_seconds main"] == 1.5
    assert found["snapshot_success_timestamp_seconds main"] == START.timestamp()
    assert [line["event"] for line in lines(scene)] == [
        *("etcd snapshot: good", "etcd snapshot: the check failed"),
    ]
    scene.reporter.etcd_snapshots({})
    assert not [one for one in shown(scene) if one.startswith("snapshot")]


def test_what_is_not_declared_any_more_is_not_shown() -> None:
    """Every series of it goes; those of others stay, and counters go on."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN, OTHER))
    for name in ("main", "other"):
        scene.reporter.etcd_pictured(picture(name=name), leading=True)
    scene.reporter.etcd_backup(MAIN, HOUR)
    scene.reporter.judged(judged(etcd={"main": COST, "other": COST}))
    scene.reporter.etcd_declared((OTHER,))
    found = shown(scene)
    assert {one.split()[1] for one in found} == {"other"}
    assert found["leaderless_seconds_count other"] == 1


def test_what_a_strike_cost_is_counted_and_told_once() -> None:
    """In the histograms, in the verdict's line and in its Event."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    scene.reporter.judged(judged())
    found = shown(scene)
    assert found["leaderless_seconds_count main"] == found["read_gap_seconds_count main"] == 1
    assert found["leaderless_seconds_sum main"] == 1.23
    assert found["read_gap_seconds_sum main"] == 1.41
    (line,) = lines(scene)
    assert line["etcd"] == {
        "main": {
            "leaderlessSeconds": 1.23,
            "readGapSeconds": 1.41,
            "leaderChanges": 1,
            "reads": 80,
            "failed": 3,
        }
    }
    (notice,) = notices(judged(), verdict=True)
    told = "; etcd main: without a leader for 1.2 s, longest gap of reads 1.4 s [intent "
    assert told in notice.message


def test_what_cost_nothing_is_told_too() -> None:
    """That is what one hopes to read."""
    (notice,) = notices(judged(etcd={"main": EtcdCost(reads=80)}), verdict=True)
    assert "; etcd main: never without a leader, no read failed [intent" in notice.message


@pytest.mark.parametrize(
    "changes",
    [{"etcd": {}}, {"etcd": {"main": EtcdCost()}}, {"verdict": Verdict.FORGIVEN}],
    ids=["none held", "not measured", "forgiven"],
)
def test_what_was_not_measured_or_was_counted_is_not_counted(changes: dict[str, Any]) -> None:
    """Forgiving is a verdict after another one, which has counted the cost."""
    scene = Scene()
    scene.reporter.etcd_declared((MAIN,))
    scene.reporter.judged(judged(**changes))
    assert shown(scene)["leaderless_seconds_count main"] == 0
