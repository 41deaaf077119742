"""One workload that was named."""

from __future__ import annotations

import pytest

from chaosd.core.facts import Own
from chaosd.core.model import Select, WorkloadKey
from chaosd.sandbox import scenarios
from chaosd.targets.pods import PodTarget
from tests.support.lab import Lab
from tests.targets.scopes import codes, scope


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        scenarios.deployment(cluster, "shop", "web", 2, opt_in=True)
        scenarios.deployment(cluster, "shop", "plain", 2)
        scenarios.deployment(cluster, "shop", "by-pods", 2)
        scenarios.deployment(cluster, "quiet", "web", 2)
        cron_job = scenarios.cron_job(cluster, "shop", "nightly")
        with cluster.edit("cronjobs.batch", "shop", "nightly") as item:
            item["status"] = {"active": [{"name": "nightly-1"}]}
        scenarios.job(
            cluster, "shop", "nightly-1", cron_job=cron_job, run_seconds=1e6, pod_opt_in=True
        )
        scenarios.pod(cluster, "shop", "alone", pod_opt_in=True)
        kind = scenarios.custom_kind(cluster, "Foo")
        owner = scenarios.custom(cluster, kind, "shop", "f")
        for number in range(2):
            scenarios.pod(cluster, "shop", f"f-{number}", owner=(kind, owner), pod_opt_in=True)
    with lab.cluster.edit("namespaces", "", "quiet") as item:
        item["metadata"]["labels"]["chaosd.io/enabled"] = "false"
    for pod in lab.cluster.all("pods", "shop"):
        if pod["metadata"]["labels"]["app"] == "by-pods":
            with lab.cluster.edit("pods", "shop", pod["metadata"]["name"]) as item:
                item["metadata"]["labels"]["chaosd.io/enabled"] = "true"
            break
    return lab


ANY = Select(kinds=("Deployment", "CronJob", "Pod", "Foo"), min_replicas=1)


@pytest.mark.parametrize(
    ("key", "reasons"),
    [
        ("shop/Deployment/web", set()),
        ("shop/Deployment/plain", {"notOptedIn"}),
        ("shop/Deployment/by-pods", set()),
        ("quiet/Deployment/web", {"notOptedIn", "vetoed"}),
        ("shop/CronJob/nightly", set()),
        ("shop/Pod/alone", set()),
        ("shop/Foo/f", set()),
        ("shop/Deployment/nobody", {"gone"}),
        ("shop/Pod/f-0", {"gone"}),
        ("shop/Foo/nobody", {"gone"}),
        ("nowhere/Deployment/web", {"gone"}),
        ("shop/Job/nightly-1", {"gone"}),
    ],
)
def test_one_workload_with_all_its_reasons(lab: Lab, key: str, reasons: set[str]) -> None:
    """Whether it opted in is answered in every way that it may have."""
    asked = scope(lab, select=ANY)
    [one] = PodTarget(lab.reads).survey(asked, WorkloadKey.parse(key))
    assert one.key == key
    assert codes(one.reasons) == reasons


def test_a_slot_that_names_its_workload_reads_only_that(lab: Lab) -> None:
    """The workload and its namespace: two requests in a cluster of any size."""
    asked = scope(lab)
    lab.requests()
    list(PodTarget(lab.reads).survey(asked, WorkloadKey("shop", "Deployment", "web")))
    assert lab.asked() == [
        "get /api/v1/namespaces/shop",
        "get /apis/apps/v1/namespaces/shop/deployments/web",
    ]


def test_chaosd_itself_is_explained(lab: Lab) -> None:
    """Asked why chaosd is spared, it says so."""
    pod = next(
        item["metadata"]["name"]
        for item in lab.cluster.all("pods", "shop")
        if item["metadata"]["labels"]["app"] == "web"
    )
    target = PodTarget(lab.reads, Own("shop", frozenset({pod})))
    [one] = target.survey(scope(lab), WorkloadKey("shop", "Deployment", "web"))
    assert codes(one.reasons) == {"ownPod"}
