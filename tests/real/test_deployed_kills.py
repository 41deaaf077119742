"""chaosd as it is deployed, with the rights of its own ServiceAccount and no others: kills,
recoveries, disruption budgets."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.contract.manifests import OPT_IN, daemon_set, deployment, stateful_set
from tests.contract.site import Place, Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed, live, policy
from tests.support.waiting import until

EACH = ["Deployment", "StatefulSet", "DaemonSet"]


def fill(place: Place) -> None:
    """A workload of each kind, all of them opted in: web, db and agent (one pod on each node)."""
    place.workload("deployments", deployment("web", 3, labels=OPT_IN))
    place.workload("statefulsets", stateful_set("db", 3, labels=OPT_IN))
    agent = daemon_set("agent")
    agent["metadata"]["labels"] = OPT_IN
    place.make("daemonsets", agent)
    nodes = len(place.admin.ok("GET", "/api/v1/nodes")["items"])
    until(lambda: (place.get("daemonsets", "agent") or {})["status"].get("numberReady") == nodes)


@pytest.mark.parametrize("pdb", ["respect", "bypass"])
def test_kills_and_recoveries_of_each_kind(
    real: Site, control_plane: ControlPlane, tmp_path: Path, pdb: str
) -> None:
    """Pods of a Deployment, a StatefulSet and a DaemonSet go and come back, evicted or deleted."""
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
        assert daemon.get("/readyz")
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
    assert chaosd.denied() == []
    leader = chaosd.ledger().leader
    assert leader is not None
    assert leader.holder.startswith(chaosd.pods[0])
