"""What `kubectl get` prints."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chaosd.sandbox import scenarios
from chaosd.sandbox.cells import human
from tests.sandbox.support import PODS, World, make_world, shop

TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


def rows(world: World, url: str) -> list[dict[str, Any]]:
    table = world.ok("GET", url, headers=TABLE)
    assert table["kind"] == "Table"
    names = [column["name"] for column in table["columnDefinitions"]]
    return [dict(zip(names, row["cells"], strict=True)) for row in table["rows"]]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (12_000, "3h20m"),
        (28_800, "8h"),
        (172_799, "47h"),
        (172_800, "2d"),
        (180_000, "2d2h"),
        (691_200, "8d"),
        (86_400 * 400, "400d"),
        (86_400 * 800, "2y70d"),
        (86_400 * 365 * 9, "9y"),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    """As kubectl shortens durations."""
    assert human(timedelta(seconds=seconds)) == text


def test_the_columns_of_a_pod() -> None:
    """Ready, Status, Restarts, Age, and where it runs."""
    world = shop()
    row = rows(world, PODS)[0]
    assert row["Name"] == world.pod()["metadata"]["name"]
    assert (row["Ready"], row["Status"], row["Restarts"], row["Age"]) == (
        "1/1",
        "Running",
        "0",
        "60m",
    )
    assert row["Node"].startswith("node-")


@pytest.mark.parametrize("state", ["Pending", "ContainerCreating", "Terminating", "Completed"])
def test_the_status_of_a_pod(state: str) -> None:
    """The word that kubectl shows, which is more than the phase."""
    world = make_world(nodes=0 if state == "Pending" else 1)
    if state == "Completed":
        scenarios.job(world.cluster, "shop", "j", run_seconds=1)
        world.pass_time(10)
    else:
        scenarios.pod(world.cluster, "shop", "p", start_seconds=5, stop_seconds=5)
        world.pass_time(1)
        if state == "Terminating":
            world.ok("DELETE", f"{PODS}/p")
    assert [row["Status"] for row in rows(world, PODS)] == [state]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/apis/apps/v1/deployments", {"Ready": "4/4", "Up-to-date": 4, "Available": 4}),
        ("/apis/apps/v1/replicasets", {"Desired": 4, "Current": 4, "Ready": 4}),
        ("/apis/apps/v1/statefulsets", {"Ready": "2/2"}),
        ("/apis/apps/v1/daemonsets", {"Desired": 3, "Ready": 3, "Node Selector": "<none>"}),
        ("/apis/batch/v1/jobs", {"Status": "Running", "Completions": "0/1"}),
        ("/apis/batch/v1/cronjobs", {"Schedule": "0 3 * * *", "Last Schedule": "<none>"}),
        (
            "/apis/policy/v1/poddisruptionbudgets",
            {"Min Available": "3", "Max Unavailable": "N/A", "Allowed Disruptions": 1},
        ),
        ("/api/v1/nodes", {"Status": "Ready", "Roles": "<none>", "Version": "v1.36.3"}),
        ("/api/v1/namespaces", {"Status": "Active"}),
        ("/api/v1/configmaps", {"Name": "cm", "Data": 2}),
        ("/apis/coordination.k8s.io/v1/leases", {"Holder": "me"}),
        (
            "/api/v1/events",
            {"Type": "Warning", "Reason": "Why", "Object": "pod/web", "Message": "text"},
        ),
        ("/apis/example.com/v1/foos", {"Name": "one", "Age": "0s"}),
    ],
)
def test_the_columns_of_each_kind(url: str, expected: dict[str, Any]) -> None:
    """Every kind has the columns that kubectl users know."""
    world = shop()
    cluster = world.cluster
    scenarios.stateful_set(cluster, "shop", "cart", 2)
    scenarios.daemon_set(cluster, "shop", "agent")
    scenarios.job(cluster, "shop", "j", cron_job=scenarios.cron_job(cluster, "shop", "nightly"))
    scenarios.custom(cluster, scenarios.custom_kind(cluster), "shop", "one")
    cluster.add(
        "configmaps", {"metadata": {"name": "cm", "namespace": "shop"}, "data": {"a": "", "b": ""}}
    )
    cluster.add(
        "leases.coordination.k8s.io",
        {"metadata": {"name": "l", "namespace": "shop"}, "spec": {"holderIdentity": "me"}},
    )
    cluster.add(
        "events",
        {
            "metadata": {"name": "e", "namespace": "shop"},
            "type": "Warning",
            "reason": "Why",
            "message": "text",
            "involvedObject": {"kind": "Pod", "name": "web"},
        },
    )
    scenarios.settle(cluster)
    row = rows(world, url)[0]
    assert {name: row[name] for name in expected} == expected


def test_a_node_that_is_cordoned_and_not_ready() -> None:
    """Both are in its status."""
    world = make_world(nodes=1)
    scenarios.set_node_ready(world.cluster, "node-0", False)
    with world.cluster.edit("nodes", "", "node-0") as node:
        node["spec"]["unschedulable"] = True
    assert rows(world, "/api/v1/nodes")[0]["Status"] == "NotReady,SchedulingDisabled"


@pytest.mark.parametrize(
    ("include", "kind"), [("Metadata", "PartialObjectMetadata"), ("Object", "Pod"), ("None", None)]
)
def test_what_comes_with_a_row(include: str, kind: str | None) -> None:
    """includeObject decides."""
    world = shop()
    url = f"{PODS}/{world.pod()['metadata']['name']}?includeObject={include}"
    row = world.ok("GET", url, headers=TABLE)["rows"][0]
    assert row.get("object", {}).get("kind") == kind
