"""``chaosd check --cluster`` and ``chaosd plan`` with a cluster, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from chaosd.core.ledger import LastKill, Ledger, Result, Verdict, workload_hash
from chaosd.sandbox import Denial
from tests.cli.shop import WEB, Shop

FROM = "2027-01-04T00:00:00Z"


def test_what_it_would_do_there_in_plain_words(shop: Shop) -> None:
    """Permissions are fine, and each policy says what it would take down how often."""
    answer = shop.say("check", shop.file, "--cluster")
    assert answer.code == 0
    assert "Nothing that it needs is missing from the permissions." in answer.out
    assert "web: evicts one pod every 1h, within PodDisruptionBudgets" in answer.out
    assert "of 2 workloads that opted in, 1 is a candidate now" in answer.out
    assert "mean: DRY RUN: would evict" in answer.out


def test_in_json(shop: Shop) -> None:
    """The numbers behind the words."""
    found = shop.say("check", shop.file, "--cluster", "-o", "json").json
    assert (found["mistakes"], found["missing"]) == ([], [])
    web, mean = found["outlook"]["policies"]
    assert (web["workloads"], web["eligible"], mean["eligible"]) == (2, 1, 2)
    assert mean["expected"]["asked"] == 14


def test_a_missing_permission_names_its_rule(shop: Shop) -> None:
    """What a live policy needs: exit 1, with the RBAC rule that grants it."""
    shop.server.api.access.deny(Denial("create", "", "pods/eviction"))
    answer = shop.say("check", shop.file, "--cluster")
    assert answer.code == 1
    assert "missing: create pods/eviction" in answer.out
    assert "resources: [pods/eviction]" in answer.out
    assert "for policy web" in answer.out
    assert "add to a ClusterRole" in answer.out


def test_a_permission_that_it_can_do_without(shop: Shop) -> None:
    """It is named, and the exit code stays 0."""
    shop.server.api.access.deny(Denial("create", "", "events"))
    answer = shop.say("check", shop.file, "--cluster", "-o", "json")
    assert answer.code == 0
    assert [one["required"] for one in answer.json["missing"]] == [False]
    assert answer.json["outlook"]["policies"]


def test_mistakes_come_before_the_cluster_is_asked(shop: Shop) -> None:
    """A broken file is the same wrong input with a cluster."""
    shop.file.write_text("dryRun: maybe\n")
    answer = shop.say("check", shop.file, "--cluster", "-o", "json")
    assert answer.code == 2
    assert answer.json["mistakes"][0]["path"] == "dryRun"


def test_a_plan_asks_the_cluster_for_seed_and_workloads(shop: Shop) -> None:
    """It is the one that the same seed and workloads give by hand."""
    shop.file.write_text(shop.file.read_text().replace("seed: abc\n", ""))
    span = ("--days", 10, "--from", FROM, "-o", "json")
    asked = shop.say("plan", shop.file, *span)
    assert asked.code == 0
    kube_system = shop.cluster.get("namespaces", "", "kube-system")
    assert kube_system is not None
    by_hand = shop.say(
        *("plan", shop.file, *span, "--seed", kube_system["metadata"]["uid"], "--workloads", "-"),
        stdin=f"{WEB}\nshop/Deployment/api\n",
    )
    assert asked.json == by_hand.json
    workloads = {one["workload"] for one in asked.json}
    assert workloads == {"*", WEB, "shop/Deployment/api"}


@pytest.mark.parametrize("is_open", [True, False])
def test_a_plan_remembers_what_is_over(shop: Shop, is_open: bool) -> None:
    """A gap that began lately holds back the first kill of its workload; what is still open, and
    would stop everything, is not counted."""
    first = next(
        one
        for one in shop.say("plan", shop.file, "-o", "json", "--days", 20).json
        if one["workload"] == WEB
    )
    at = shop.now - timedelta(seconds=10)
    ledger = shop.unrecovered() if is_open else Ledger()
    kills = {workload_hash(WEB): LastKill(int(at.timestamp()), 5)}
    # Long enough that the first kill falls into it.
    shop.file.write_text(shop.file.read_text().replace("1d, minGap: 3h", "60d, minGap: 20d"))
    shop.write(msgspec.structs.replace(ledger, last_dry_kills=kills))
    again = shop.say("plan", shop.file, "-o", "json", "--days", 19).json
    assert first["time"]
    assert WEB not in {one["workload"] for one in again}
    assert "*" in {one["workload"] for one in again}


def test_a_plan_counts_what_limits_look_back_at(shop: Shop) -> None:
    """Kills of the last hours leave less for the next ones."""
    shop.file.write_text(shop.file.read_text() + "limits: {perDay: 3, perHour: 3}\n")
    args = ("plan", shop.file, "--days", 1, "-o", "json")
    before = [one for one in shop.say(*args).json if one["policy"] == "web"]
    at = shop.now - timedelta(minutes=5)
    closed = [
        msgspec.structs.replace(
            shop.intent(0),
            id=f"{number:020x}",
            steps=(),
            reserved_at=at,
            result=Result.KILLED,
            settled_at=at,
            verdict=Verdict.RECOVERED,
            verdict_at=at,
            closed_at=at,
        )
        for number in (1, 2)
    ]
    shop.write(Ledger(outcomes={one.id: one for one in closed}))
    after = [one for one in shop.say(*args).json if one["policy"] == "web"]
    assert len(before) == 3
    assert len(after) < len(before)
