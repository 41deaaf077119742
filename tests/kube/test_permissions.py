"""What a configuration needs to be allowed, and what of it is missing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml

from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.model import (
    Action,
    BudgetMode,
    Configuration,
    Helper,
    Limits,
    Policy,
    Select,
    TargetKind,
)
from chaosd.core.schedule import Every
from chaosd.core.selector import Selector
from chaosd.core.window import Windows
from chaosd.kube.permissions import Need, missing, needs
from chaosd.sandbox import Denial
from tests.support.lab import Lab

WINDOWS = Windows("UTC")


def policy(name: str = "web", **changes: Any) -> Policy:
    fields: dict[str, Any] = {
        "name": name,
        "target": TargetKind.POD,
        "action": Action.EVICT,
        "schedule": Every(timedelta(hours=1)),
        "select": Select(),
        "windows": WINDOWS,
        "limits": Limits(),
        "dry_run": False,
    }
    return Policy(**{**fields, **changes})


def allowed(*policies: Policy, namespaces: tuple[str, ...] | None = None) -> list[Need]:
    configuration = Configuration(WINDOWS, policies, namespaces=namespaces)
    return needs(configuration, "chaosd", in_cluster=True)


def verbs(found: list[Need], resource: str, namespace: str | None = None) -> set[str]:
    return {
        verb
        for need in found
        if (need.resource, need.namespace) == (resource, namespace)
        for verb in need.verbs
    }


def test_the_ledger_and_the_lease_are_chaosds_own() -> None:
    """They are needed whatever is configured, in chaosd's own namespace and nowhere else."""
    found = allowed()
    assert verbs(found, "configmaps", "chaosd") == {"get", "patch", "create"}
    assert verbs(found, "leases", "chaosd") == {"get", "patch", "create"}
    assert verbs(found, "configmaps") == set()


def test_a_dry_run_may_kill_nothing() -> None:
    """Without a live policy no permission to remove or touch a pod is asked for."""
    found = allowed(policy(dry_run=True))
    assert verbs(found, "pods/eviction") == set()
    assert verbs(found, "pods") == {"get", "list"}
    assert verbs(found, "pods/status") == set()
    assert verbs(found, "poddisruptionbudgets") == {"list"}


def test_budgets_decide_how_a_pod_is_killed() -> None:
    """Respecting needs evictions and no deletions, bypassing the other way round."""
    found = allowed(policy())
    assert verbs(found, "pods/eviction") == {"create"}
    assert "delete" not in verbs(found, "pods")
    assert verbs(found, "pods/status") == {"patch"}
    found = allowed(policy(pdb=BudgetMode.BYPASS))
    assert verbs(found, "pods/eviction") == set()
    assert verbs(found, "pods") == {"get", "list", "delete"}
    assert verbs(found, "poddisruptionbudgets") == set()


@pytest.mark.parametrize(
    ("kind", "resources"),
    [
        ("Deployment", {"deployments", "replicasets"}),
        ("StatefulSet", {"statefulsets"}),
        ("DaemonSet", {"daemonsets"}),
        ("ReplicaSet", {"replicasets"}),
        ("Job", {"jobs"}),
        ("CronJob", {"cronjobs", "jobs"}),
        ("Pod", set()),
        ("Foo", set()),
    ],
)
def test_only_the_selected_kinds_are_read(kind: str, resources: set[str]) -> None:
    """A policy for Deployments asks for nothing about StatefulSets."""
    found = allowed(policy(select=Select(kinds=(kind,))))
    assert {need.resource for need in found if need.group in ("apps", "batch")} == resources


def test_nodes_are_listed_only_to_select_them() -> None:
    """Reading the victim's node is enough for a policy that does not select nodes."""
    assert verbs(allowed(policy()), "nodes") == {"get"}
    by_node = policy(select=Select(nodes=Selector.parse("pool=spot")))
    assert verbs(allowed(by_node), "nodes") == {"get", "list"}


def on_nodes(action: Action = Action.DRAIN, **changes: Any) -> Policy:
    return policy("nodes", target=TargetKind.NODE, action=action, **changes)


HELPER = Helper("helpers", "chaosd:1")


@pytest.mark.parametrize(
    ("one", "taints", "evicts", "deletes", "helps"),
    [
        (on_nodes(), True, True, False, False),
        (on_nodes(pdb=BudgetMode.BYPASS), True, False, True, False),
        (on_nodes(Action.REBOOT), True, True, False, True),
        (on_nodes(Action.REBOOT, pdb=BudgetMode.BYPASS), False, False, False, True),
        (on_nodes(Action.TERMINATE), True, True, False, False),
        (on_nodes(Action.TERMINATE, pdb=BudgetMode.BYPASS), False, False, False, False),
        (policy(action=Action.CRASH), False, False, False, True),
        (on_nodes(Action.REBOOT, dry_run=True), True, False, False, False),
        (policy(action=Action.CRASH, dry_run=True), False, False, False, False),
    ],
)
def test_what_each_action_may_change(
    one: Policy, *, taints: bool, evicts: bool, deletes: bool, helps: bool
) -> None:
    """Only drains taint nodes and move pods, and helper pods are made in their place alone. A dry
    run ends what was begun before: it takes taints off, and fences."""
    configuration = Configuration(WINDOWS, (one,), helper=HELPER)
    found = needs(configuration, "chaosd", in_cluster=True)
    assert ("patch" in verbs(found, "nodes")) is taints
    assert verbs(found, "pods/eviction") == ({"create"} if evicts else set())
    assert ("delete" in verbs(found, "pods")) is deletes
    assert verbs(found, "pods/status") == ({"patch"} if taints or evicts or deletes else set())
    helping = {"create", "delete"} if helps else set()  # and get, which it has everywhere
    assert verbs(found, "pods", "helpers") == helping


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_is_read_to_judge_nodes(*, dry_run: bool) -> None:
    """Nodes, all that runs on them, its owners, its volumes and its budgets."""
    found = allowed(on_nodes(dry_run=dry_run))
    assert verbs(found, "nodes") - {"patch"} == {"get", "list"}
    assert verbs(found, "persistentvolumes") == {"list"}
    assert verbs(found, "poddisruptionbudgets") == {"list"}
    for resource in ("deployments", "replicasets", "statefulsets", "jobs", "cronjobs"):
        assert verbs(found, resource) == {"get", "list"}
    assert verbs(found, "daemonsets") == {"list"}
    of_pods = allowed(policy(dry_run=dry_run))
    assert verbs(of_pods, "persistentvolumes") == set()


def test_helper_pods_need_a_place() -> None:
    """Without one none is made, and nothing is asked for."""
    assert verbs(allowed(policy(action=Action.CRASH)), "pods") == {"get", "list"}
    crash = Configuration(WINDOWS, (policy(action=Action.CRASH),), namespaces=("a",), helper=HELPER)
    found = needs(crash, "chaosd", in_cluster=True)
    assert verbs(found, "pods", "helpers") == {"create", "get", "delete"}


MAIN = EtcdCluster("main", ("https://10.0.0.1:2379",))


def of_etcd(action: Action = Action.KILL, **changes: Any) -> Policy:
    return policy("etcd", target=TargetKind.ETCD, action=action, clusters=("main",), **changes)


def with_etcd(*policies: Policy, **changes: Any) -> list[Need]:
    configuration = Configuration(WINDOWS, policies, etcd=(MAIN,), **changes)
    return needs(configuration, "chaosd", in_cluster=True)


@pytest.mark.parametrize(
    ("one", "asks", "evicts", "deletes", "helps"),
    [
        (of_etcd(), True, True, False, True),
        (of_etcd(pdb=BudgetMode.BYPASS), False, False, True, True),
        (of_etcd(Action.MOVE_LEADER), False, False, False, False),
        (of_etcd(dry_run=True), True, False, False, False),
        (of_etcd(Action.MOVE_LEADER, dry_run=True), False, False, False, False),
    ],
)
def test_what_a_policy_for_etcd_may_do(
    one: Policy, *, asks: bool, evicts: bool, deletes: bool, helps: bool
) -> None:
    """A kill goes the way of pods or of helper pods; who leads is moved without any right."""
    found = with_etcd(one, helper=HELPER)
    assert verbs(found, "poddisruptionbudgets") == ({"list"} if asks else set())
    assert verbs(found, "pods/eviction") == ({"create"} if evicts else set())
    assert ("delete" in verbs(found, "pods")) is deletes
    assert verbs(found, "pods/status") == ({"patch"} if evicts or deletes else set())
    helping = {"create", "delete"} - verbs(found, "pods") if helps else set()
    assert verbs(found, "pods", "helpers") == helping
    for resource in ("deployments", "replicasets", "statefulsets", "daemonsets"):
        assert verbs(found, resource) == {"get"}
    assert verbs(found, "jobs") == verbs(found, "secrets") == set()


@pytest.mark.parametrize("policies", [(), (policy(),), (of_etcd(),), (on_nodes(),)])
def test_what_the_guard_of_etcd_reads(policies: tuple[Policy, ...]) -> None:
    """A declared cluster is guarded whatever the policies are: its pods, its nodes, and whether
    there is another API server."""
    found = with_etcd(*policies)
    assert verbs(found, "pods") >= {"get", "list"}
    assert verbs(found, "nodes") >= {"get", "list"}
    assert verbs(found, "endpointslices", "default") == {"list"}
    assert verbs(found, "endpointslices") == set()
    assert "endpointslices" not in {need.resource for need in allowed(*policies)}


def test_a_need_of_etcd_says_what_it_is_for() -> None:
    """What the guard needs names no policy, as it is needed for all of them."""
    [slices] = [need for need in with_etcd(of_etcd()) if need.resource == "endpointslices"]
    assert slices.why.endswith("(etcd)")
    assert slices.place == "Role in namespace default"


def test_namespaced_mode_asks_in_its_namespaces_only() -> None:
    """Nothing about the cluster is asked for, and everything in each namespace."""
    found = allowed(policy(), namespaces=("shop", "team"))
    assert {need.namespace for need in found} == {"chaosd", "shop", "team"}
    assert "nodes" not in {need.resource for need in found}
    for namespace in ("shop", "team"):
        assert verbs(found, "namespaces", namespace) == {"get"}
        assert verbs(found, "pods/eviction", namespace) == {"create"}
        assert verbs(found, "deployments", namespace) == {"get", "list"}


def test_outside_a_cluster_there_are_no_own_pods() -> None:
    """A laptop does not need to read chaosd's namespace for its own pod."""
    configuration = Configuration(WINDOWS, (policy(),))
    found = needs(configuration, "chaosd", in_cluster=False)
    assert verbs(found, "pods", "chaosd") == set()


def test_each_need_says_which_policies_have_it() -> None:
    """A refusal to start names the policy that can't be served."""
    bypass = policy("rough", pdb=BudgetMode.BYPASS)
    [eviction] = [n for n in allowed(policy(), bypass) if n.resource == "pods/eviction"]
    assert eviction.why.endswith("for policy web")
    [status] = [n for n in allowed(policy(), bypass) if n.resource == "pods/status"]
    assert status.why.endswith("for policies web, rough")


def test_only_events_can_be_done_without() -> None:
    """Everything else is needed, and refuses to start when it is missing."""
    assert {need.resource for need in allowed(policy()) if not need.required} == {"events"}


@pytest.mark.parametrize(
    "need", allowed(policy(pdb=BudgetMode.BYPASS)), ids=lambda need: need.resource
)
def test_every_need_has_a_rule_that_grants_it(need: Need) -> None:
    """The rule is valid YAML, and says exactly what is needed."""
    [rule] = yaml.safe_load(need.rule)
    expected: dict[str, list[str]] = {
        "apiGroups": [need.group],
        "resources": [need.resource],
        "verbs": list(need.verbs),
    }
    assert rule == (expected | {"resourceNames": [need.name]} if need.name else expected)


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_nothing_is_missing_where_all_is_allowed(lab: Lab) -> None:
    """One review for each verb, and no complaint."""
    wanted = allowed(policy())
    assert missing(lab.api, wanted) == []
    assert len(lab.requests()) == sum(len(need.verbs) for need in wanted)


def test_what_is_missing_is_named_with_its_rule(lab: Lab) -> None:
    """Exactly the verb that is denied is asked for, and where."""
    lab.sandbox.access.deny(
        Denial("list", "apps", "deployments"), Denial("create", "", "pods/eviction", "team")
    )
    found = missing(lab.api, allowed(policy(), namespaces=("shop", "team")))
    assert [(need.resource, need.namespace, need.verbs) for need in found] == [
        ("deployments", "shop", ("list",)),
        ("deployments", "team", ("list",)),
        ("pods/eviction", "team", ("create",)),
    ]
    assert found[2].rule == '- apiGroups: [""]\n  resources: [pods/eviction]\n  verbs: [create]'
    assert found[2].place == "Role in namespace team"
    assert allowed(policy())[-1].place == "ClusterRole"
