"""What ``/why``, the API and ``chaosd explain`` answer about what is part of an etcd cluster."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from chaosd.config import load_text
from chaosd.core.admission import Circumstances
from chaosd.core.ledger import Ledger
from chaosd.core.model import Configuration, TargetKind
from chaosd.core.status import status
from chaosd.daemon.asked import Asked, ask
from chaosd.daemon.naming import NotThere
from chaosd.daemon.wiring import Connection
from chaosd.engine.explain import Explainer
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.sandbox import scenarios
from chaosd.targets.etcd import EtcdTarget
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_guard import EtcdGuard
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.nodes import NodeTarget
from chaosd.targets.pods import PodTarget
from tests.cli.shop import Shop
from tests.support.etcd import EtcdOfPods
from tests.targets.etcd_lab import members_of_pods

FILE = """
dryRun: false
seed: abc
windows: {allow: always}
etcd: [{name: main, pods: {namespace: data, labels: app=etcd, scheme: http}}]
policies:
  - {name: etcd, target: etcd, action: kill, clusters: [main], schedule: {every: 1h}}
  - {name: pods, target: pod, action: evict, schedule: {every: 1h}}
  - {name: nodes, target: node, action: drain, schedule: {every: 1h}}
"""


@dataclass
class Asking:
    """A cluster behind real HTTP, with members of etcd that a test can stop."""

    connection: Connection
    etcd: EtcdOfPods
    shop: Shop

    def ask(self, target: str, text: str = FILE) -> Asked:
        """As a person asks."""
        configuration = load_text(text, {}).configuration
        assert isinstance(configuration, Configuration)
        clock = self.connection.clock
        explainer = Explainer(
            configuration,
            self.connection.targets,
            self.connection.guards,
            Ledger(),
            status(Ledger(), configuration, Circumstances(clock.now())),
            clock,
        )
        return ask(target, explainer, self.connection, configuration, clock)


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    shop = Shop(tmp_path)
    members_of_pods(shop.cluster)
    scenarios.settle(shop.cluster)
    with shop.server:
        shop.server.kubeconfig(shop.kubeconfig)
        connection = shop.connect()
        reads, etcd = KubeNodeReads(connection.api), EtcdOfPods(shop.cluster, "data", "etcd", 3)
        memory = EtcdMemory()
        clusters = EtcdClusters(reads, etcd, memory)
        connection = replace(
            connection,
            etcd=replace(connection.etcd, memory=memory, clusters=clusters),
            targets={
                TargetKind.POD: PodTarget(reads, etcd=clusters),
                TargetKind.NODE: NodeTarget(reads, etcd=clusters),
                TargetKind.ETCD: EtcdTarget(reads, clusters),
            },
            guards=(EtcdGuard(reads, clusters),),
        )
        yield Asking(connection, etcd, shop)


def members(asked: Asked, policy: str = "etcd") -> list[str]:
    """Those that a policy tells of."""
    (found,) = [one for one in asked.policies if one.policy == policy]
    return sorted(pod.name for workload in found.workloads for pod in workload.pods)


@pytest.mark.parametrize("target", ["data/etcd-1", "data/Pod/etcd-1"])
def test_a_pod_is_a_member(asking: Asking, target: str) -> None:
    """Which one, its cluster's picture, and what each policy says of it: pods' and etcd's."""
    asked = asking.ask(target)
    assert [part.says for part in asked.part_of] == [
        "data/etcd-1 is member etcd-1 of etcd cluster main"
    ]
    assert [answer.cluster for answer in asked.etcd] == ["main"]
    assert [one.policy for one in asked.policies] == ["etcd", "pods"]
    assert (members(asked), members(asked, "pods")) == (["main/etcd-1"], ["data/etcd-1"])
    (cluster,) = asked.policies[0].workloads
    assert cluster.victims == ("main/etcd-1",)
    (part,) = asked.explanation.part_of
    assert (part.cluster, part.members) == ("main", ("etcd-1",))


def test_the_workload_of_members(asking: Asking) -> None:
    """All of them."""
    asked = asking.ask("data/StatefulSet/etcd")
    assert members(asked) == ["main/etcd-0", "main/etcd-1", "main/etcd-2"]
    assert [one.policy for one in asked.policies] == ["etcd", "pods"]


def test_a_node_that_hosts_a_member(asking: Asking) -> None:
    """Beside the policies for nodes."""
    pod = asking.shop.cluster.get("pods", "data", "etcd-1")
    assert pod is not None
    asked = asking.ask(f"node/{pod['spec']['nodeName']}")
    assert "main/etcd-1" in members(asked)
    assert [one.policy for one in asked.policies] == ["etcd", "nodes"]
    assert asked.part_of[0].says.startswith(f"Node/{pod['spec']['nodeName']} hosts member")


def test_policies_that_do_not_name_its_cluster_are_left_out(asking: Asking) -> None:
    """The cluster is shown all the same."""
    text = (
        FILE[: FILE.index("  - {name: etcd")] + "  - {name: nodes" + FILE.split("- {name: nodes")[1]
    )
    asked = asking.ask("data/etcd-1", text)
    assert (asked.policies, [answer.cluster for answer in asked.etcd]) == ((), ["main"])


def test_who_is_no_member_is_told_of_no_cluster(asking: Asking) -> None:
    """And no member is asked."""
    asked = asking.ask("shop/Deployment/web")
    assert (asked.part_of, list(asked.etcd), asking.etcd.asked) == ((), [], [])
    assert [one.policy for one in asked.policies] == ["pods"]


def test_a_cluster_that_is_not_declared(asking: Asking) -> None:
    """Those that are, are named."""
    with pytest.raises(NotThere, match="no etcd cluster nope is declared; declared are: main"):
        asking.ask("Etcd/nope")


def test_a_pod_that_is_gone_at_this_moment(asking: Asking) -> None:
    """As after each strike: its cluster is named. Of a shop's pod nothing is said of etcd."""
    with pytest.raises(NotThere, match=r"no pod etcd-9 .*members of etcd .*: write Etcd/main"):
        asking.ask("data/etcd-9")
    with pytest.raises(NotThere) as told:
        asking.ask("shop/web-9")
    assert "Etcd" not in str(told.value)
