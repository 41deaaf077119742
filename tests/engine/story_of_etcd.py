"""One short story of etcd: members that are killed, leaders that hand over, a takeover."""

from __future__ import annotations

from collections import Counter
from typing import Any

from chaosd.core.etcd_model import EtcdCluster, EtcdPods
from chaosd.core.model import Action, Configuration, StepAction, TargetKind
from chaosd.core.selector import Selector
from chaosd.sandbox import Cluster, Rule, scenarios
from tests.engine.cluster_side import Sandbox, build, reserved
from tests.engine.stage import Kind
from tests.engine.story_parts import START, first_slot, live, story_policy, two_processes
from tests.engine.world import World
from tests.support.etcd import EtcdOfPods

MAIN = EtcdCluster(name="main", pods=EtcdPods("shop", Selector.parse("app=etcd"), scheme="http"))
CLAIM = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}


def configuration(action: Action) -> Configuration:
    """One live policy about members of ``main``."""
    policy = story_policy(
        "etcd", TargetKind.ETCD, action, every=60, deadline=55, clusters=("main",)
    )
    return live(policy, per_hour=20, etcd=(MAIN,))


def members(cluster: Cluster) -> None:
    """Three members in pods with claims, which nobody labelled."""
    scenarios.stateful_set(
        cluster, "shop", "etcd", 3, image="quay.io/coreos/etcd:3.6", pod_spec=CLAIM
    )


class Watched(EtcdOfPods):
    """Knows when its quorum was lost, and which intent was reserved for each transfer."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox.cluster, "shop", "etcd", 3)
        self._sandbox = sandbox
        self.lost = 0
        self.intents: Counter[str] = Counter()
        self.on_move = self._noted
        sandbox.cluster.subscribe(self._look)

    def _look(self, _change: Any) -> None:
        self.lost += not self.quorate()

    def _noted(self, old: str, _new: str) -> None:
        mine = reserved(
            self._sandbox.cluster,
            lambda step: step.action is StepAction.MOVE_LEADER and step.victim.uid == old,
        )
        self.intents[mine[0] if mine else ""] += 1


def tell(action: Action, fault_at: int | None = None, kind: Kind | None = None) -> World:
    """A few slots of the action, with one call of a port or of the gateway gone wrong.

    The answer to one eviction is lost in any case.
    """
    told = configuration(action)

    def make(clock: Any) -> Sandbox:
        sandbox = build(members)(clock)
        sandbox.etcd, sandbox.declared = Watched(sandbox), told.etcd
        return sandbox

    world = World(told, make, START, fault_at, kind)
    lost = Rule(do="lost", when="after", verbs=("create",), path="/eviction$", skip=1, count=1)
    world.sandbox.api.faults.add(lost)
    first = two_processes(world)
    offset = first_slot(world, told)
    world.at(offset + 65, lambda: world.terminate(first))
    world.until(offset + 260, after_fault=230)
    return world
