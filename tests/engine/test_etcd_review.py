"""Members of etcd at the worst moments: reloads in between, and members that don't look like it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from chaosd.core.etcd_model import EtcdCluster, EtcdPods
from chaosd.core.ledger import Result
from chaosd.core.model import Code, Configuration, Helper
from chaosd.core.selector import Selector
from chaosd.engine.attempt import Ended
from chaosd.sandbox import Cluster, scenarios
from tests.engine.process import Process
from tests.engine.scene import Scene, codes, configured
from tests.engine.story_of_etcd import CLAIM
from tests.engine.test_etcd_guard import HELPERS, POLICIES, data, scene_of
from tests.support.etcd import EtcdOfPods

HELPER = Helper(HELPERS, "chaosd:1")
OTHERS = EtcdCluster(name="main", pods=EtcdPods("shop", Selector.parse("app=kv"), scheme="http"))
BEHIND_A_SERVICE = EtcdCluster(name="main", endpoints=("http://kv.shop.svc:2379",))


def reload(scene: Scene, process: Process, **fields: Any) -> None:
    """The file says something else from now on."""
    known: Configuration = scene.configuration
    scene.file.write(msgspec.structs.replace(known, **fields), "second")
    process.reload.step()


@pytest.mark.parametrize("name", ["evict", "delete", "crash", "drain", "reboot"])
def test_a_name_that_was_given_to_another_cluster(name: str) -> None:
    """What was a member of the cluster that had the name a moment ago looks like etcd that nobody
    declares: it is no victim."""
    scene, process = scene_of(msgspec.structs.replace(POLICIES[name], dry_run=True))
    assert process.attempt().result == "dryRun"
    scene.run(5)
    reload(scene, process, etcd=(OTHERS,), policies=(POLICIES[name],))
    members = {pod["spec"]["nodeName"] for pod in scene.cluster.all("pods", "shop")}
    ended = process.attempt()
    if ended.intent is not None:
        assert ended.intent.victim.name not in members
    else:
        assert Code.LOOKS_LIKE_ETCD in codes(ended)
    assert scene.victims() == []


class Between:
    """Has something done between the reservation of a step and its strike, when the guard is asked
    for the second time."""

    def __init__(self, process: Process, do: Any) -> None:
        self._guard = process.context.guards[-1]
        self._do = do
        self.asked = 0
        process.context.guards = [self]

    def object_to(self, configuration: Configuration, *args: Any) -> Any:
        self.asked += 1
        if self.asked == 2:
            configuration = self._do() or configuration
        return self._guard.object_to(configuration, *args)

    def healed(self, *args: Any) -> Any:
        return self._guard.healed(*args)


@pytest.mark.parametrize("name", ["evict", "delete", "crash", "reboot", "etcd"])
def test_a_cluster_that_is_undeclared_before_the_strike(name: str) -> None:
    """Its member looks like etcd that nobody declares, and nobody can tell its quorum: not sent."""
    scene, process = scene_of(POLICIES[name])

    def undeclare() -> Configuration:
        reload(scene, process, etcd=())
        configuration = process.context.loaded.configuration
        assert configuration is not None
        return configuration

    between = Between(process, undeclare)
    ended = process.attempt()
    assert between.asked == 2
    assert ended.result == str(Result.REFUSED)
    assert scene.victims() == []


def unlike_etcd(cluster: Cluster) -> None:
    """Members in a StatefulSet that nothing tells to be etcd."""
    scenarios.stateful_set(
        cluster, "shop", "kv", 3, image="registry/kv:1", pod_spec=CLAIM, opt_in=True
    )


def hidden(name: str) -> tuple[Scene, Process, EtcdOfPods]:
    """Declared by an endpoint that is no pod's address or name."""
    configuration = configured(POLICIES[name], etcd=(BEHIND_A_SERVICE,))
    scene = Scene(configuration, unlike_etcd)
    etcd = EtcdOfPods(scene.cluster, "shop", "kv", 3)
    etcd.aliases[BEHIND_A_SERVICE.endpoints[0]] = "kv-0"
    scene.sandbox.etcd = etcd
    return scene, scene.leader(), etcd


@pytest.mark.parametrize("name", ["evict", "delete", "etcd"])
def test_members_that_do_not_look_like_etcd(name: str) -> None:
    """They are members by what the cluster lists: they hold it, and while it misses one, nobody is
    struck."""
    scene, process, _ = hidden(name)
    ended: Ended = process.attempt()
    assert ended.intent is not None, ended.reasons
    assert "Etcd/main" in ended.intent.locks
    scene, process, etcd = hidden(name)
    etcd.members["kv-2"].up = False
    ended = process.attempt()
    assert Code.ETCD_UNHEALTHY in codes(ended)
    assert scene.victims() == []


@pytest.mark.parametrize("name", ["evict", "delete", "etcd"])
def test_a_member_unlike_etcd_when_another_is_lost_before_the_strike(name: str) -> None:
    """The guard is asked at the very moment, also about these."""
    scene, process, etcd = hidden(name)

    def lost() -> None:
        etcd.members["kv-2"].up = False

    between = Between(process, lost)
    ended = process.attempt()
    assert between.asked == 2
    assert ended.result == str(Result.REFUSED)
    assert scene.victims() == []


def test_a_silent_cluster_is_not_asked_for_each_candidate() -> None:
    """Where nobody answers, each question takes seconds: one no is enough for a whole attempt."""

    def many(cluster: Cluster) -> None:
        data(cluster)
        for number in range(20):
            scenarios.node(cluster, f"more-{number}", zone="zone-0", opt_in=True)

    silent = EtcdCluster(name="main", endpoints=("https://192.0.2.1:2379",))
    scene = Scene(configured(POLICIES["reboot"], etcd=(silent,), helper=HELPER), many)
    etcd = EtcdOfPods(scene.cluster, "shop", "etcd", 3)
    scene.sandbox.etcd = etcd
    process = scene.leader()
    assert Code.ETCD_UNREADABLE in codes(process.attempt())
    assert len(etcd.asked) == 1
    scene.run(30)
    assert Code.ETCD_UNREADABLE in codes(process.attempt())
    assert len(etcd.asked) == 2
