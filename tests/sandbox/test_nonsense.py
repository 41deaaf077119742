"""Whatever is sent, the API answers, and whatever it lets in, the controllers can work on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.sandbox import scenarios
from chaosd.sandbox.objects import thaw
from tests.sandbox.support import World, make_world

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", "50%", "2026"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=4,
)
KINDS = {
    "pods": "/api/v1/namespaces/shop/pods/p",
    "deployments.apps": "/apis/apps/v1/namespaces/shop/deployments/web",
    "statefulsets.apps": "/apis/apps/v1/namespaces/shop/statefulsets/cart",
    "daemonsets.apps": "/apis/apps/v1/namespaces/shop/daemonsets/agent",
    "jobs.batch": "/apis/batch/v1/namespaces/shop/jobs/j",
    "poddisruptionbudgets.policy": "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/web",
    "nodes": "/api/v1/nodes/node-0",
    "events": "/api/v1/namespaces/shop/events/e",
}
TABLE = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}


def everything() -> World:
    world = make_world(nodes=2)
    cluster = world.cluster
    scenarios.pod(cluster, "shop", "p")
    scenarios.deployment(cluster, "shop", "web", 2)
    scenarios.stateful_set(cluster, "shop", "cart", 1)
    scenarios.daemon_set(cluster, "shop", "agent")
    scenarios.job(cluster, "shop", "j")
    scenarios.pdb(cluster, "shop", "web", min_available="50%")
    about = {"kind": "Pod", "name": "p"}
    meta = {"name": "e", "namespace": "shop"}
    cluster.add("events", {"metadata": meta, "involvedObject": about, "type": "Normal"})
    scenarios.settle(cluster)
    return world


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value inside an object."""
    found = [at] if at else []
    steps: Any = ()
    if isinstance(value, dict):
        steps = value.items()
    elif isinstance(value, list):
        steps = enumerate(value)
    for step, inner in steps:
        found += paths(inner, (*at, step))
    return found


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_a_spoilt_object_is_refused_or_lived_with(kind: str, data: st.DataObject) -> None:
    """One value anywhere in a good object becomes junk; status and spec are both written."""
    world = everything()
    url = KINDS[kind]
    item = thaw(world.ok("GET", url))
    where = data.draw(st.sampled_from(paths(item)), label="where")
    inner: Any = item
    for step in where[:-1]:
        inner = inner[step]
    inner[where[-1]] = data.draw(JUNK, label="junk")
    for suffix in ("/status", ""):
        version = world.ok("GET", url)["metadata"]["resourceVersion"]
        if isinstance(item.get("metadata"), dict):
            item["metadata"]["resourceVersion"] = version
        world.call("PUT", url + suffix, item)
    world.pass_time(30)
    collection = url.rpartition("/")[0]
    assert world.call("GET", collection, headers=TABLE).status == 200
    for pod in world.cluster.all("pods", "shop"):
        assert world.evict(pod["metadata"]["name"]).status in (201, 429)
    world.pass_time(30)


@settings(max_examples=15)
@given(body=JUNK | st.binary(max_size=5), method=st.sampled_from(["POST", "PUT", "PATCH"]))
def test_junk_bodies_get_an_answer(body: Any, method: str) -> None:
    """Any JSON, or none, to any endpoint."""
    world = everything()
    patch = {"Content-Type": "application/strategic-merge-patch+json"}
    for url in KINDS.values():
        for path in (url, f"{url}/status", f"{url}/eviction", url.rpartition("/")[0]):
            assert world.call(method, path, body, patch).status < 501
