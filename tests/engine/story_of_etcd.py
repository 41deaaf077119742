"""One short story of etcd: members that are killed, leaders that hand over, a takeover."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from chaosd.core import ledger_text
from chaosd.core.etcd_model import EtcdCluster, EtcdPods
from chaosd.core.model import Action, Configuration, Limits, Policy, Select, StepAction, TargetKind
from chaosd.core.preview import policy_slots
from chaosd.core.schedule import Every
from chaosd.core.selector import Selector
from chaosd.sandbox import Cluster, Rule, scenarios
from tests.engine.cluster_side import NAMESPACE, Sandbox, build
from tests.engine.stage import Kind
from tests.engine.story import ALWAYS, START
from tests.engine.world import World
from tests.support.etcd import EtcdOfPods

MAIN = EtcdCluster(name="main", pods=EtcdPods("shop", Selector.parse("app=etcd"), scheme="http"))
CLAIM = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}


def configuration(action: Action) -> Configuration:
    """One live policy about members of ``main``."""
    policy = Policy(
        name="etcd",
        target=TargetKind.ETCD,
        action=action,
        clusters=("main",),
        schedule=Every(timedelta(seconds=60), timedelta(0)),
        select=Select(min_age=timedelta(0)),
        windows=ALWAYS,
        limits=Limits(),
        deadline=timedelta(seconds=55),
        cooldown=timedelta(0),
        dry_run=False,
    )
    limits = Limits(per_hour=20, per_day=20, concurrent=1)
    return Configuration(ALWAYS, (policy,), dry_run=False, limits=limits, etcd=(MAIN,))


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
        item = self._sandbox.cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
        ledger = ledger_text.decode(item["data"]["ledger.json"]) if item else None
        steps = [(i.id, i.unsettled) for i in ledger.unsettled()] if ledger else []
        mine = [
            key
            for key, step in steps
            if step and step.action is StepAction.MOVE_LEADER and step.victim.uid == old
        ]
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
    first = world.spawn("a")
    world.at(3, lambda: world.spawn("b"))
    system = world.sandbox.cluster.get("namespaces", "", "kube-system") or {}
    slots = policy_slots(told, system["metadata"]["uid"], {}, START, START + timedelta(minutes=5))
    offset = (next(slots).at - START).total_seconds()
    world.at(offset + 65, lambda: world.terminate(first))
    world.until(offset + 260, after_fault=230)
    return world
