"""``chaosd explain``, over HTTP."""

from __future__ import annotations

import pytest

from chaosd.core.ledger import Halt, Ledger
from chaosd.sandbox import Denial, scenarios
from tests.cli.shop import WEB, Shop, leading
from tests.cli.support import Answer


def explained(shop: Shop, *args: object) -> Answer:
    return shop.say("explain", *args, "-f", shop.file)


def test_everything_by_policy(shop: Shop) -> None:
    """A funnel, the eligible ones, and why the others are not."""
    shop.write(Ledger())
    answer = explained(shop)
    assert answer.code == 0
    assert "policy web: may not strike now" in answer.out
    assert "notLeading" in answer.out
    assert "2 workloads looked at: eligible 1, nameNotSelected 1" in answer.out
    assert "policy mean, dry run" in answer.out
    assert "disruptionBudget" in answer.out


def test_everything_in_json(shop: Shop) -> None:
    """The same, for programs."""
    shop.write(Ledger(halt=Halt("ann", "release", shop.now)))
    web, mean = explained(shop, "-o", "json").json["policies"]
    assert "halted" in {one["code"] for one in web["against"]}
    assert web["counts"] == {"eligible": 1, "nameNotSelected": 1}
    eligible = [one["workload"] for one in mean["workloads"] if one["eligible"]]
    assert eligible == [WEB]
    api = next(one for one in mean["workloads"] if one["workload"] == "shop/Deployment/api")
    assert {one["code"] for one in api["reasons"]} == {"disruptionBudget"}


@pytest.mark.parametrize("named", [WEB, "Deployment/web", "pod"])
def test_three_ways_to_name_one(shop: Shop, named: str) -> None:
    """A workload in full, by kind and name, or by one of its pods."""
    pods = shop.pods("web")
    target = f"shop/{pods[0]}" if named == "pod" else named
    found = explained(shop, target, "-o", "json").json
    assert found["target"] == WEB
    (workload,) = found["policies"][0]["workloads"]
    assert workload["eligible"] is True
    shown = [pod["pod"] for pod in workload["pods"]]
    assert shown == ([f"shop/{pods[0]}"] if named == "pod" else [f"shop/{pod}" for pod in pods])


def test_who_never_opted_in(shop: Shop) -> None:
    """All reasons of all policies, readably."""
    answer = explained(shop, "shop/Deployment/shy")
    assert "shop/Deployment/shy: not a candidate" in answer.out
    assert "notOptedIn: no chaosd.io/enabled=true on workload, pods or namespace" in answer.out
    assert answer.out.count("shop/Deployment/shy") == 2


def test_a_pod_of_a_cron_job(shop: Shop) -> None:
    """Its workload is the CronJob, two owners up."""
    owner = scenarios.cron_job(shop.cluster, "shop", "nightly")
    scenarios.job(shop.cluster, "shop", "nightly-1", cron_job=owner)
    scenarios.settle(shop.cluster)
    (pod,) = shop.pods("nightly")
    assert explained(shop, f"shop/{pod}", "-o", "json").json["target"] == "shop/CronJob/nightly"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("web", "write namespace/Kind/name"),
        ("a/b/c/d", "write namespace/Kind/name"),
        ("shop/", "write namespace/Kind/name"),
        ("shop/deployment/web", "Deployment"),
        ("shop/nope-1", "there is no pod nope-1 in namespace shop"),
        ("Deployment/shy", "write its namespace too, like shop/Deployment/shy"),
        ("shop/Pod/nope-1", "there is no pod nope-1 in namespace shop"),
        ("shop/Deployment/nope", "there is no Deployment nope in namespace shop"),
        ("nowhere/Deployment/web", "there is no Deployment web in namespace nowhere"),
        ("shop/Foo/nope", "there is no Foo nope in namespace shop that has pods"),
        ("node/nope", "there is no node nope"),
        ("Etcd/nope", "no etcd cluster nope is declared; none is"),
    ],
)
def test_names_that_name_nothing(shop: Shop, target: str, words: str) -> None:
    """Exit 2, and what to write."""
    answer = explained(shop, target)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err


def test_what_belongs_to_another_is_led_there(shop: Shop) -> None:
    """A Deployment's ReplicaSet is there, and stands for nothing by itself."""
    name = next(name for _, name in shop.cluster.keys("replicasets.apps") if "web-" in name)
    answer = explained(shop, f"shop/ReplicaSet/{name}")
    assert answer.code == 2
    assert "belongs to Deployment web: write shop/Deployment/web" in answer.err


@pytest.mark.parametrize(
    ("target", "denied", "code"),
    [
        ("shop/Deployment/nope", Denial("get", "apps"), 1),
        ("node/nope", Denial("get", "", "nodes"), 0),
    ],
)
def test_what_can_not_be_read_is_not_gone(
    shop: Shop, target: str, denied: Denial, code: int
) -> None:
    """Only the server's 404 says that it is not there."""
    shop.write(Ledger())
    shop.server.api.access.deny(denied)
    answer = explained(shop, target)
    assert (answer.code, "there is no " + target.split("/")[-2] in answer.err) == (code, False)


def test_what_may_strike_and_has_nothing_to(shop: Shop) -> None:
    """A policy that is free to strike does not say so above a workload that it can't take."""
    with leading(shop):
        answer = explained(shop, "shop/Deployment/shy")
        everything = explained(shop)
    words = "policy web: its window, limits and halts allow a strike now; no pod is eligible"
    assert words in answer.out
    assert "policy web: may strike now" in everything.out


def test_one_is_not_several(shop: Shop) -> None:
    """Counts agree with their nouns."""
    with shop.cluster.edit("deployments.apps", "shop", "api") as item:
        del item["metadata"]["labels"]["chaosd.io/enabled"]
    assert "1 workload looked at: eligible 1" in explained(shop).out


def test_what_may_not_be_read_is_said(shop: Shop) -> None:
    """Nothing can be explained: exit 1 with the reason."""
    shop.server.api.access.deny(Denial("list", "apps"))
    answer = explained(shop)
    assert answer.code == 1
    assert "the rest could not be read: forbidden" in answer.out
