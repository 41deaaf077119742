"""What fills a real API server's store: complete, eligible, and heavy enough."""

from __future__ import annotations

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import pytest

from benchmarks.bench_real import is_page
from benchmarks.fill import fill, fingerprint, forget
from benchmarks.stock import BY_NAMESPACE, BY_POD, BY_WORKLOAD, WAYS, OptIn, Stock
from chaosd.config import load_text
from chaosd.core.eligibility import Sift
from chaosd.core.facts import Own
from chaosd.kube.read_pods import budget_facts, node_facts, pod_facts
from chaosd.kube.read_workloads import deployment_facts
from chaosd.kube.records import Budget, Node, Pod, Replicated
from tests.support.loopback import Exchange, serving

T = TypeVar("T")

STOCK = Stock(40, namespaces=4)
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
POLICY = """
dryRun: true
optIn: {{label: {label}, value: "true"}}
policies: [{{name: web, target: pod, action: evict, schedule: {{every: 1h}}}}]
"""


def objects(plural: str) -> list[dict[str, Any]]:
    return [one for key, one in STOCK.objects() if key.partition("/")[0] == plural]


def test_each_object_has_a_key_of_its_own() -> None:
    """In etcd, objects of one key would replace each other."""
    keys = [key for key, _ in STOCK.objects()]
    assert len(set(keys)) == len(keys) == STOCK.total
    uids = Counter(one["metadata"]["uid"] for _, one in STOCK.objects())
    assert set(uids.values()) == {1}
    counts = Counter(key.partition("/")[0] for key in keys)
    assert counts["pods"] == STOCK.pods
    assert counts["replicasets"] == STOCK.replica_sets == 440


def decoded(plural: str, record: type[T]) -> list[T]:
    return [msgspec.convert(one, record) for one in objects(plural)]


@pytest.mark.parametrize(
    ("way", "eligible"), [(BY_WORKLOAD, 2), (BY_POD, 2), (BY_NAMESPACE, 40)], ids=str
)
def test_all_that_opted_in_are_eligible(way: OptIn, eligible: int) -> None:
    """And nothing speaks against the others but that they did not opt in."""
    configuration = load_text(POLICY.format(label=way.label), {}).configuration
    assert configuration is not None
    sift = Sift(configuration, configuration.policies[0], NOW, Own())
    namespace = {way.label: "true"} if way is BY_NAMESPACE else {}
    found = Counter(
        tuple(str(reason.code) for reason in sift.reasons(facts, namespace))
        for facts in map(deployment_facts, decoded("deployments", Replicated))
    )
    assert found[()] == eligible
    assert set(found) <= {(), ("notOptedIn",)}


def test_pods_are_ready_on_ready_nodes_and_their_budgets_allow_one() -> None:
    """Each pod is of its Deployment's current ReplicaSet, and one budget covers it."""
    nodes = {one.name: one for one in map(node_facts, decoded("minions", Node))}
    budgets = list(map(budget_facts, decoded("poddisruptionbudgets", Budget)))
    current = {
        one["metadata"]["uid"] for one in objects("replicasets") if one["spec"]["replicas"] == 5
    }
    assert len(current) == STOCK.deployments
    for pod in map(pod_facts, decoded("pods", Pod)):
        assert pod.ready
        assert nodes[pod.node].ready
        assert pod.owner is not None
        assert pod.owner.uid in current
        near = [one for one in budgets if one.namespace == pod.namespace]
        over = [one for one in near if one.selector and one.selector.matches(pod.labels)]
        assert [one.disruptions_allowed for one in over] == [1]


def test_a_pod_is_as_heavy_as_real_ones() -> None:
    """About 11 KB, and managedFields nearly half of it."""
    for pod in objects("pods")[:5]:
        whole, managed = len(json.dumps(pod)), len(json.dumps(pod["metadata"]["managedFields"]))
        assert 10_000 < whole < 13_000
        assert 0.4 < managed / whole < 0.55


def test_labels_of_the_ways_do_not_meet() -> None:
    """One store serves all of them, so each has a label that says nothing to the others."""
    assert len({way.label for way in WAYS}) == len(WAYS)
    workloads = [one["metadata"]["labels"] for one in objects("deployments")]
    pods = [one["metadata"]["labels"] for one in objects("pods")]
    assert sum(BY_WORKLOAD.label in labels for labels in workloads) == STOCK.some == 2
    assert sum(BY_POD.label in labels for labels in pods) == 5 * STOCK.some
    assert not any(BY_POD.label in labels for labels in workloads)
    assert not any(BY_WORKLOAD.label in labels for labels in pods)


def test_a_store_is_known_by_what_it_holds() -> None:
    """So another size or other labels are never taken for it."""
    assert fingerprint(STOCK) == fingerprint(Stock(40, namespaces=4))
    assert fingerprint(STOCK) != fingerprint(Stock(41, namespaces=4))


@contextmanager
def gateway() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """etcd's JSON gateway, which keeps what it is told; its address."""
    asked: list[tuple[str, Any]] = []

    def serve(exchange: Exchange) -> None:
        asked.append((exchange.path, json.loads(exchange.body())))
        exchange.answer()

    with serving(serve) as url:
        yield url, asked


def test_everything_is_written_below_the_registry() -> None:
    """In transactions that etcd takes, and what goes on is told."""
    said: list[str] = []
    with gateway() as (url, asked):
        fill(url, STOCK, said.append)
    puts = [one["requestPut"] for path, body in asked for one in body["success"]]
    assert {path for path, _ in asked} == {"/v3/kv/txn"}
    assert max(len(body["success"]) for _, body in asked) <= 1000
    written = {b64decode(one["key"]).decode(): json.loads(b64decode(one["value"])) for one in puts}
    assert written == {f"/registry/{key}": one for key, one in STOCK.objects()}
    assert said[-1].endswith(f"{STOCK.total:,} of {STOCK.total:,} objects")


def test_forgetting_takes_what_has_the_prefix_and_nothing_else() -> None:
    """The end of the range is the first key that does not begin so."""
    with gateway() as (url, asked):
        forget(url, ["configmaps/chaosd-1/"])
    ((path, body),) = asked
    begin, end = b64decode(body["key"]), b64decode(body["rangeEnd"])
    assert path == "/v3/kv/deleterange"
    assert begin <= b"/registry/configmaps/chaosd-1/chaosd-ledger" < end
    assert not begin <= b"/registry/configmaps/chaosd-10/chaosd-ledger" < end


@pytest.mark.parametrize(
    ("asked", "page"),
    [
        ("GET /apis/apps/v1/deployments?limit=500&labelSelector=a%3Db", True),
        ("GET /apis/apps/v1/namespaces/team-001/deployments?limit=500", True),
        ("GET /apis/apps/v1/statefulsets?limit=500", True),
        ("GET /apis/apps/v1/deployments?limit=500&continue=x", True),
        ("GET /apis/apps/v1/deployments?limit=1", False),
        ("GET /apis/apps/v1/namespaces/team-001/deployments/web?", False),
        ("GET /api/v1/pods?limit=500&labelSelector=a%3Db", True),
        ("GET /api/v1/namespaces/team-001/pods?limit=500&labelSelector=app%3Dweb", False),
        ("GET /api/v1/namespaces?limit=500", False),
        ("PUT /api/v1/namespaces/chaosd/configmaps/chaosd-ledger?timeout=10s", False),
    ],
)
def test_pages_of_surveys_are_told_from_other_requests(asked: str, page: bool) -> None:
    """A count is no page, nor are the pods of a workload that has been drawn."""
    assert is_page(asked) is page
