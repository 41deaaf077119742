"""Nodes on a real control plane: drained, held and put back, or not begun, or called off."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest

from chaosd.core.ledger import Result
from tests.contract.manifests import Json, budget, daemon_set, stateful_set
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.fleet import PATIENCE, Fleet, node_policy
from tests.real.proxy import EVICTION
from tests.real.scene import at_once
from tests.support.waiting import until

_TIME = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} [\d:]+ [+-]\d{4}")
_AGE = re.compile(r"(\d+[smh])+")


def described(fleet: Fleet) -> str:
    """`kubectl describe node` down to the pods, without the times of heartbeats."""
    text = fleet.chaosd.kubectl("describe", "node", fleet.first)
    return re.sub(r" +", " ", _TIME.sub("TIME", text.partition("Non-terminated Pods:")[0]))


def listed(fleet: Fleet) -> list[str]:
    """`kubectl get nodes`, without ages."""
    shown = fleet.chaosd.kubectl("get", "nodes", fleet.first, "--show-labels")
    return [word for word in shown.split() if not _AGE.fullmatch(word)]


def steady(node: Json) -> Json:
    """A node without what heartbeats change."""
    meta = {**node["metadata"], "resourceVersion": "", "managedFields": []}
    beats = [{**one, "lastHeartbeatTime": ""} for one in node["status"]["conditions"]]
    return {**node, "metadata": meta, "status": {**node["status"], "conditions": beats}}


def events(fleet: Fleet, intent: str) -> set[tuple[str, str]]:
    """The Events of an intent: what they are on, and their reasons."""
    text = fleet.chaosd.kubectl("get", "events", "--all-namespaces", "--output=json")
    mine = (
        one
        for one in json.loads(text)["items"]
        if one["metadata"]["name"].startswith(f"chaosd-{intent}")
    )
    return {(one["involvedObject"]["name"], one["reason"]) for one in mine}


def back_and_forth(real: Site, plane: ControlPlane, folder: Path) -> None:
    """What kubectl drain evicts goes, the node is held empty, and then it is as it was."""
    with Fleet(real, plane, folder) as fleet:
        place = fleet.place
        fleet.fill(web=3, api=2)
        place.workload("statefulsets", fleet.here(stateful_set("db", 2)))
        place.make("daemonsets", fleet.here(daemon_set("agent")))
        place.budget(budget("web", "web", minAvailable=2), 3)
        place.budget(budget("db", "db", maxUnavailable=1), 2)
        fleet.grow(2)
        (agent,) = until(lambda: fleet.on(app="agent"))
        going = [pod for app in ("web", "api", "db") for pod in fleet.on(app=app)]
        assert len(going) == 7
        chaosd = fleet.deploy(node_policy(hold="30s", deadline="120s"))
        before = steady(fleet.node()), described(fleet), listed(fleet)
        with chaosd.daemon() as daemon:
            daemon.says("leading")
            begun = fleet.begin()
            until(lambda: daemon.metric("chaosd_drain_pods_left") > 0, daemon)
            assert daemon.metric("chaosd_nodes_held") == 1
            until(lambda: fleet.intent().result is Result.KILLED, daemon, PATIENCE)
            assert [pod["metadata"]["uid"] for pod in fleet.on()] == [agent["metadata"]["uid"]]
            assert fleet.drained_by() == [begun.id]
            assert f"chaosd.io/drain={begun.id}:NoSchedule" in described(fleet)
            code, text = chaosd.say("status", "--output=json")
            (held,) = json.loads(text)["nodesHeld"]
            assert (code, held["node"], held["phase"]) == (0, fleet.first, "held")
            until(chaosd.recovered, lambda: (chaosd.ledger(), daemon), PATIENCE)
            until(lambda: daemon.metric("chaosd_nodes_held") == 0, daemon)
            daemon.says("verdict reported")
        assert (steady(fleet.node()), described(fleet), listed(fleet)) == before
        fleet.went_once(going)
        assert chaosd.denied() == []
        assert events(fleet, begun.id) == {
            *((pod["metadata"]["name"], "ChaosKilled") for pod in going),
            (fleet.first, "ChaosDrained"),
            (fleet.first, "ChaosRecovered"),
        }
        shown = chaosd.kubectl("describe", "node", fleet.first).partition("Events:")[2]
        assert f"[intent {begun.id}]" in shown


def not_begun(real: Site, plane: ControlPlane, folder: Path) -> None:
    """A budget that allows none: no taint, no eviction, and `explain` says which budget."""
    with Fleet(real, plane, folder) as fleet:
        fleet.fill(web=2)
        fleet.place.budget(budget("all", "web", minAvailable=2), 2)
        fleet.grow(1)
        chaosd = fleet.deploy()
        with chaosd.daemon() as daemon:
            daemon.says("leading")
            code, answer = fleet.ask()
            assert (code, answer["result"]) == (1, "skipped")
            assert "disruptionBudget" in [one["code"] for one in answer["reasons"]]
        (reason,) = chaosd.explain(f"Node/{fleet.first}")[f"Node/{fleet.first}"]["reasons"]
        assert reason["code"] == "disruptionBudget"
        assert "all needs 2 healthy pods and has 2" in reason["detail"]
        assert fleet.patched() == []
        assert chaosd.struck() == []
        assert chaosd.denied() == []


def called_off(real: Site, plane: ControlPlane, folder: Path) -> None:
    """A budget that comes to block in the middle of an eviction: the refusal is taken, nothing
    else goes, and when half of the deadline is over the node is put back."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy:
        fleet.fill(web=2)
        fleet.place.budget(budget("web", "web", minAvailable=1), 2)
        fleet.grow(1)
        pods = fleet.on()
        chaosd = fleet.deploy(node_policy(deadline="40s", hold="1s"))
        with chaosd.daemon(0, fleet.through_proxy()) as daemon:
            daemon.says("leading")
            held = proxy.hold("POST", EVICTION)
            begun = fleet.begin()
            until(held.met, daemon)
            more = {"spec": {"minAvailable": 2}}
            fleet.place.patch("poddisruptionbudgets", "web", more)
            fleet.place.budget_when("web", disruptionsAllowed=0)
            held.release()
            until(lambda: "web needs 2 healthy pods" in fleet.intent().seen, daemon)
            assert fleet.drained_by() == [begun.id]
            daemon.says("put back")
        intent = fleet.intent()
        assert (intent.id, intent.result) == (begun.id, Result.REFUSED)
        assert "not drained in time: 2 pods left" in intent.detail
        assert "web needs 2 healthy pods" in intent.detail
        assert fleet.drained_by() == []
        assert {code for _, code in fleet.evicted()} == {429}
        assert fleet.on() == pods


@pytest.mark.timeout(400)
def test_drains(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """A node is drained within budgets, held and put back as it was; budgets that block keep a
    drain from its begin, or end it."""
    stories = (back_and_forth, not_begun, called_off)
    at_once(*(partial(tell, real, control_plane, tmp_path / tell.__name__) for tell in stories))
