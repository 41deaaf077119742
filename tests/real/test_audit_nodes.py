"""Least privilege with nodes and helper pods: the audit log of each mode, against what the chart
grants for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from chaosd.core.ledger import Verdict
from tests.contract import manifests
from tests.contract.manifests import OPT_IN, Json
from tests.contract.site import Site
from tests.deploy.rights import Right, granted
from tests.real.control_plane import ControlPlane
from tests.real.daemon import Daemon
from tests.real.deployed import Deployed, policy
from tests.real.fleet import PATIENCE, Fleet, node_policy
from tests.real.proxy import EVICTION, Fault
from tests.real.scene import at_once
from tests.real.test_audit import DISCOVERY, ENDLESS, OF_EVERYBODY, narrowest
from tests.real.test_nodes_machines import KEYS, PRIVILEGED, REGION, Machines, helper_pod, runs
from tests.support.waiting import until

LIMITS = {"perHour": 1000, "perDay": 1000, "concurrent": 1}


def crowd(fleet: Fleet) -> None:
    """A pod of each kind of workload on the first node, and one with a claim."""
    place = fleet.place
    claim: Json = {"accessModes": ["ReadWriteMany"], "storageClassName": ""}
    claim |= {"resources": {"requests": {"storage": "1Gi"}}, "volumeName": fleet.name}
    place.admin.ok(
        "POST", place.path("persistentvolumeclaims"), {"metadata": {"name": "data"}, "spec": claim}
    )
    volume: Json = {
        "capacity": {"storage": "1Gi"},
        "accessModes": claim["accessModes"],
        "nfs": {"server": "nfs.example", "path": "/"},
        "claimRef": {"namespace": place.name, "name": "data"},
    }
    body = {"metadata": {"name": fleet.name}, "spec": volume}
    place.admin.ok("POST", "/api/v1/persistentvolumes", body)
    data: Json = {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}
    place.workload("deployments", fleet.here(manifests.deployment("web", 2, **data)))
    place.workload("statefulsets", fleet.here(manifests.stateful_set("db", 1)))
    place.make("daemonsets", fleet.here(manifests.daemon_set("agent")))
    place.make("replicasets", fleet.here(manifests.replica_set("bare", 1)))
    place.make("jobs", fleet.here(manifests.job("task", labels=ENDLESS)))
    owner = place.make("cronjobs", manifests.cron_job("nightly"))
    night = manifests.job("night", owner=owner, labels=ENDLESS)
    meta = place.make("jobs", fleet.here(night))["metadata"]
    active = {"apiVersion": "batch/v1", "kind": "Job", "name": "night", "uid": meta["uid"]}
    place.patch("cronjobs", "nightly", {"status": {"active": [active]}}, "status")
    until(lambda: len(fleet.on()) == 7, fleet.on)


def rights(chaosd: Deployed) -> set[Right]:
    """What the chart grants; nothing twice."""
    found = granted(chaosd.objects, chaosd.account, chaosd.home.name)
    twice = [one for one in found if one.namespace and one._replace(namespace=None) in found]
    assert twice == []
    return found


def used(chaosd: Deployed, found: set[Right]) -> set[Right]:
    """The rights that its requests needed: of several the narrowest."""
    return {right for one in chaosd.audited() if (right := narrowest(one, found))}


def each_used(chaosd: Deployed, daemon: Daemon) -> None:
    """Nothing was denied, nothing granted in vain, and nothing else asked for."""
    found = rights(chaosd)
    until(
        lambda: used(chaosd, found) == found,
        lambda: (found - used(chaosd, found), chaosd.ledger(), daemon),
        PATIENCE,
    )
    daemon.kill()
    assert chaosd.denied() == []
    beyond = {
        (one["verb"], one.get("objectRef", {}).get("resource", one["requestURI"]))
        for one in chaosd.audited()
        if narrowest(one, found) is None
    }
    assert beyond <= OF_EVERYBODY | DISCOVERY


def drained(real: Site, plane: ControlPlane, folder: Path, *, pdb: str) -> None:
    """Live, within budgets or past them, with a strike whose answer is lost."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy:
        crowd(fleet)
        fleet.grow(1)
        chaosd = fleet.deploy(node_policy(pdb=pdb, hold="1s", deadline="300s"))
        lost = {"respect": ("POST", EVICTION), "bypass": ("DELETE", r"/pods/[^/]+$")}
        proxy.arrange(Fault.ANSWER_LOST, *lost[pdb])
        with chaosd.daemon(0, fleet.through_proxy()) as daemon:
            daemon.says("leading")
            fleet.ask_for()
            each_used(chaosd, daemon)


def dry(real: Site, plane: ControlPlane, folder: Path) -> None:
    """A dry run that ends what a live leader began: it died in the middle of an eviction."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy:
        crowd(fleet)
        fleet.grow(1)
        chaosd = fleet.deploy(node_policy(hold="1s", deadline="300s"))
        held = proxy.hold("POST", EVICTION, answer=True)
        with chaosd.daemon(0, fleet.through_proxy()) as daemon:
            daemon.says("leading")
            fleet.ask_for()
            until(held.answered, daemon)
        chaosd.configure({**fleet.config, "dryRun": True})
        chaosd.listen_anew()
        with chaosd.daemon() as daemon:
            until(lambda: not fleet.drained_by(), daemon, PATIENCE)
            until(lambda: fleet.over()[0].closed_at, lambda: (chaosd.ledger(), daemon), PATIENCE)
            fleet.ask_for()
            # Making ledger and lease is for the first start, which was before.
            first = {one for one in rights(chaosd) if one.verb == "create" and one.namespace}
            until(
                lambda: rights(chaosd) - used(chaosd, rights(chaosd)) <= first,
                lambda: (rights(chaosd) - used(chaosd, rights(chaosd)), daemon),
                PATIENCE,
            )
        assert fleet.over()[0].verdict is Verdict.RECOVERED
        assert chaosd.denied() == []


def rebooted(real: Site, plane: ControlPlane, folder: Path) -> None:
    """With a helper pod; a strike before it has no answer."""
    with Fleet(real, plane, folder) as fleet, fleet.proxy as proxy:
        crowd(fleet)
        fleet.grow(1)
        home = real.namespace(**PRIVILEGED)
        chaosd = fleet.deploy(
            node_policy(action="reboot", deadline="300s"), helper={"namespace": home.name}
        )
        proxy.arrange(Fault.ANSWER_LOST, "POST", EVICTION)
        with chaosd.daemon(0, fleet.through_proxy()) as daemon:
            daemon.says("leading")
            helper_pod(home, fleet.begin())
            fleet.boots("another")
            each_used(chaosd, daemon)


def crashed(real: Site, plane: ControlPlane, folder: Path) -> None:
    """A pod action with a helper pod, and no other right to strike."""
    folder.mkdir()
    with Fleet(real, plane, folder / "fleet") as fleet:
        place, home = fleet.place, real.namespace(**PRIVILEGED)
        place.workload("deployments", manifests.deployment("web", 2, labels=OPT_IN))
        place.workload("statefulsets", manifests.stateful_set("db", 2, labels=OPT_IN))
        for number, pod in enumerate([*place.pods("web"), *place.pods("db")]):
            runs(place, pod, f"{number}" * 64, 0)
        crash = policy(place.name, action="crash", deadline="300s", schedule={"every": "26w"})
        chaosd = fleet.deploy(crash, helper={"namespace": home.name})
        with chaosd.daemon() as daemon:
            daemon.says("leading")
            for name, hit in (("Deployment/web", "e" * 64), ("StatefulSet/db", "f" * 64)):
                target = f"{place.name}/{name}"
                code, text = chaosd.say("attempt", "web", "--target", target, "--no-wait")
                assert code == 0, text
                (begun,) = until(partial(chaosd.intents, name), daemon)
                helper_pod(home, begun)
                victim = place.get("pods", begun.victim.name)
                assert victim is not None
                runs(place, victim, hit, 1)
                until(partial(chaosd.recovered, name), daemon, PATIENCE)
            each_used(chaosd, daemon)


def ended(real: Site, plane: ControlPlane, folder: Path, machines: Machines) -> None:
    """A machine is ended at its cloud, after a drain."""
    providers = [f"aws:///{REGION}a/{one}" for one in machines.start(2)]
    with (
        Fleet(real, plane, folder, providerID=providers[0]) as fleet,
        fleet.proxy as proxy,
    ):
        crowd(fleet)
        fleet.grow(1, providerID=providers[1])
        chaosd = fleet.deploy(
            node_policy(action="terminate", deadline="300s", node={"pool": "scene"}),
            env={"AWS_ENDPOINT_URL": machines.address, **KEYS},
        )
        proxy.arrange(Fault.ANSWER_LOST, "POST", EVICTION)
        with chaosd.daemon(0, fleet.through_proxy()) as daemon:
            daemon.says("leading")
            fleet.begin()
            until(fleet.over, daemon, PATIENCE)
            fleet.leaves()
            fleet.grow(1)
            each_used(chaosd, daemon)


@pytest.mark.timeout(600)
def test_nothing_is_denied_and_nothing_granted_in_vain(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """Right by right, for drains live and dry, within budgets and past them, reboots, crashes and
    ended machines: each is used, each request was allowed, and none needed more."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        cloud = Machines(f"http://{host}:{port}")
        stories: list[Callable[[Site, ControlPlane, Path], None]] = [
            partial(drained, pdb="respect"),
            partial(drained, pdb="bypass"),
            dry,
            rebooted,
            crashed,
            partial(ended, machines=cloud),
        ]
        told = enumerate(stories)
        at_once(*(partial(tell, real, control_plane, tmp_path / str(n)) for n, tell in told))
    finally:
        server.stop()
