"""The pods of one workload, and one of them examined in full."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from chaosd.core.facts import Own
from chaosd.core.model import BudgetMode, Impact, Select
from chaosd.core.selector import Selector
from chaosd.ports import Forbidden
from chaosd.sandbox import Cluster, Denial, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.lab import Lab
from tests.targets.scopes import candidate, codes, found, inside, pods_of, scope

WEB = "shop/Deployment/web"
ALL = Select(
    kinds=("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Foo"),
    min_replicas=1,
)


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "shop", "web", 4, opt_in=True)
        scenarios.pdb(cluster, "shop", "web", min_available=3)
        # Pods that the Deployment's selector finds, and that are not its own.
        scenarios.pod(cluster, "shop", "stray", pod_labels={"app": "web"})
        scenarios.replica_set(cluster, "shop", "other", 1, pod_labels={"app": "web"})
    return lab


def fill_kinds(cluster: Cluster) -> None:
    scenarios.stateful_set(cluster, "shop", "db", 3, opt_in=True)
    scenarios.daemon_set(cluster, "shop", "agent", opt_in=True)
    scenarios.replica_set(cluster, "shop", "old", 3, opt_in=True)
    scenarios.job(
        cluster, "shop", "once", parallelism=3, completions=3, run_seconds=1e6, opt_in=True
    )
    cron_job = scenarios.cron_job(cluster, "shop", "nightly", opt_in=True)
    with cluster.edit("cronjobs.batch", "shop", "nightly") as item:
        item["status"] = {"active": [{"name": "nightly-1"}, {"name": "nightly-2"}]}
    for number in (1, 2):
        scenarios.job(
            cluster,
            "shop",
            f"nightly-{number}",
            parallelism=2,
            completions=2,
            run_seconds=1e6,
            cron_job=cron_job,
        )
    scenarios.pod(cluster, "shop", "alone", pod_opt_in=True)
    kind = scenarios.custom_kind(cluster, "Foo")
    owner = scenarios.custom(cluster, kind, "shop", "f")
    for number in range(3):
        scenarios.pod(cluster, "shop", f"f-{number}", owner=(kind, owner), pod_opt_in=True)


@pytest.mark.parametrize(
    ("key", "resource", "pods", "desired"),
    [
        ("shop/StatefulSet/db", "statefulsets.apps", 3, 3),
        ("shop/DaemonSet/agent", "daemonsets.apps", 2, 2),
        ("shop/ReplicaSet/old", "replicasets.apps", 3, 3),
        ("shop/Job/once", "jobs.batch", 3, 3),
        ("shop/CronJob/nightly", "cronjobs.batch", 4, 4),
        ("shop/Pod/alone", "pods", 1, 1),
        ("shop/Foo/f", "foos.example.com", 3, 3),
    ],
)
def test_every_kind_has_its_pods(key: str, resource: str, pods: int, desired: int) -> None:
    """A drawn workload of any kind is opened, and any of its pods may become the victim; its UID
    goes along."""
    lab = Lab()
    with lab.filled() as cluster:
        fill_kinds(cluster)
    asked = scope(lab, select=ALL)
    target = PodTarget(lab.reads)
    found_pods = target.expand(asked, candidate(key))
    assert [one.reasons for one in found_pods] == [()] * pods
    examined = target.examine(asked, found_pods[0])
    assert examined.reasons == ()
    assert examined.desired == desired
    assert examined.impact.workloads == (key,)
    item = lab.cluster.get(resource, "shop", key.rpartition("/")[2]) or {}
    assert examined.uids == {key: item["metadata"]["uid"]}


def test_pods_are_owned_and_not_only_selected(lab: Lab) -> None:
    """A pod that a selector finds, but another owns, is none of its pods."""
    asked = scope(lab)
    expanded = found(PodTarget(lab.reads).expand(asked, candidate(WEB)))
    own = {name for name in pods_of(lab, "shop", "web") if name.startswith("web-")}
    assert expanded == {f"shop/{name}": set() for name in own}
    assert len(own) == 4


def test_opening_a_workload_costs_four_requests(lab: Lab) -> None:
    """However many pods it has, and with a fifth for the nodes when they are selected."""
    asked = scope(lab)
    lab.requests()
    PodTarget(lab.reads).expand(asked, candidate(WEB))
    assert lab.asked() == [
        "get /apis/apps/v1/namespaces/shop/deployments/web",
        "list /apis/apps/v1/namespaces/shop/replicasets",
        "list /api/v1/namespaces/shop/pods",
        "get /api/v1/namespaces/shop",
    ]
    asked = scope(lab, select=Select(nodes=Selector.parse("pool=b")))
    expanded = found(PodTarget(lab.reads).expand(asked, candidate(WEB)))
    assert lab.asked()[4:] == ["list /api/v1/nodes"]
    for name in pods_of(lab, "shop", "web"):
        node = (lab.cluster.get("pods", "shop", name) or {})["spec"]["nodeName"]
        if name.startswith("web-"):
            wanted = set() if node == "node-b" else {"nodeNotSelected"}
            assert expanded[f"shop/{name}"] == wanted


def test_one_bad_pod_speaks_against_its_siblings(lab: Lab) -> None:
    """Status lags, so the pods themselves are asked: one that is not Ready spares all."""
    asked = scope(lab)
    bad = next(name for name in pods_of(lab, "shop", "web") if name.startswith("web-"))
    scenarios.set_pod_ready(lab.cluster, "shop", bad, False)
    expanded = found(PodTarget(lab.reads).expand(asked, candidate(WEB)))
    assert expanded.pop(f"shop/{bad}") == {"notAllReady", "notReady"}
    assert set(map(frozenset, expanded.values())) == {frozenset({"notAllReady"})}


def test_a_label_on_one_pod_opts_in_that_pod_alone() -> None:
    """The others of its workload are no victims."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "shop", "web", 3)
    chosen = pods_of(lab, "shop", "web")[0]
    with lab.cluster.edit("pods", "shop", chosen) as item:
        item["metadata"]["labels"]["chaosd.io/enabled"] = "true"
    expanded = found(PodTarget(lab.reads).expand(scope(lab), candidate(WEB)))
    assert expanded.pop(f"shop/{chosen}") == set()
    assert list(expanded.values()) == [{"notOptedIn"}] * 2


def test_a_pod_may_veto(lab: Lab) -> None:
    """What says no on the pod is heard, and its siblings stay."""
    chosen = next(name for name in pods_of(lab, "shop", "web") if name.startswith("web-"))
    with lab.cluster.edit("pods", "shop", chosen) as item:
        item["metadata"]["labels"]["chaosd.io/enabled"] = "false"
    expanded = found(PodTarget(lab.reads).expand(scope(lab), candidate(WEB)))
    assert expanded.pop(f"shop/{chosen}") == {"vetoed"}
    assert list(expanded.values()) == [set()] * 3


@pytest.mark.parametrize(
    ("key", "reasons"),
    [
        ("shop/Deployment/nobody", {"gone"}),
        ("shop/Pod/nobody", {"gone"}),
        ("shop/Foo/nobody", {"gone"}),
    ],
)
def test_what_is_gone_is_told(lab: Lab, key: str, reasons: set[str]) -> None:
    """Between draw and look a workload may go: one candidate says so."""
    [one] = PodTarget(lab.reads).expand(scope(lab, select=ALL), candidate(key))
    assert codes(one.reasons) == reasons
    examined = PodTarget(lab.reads).examine(scope(lab, select=ALL), inside(key, "x"))
    assert codes(examined.reasons) == reasons


def test_a_workload_without_pods_is_told(lab: Lab) -> None:
    """There is nothing to kill in it."""
    scenarios.deployment(lab.cluster, "shop", "new", 2, opt_in=True)
    [one] = PodTarget(lab.reads).expand(scope(lab), candidate("shop/Deployment/new"))
    assert codes(one.reasons) == {"gone"}


def test_all_pods_of_chaosds_workload_are_its_own() -> None:
    """Not only this process's pod is spared, but its standby too."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "chaosd", "chaosd", 3, opt_in=True)
    names = pods_of(lab, "chaosd", "chaosd")
    target = PodTarget(lab.reads, Own("chaosd", frozenset(names[:1])))
    key = "chaosd/Deployment/chaosd"
    expanded = found(target.expand(scope(lab), candidate(key)))
    assert list(expanded.values()) == [{"ownPod"}] * 3
    assert codes(target.examine(scope(lab), inside(key, names[2])).reasons) == {"ownPod"}


# ---- examine


def first(lab: Lab) -> str:
    return next(name for name in pods_of(lab, "shop", "web") if name.startswith("web-"))


def test_an_eligible_pod_is_the_victim(lab: Lab) -> None:
    """The very object, with what its death takes down, and how many pods are wanted."""
    name = first(lab)
    asked = scope(lab)
    lab.requests()
    examined = PodTarget(lab.reads).examine(asked, inside(WEB, name))
    stored = lab.cluster.get("pods", "shop", name) or {}
    assert examined.reasons == ()
    assert examined.victim is not None
    assert examined.victim.uid == stored["metadata"]["uid"]
    assert examined.victim.resource_version == stored["metadata"]["resourceVersion"]
    assert examined.victim.node == stored["spec"]["nodeName"]
    assert examined.impact == Impact((f"shop/{name}",), (WEB,), (), (WEB,))
    assert examined.desired == 4
    assert lab.asked() == [
        "get /apis/apps/v1/namespaces/shop/deployments/web",
        "list /apis/apps/v1/namespaces/shop/replicasets",
        "list /api/v1/namespaces/shop/pods",
        "get /api/v1/namespaces/shop",
        "list /apis/policy/v1/namespaces/shop/poddisruptionbudgets",
        f"get /api/v1/nodes/{examined.victim.node}",
        f"get /api/v1/namespaces/shop/pods/{name}",
    ]


def spend_budget(lab: Lab) -> None:
    with lab.cluster.edit("poddisruptionbudgets.policy", "shop", "web") as item:
        item["status"]["disruptionsAllowed"] = 0


def second_budget(lab: Lab) -> None:
    scenarios.pdb(lab.cluster, "shop", "also", match={"app": "web"}, min_available=1)
    scenarios.settle(lab.cluster)


def node_not_ready(lab: Lab) -> None:
    node = (lab.cluster.get("pods", "shop", first(lab)) or {})["spec"]["nodeName"]
    scenarios.set_node_ready(lab.cluster, node, False)


def node_gone(lab: Lab) -> None:
    node = (lab.cluster.get("pods", "shop", first(lab)) or {})["spec"]["nodeName"]
    lab.cluster.remove("nodes", "", node)


def rollout(lab: Lab) -> None:
    with lab.cluster.edit("deployments.apps", "shop", "web") as item:
        item["metadata"]["generation"] += 1


def sibling_unready(lab: Lab) -> None:
    names = [name for name in pods_of(lab, "shop", "web") if name.startswith("web-")]
    scenarios.set_pod_ready(lab.cluster, "shop", names[-1], False)


def veto(lab: Lab) -> None:
    with lab.cluster.edit("namespaces", "", "shop") as item:
        item["metadata"]["labels"]["chaosd.io/enabled"] = "false"


def looks_like_etcd(lab: Lab) -> None:
    with lab.cluster.edit("pods", "shop", first(lab)) as item:
        item["spec"]["containers"][0]["ports"] = [{"containerPort": 2379}]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (spend_budget, "disruptionBudget"),
        (second_budget, "severalBudgets"),
        (node_not_ready, "nodeNotReady"),
        (node_gone, "nodeNotReady"),
        (rollout, "statusStale"),
        (sibling_unready, "notAllReady"),
        (veto, "vetoed"),
        (looks_like_etcd, "looksLikeEtcd"),
    ],
)
def test_what_changed_since_the_survey_is_seen(
    lab: Lab, change: Callable[[Lab], None], reason: str
) -> None:
    """Everything is read again: what was fine when it was drawn may not be now."""
    name = first(lab)
    change(lab)
    examined = PodTarget(lab.reads).examine(scope(lab), inside(WEB, name))
    assert reason in codes(examined.reasons)
    assert examined.victim is None
    assert examined.impact == Impact()


def test_bypass_asks_no_budget(lab: Lab) -> None:
    """The policy says so, and then nothing about budgets is read."""
    spend_budget(lab)
    asked = scope(lab, pdb=BudgetMode.BYPASS)
    lab.requests()
    examined = PodTarget(lab.reads).examine(asked, inside(WEB, first(lab)))
    assert examined.reasons == ()
    assert not [line for line in lab.asked() if "poddisruptionbudgets" in line]


def test_a_pod_of_the_same_name_is_another() -> None:
    """A StatefulSet's pod that was replaced between the two reads is not the one looked at."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.stateful_set(cluster, "shop", "db", 2, opt_in=True)

    class Replacing:
        """A cluster in which the pod is replaced right after its node was read."""

        def __init__(self) -> None:
            self.kinds = lab.reads.kinds

        def __getattr__(self, name: str) -> object:
            return getattr(lab.reads, name)

        def node(self, name: str) -> object:
            found = lab.reads.node(name)
            with lab.cluster.edit("pods", "shop", "db-0") as item:
                item["metadata"]["uid"] = "another"
            return found

    target = PodTarget(Replacing())  # type: ignore[arg-type]
    examined = target.examine(scope(lab), inside("shop/StatefulSet/db", "db-0"))
    assert codes(examined.reasons) == {"changed"}


def test_a_pod_of_another_workload_is_none_of_this_one(lab: Lab) -> None:
    """A key that names a stranger gives no victim."""
    examined = PodTarget(lab.reads).examine(scope(lab), inside(WEB, "stray"))
    assert codes(examined.reasons) == {"gone"}


def test_what_may_not_be_read_is_no_victim(lab: Lab) -> None:
    """A forbidden read ends the look with an error, never with a victim."""
    lab.sandbox.access.deny(Denial("list", "policy", "poddisruptionbudgets"))
    with pytest.raises(Forbidden):
        PodTarget(lab.reads).examine(scope(lab), inside(WEB, first(lab)))


def test_a_young_workload_rests(lab: Lab) -> None:
    """minAge is asked of the pods too, also when the survey could not know it."""
    asked = scope(lab, select=Select(min_age=timedelta(days=2)))
    examined = PodTarget(lab.reads).examine(asked, inside(WEB, first(lab)))
    assert codes(examined.reasons) == {"tooYoung"}
