"""Whichever policy strikes a member of a declared cluster, it meets the guard of etcd."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.ledger import Result, Verdict
from chaosd.core.model import (
    Action,
    BudgetMode,
    Code,
    Configuration,
    Helper,
    NodeRules,
    Policy,
    Select,
    TargetKind,
)
from chaosd.engine.attempt import SKIPPED, Ended
from chaosd.sandbox import Cluster, scenarios
from tests.engine.machines import Machines
from tests.engine.process import Process
from tests.engine.scene import Scene, codes, configured, policy
from tests.engine.story_of_etcd import CLAIM, MAIN
from tests.support.etcd import EtcdOfPods

SELECT = Select(min_age=timedelta(0), kinds=("StatefulSet",))
HELPERS = "chaosd-helper"
RULES = NodeRules(max_unavailable=2, last_of_zone=True)


def data(cluster: Cluster, **options: Any) -> None:
    """Three members in pods on opted-in nodes, and the helpers' namespace."""
    scenarios.namespace(cluster, HELPERS)
    for node in list(cluster.all("nodes")):
        with cluster.edit("nodes", "", node["metadata"]["name"]) as item:
            item["metadata"]["labels"]["chaosd.io/enabled"] = "true"
    usual = {"image": "etcd:3.6", "pod_spec": CLAIM, "opt_in": True}
    scenarios.stateful_set(cluster, "shop", "etcd", 3, **{**usual, **options})


def node_policy(action: Action, **fields: Any) -> Policy:
    usual: dict[str, Any] = {"target": TargetKind.NODE, "action": action, "node": RULES}
    return policy(**{**usual, "hold": timedelta(0), **fields})


POLICIES = {
    "evict": policy(select=SELECT),
    "delete": policy(select=SELECT, pdb=BudgetMode.BYPASS),
    "crash": policy(select=SELECT, action=Action.CRASH),
    "drain": node_policy(Action.DRAIN),
    "reboot": node_policy(Action.REBOOT, pdb=BudgetMode.BYPASS),
    "etcd": policy(target=TargetKind.ETCD, action=Action.KILL, clusters=("main",)),
}


def scene_of(one: Policy, *, declared: bool = True, **options: Any) -> tuple[Scene, Process]:
    """A cluster with etcd, and a leader with this policy."""
    configuration: Configuration = configured(
        one, etcd=(MAIN,) if declared else (), helper=Helper(HELPERS, "chaosd:1")
    )
    scene = Scene(configuration, lambda cluster: data(cluster, **options))
    scene.sandbox.etcd = EtcdOfPods(scene.cluster, "shop", "etcd", 3)
    return scene, scene.leader()


def etcd(scene: Scene) -> EtcdOfPods:
    found = scene.sandbox.etcd
    assert isinstance(found, EtcdOfPods)
    return found


@pytest.mark.parametrize("name", list(POLICIES))
def test_a_whole_cluster_may_miss_a_member(name: str) -> None:
    """The strike is made, and holds the cluster until all of its voters are healthy."""
    scene, process = scene_of(POLICIES[name])
    ended = process.attempt()
    assert ended.intent is not None, ended.reasons
    (intent,) = scene.ledger().intents.values()
    if name != "drain":  # a node that is drained may have no member
        assert "Etcd/main" in intent.locks
    member = etcd(scene).members["etcd-2"]
    scene.run(8)
    member.up = False
    scene.run(20)
    held = scene.ledger().intents.get(intent.id)
    if held is not None and "Etcd/main" in held.locks and held.result is Result.KILLED:
        assert "2 of 3 voters healthy, not etcd-2" in held.seen
    member.up = True
    scene.run(60)
    found = scene.ledger().find(intent.id)
    assert found is not None
    assert (found.result, found.verdict) == (Result.KILLED, Verdict.RECOVERED), found.detail
    assert etcd(scene).quorate()


def down(scene: Scene) -> None:
    etcd(scene).members["etcd-0"].up = False


def alarm(scene: Scene) -> None:
    etcd(scene).members["etcd-0"].alarms = ("NOSPACE",)


@pytest.mark.parametrize(("ill", "code"), [(down, Code.ETCD_UNHEALTHY), (alarm, Code.ETCD_ALARM)])
@pytest.mark.parametrize("name", list(POLICIES))
def test_a_cluster_that_is_not_whole_misses_none(
    name: str, ill: Callable[[Scene], None], code: Code
) -> None:
    """Nothing is struck, and the reason says what is wrong with the cluster."""
    scene, process = scene_of(POLICIES[name])
    ill(scene)
    ended = process.attempt()
    members = {pod["spec"]["nodeName"] for pod in scene.cluster.all("pods", "shop")}
    if ended.intent is not None:
        assert ended.intent.victim.kind == "Node"
        assert ended.intent.victim.name not in members
        return
    assert ended.result == SKIPPED
    assert code in codes(ended)
    assert scene.victims() == []


@pytest.mark.parametrize("name", ["evict", "delete", "crash", "drain", "reboot"])
def test_what_is_not_declared_is_never_a_victim(name: str) -> None:
    """It looks like etcd, and nobody says whose it is."""
    scene, process = scene_of(POLICIES[name], declared=False)
    ended = process.attempt()
    if ended.intent is None:
        assert Code.LOOKS_LIKE_ETCD in codes(ended)
    assert not any(name.startswith("shop/etcd") for name in scene.victims())


def test_one_intent_for_one_cluster() -> None:
    """While a member is away, by a pod policy, the policy for etcd strikes none, and says why."""
    one, other = policy("pods", select=SELECT), POLICIES["etcd"]
    configuration = configured(one, other, etcd=(MAIN,))
    scene = Scene(configuration, data)
    scene.sandbox.etcd = EtcdOfPods(scene.cluster, "shop", "etcd", 3)
    process = scene.leader()
    first = process.attempt(policy="pods")
    assert first.intent is not None
    scene.settle()
    second: Ended = process.attempt(policy="web")
    assert second.intent is None
    assert Code.LOCKED in codes(second) or "locked" in str(second.reasons)


def test_a_member_lost_between_reservation_and_strike() -> None:
    """The guard is asked once more at the very moment: nothing is sent."""
    scene, process = scene_of(POLICIES["evict"])
    guard = process.context.guards[-1]
    asked: list[object] = []

    class Late:
        def object_to(self, *args: Any) -> Any:
            asked.append(args)
            if len(asked) == 2:
                down(scene)
            return guard.object_to(*args)

        def healed(self, *args: Any) -> Any:
            return guard.healed(*args)

    process.context.guards = [Late()]
    ended = process.attempt()
    assert len(asked) == 2
    assert ended.result == str(Result.REFUSED)
    assert scene.victims() == []
    (intent,) = [*scene.ledger().all_intents()]
    assert "voters healthy" in intent.steps[0].detail


@pytest.mark.parametrize("pdb", list(BudgetMode))
def test_no_machine_ends_with_a_member_on_it(pdb: BudgetMode) -> None:
    """Its data directory would be gone while it still counts; where none is, a machine may end."""
    one = node_policy(Action.TERMINATE, pdb=pdb)
    configuration = configured(one, etcd=(MAIN,))
    scene = Scene(configuration, data)
    scene.sandbox.etcd = EtcdOfPods(scene.cluster, "shop", "etcd", 3)
    cloud = Machines(scene=scene)
    process = scene.leader(clouds=(cloud,))
    ended = process.attempt()
    assert ended.intent is None
    assert Code.ETCD_DATA in codes(ended)
    scenarios.node(scene.cluster, "empty", opt_in=True)
    scenarios.settle(scene.cluster)
    assert {process.attempt(workload="Node/empty").result} <= {"unknown", "killed", "begun"}
    assert not cloud.ended or set(cloud.ended) == {"sandbox:///zone-a/empty"}
