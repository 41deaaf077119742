"""The role that a policy asks for is looked at once more, right before the strike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.ledger import Intent, Result
from chaosd.core.model import Action, Code, MemberRole, Policy
from chaosd.engine.attempt import Ended
from tests.engine.process import Hook
from tests.engine.scene import LEDGER, Scene, configured
from tests.engine.story_of_etcd import MAIN
from tests.engine.test_etcd_guard import POLICIES, data, etcd, scene_of
from tests.engine.test_etcd_review import Between, reload
from tests.support.etcd import EtcdOfPods

Meanwhile = Callable[[Scene], None]


def victim(scene: Scene) -> str:
    """The id of the member whose strike is reserved."""
    (intent,) = scene.ledger().intents.values()
    return etcd(scene).members[intent.victim.name].id


def lead_comes(scene: Scene) -> None:
    etcd(scene).led_by = victim(scene)


def lead_goes(scene: Scene) -> None:
    ids = [member.id for member in etcd(scene).voters()]
    etcd(scene).led_by = next(one for one in ids if one != victim(scene))


def nothing(_scene: Scene) -> None:
    """All stays as it was."""


def attempt(meanwhile: Meanwhile, **fields: Any) -> tuple[Scene, Intent, Ended]:
    """One attempt, with something that happens between the reservation and the strike."""
    scene, process = scene_of(msgspec.structs.replace(POLICIES["etcd"], **fields))
    between = Between(process, lambda: meanwhile(scene))
    ended = process.attempt()
    assert between.asked == 2
    (intent,) = scene.ledger().all_intents()
    return scene, intent, ended


FOLLOWER = {"member": MemberRole.FOLLOWER}
LEADER = {"member": MemberRole.LEADER}
MOVE = {"action": Action.MOVE_LEADER}


@pytest.mark.parametrize(
    ("fields", "meanwhile", "detail"),
    [
        (FOLLOWER, lead_comes, "only followers are chosen"),
        (LEADER, lead_goes, "only the leader is chosen"),
        (MOVE, lead_goes, "only the leader is chosen"),
    ],
)
def test_a_role_that_no_longer_fits(
    fields: dict[str, Any], meanwhile: Meanwhile, detail: str
) -> None:
    """Nothing is sent, and the intent ends with the reason, as of any refusal at that moment."""
    scene, intent, ended = attempt(meanwhile, **fields)
    assert (ended.result, intent.result) == (str(Result.REFUSED), Result.REFUSED)
    assert f"not sent: {Code.ETCD_ROLE}: " in intent.steps[0].detail
    assert detail in intent.steps[0].detail
    assert (scene.victims(), etcd(scene).moves) == ([], [])


@pytest.mark.parametrize(
    ("fields", "meanwhile"),
    [
        (FOLLOWER, nothing),
        (LEADER, nothing),
        (MOVE, nothing),
        ({}, lead_comes),
        ({}, lead_goes),
    ],
)
def test_a_role_that_still_fits(fields: dict[str, Any], meanwhile: Meanwhile) -> None:
    """The strike is made, also when the lead moves and the policy does not mind."""
    scene, intent, ended = attempt(meanwhile, **fields)
    assert ended.intent is not None
    assert intent.result is Result.KILLED, intent.steps[0].detail
    assert len(scene.victims()) + len(etcd(scene).moves) == 1


ONLY_FOLLOWERS = msgspec.structs.replace(POLICIES["etcd"], member=MemberRole.FOLLOWER)


@pytest.mark.parametrize(
    ("policies", "detail"),
    [
        (
            (msgspec.structs.replace(ONLY_FOLLOWERS, member=MemberRole.LEADER),),
            "only the leader is chosen",
        ),
        ((POLICIES["evict"],), "policy web asks for an eviction now, not for a kill"),
        ((), "policy web is not configured any more"),
        ((msgspec.structs.replace(ONLY_FOLLOWERS, member=MemberRole.ANY),), ""),
    ],
)
def test_a_policy_that_changes(policies: tuple[Policy, ...], detail: str) -> None:
    """What it asks for right before the strike counts; without it, nobody knows."""
    scene = Scene(configured(ONLY_FOLLOWERS, etcd=(MAIN,)), data)
    scene.sandbox.etcd = EtcdOfPods(scene.cluster, "shop", "etcd", 3)
    hook = Hook(f"PATCH {LEDGER}", lambda: reload(scene, process, policies=policies), nth=0)
    process = scene.leader(through=hook)
    hook.left = 1
    ended = process.attempt()
    (intent,) = scene.ledger().all_intents()
    assert ended.result == str(Result.REFUSED if detail else Result.KILLED)
    assert detail in intent.steps[0].detail
    assert len(scene.victims()) == (0 if detail else 1)


def test_a_cluster_that_opted_out() -> None:
    """A policy that names another cluster by the time of the strike takes no member of this one."""
    other = EtcdCluster(name="other", endpoints=("http://192.0.2.9:2379",))
    policy = msgspec.structs.replace(POLICIES["etcd"], clusters=("main",))
    scene = Scene(configured(policy, etcd=(MAIN, other)), data)
    scene.sandbox.etcd = EtcdOfPods(scene.cluster, "shop", "etcd", 3)
    changed = msgspec.structs.replace(policy, clusters=("other",))
    hook = Hook(
        f"PATCH {LEDGER}",
        lambda: reload(scene, process, policies=(changed,), etcd=(MAIN, other)),
        nth=0,
    )
    process = scene.leader(through=hook)
    hook.left = 1
    ended = process.attempt()
    (intent,) = scene.ledger().all_intents()
    assert ended.result == str(Result.REFUSED)
    assert "does not name Etcd/main any more" in intent.steps[0].detail
    assert scene.victims() == []
