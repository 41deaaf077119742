"""Nodes in the commands that look and act: explain, attempt, forgive, plan, check."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from chaosd.cli.attempt import Answer
from chaosd.core.ledger import Intent, Ledger, Result, Verdict
from chaosd.sandbox import scenarios
from tests.cli.shop import Shop, leading
from tests.cli.support import chaosd, config
from tests.cli.test_undo import drain, taints
from tests.core.ledgers import intent as an_intent

FILE = """
dryRun: false
seed: abc
windows: {allow: always}
policies:
  - {name: web, target: pod, action: evict, schedule: {every: 1h}}
  - name: weekly
    target: node
    action: drain
    schedule: {meanTimeBetweenKills: 10d, minGap: 1d}
    select: {names: "^node-", minAge: 0s}
    node: {emptyDir: true, lastOfZone: true}
"""


@pytest.fixture
def nodes(shop: Shop) -> Shop:
    """A shop whose node-a opted in and runs nothing."""
    with shop.cluster.backdated(timedelta(days=1)):
        for name in ("node-c", "node-d"):
            scenarios.node(shop.cluster, name)
        scenarios.node(shop.cluster, "node-e", opt_in=True)
    shop.file = config(shop.folder, FILE)
    shop.write(Ledger())
    return shop


def explained(shop: Shop, *args: object) -> tuple[int, str]:
    answer = shop.say("explain", *args, "-f", shop.file)
    return answer.code, answer.out


@pytest.mark.parametrize("named", ["node/node-e", "Node/node-e"])
def test_a_node_is_explained_to_the_policies_for_nodes(nodes: Shop, named: str) -> None:
    """No policy for pods is asked about it."""
    code, out = explained(nodes, named)
    assert code == 0
    assert "Node/node-e: eligible" in out
    assert "policy weekly" in out
    assert "policy web" not in out


def test_all_that_speaks_against_a_node_is_one_list(nodes: Shop) -> None:
    """What it says itself, and what runs on it."""
    scenarios.pod(nodes.cluster, "shop", "alone", node_name="node-a")
    answer = nodes.say("explain", "node/node-a", "-f", nodes.file, "-o", "json").json
    assert answer["target"] == "Node/node-a"
    (policy,) = answer["policies"]
    (node,) = policy["workloads"]
    assert policy["target"] == "node"
    assert {one["code"] for one in node["reasons"]} >= {"notOptedIn", "noController"}
    assert node["pods"] == []


def test_nodes_that_never_opted_in_are_counted_and_not_listed(nodes: Shop) -> None:
    """A cluster may have thousands of them."""
    _, out = explained(nodes)
    assert "5 nodes looked at: eligible 1, notOptedIn 4" in out
    assert "Node/node-e" in out
    assert "Node/node-c" not in out


def test_a_pod_is_not_explained_to_policies_for_nodes(nodes: Shop) -> None:
    """They are about something else."""
    _, out = explained(nodes, "shop/Deployment/web")
    assert "policy weekly" not in out


def test_an_attempt_on_a_node_begins_a_drain(nodes: Shop) -> None:
    """Exit 0 as soon as it has begun: it takes minutes."""
    with leading(nodes):
        answer = nodes.say("attempt", "weekly", "--target", "node/node-e")
    assert answer.code == 0, answer
    assert "begun: node node-e (intent " in answer.out
    assert taints(nodes, "node-e") == ["chaosd.io/drain"]


def test_a_policy_for_pods_takes_no_node(nodes: Shop) -> None:
    """There is no such workload of pods, and nothing is touched."""
    with leading(nodes):
        answer = nodes.say("attempt", "web", "--target", "Node/node-e")
    assert answer.code == 1
    assert "noCandidate: gone 1" in answer.out
    assert taints(nodes, "node-e") == []


def stuck(shop: Shop, **changes: object) -> Intent:
    """A node that did not recover."""
    made = drain(shop, result=Result.KILLED, verdict=Verdict.NOT_RECOVERED, verdict_at=shop.now)
    return msgspec.structs.replace(made, **changes)


@pytest.mark.parametrize("name", ["Node/node-a", "node/node-a"])
def test_a_node_is_forgiven_once_it_is_back(nodes: Shop, name: str) -> None:
    """While it is held, the words say to undo first."""
    nodes.write(nodes.holding(stuck(nodes)))
    refused = nodes.say("forgive", name)
    assert refused.code == 1
    assert "chaosd undo" in refused.err
    back = stuck(nodes).undo
    assert back is not None
    free = stuck(nodes, undo=msgspec.structs.replace(back, done_at=nodes.now))
    nodes.write(nodes.holding(free))
    assert nodes.say("forgive", name).code == 0


def test_status_shows_what_is_held(nodes: Shop) -> None:
    """In text and in JSON."""
    nodes.write(nodes.holding(drain(nodes, left=2, seen="2 pods left")))
    text = nodes.say("status").out
    assert "NODES OUT OF SERVICE" in text
    assert "chaosd undo node-a" in text
    (held,) = nodes.say("status", "-o", "json").json["nodesHeld"]
    assert (held["node"], held["left"], held["seen"]) == ("node-a", 2, "2 pods left")


def test_a_plan_of_nodes_by_their_names(tmp_path: Path) -> None:
    """Each policy plans what it is about."""
    file = config(tmp_path, FILE.replace("every: 1h", "every: 30d"))
    named = tmp_path / "names"
    named.write_text("shop/Deployment/web\nNode/node-a\nnode/node-b\nNode/other\n")
    answer = chaosd("plan", file, "--days", 90, "--workloads", named, "-o", "json")
    planned = {one["workload"] for one in answer.json if one["policy"] == "weekly"}
    assert planned == {"Node/node-a", "Node/node-b"}
    assert "Node/other" in answer.err


@pytest.mark.parametrize(("result", "fine"), [("begun", True), ("unknown", False)])
def test_what_was_begun_is_fine_whatever_it_does_by_now(result: str, *, fine: bool) -> None:
    """The next step may be on its way, or all be over, when the answer is read."""
    over = msgspec.structs.replace(an_intent(), result=Result.REFUSED)
    assert Answer(result, (), over).fine is fine
