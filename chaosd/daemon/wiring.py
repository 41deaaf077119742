"""Which adapter stands behind which port."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from chaosd.clouds.ec2 import Ec2
from chaosd.core.facts import Own
from chaosd.core.model import TargetKind
from chaosd.daemon.clocks import PacedClock, SystemClock
from chaosd.daemon.together import at_once
from chaosd.engine.book import Book
from chaosd.engine.context import Context
from chaosd.etcd.backups import BackupAges
from chaosd.etcd.gateway import HttpGateway
from chaosd.kube.api import Api
from chaosd.kube.documents import LeaseDocument, LedgerDocument
from chaosd.kube.events import KubeEvents
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.kube.official import OfficialTransport
from chaosd.kube.retry import RetryPolicy
from chaosd.kube.signin import SignIn
from chaosd.ports import Guard, Notice, Report, Settings, Target
from chaosd.targets.etcd import EtcdTarget
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_guard import EtcdGuard
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.etcd_meter import EtcdLeaders, EtcdReads
from chaosd.targets.etcd_watch import EtcdReport, EtcdSnapshots, EtcdWatch
from chaosd.targets.nodes import NodeTarget
from chaosd.targets.pods import PodTarget

DEFAULT_NAMESPACE = "chaosd"
Observe = Callable[[str, str, str, float], None]


def _ignore(_verb: str, _resource: str, _code: str, _seconds: float) -> None:
    """Nobody counts the requests of a command."""


@dataclass(frozen=True)
class Etcd:
    """Declared etcd clusters, as far as this process asks them and remembers what they said."""

    gateway: HttpGateway
    backups: BackupAges
    memory: EtcdMemory
    clusters: EtcdClusters


@dataclass(frozen=True)
class Connection:
    """A cluster, behind the engine's ports.

    ``namespace`` is chaosd's own, where ledger and lease are; ``pod`` the name of the pod that this
    process runs in, "" outside a cluster.
    """

    api: Api
    sign_in: SignIn
    namespace: str
    pod: str
    clock: PacedClock
    ledger: LedgerDocument
    lease: LeaseDocument
    events: KubeEvents
    targets: Mapping[TargetKind, Target]
    etcd: Etcd
    guards: Sequence[Guard] = ()

    @property
    def cluster(self) -> Api:
        """Facts about the cluster as a whole."""
        return self.api

    @property
    def in_cluster(self) -> bool:
        """Whether this process runs in a pod of that cluster."""
        return self.sign_in.in_cluster

    def close(self) -> None:
        """Close idle connections to members of etcd and to where backups are known."""
        self.etcd.gateway.close()
        self.etcd.backups.close()

    def where(self) -> str:
        """For people: which cluster this is. Raises SignInFailed."""
        return self.sign_in.where()


def connect(
    kubeconfig: str | None = None,
    context: str | None = None,
    namespace: str | None = None,
    clock: PacedClock | None = None,
    observe: Observe = _ignore,
    environ: Mapping[str, str] = os.environ,
    retry: RetryPolicy = RetryPolicy(),  # noqa: B008 - frozen
    *,
    checks_snapshots: bool = True,
) -> Connection:
    """Set up the adapters; nothing is sent yet. ``retry`` says how reads are asked again, at the
    pace of ``clock``; ``checks_snapshots`` whether this process has snapshots of etcd checked, so
    that one that it knows nothing of is a reason.

    chaosd's namespace is the one given, else ``POD_NAMESPACE``, else that of the service account,
    else ``chaosd``.
    """
    clock = clock or SystemClock()
    sign_in = SignIn(kubeconfig, context, environ)
    inside = sign_in.in_cluster
    named = environ.get("POD_NAMESPACE") or (sign_in.namespace() if inside else None)
    own_namespace = namespace or named or DEFAULT_NAMESPACE
    pod = environ.get("POD_NAME") or (socket.gethostname() if inside else "")
    retry = msgspec.structs.replace(retry, pace=clock.real(1))
    api = Api(OfficialTransport(sign_in), clock, observe, retry)
    own = Own(own_namespace, frozenset({pod})) if pod else Own()
    reads = KubeNodeReads(api)
    gateway, memory = HttpGateway(), EtcdMemory(checks_snapshots=checks_snapshots)
    clusters = EtcdClusters(
        reads, gateway, memory, lambda: clock.real(clock.boot()), together=at_once
    )
    etcd = Etcd(gateway, BackupAges(clock.now), memory, clusters)
    return Connection(
        api=api,
        sign_in=sign_in,
        namespace=own_namespace,
        pod=pod,
        clock=clock,
        ledger=LedgerDocument(api, own_namespace),
        lease=LeaseDocument(api, own_namespace),
        events=KubeEvents(api, pod),
        targets={
            TargetKind.POD: PodTarget(reads, own, clusters),
            TargetKind.NODE: NodeTarget(reads, own, (Ec2(),), clusters),
            TargetKind.ETCD: EtcdTarget(reads, clusters),
        },
        etcd=etcd,
        guards=(EtcdGuard(reads, clusters, etcd.backups),),
    )


def build_context(
    connection: Connection, settings: Settings, report: Report, holder: str
) -> Context:
    """One process's context over a connection, with the configuration loaded once."""
    loaded = settings.load()
    if loaded.configuration is not None:
        connection.etcd.clusters.learn(loaded.configuration)
    return Context(
        holder=holder,
        clock=connection.clock,
        book=Book(connection.ledger),
        lease=connection.lease,
        cluster=connection.cluster,
        settings=settings,
        events=connection.events,
        report=report,
        targets=connection.targets,
        guards=connection.guards,
        loaded=loaded,
    )


def etcd_watchers(
    etcd: Etcd, context: Context, report: EtcdReport
) -> Mapping[str, Callable[[], datetime]]:
    """The steps of the actors that look at declared etcd clusters; they ask nobody anything while
    none is declared."""
    return {
        "etcd": EtcdWatch(context, etcd.memory, etcd.clusters, etcd.backups, report).step,
        "etcd-reads": EtcdReads(context, etcd.memory, etcd.gateway).step,
        "etcd-leaders": EtcdLeaders(context, etcd.memory, etcd.gateway).step,
        "etcd-snapshots": EtcdSnapshots(context, etcd.memory, etcd.gateway, report).step,
    }


def about(connection: Connection) -> Notice:
    """The object on which Events about the daemon itself are made: its pod, else its ledger."""
    kind, name = ("Pod", connection.pod) if connection.pod else ("ConfigMap", "chaosd-ledger")
    now = connection.clock.now()
    return Notice("", kind, connection.namespace, name, "", "", now)
