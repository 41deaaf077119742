"""Clusters with members of etcd: in pods of a StatefulSet, in static pods, on hosts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chaosd.core.etcd_model import EtcdCluster, EtcdPods
from chaosd.core.model import Action, Configuration, Helper, Limits, Policy, Select, TargetKind
from chaosd.core.schedule import Every
from chaosd.core.selector import Selector
from chaosd.core.window import Windows
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.ports import Scope
from chaosd.sandbox import Cluster, scenarios
from chaosd.targets.etcd import EtcdTarget
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_guard import EtcdGuard
from chaosd.targets.etcd_memory import EtcdMemory
from tests.support.etcd import EtcdOfPods, FakeEtcd, FakeMember
from tests.support.lab import Lab

WINDOWS = Windows("UTC")
HELPER = Helper("chaosd-helper", "registry.example.com/chaosd:1.0")
BY_PODS = EtcdCluster(name="main", pods=EtcdPods("data", Selector.parse("app=etcd"), scheme="http"))
CLAIM = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}


def members_of_pods(cluster: Cluster, count: int = 3, **options: Any) -> None:
    """A StatefulSet data/etcd of pods with a claim."""
    options = {"pod_spec": CLAIM, "image": "quay.io/coreos/etcd:3.6", **options}
    scenarios.stateful_set(cluster, "data", "etcd", count, **options)


class EtcdLab(Lab):
    """A lab with an etcd of its own and everything that looks at it."""

    def __init__(self) -> None:
        super().__init__()
        self.node_reads = KubeNodeReads(self.api)
        self.etcd: FakeEtcd = FakeEtcd()
        self.declared: tuple[EtcdCluster, ...] = ()

    def wire(self, etcd: FakeEtcd, *declared: EtcdCluster) -> EtcdLab:
        """Look at this etcd, declared so."""
        self.etcd, self.declared = etcd, declared
        self.memory = EtcdMemory()
        self.clusters = EtcdClusters(self.node_reads, etcd, self.memory)
        self.guard = EtcdGuard(self.node_reads, self.clusters)
        self.target = EtcdTarget(self.node_reads, self.clusters)
        return self

    def scope(self, helper: Helper | None = None, **fields: Any) -> Scope:
        """A policy that kills members of ``main``, asked about now."""
        usual: dict[str, Any] = {
            "name": "etcd",
            "target": TargetKind.ETCD,
            "action": Action.KILL,
            "clusters": ("main",),
            "schedule": Every(timedelta(hours=1)),
            "select": Select(),
            "windows": WINDOWS,
            "limits": Limits(),
            "dry_run": False,
        }
        policy = Policy(**{**usual, **fields})
        return Scope(self.configuration(policy, helper=helper), policy, self.clock.now())

    def configuration(self, *policies: Policy, **fields: Any) -> Configuration:
        return Configuration(WINDOWS, policies, etcd=self.declared, **fields)


def pods_lab(count: int = 3, **options: Any) -> EtcdLab:
    """Three members in pods of a StatefulSet, and a Deployment beside."""
    lab = EtcdLab()
    with lab.filled() as cluster:
        members_of_pods(cluster, count, **options)
        scenarios.deployment(cluster, "shop", "web", 2)
    lab.wire(EtcdOfPods(lab.cluster, "data", "etcd", count), BY_PODS)
    lab.requests()
    return lab


def stacked_lab(*, static: bool = True, nodes: int = 3) -> EtcdLab:
    """A control plane with a member on each node: in a static pod, or as a process of the host."""
    lab = EtcdLab()
    names = [f"cp-{number}" for number in range(nodes)]
    with lab.filled() as cluster:
        for name in names:
            scenarios.node(cluster, name, labels={"node-role.kubernetes.io/control-plane": ""})
    etcd = FakeEtcd()
    addresses = []
    for number, name in enumerate(names):
        node = lab.cluster.get("nodes", "", name) or {}
        ip = next(a["address"] for a in node["status"]["addresses"] if a["type"] == "InternalIP")
        addresses.append(ip)
        etcd.members[name] = FakeMember(
            f"b{number}", name, f"https://{ip}:2380", f"https://{ip}:2379"
        )
        if static:
            static_pod(lab.cluster, f"etcd-{name}", name, ip)
        static_pod(lab.cluster, f"kube-apiserver-{name}", name, ip, image="k8s.io/kube-apiserver:1")
    scenarios.api_servers(lab.cluster, *addresses)
    endpoints = tuple(member.client for member in etcd.members.values())
    lab.wire(etcd, EtcdCluster(name="main", endpoints=endpoints))
    lab.requests()
    return lab


def static_pod(cluster: Cluster, name: str, node: str, ip: str, image: str = "") -> None:
    """A mirror pod in its node's network, Ready."""
    etcd = not image
    container = {
        "name": "etcd" if etcd else "main",
        "image": image or "registry.k8s.io/etcd:3.6.4",
        "command": ["etcd", f"--listen-peer-urls=https://{ip}:2380"] if etcd else ["serve"],
    }
    scenarios.pod(
        cluster,
        "kube-system",
        name,
        node_name=node,
        pod_annotations={"kubernetes.io/config.mirror": "x"},
        pod_spec={"containers": [container], "hostNetwork": True},
    )
    scenarios.settle(cluster)
    with cluster.edit("pods", "kube-system", name) as item:
        item["status"] |= {"podIP": ip, "podIPs": [{"ip": ip}], "hostIP": ip, "phase": "Running"}
