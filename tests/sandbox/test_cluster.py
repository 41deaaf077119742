"""The store: revisions, history, snapshots, determinism."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.sandbox import Cluster, ManualClock, scenarios
from chaosd.sandbox.cluster import Change, HistoryGoneError
from chaosd.sandbox.demo import demo
from chaosd.sandbox.objects import Json
from tests.sandbox.support import DEPLOYMENTS, MERGE, STRATEGIC, make_world, shop


def config_map(name: str, **data: str) -> Json:
    return {"metadata": {"name": name, "namespace": "shop"}, "data": data}


def test_every_write_has_its_own_revision() -> None:
    """Writes raise the revision by one, and a write that changes nothing is none."""
    cluster = make_world().cluster
    before = cluster.revision
    made = cluster.add("configmaps", config_map("a", x="1"))
    assert made["metadata"]["resourceVersion"] == str(before + 1)
    assert cluster.put("configmaps", dict(made)) is made
    with cluster.edit("configmaps", "shop", "a") as copy:
        copy["data"]["x"] = "2"
    assert cluster.revision == before + 2
    assert made["data"] == {"x": "1"}  # stored objects are never changed in place


def test_nobody_changes_a_stored_object() -> None:
    """Neither the API nor a controller: history and open pages would change with it."""
    world = shop()
    written: list[tuple[Json, bytes]] = []

    def note(change: Change) -> None:
        if change.new is not None:
            written.append((change.new, msgspec.json.encode(change.new)))

    world.cluster.subscribe(note)
    scenarios.stateful_set(world.cluster, "shop", "cart", 2)
    scenarios.daemon_set(world.cluster, "shop", "agent")
    scenarios.job(world.cluster, "shop", "j", completions=2, run_seconds=5)
    world.pass_time(30)
    world.evict(world.pod()["metadata"]["name"], preconditions={"uid": "wrong"})
    world.evict(world.pod("cart")["metadata"]["name"])
    body = {"metadata": {"annotations": {"a": "b"}}, "spec": {"template": {"spec": {"x": 1}}}}
    world.ok("PATCH", f"{DEPLOYMENTS}/web", body, STRATEGIC)
    world.ok("PATCH", f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 2}}, MERGE)
    scenarios.set_node_ready(world.cluster, "node-0", False)
    world.pass_time(200)
    assert len(written) > 100
    assert [item for item, was in written if msgspec.json.encode(item) != was] == []


def test_the_same_seed_makes_the_same_cluster() -> None:
    """Uids, name suffixes and delays come from the seed alone."""
    clusters = [demo(Cluster(ManualClock().now, seed)) for seed in (1, 1, 2)]
    pods = [cluster.all("pods") for cluster in clusters]
    assert pods[0] == pods[1]
    assert pods[0] != pods[2]


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["add", "put", "remove"]), st.sampled_from("abcd")), max_size=30
)


@settings(max_examples=50)
@given(OPERATIONS)
def test_the_past_can_be_read_as_it_was(operations: list[tuple[str, str]]) -> None:
    """`at` gives, for every revision, exactly the objects of that time."""
    cluster = Cluster(ManualClock().now)
    past: dict[int, list[Json]] = {}
    for count, (action, name) in enumerate(operations):
        exists = cluster.get("configmaps", "shop", name) is not None
        if action == "add" and not exists:
            cluster.add("configmaps", config_map(name))
        elif action == "put" and exists:
            with cluster.edit("configmaps", "shop", name) as copy:
                copy["data"] = {"count": str(count)}
        elif action == "remove" and exists:
            cluster.remove("configmaps", "shop", name)
        past[cluster.revision] = cluster.all("configmaps")
    for revision, expected in past.items():
        items, keys = cluster.at("configmaps", revision)
        assert [items[key] for key in keys] == expected


def test_history_is_compacted_after_a_while() -> None:
    """Five minutes later the past is gone, the present is not."""
    world = make_world()
    revision = world.cluster.revision
    world.cluster.add("configmaps", config_map("a"))
    world.clock.advance(timedelta(minutes=5, seconds=1))
    world.cluster.add("configmaps", config_map("b"))
    with pytest.raises(HistoryGoneError):
        world.cluster.at("configmaps", revision)
    assert len(world.cluster.at("configmaps", world.cluster.revision)[1]) == 2


def test_the_revision_of_a_time() -> None:
    """What a client with old data would have seen."""
    world = make_world()
    before = world.cluster.revision
    then = world.clock.now()
    world.clock.advance(10)
    world.cluster.add("configmaps", config_map("a"))
    assert world.cluster.revision_at(then) == before
    assert world.cluster.revision_at(world.clock.now()) == before + 1


def test_objects_can_be_given_an_age() -> None:
    """Within `backdated` everything is made in the past."""
    world = make_world()
    with world.cluster.backdated(timedelta(hours=2)):
        made = world.cluster.add("configmaps", config_map("a"))
    assert made["metadata"]["creationTimestamp"] == "2026-01-05T07:00:00Z"
    assert world.cluster.now() == world.clock.now()


def test_listeners_hear_each_change_until_they_stop() -> None:
    """Subscribing and unsubscribing."""
    cluster = make_world().cluster
    heard: list[str] = []
    stop = cluster.subscribe(lambda change: heard.append(change.key[1]))
    cluster.add("configmaps", config_map("a"))
    stop()
    cluster.add("configmaps", config_map("b"))
    assert heard == ["a"]


def test_a_taken_name_is_refused() -> None:
    """The store never overwrites by adding."""
    cluster = make_world().cluster
    cluster.add("configmaps", config_map("a"))
    with pytest.raises(KeyError):
        cluster.add("configmaps", config_map("a"))
