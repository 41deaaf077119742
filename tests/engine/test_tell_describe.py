"""The Events that ``kubectl describe`` finds: it asks for the kind, the name and the UID."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.ledger import Verdict
from chaosd.sandbox import Timings, scenarios
from tests.engine import troubles as on
from tests.engine.scene import Scene, configured, only, policy
from tests.engine.test_etcd_guard import POLICIES, scene_of

TIMINGS = Timings(schedule=(0, 0), start=(2, 2), stop=(0, 0))
QUIET = ("reload", "plan", "requests")


def described(scene: Scene, kind: str, name: str) -> list[str]:
    """The reasons of the Events that describe shows of a workload in the namespace shop."""
    item: dict[str, Any] = scene.cluster.get(f"{kind.lower()}s.apps", "shop", name) or {}
    wanted = (kind, "shop", name, item["metadata"]["uid"])
    return [
        event["reason"]
        for event in scene.events()
        if tuple(event["involvedObject"][key] for key in ("kind", "namespace", "name", "uid"))
        == wanted
    ]


def killed() -> tuple[Scene, str]:
    """A kill in a Deployment, and its intent; nothing has been told."""
    scene = Scene(configured(policy()), on.web(3, opt_in=True), TIMINGS)
    process = scene.leader(without=QUIET)
    assert process.attempt().result == "killed"
    process.die()
    return scene, only(scene).id


def successor(scene: Scene) -> None:
    """Another process takes over, and tells all."""
    scene.process("b", without=QUIET).start()
    scene.run(60)


def test_another_leader_tells_it_on_that_very_workload() -> None:
    """What was read at the decision lies in the ledger: the verdict of a process that has not
    decided anything is on the Deployment too."""
    scene, _ = killed()
    successor(scene)
    assert only(scene).verdict_told == "b"
    assert sorted(described(scene, "Deployment", "web")) == ["ChaosKilled", "ChaosRecovered"]


def test_a_workload_of_that_name_that_came_later_is_another() -> None:
    """Made anew after the kill, it shows nothing of what was done to the one before."""
    scene, _ = killed()
    scene.cluster.remove("deployments.apps", "shop", "web")
    scenarios.deployment(scene.cluster, "shop", "web", 3)
    successor(scene)
    assert only(scene).verdict_told == "b"
    assert described(scene, "Deployment", "web") == []


def test_an_intent_of_an_older_version_is_told_all_the_same() -> None:
    """Without the UID its Events are found by name only."""
    scene, key = killed()
    assert only(scene).uids

    scene.rewrite(
        lambda ledger: msgspec.structs.replace(
            ledger, intents={key: msgspec.structs.replace(ledger.intents[key], uids={})}
        )
    )
    successor(scene)
    assert only(scene).verdict_told == "b"
    assert described(scene, "Deployment", "web") == []
    about = {(e["reason"], e["involvedObject"]["name"]) for e in scene.events()}
    assert {("ChaosKilled", "web"), ("ChaosRecovered", "web")} <= about


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_owns_an_etcd_member_is_told_too(dry_run: bool) -> None:
    """Nobody can describe a declared cluster, but everybody the StatefulSet that runs it."""
    scene, process = scene_of(msgspec.structs.replace(POLICIES["etcd"], dry_run=dry_run))
    assert process.attempt().result == ("dryRun" if dry_run else "killed")
    scene.run(90)
    intent = only(scene)
    assert intent.verdict is (None if dry_run else Verdict.RECOVERED)
    reasons = ["ChaosDryRun"] if dry_run else ["ChaosKilled", "ChaosRecovered"]
    assert sorted(described(scene, "StatefulSet", "etcd")) == reasons
    names = [event["metadata"]["name"] for event in scene.events()]
    assert len(names) == len(set(names))
    about = [e["reason"] for e in scene.events() if e["involvedObject"]["kind"] == "Etcd"]
    assert sorted(about) == reasons
