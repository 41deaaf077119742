"""chaosd as it is deployed, with the rights of its own ServiceAccount and no others: kills,
recoveries, disruption budgets."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.contract.manifests import OPT_IN, budget, daemon_set, deployment, stateful_set
from tests.contract.site import Place, Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed, live, policy
from tests.real.shop import uids
from tests.support.waiting import until

EACH = ["Deployment", "StatefulSet", "DaemonSet"]


def fill(place: Place) -> None:
    """A workload of each kind, all of them opted in: web, db and agent (one pod on each node)."""
    place.workload("deployments", deployment("web", 3, labels=OPT_IN))
    place.workload("statefulsets", stateful_set("db", 3, labels=OPT_IN))
    agent = daemon_set("agent")
    agent["metadata"]["labels"] = OPT_IN
    place.make("daemonsets", agent)

    def everywhere() -> bool:
        status = (place.get("daemonsets", "agent") or {})["status"]
        wanted: int = status["desiredNumberScheduled"]
        ready: int = status["numberReady"]
        return 0 < wanted == ready

    until(everywhere)


def described(chaosd: Deployed, place: Place, name: str) -> str:
    """The Events that `kubectl describe` shows of a workload (``Kind/name``)."""
    shown = chaosd.kubectl("describe", name, f"--namespace={place.name}")
    return shown.partition("Events:")[2]


def told(shown: str) -> bool:
    """Whether a kill and its recovery are there."""
    return "ChaosKilled" in shown and "ChaosRecovered" in shown


@pytest.mark.parametrize("pdb", ["respect", "bypass"])
def test_kills_and_recoveries_of_each_kind(
    real: Site, control_plane: ControlPlane, tmp_path: Path, pdb: str
) -> None:
    """Pods of a Deployment, a StatefulSet and a DaemonSet go and come back, evicted or deleted, and
    `kubectl describe` of each says so; of the pod that is gone, `kubectl events` does."""
    place = real.namespace()
    fill(place)
    config = live(policy(place.name, pdb=pdb, select={"kinds": EACH}))
    chaosd = Deployed(real, control_plane, tmp_path, config)
    with chaosd.daemon() as daemon:
        every = ("Deployment/web", "StatefulSet/db", "DaemonSet/agent")
        until(
            lambda: all(chaosd.recovered(name) for name in every),
            lambda: (chaosd.ledger(), daemon),
        )
        until(
            lambda: all(told(described(chaosd, place, name)) for name in every),
            lambda: ([described(chaosd, place, name) for name in every], daemon),
        )
        for name in every:
            gone = chaosd.recovered(name)[0].victim
            shown = chaosd.kubectl("events", f"--for=pod/{gone.name}", f"--namespace={place.name}")
            assert "ChaosKilled" in shown
        assert daemon.get("/readyz")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert chaosd.denied() == []
    leader = chaosd.ledger().leader
    assert leader is not None
    assert leader.holder.startswith(chaosd.pods[0])


def test_a_budget_that_allows_none_is_respected(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """Its pods are never even asked for, `explain` and the log say why, and others go on."""
    place = real.namespace()
    place.workload("deployments", deployment("free", 2, labels=OPT_IN))
    place.workload("deployments", deployment("kept", 2, labels=OPT_IN))
    place.budget(budget("all", "kept", minAvailable=2), 2)
    kept = uids(place.pods("kept"))
    chaosd = Deployed(real, control_plane, tmp_path, live(policy(place.name)))
    with chaosd.daemon() as daemon:
        until(lambda: len(chaosd.recovered("Deployment/free")) > 2, daemon)
        (reason,) = chaosd.explain()[f"{place.name}/Deployment/kept"]["reasons"]
        assert reason["code"] == "disruptionBudget"
        assert "all needs 2 healthy pods and has 2" in reason["detail"]
        # Drawn or not, it is no victim: with the other one vetoed it is the only one.
        chaosd.kubectl(
            "label",
            "deploy/free",
            "chaosd.io/enabled=false",
            "--overwrite",
            f"--namespace={place.name}",
        )
        until(
            lambda: any("disruptionBudget" in str(one) for one in daemon.said("attempt ended")),
            daemon,
        )
    assert uids(place.pods("kept")) == kept
    assert {name.rpartition("/")[2][:4] for _, name, _ in chaosd.struck()} == {"free"}
    assert {code for *_, code in chaosd.struck()} == {201}
    assert chaosd.denied() == []


def test_a_budget_that_allows_none_is_bypassed(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """With `pdb: bypass`, which the start says, pods are deleted all the same."""
    place = real.namespace()
    place.workload("deployments", deployment("kept", 2, labels=OPT_IN))
    place.budget(budget("all", "kept", minAvailable=2), 2)
    chaosd = Deployed(real, control_plane, tmp_path, live(policy(place.name, pdb="bypass")))
    with chaosd.daemon() as daemon:
        until(lambda: len(chaosd.recovered("Deployment/kept")) > 1, daemon)
        assert any("BYPASSED by web" in line["event"] for line in daemon.lines)
    assert {(verb, code) for verb, _, code in chaosd.struck()} == {("delete", 200)}
    assert chaosd.denied() == []
