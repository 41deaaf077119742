"""What an attempt reads: any read gone wrong stops it, and it reads no more than it needs."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest

from chaosd.core.model import EVERY_WORKLOAD, Code
from chaosd.engine.attempt import SKIPPED
from chaosd.sandbox import Cluster, RequestRecord, scenarios
from tests.engine import troubles as on
from tests.engine.scene import WRITES, Scene, codes, configured

ERRORS: dict[str, dict[str, Any]] = {
    "500": {"do": "status", "status": 500},
    "503": {"do": "status", "status": 503, "retry_after": 1},
    "429": {"do": "status", "status": 429, "retry_after": 1},
    "403": {"do": "status", "status": 403},
    "lost": {"do": "lost"},
    "late": {"do": "delay", "seconds": 31.0},
}


def shop(cluster: Cluster) -> None:
    """A Deployment that opted in, and a budget that lets one of its pods go."""
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.pdb(cluster, "shop", "web", min_available=2)


@cache
def reads(workload: str) -> tuple[RequestRecord, ...]:
    """What an attempt reads before it writes anything, when all goes well."""
    scene = Scene(fill=shop)
    process = scene.leader()
    scene.asked()
    assert process.attempt(workload=workload).result == "killed"
    asked = scene.asked()
    first_write = next(n for n, one in enumerate(asked) if one.verb in WRITES)
    return tuple(asked[:first_write])


@pytest.mark.parametrize("workload", [EVERY_WORKLOAD, on.WEB], ids=["drawn", "named"])
@pytest.mark.parametrize("error", ERRORS)
def test_any_read_that_fails_stops_the_attempt(error: str, workload: str) -> None:
    """Doubt is a no: whichever read goes wrong, nothing is written, and the reason says why."""
    for number, failing in enumerate(reads(workload)):
        scene = Scene(fill=shop)
        process = scene.leader()
        same = [one for one in reads(workload)[:number] if one.path == failing.path]
        path = f"^{re.escape(failing.path)}$"
        scene.fault(verbs=(failing.verb,), path=path, skip=len(same), count=1, **ERRORS[error])
        scene.asked()
        ended = process.attempt(workload=workload)
        where = f"{error} at read {number}, {failing.verb} {failing.path}"
        assert ended.result == SKIPPED, where
        assert codes(ended) & {Code.UNREADABLE, Code.FORBIDDEN}, where
        assert all(reason.detail for reason in ended.reasons), where
        assert (scene.writes(), scene.victims()) == ([], []), where


def test_one_failed_read_does_not_stop_the_next_attempt() -> None:
    """A second later the same slot's successor kills."""
    scene = Scene(fill=shop)
    process = scene.leader()
    scene.fault(do="status", status=500, path="/deployments", count=1)
    assert process.attempt().result == SKIPPED
    scene.clock.advance(1)
    assert process.attempt().result == "killed"


def many(cluster: Cluster) -> None:
    """The same shop in a crowd, of which much has opted in."""
    shop(cluster)
    for number in range(30):
        scenarios.deployment(cluster, "shop", f"more-{number}", 2, opt_in=True)
        scenarios.stateful_set(cluster, f"team-{number % 5}", f"db-{number}", 1, opt_in=True)


def test_a_slot_that_names_its_workload_reads_only_that_workload() -> None:
    """However many others there are, the requests are the same and none is about another."""
    asked = {}
    for name, fill in (("alone", shop), ("in a crowd", many)):
        scene = Scene(fill=fill)
        process = scene.leader()
        scene.asked()
        assert process.attempt(workload=on.WEB).result == "killed"
        found = [f"{one.method} {one.path}?{one.query}" for one in scene.asked()]
        asked[name] = [
            re.sub("(web-[^/]+)", "POD", re.sub("/nodes/.*", "/nodes/NODE", one)) for one in found
        ]
    assert asked["alone"] == asked["in a crowd"]
    assert len(asked["alone"]) <= 20
    lists = [one for one in asked["alone"] if "limit=" in one]
    assert all("/namespaces/shop/" in one for one in lists)
    pods_and_sets = [one for one in lists if "budgets" not in one]
    assert all("labelSelector=app%3Dweb" in one for one in pods_and_sets)


def test_a_survey_costs_no_request_per_workload() -> None:
    """Sixty more workloads add nothing to what a drawn attempt asks."""
    counts = []
    for fill in (shop, many):
        scene = Scene(fill=fill)
        process = scene.leader()
        scene.asked()
        process.attempt()
        counts.append(sum(one.verb == "list" for one in scene.asked()))
    assert counts[1] <= counts[0] + 1


def test_in_namespaced_mode_nothing_of_the_whole_cluster_is_read() -> None:
    """Only what lies in the namespaces that are named, and chaosd's own."""
    only = configured(namespaces=("shop",))
    scene = Scene(only, many)
    process = scene.leader()
    scene.asked()
    assert process.attempt().result == "killed"
    assert scene.victims()[0].startswith("shop/")
    places = {one.path.partition("/namespaces/")[2].partition("/")[0] for one in scene.asked()}
    assert places == {"shop", "chaosd"}
