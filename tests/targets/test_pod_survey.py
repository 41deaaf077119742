"""Surveying: each way to opt in, and what it costs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chaosd.core.facts import Own
from chaosd.core.model import OptIn, Select
from chaosd.sandbox import Cluster, Rule, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.lab import Lab
from tests.targets.scopes import MEAN, found, scope

YES = {"chaosd.io/enabled": "true"}
SLOW = {"chaosd.io/min-gap": "3d", "team": "a"}


def survey(lab: Lab, own: Own = Own(), **options: object) -> dict[str, set[str]]:  # noqa: B008
    asked = scope(lab, **options)  # type: ignore[arg-type]
    lab.requests()
    return found(PodTarget(lab.reads, own).survey(asked, None))


def lab_with(fill: Callable[[Cluster], object]) -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        fill(cluster)
    return lab


def shop(cluster: Cluster) -> None:
    """Some that opted in, each by its own label, and some that did not."""
    scenarios.deployment(cluster, "shop", "web", 2, opt_in=True)
    scenarios.deployment(cluster, "shop", "plain", 2)
    scenarios.stateful_set(cluster, "shop", "db", 2, opt_in=True)
    scenarios.stateful_set(cluster, "shop", "kept", 2, opt_in=False)
    scenarios.deployment(cluster, "other", "api", 3, opt_in=True)


def test_a_label_on_the_workload() -> None:
    """One list for each kind, one for namespaces, one for pods: the constant of every survey."""
    lab = lab_with(shop)
    assert survey(lab) == {
        "other/Deployment/api": set(),
        "shop/Deployment/web": set(),
        "shop/StatefulSet/db": set(),
    }
    assert lab.asked() == [
        "list /api/v1/namespaces",
        "list /apis/apps/v1/deployments",
        "list /apis/apps/v1/statefulsets",
        "list /api/v1/pods",
    ]


@pytest.mark.parametrize("count", [499, 500, 501, 1200])
def test_a_survey_costs_its_pages_and_a_constant(count: int) -> None:
    """However many workloads there are, no request is made for one of them."""
    lab = Lab()
    with lab.filled() as cluster:
        for number in range(count):
            name = f"web-{number:05}"
            scenarios.deployment(cluster, "shop", name, 0, opt_in=True)
    assert len(survey(lab)) == count
    pages = -(-count // 500)
    assert len(lab.requests()) == pages + 3


def test_a_label_of_ones_own() -> None:
    """A team that comes from another tool keeps its labels."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "shop", "web", 2, labels={"kube-monkey/enabled": "enabled"})
        scenarios.deployment(cluster, "shop", "api", 2, labels={"kube-monkey/enabled": "true"})
        scenarios.deployment(cluster, "shop", "old", 2, opt_in=True)
    opt_in = OptIn("kube-monkey/enabled", "enabled")
    assert survey(lab, opt_in=opt_in) == {"shop/Deployment/web": set()}


@pytest.mark.parametrize(
    "kind", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"]
)
@pytest.mark.parametrize("way", ["workload", "namespace", "pods"])
def test_every_kind_by_every_way(kind: str, way: str) -> None:
    """A workload of any kind is found by its own label, its namespace's or its pods'."""
    own: bool | None = True if way == "workload" else None
    pods: bool | None = True if way == "pods" else None

    def fill(cluster: Cluster) -> None:
        scenarios.namespace(cluster, "shop", opt_in=True if way == "namespace" else None)
        match kind:
            case "Deployment":
                scenarios.deployment(cluster, "shop", "x", 2, opt_in=own, pod_opt_in=pods)
            case "StatefulSet":
                scenarios.stateful_set(cluster, "shop", "x", 2, opt_in=own, pod_opt_in=pods)
            case "DaemonSet":
                scenarios.daemon_set(cluster, "shop", "x", opt_in=own, pod_opt_in=pods)
            case "ReplicaSet":
                scenarios.replica_set(cluster, "shop", "x", 2, opt_in=own, pod_opt_in=pods)
            case "Job":
                scenarios.job(
                    cluster,
                    "shop",
                    "x",
                    parallelism=2,
                    completions=2,
                    run_seconds=1e6,
                    opt_in=own,
                    pod_opt_in=pods,
                )
            case "CronJob":
                owner = scenarios.cron_job(cluster, "shop", "x", opt_in=own, pod_opt_in=pods)
                with cluster.edit("cronjobs.batch", "shop", "x") as item:
                    item["status"] = {"active": [{"name": "x-1"}]}
                scenarios.job(
                    cluster,
                    "shop",
                    "x-1",
                    parallelism=2,
                    completions=2,
                    run_seconds=1e6,
                    cron_job=owner,
                    pod_opt_in=pods,
                )

    lab = lab_with(fill)
    assert survey(lab, select=Select(kinds=(kind,))) == {f"shop/{kind}/x": set()}


def test_a_label_on_the_namespace() -> None:
    """All of it is in, what says no itself is told, and nothing outside is listed."""
    lab = lab_with(shop)
    with lab.cluster.edit("namespaces", "", "shop") as item:
        item["metadata"]["labels"].update(YES)
    assert survey(lab) == {
        "other/Deployment/api": set(),
        "shop/Deployment/web": set(),
        "shop/Deployment/plain": set(),
        "shop/StatefulSet/db": set(),
        "shop/StatefulSet/kept": {"vetoed"},
    }
    assert [line for line in lab.asked() if "/namespaces/" in line] == [
        "list /apis/apps/v1/namespaces/shop/deployments",
        "list /apis/apps/v1/namespaces/shop/statefulsets",
    ]


@pytest.mark.parametrize("said", ["false", "False", "FALSE"])
def test_a_veto_of_the_namespace(said: str) -> None:
    """A namespace that says no is heard, whatever its workloads say."""
    lab = lab_with(shop)
    with lab.cluster.edit("namespaces", "", "shop") as item:
        item["metadata"]["labels"]["chaosd.io/enabled"] = said
    assert survey(lab) == {
        "other/Deployment/api": set(),
        "shop/Deployment/web": {"vetoed"},
        "shop/StatefulSet/db": {"vetoed"},
    }


def test_many_small_namespaces_are_listed_at_once() -> None:
    """Thirty opted-in namespaces of one Deployment each are one list, not thirty."""
    lab = Lab()
    with lab.filled() as cluster:
        for number in range(30):
            scenarios.namespace(cluster, f"in-{number:02}", opt_in=True)
            scenarios.deployment(cluster, f"in-{number:02}", "web", 2)
        scenarios.deployment(cluster, "out", "web", 2)
    names = survey(lab, select=Select(kinds=("Deployment",)))
    assert names == {f"in-{number:02}/Deployment/web": set() for number in range(30)}
    assert [line for line in lab.asked() if "deployments" in line] == [
        "list /apis/apps/v1/deployments",  # by label
        "list /apis/apps/v1/deployments",  # the count
        "list /apis/apps/v1/deployments",  # all
    ]


def test_a_label_on_the_pods() -> None:
    """Workloads are told by their pods' metadata, and not read before they are drawn."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "shop", "web", 5, pod_opt_in=True)
        scenarios.stateful_set(cluster, "shop", "db", 2, pod_opt_in=True)
        scenarios.daemon_set(cluster, "shop", "agent", pod_opt_in=True)
        scenarios.pod(cluster, "shop", "alone", pod_opt_in=True)
    assert survey(lab) == {
        "shop/Deployment/web": set(),
        "shop/StatefulSet/db": set(),
        "shop/DaemonSet/agent": {"kindNotSelected"},
        "shop/Pod/alone": {"kindNotSelected"},
    }
    assert len(lab.requests()) == 4


def test_with_a_mean_time_annotations_are_read_in_lists() -> None:
    """A workload told by its pods may ask for a lower rate, which only itself can tell."""
    lab = Lab()
    with lab.filled() as cluster:
        for number in range(3):
            scenarios.deployment(cluster, "shop", f"web-{number}", 2, pod_opt_in=True)
            with cluster.edit("deployments.apps", "shop", f"web-{number}") as item:
                item["metadata"]["annotations"] = SLOW
        scenarios.daemon_set(cluster, "shop", "agent", pod_opt_in=True)
    asked = scope(lab, schedule=MEAN)
    candidates = list(PodTarget(lab.reads).survey(asked, None))
    assert {one.key: dict(one.annotations) for one in candidates} == {
        **{f"shop/Deployment/web-{n}": {"chaosd.io/min-gap": "3d"} for n in range(3)},
        "shop/DaemonSet/agent": {},
    }
    assert lab.asked()[-1] == "list /apis/apps/v1/namespaces/shop/deployments"


def test_a_workload_comes_once_however_often_it_opted_in() -> None:
    """Label, namespace and pods together make one candidate."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.namespace(cluster, "shop", opt_in=True)
        scenarios.deployment(cluster, "shop", "web", 2, opt_in=True, pod_opt_in=True)
    assert survey(lab) == {"shop/Deployment/web": set()}


def test_a_list_that_starts_again_gives_no_workload_twice() -> None:
    """An expired continue token costs requests, and changes nothing else."""
    lab = Lab()
    with lab.filled() as cluster:
        for number in range(700):
            scenarios.deployment(cluster, "shop", f"web-{number:05}", 0, opt_in=True)
    lab.fault(Rule(do="expired", count=1))
    assert len(survey(lab)) == 700


def test_kinds_of_ones_own_and_bare_pods_are_told_by_pods() -> None:
    """Their namespace's or their pods' label opts them in; they themselves are never read."""
    lab = Lab()
    with lab.filled() as cluster:
        kind = scenarios.custom_kind(cluster, "Foo")
        scenarios.namespace(cluster, "in", opt_in=True)
        for ns, opt_in in (("in", None), ("out", None), ("some", True)):
            owner = scenarios.custom(cluster, kind, ns, "f")
            for number in range(2):
                name = f"f-{number}"
                scenarios.pod(cluster, ns, name, owner=(kind, owner), pod_opt_in=opt_in)
            scenarios.pod(cluster, ns, "alone", pod_opt_in=opt_in)
    assert survey(lab, select=Select(kinds=("Foo", "Pod"))) == {
        "in/Foo/f": set(),
        "in/Pod/alone": set(),
        "some/Foo/f": set(),
        "some/Pod/alone": set(),
    }
    assert not [line for line in lab.asked() if "foos" in line]


def test_namespaces_named_in_full_are_listed_one_by_one() -> None:
    """A policy for two namespaces does not read the cluster."""
    lab = lab_with(shop)
    select = Select(namespaces=("other", "nobody"), kinds=("Deployment",))
    assert survey(lab, select=select) == {"other/Deployment/api": set()}
    assert lab.asked() == [
        "list /api/v1/namespaces",
        "list /apis/apps/v1/namespaces/other/deployments",
        "list /apis/apps/v1/namespaces/nobody/deployments",
        "list /api/v1/namespaces/other/pods",
        "list /api/v1/namespaces/nobody/pods",
    ]


def test_namespace_patterns_are_sifted_with_a_reason() -> None:
    """A pattern can't be asked of the server; what opted in outside of it is explained."""
    lab = lab_with(shop)
    assert survey(lab, select=Select(namespaces=("sh*",), kinds=("Deployment",))) == {
        "shop/Deployment/web": set(),
        "other/Deployment/api": {"namespaceNotSelected"},
    }


def test_an_opted_in_namespace_outside_the_policy_is_not_listed() -> None:
    """Neither is kube-system, whatever it says, unless the policy names it."""
    lab = Lab()
    with lab.filled() as cluster:
        for name in ("shop", "team-a"):
            scenarios.namespace(cluster, name, opt_in=True)
            scenarios.deployment(cluster, name, "web", 2)
        scenarios.deployment(cluster, "kube-system", "dns", 2)
    with lab.cluster.edit("namespaces", "", "kube-system") as item:
        item["metadata"]["labels"].update(YES)
    kinds = ("Deployment",)
    assert set(survey(lab, select=Select(namespaces=("team-*",), kinds=kinds))) == {
        "team-a/Deployment/web"
    }
    assert set(survey(lab, select=Select(kinds=kinds))) == {
        "shop/Deployment/web",
        "team-a/Deployment/web",
    }
    named = Select(namespaces=("kube-system",), kinds=kinds)
    assert survey(lab, select=named) == {"kube-system/Deployment/dns": set()}


def test_annotations_for_chaosd_come_along() -> None:
    """A candidate carries what may lower its rate, and none of the workload's other notes."""
    lab = lab_with(shop)
    with lab.cluster.edit("deployments.apps", "shop", "web") as item:
        item["metadata"]["annotations"] = SLOW
    [web] = [
        one
        for one in PodTarget(lab.reads).survey(scope(lab), None)
        if one.key == "shop/Deployment/web"
    ]
    assert dict(web.annotations) == {"chaosd.io/min-gap": "3d"}


def test_chaosd_itself_is_no_victim() -> None:
    """Its whole workload is spared, however it is labelled; its pod is read once."""
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "chaosd", "chaosd", 2, opt_in=True)
        scenarios.deployment(cluster, "shop", "web", 2, opt_in=True)
    pod = lab.cluster.all("pods", "chaosd")[0]["metadata"]["name"]
    target = PodTarget(lab.reads, Own("chaosd", frozenset({pod})))
    asked = scope(lab)
    for _ in range(2):
        assert found(target.survey(asked, None)) == {
            "chaosd/Deployment/chaosd": {"ownPod"},
            "shop/Deployment/web": set(),
        }
    assert lab.asked().count(f"get /api/v1/namespaces/chaosd/pods/{pod}") == 1
