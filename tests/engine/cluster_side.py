"""The simulated cluster under an engine's ports, and what the cluster itself saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaosd.core import ledger_text
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent, Ledger, Step
from chaosd.core.model import Configuration, Impact
from chaosd.core.window import Windows
from chaosd.kube.api import Api as KubeApi
from chaosd.kube.documents import LeaseDocument, LedgerDocument
from chaosd.kube.events import KubeEvents
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.kube.retry import NO_RETRIES
from chaosd.ports import Guard, Guarded
from chaosd.sandbox import Api as SandboxApi
from chaosd.sandbox import Cluster, Controllers, Journal, ManualClock, Removal, scenarios
from chaosd.targets.cloud import Cloud
from chaosd.targets.etcd import EtcdTarget
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_guard import EtcdGuard
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.nodes import NodeTarget
from chaosd.targets.pods import PodTarget
from tests.support.etcd import FakeEtcd
from tests.support.inprocess import InProcessTransport

NAMESPACE = "chaosd"
LONG = timedelta(seconds=90)
"""Longer than any process of a story is frozen."""


def reserved(cluster: Cluster, about: Callable[[Step], bool]) -> list[str]:
    """The intents whose unsettled step this is true of, by the ledger as it lies in the cluster."""
    item = cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
    ledger = ledger_text.decode(item["data"]["ledger.json"]) if item else Ledger()
    steps = [(intent.id, intent.unsettled) for intent in ledger.unsettled()]
    return [key for key, step in steps if step and about(step)]


class Witness(Journal):
    """A journal that looks, at the instant of each removal, which intent was reserved for it."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__()
        self._cluster = cluster
        self.struck: list[tuple[Removal, str]] = []

    def add_removal(self, record: Removal) -> None:
        """Note a removal, and the intent that the ledger has reserved for it ("" for none)."""
        super().add_removal(record)
        mine = reserved(self._cluster, lambda step: step.victim.uid == record.uid)
        if not record.dry_run:
            self.struck.append((record, mine[0] if mine else ""))


@dataclass
class Sandbox:
    """A cluster with its controllers and its API, in virtual time."""

    cluster: Cluster
    controllers: Controllers
    api: SandboxApi
    journal: Witness
    clouds: Sequence[Cloud] = ()
    etcd: FakeEtcd | None = None
    declared: tuple[EtcdCluster, ...] = ()

    def step(self) -> datetime | None:
        """Let the controllers do what is due; when they want to be called next."""
        return self.controllers.step()

    def removals(self) -> list[Removal]:
        """Every pod that was really removed through the API."""
        return [r for r in self.api.journal.removals if not r.dry_run]


class NoObjection:
    """A guard that is asked and agrees, so that the asking is on the way."""

    def object_to(self, configuration: Configuration, impact: Impact, now: datetime) -> Guarded:
        """Never."""
        return Guarded()

    def healed(
        self, configuration: Configuration, intent: Intent, now: datetime
    ) -> Recovery | None:
        """It watches nothing."""
        return None


@dataclass
class Ports:
    """One process's ports to that cluster."""

    api: KubeApi
    ledger: LedgerDocument
    lease: LeaseDocument
    cluster: KubeApi
    events: KubeEvents
    target: Any
    nodes: Any
    etcd: Any
    guards: Sequence[Guard] = (NoObjection(),)


def cordon(cluster: Cluster, *names: str, on: bool = True) -> None:
    """Keep new pods off these nodes (off all that there are, if none is named), or no longer."""
    for name in names or [node["metadata"]["name"] for node in cluster.all("nodes")]:
        with cluster.edit("nodes", "", name) as item:
            item["spec"]["unschedulable"] = on


def build(fill: Callable[[Cluster], None]) -> Callable[[ManualClock], Sandbox]:
    """A maker of sandboxes with three nodes and what ``fill`` puts in, all Ready for a day."""

    def make(clock: ManualClock) -> Sandbox:
        cluster = Cluster(clock.now, seed=7)
        start = clock.now()
        clock.advance(-86_400)
        for name in ("default", "kube-system", NAMESPACE, "shop"):
            scenarios.namespace(cluster, name)
        for number in range(3):
            scenarios.node(cluster, f"node-{number}", zone=f"zone-{number}")
        fill(cluster)
        scenarios.settle(cluster)
        clock.set(start)
        journal = Witness(cluster)
        api = SandboxApi(cluster, journal=journal, sleep=clock.sleep)
        return Sandbox(cluster, Controllers(cluster), api, journal)

    return make


def make_ports(
    sandbox: Sandbox,
    clock: Any,
    through: Callable[[Any], Any] = lambda transport: transport,
    asking: Callable[[Any], Any] = lambda gateway: gateway,
) -> Ports:
    """Fresh adapters, as a process of its own has them; ``through`` wraps their transport,
    ``asking`` the gateway to etcd."""
    api = KubeApi(through(InProcessTransport(sandbox.api)), clock, retry=NO_RETRIES)
    reads = KubeNodeReads(api)
    gateway = asking(sandbox.etcd or FakeEtcd())
    clusters = EtcdClusters(reads, gateway, EtcdMemory(), clock.boot)
    clusters.learn(Configuration(Windows("UTC"), (), etcd=sandbox.declared))
    return Ports(
        api=api,
        ledger=LedgerDocument(api, NAMESPACE),
        lease=LeaseDocument(api, NAMESPACE),
        cluster=api,
        events=KubeEvents(api),
        target=PodTarget(reads, etcd=clusters),
        nodes=NodeTarget(reads, clouds=sandbox.clouds, etcd=clusters),
        etcd=EtcdTarget(reads, clusters, LONG),
        guards=(EtcdGuard(reads, clusters),) if sandbox.etcd else (NoObjection(),),
    )
