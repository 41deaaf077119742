"""Namespaced mode: what is read, and what a namespace itself may say."""

from __future__ import annotations

from typing import Any

import pytest

from chaosd.core.model import Select, WorkloadKey
from chaosd.ports import Forbidden
from chaosd.sandbox import Denial, Rule, scenarios
from chaosd.targets.pods import PodTarget
from tests.support.lab import Lab
from tests.targets.scopes import MEAN, candidate, codes, found, inside, pods_of, scope

LABEL = "chaosd.io/enabled"
WEB = "shop/Deployment/web"


@pytest.fixture
def lab() -> Lab:
    """Workloads that opted in by a label of their own or of their pods, in two namespaces."""
    lab = Lab()
    with lab.filled() as cluster:
        for ns in ("shop", "team"):
            scenarios.deployment(cluster, ns, "web", 2, opt_in=True)
            scenarios.deployment(cluster, ns, "by-pods", 2, pod_opt_in=True)
            scenarios.deployment(cluster, ns, "plain", 2)
    return lab


def survey(lab: Lab, *namespaces: str, **options: Any) -> dict[str, set[str]]:
    asked = scope(lab, namespaces=namespaces, **options)
    lab.requests()
    return found(PodTarget(lab.reads).survey(asked, None))


def say(lab: Lab, namespace: str, text: str) -> None:
    with lab.cluster.edit("namespaces", "", namespace) as item:
        item["metadata"]["labels"][LABEL] = text


def test_nothing_of_the_cluster_is_read() -> None:
    """Only those namespaces and lists inside them, whatever way things opted in."""
    lab = Lab()
    with lab.filled() as cluster:
        for number in range(8):
            ns = f"ns-{number}"
            scenarios.namespace(cluster, ns, opt_in=True)
            scenarios.deployment(cluster, ns, "web", 2, opt_in=True)
            scenarios.deployment(cluster, ns, "by-pods", 2, pod_opt_in=True)
            scenarios.deployment(cluster, ns, "by-namespace", 2)
            scenarios.job(cluster, ns, "once", run_seconds=1e6, pod_opt_in=True)
    within = [f"ns-{number}" for number in range(7)]
    select = Select(kinds=("Deployment", "Job"))
    names = survey(lab, *within, select=select, schedule=MEAN)
    expected = {
        f"{ns}/{kind}"
        for ns in within
        for kind in ("Deployment/web", "Deployment/by-pods", "Job/once")
    }
    assert set(names) == expected
    asked = lab.asked()
    assert [line for line in asked if "/namespaces/ns-" not in line] == []
    assert asked.count("get /api/v1/namespaces/ns-0") == 1
    only = survey(lab, *within, select=Select(namespaces=("ns-[12]",)))
    assert {name.partition("/")[0] for name in only} == {"ns-1", "ns-2"}


@pytest.mark.parametrize("policy", [{}, {"schedule": MEAN}], ids=["every", "mean time"])
def test_a_veto_counts_for_all_that_is_in_a_namespace(lab: Lab, policy: dict[str, Any]) -> None:
    """However it opted in. A namespace that may not be read may hold a veto: it is a reason for
    what is in there, and the others go on."""
    say(lab, "team", "false")
    both = ("Deployment/web", "Deployment/by-pods")
    expected: dict[str, set[str]] = {f"team/{one}": {"vetoed"} for one in both}
    shop: dict[str, set[str]] = {f"shop/{one}": set() for one in both}
    assert survey(lab, "shop", "team", **policy) == expected | shop
    lab.fault(Rule(do="status", status=403, path="/namespaces/shop$"))
    shop = {f"shop/{one}": {"unreadable"} for one in both}
    assert survey(lab, "shop", "team", **policy) == expected | shop


def test_no_look_elsewhere(lab: Lab) -> None:
    """Of what lies outside the named namespaces, nothing is read."""
    target = PodTarget(lab.reads)
    asked = scope(lab, namespaces=("shop",))
    lab.requests()
    [one] = target.survey(asked, WorkloadKey("team", "Deployment", "web"))
    assert codes(one.reasons) == {"namespaceNotSelected"}
    assert lab.asked() == []
    [one] = target.survey(asked, WorkloadKey("shop", "Deployment", "web"))
    assert one.reasons == ()
    assert lab.asked() == [
        "get /api/v1/namespaces/shop",
        "get /apis/apps/v1/namespaces/shop/deployments/web",
    ]


def test_a_namespace_can_only_veto(lab: Lab) -> None:
    """Its veto counts, its opt-in does not; where it may not be read, it may hold a veto."""
    target, asked = PodTarget(lab.reads), scope(lab, namespaces=("shop", "team"))
    say(lab, "shop", "true")
    [one] = target.survey(asked, WorkloadKey("shop", "Deployment", "plain"))
    assert codes(one.reasons) == {"notOptedIn"}
    say(lab, "team", "FALSE")
    [one] = target.survey(asked, WorkloadKey("team", "Deployment", "web"))
    assert codes(one.reasons) == {"vetoed"}
    lab.sandbox.access.deny(Denial("get", "", "namespaces"))
    [one] = target.survey(asked, WorkloadKey("shop", "Deployment", "web"))
    assert codes(one.reasons) == {"unreadable"}
    assert "one may be chaosd.io/enabled=false" in str(one.reasons[0])


def test_nodes_are_not_needed(lab: Lab) -> None:
    """The pod's own readiness suffices; nodes and other namespaces are not read."""
    asked = scope(lab, namespaces=("shop",))
    for name in ("node-a", "node-b"):
        with lab.cluster.edit("nodes", "", name) as item:
            item["status"]["conditions"] = [{"type": "Ready", "status": "False"}]
    lab.requests()
    target = PodTarget(lab.reads)
    assert set(map(frozenset, found(target.expand(asked, candidate(WEB))).values())) == {
        frozenset()
    }
    assert target.examine(asked, inside(WEB, pods_of(lab, "shop", "web")[0])).reasons == ()
    assert {line for line in lab.asked() if "/namespaces/shop/" not in line} == {
        "get /api/v1/namespaces/shop"
    }
    [one] = target.expand(scope(lab, namespaces=("other",)), candidate(WEB))
    assert codes(one.reasons) == {"namespaceNotSelected"}
    assert lab.asked() == []


def test_a_veto_that_came_after_the_survey(lab: Lab) -> None:
    """It is looked for again right before the strike, as everything is."""
    asked, target = scope(lab, namespaces=("shop",)), PodTarget(lab.reads)
    pod = inside(WEB, pods_of(lab, "shop", "web")[0])
    assert target.examine(asked, pod).reasons == ()
    say(lab, "shop", "false")
    assert codes(target.examine(asked, pod).reasons) == {"vetoed"}
    lab.sandbox.access.deny(Denial("get", "", "namespaces"))
    assert codes(target.examine(asked, pod).reasons) == {"unreadable"}
    seen = found(target.expand(asked, candidate(WEB)))
    assert [*seen.values()] == [{"unreadable"}, {"unreadable"}]


def test_the_whole_cluster_does_not_do_without_its_namespaces(lab: Lab) -> None:
    """Without namespaced mode a namespace that may not be read ends the look."""
    lab.sandbox.access.deny(Denial("get", "", "namespaces"))
    with pytest.raises(Forbidden):
        PodTarget(lab.reads).expand(scope(lab), candidate(WEB))
