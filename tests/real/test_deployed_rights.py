"""chaosd as it is deployed: its token, its rights and namespaces are taken away under it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.contract.manifests import OPT_IN, deployment
from tests.contract.site import Caller, Site
from tests.real.control_plane import ControlPlane
from tests.real.daemon import Daemon
from tests.real.deployed import Deployed, live, policy
from tests.real.kubeconfig import write_kubeconfig
from tests.support.waiting import PATIENCE, until


def skipped(daemon: Daemon, code: str) -> list[str]:
    """The details of each attempt that was skipped for a reason."""
    return [
        reason["detail"]
        for line in daemon.said("attempt ended")
        for reason in line.get("reasons", ())
        if reason["code"] == code
    ]


def test_a_token_that_rotates(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """The file holds another token, the old one is worth nothing: it goes on without a restart."""
    place = real.namespace()
    place.workload("deployments", deployment("web", 2, labels=OPT_IN))
    chaosd = Deployed(real, control_plane, tmp_path, live(policy(place.name)))
    chaosd.kubectl("create", "secret", "generic", "bound")
    old = chaosd.token("--bound-object-kind=Secret", "--bound-object-name=bound")
    chaosd.rotate(old)
    path = write_kubeconfig(tmp_path / "old", control_plane.url, token=old, ca=control_plane.ca)
    thief = Caller(path)
    with chaosd.daemon() as daemon:
        until(chaosd.recovered, daemon)
        chaosd.rotate()
        chaosd.kubectl("delete", "secret", "bound")
        until(lambda: thief.call("GET", "/api/v1/namespaces").status == 401)
        before = len(chaosd.recovered())
        # It signs in afresh at most once in half a minute.
        until(lambda: len(chaosd.recovered()) > before + 1, daemon, 2 * PATIENCE)
        assert daemon.process.poll() is None
        assert daemon.get("/readyz")
    thief.close()
    assert chaosd.denied() == []


@pytest.mark.parametrize("binding", ["clusterrolebinding", "rolebinding"])
def test_rights_come_and_go(
    real: Site, control_plane: ControlPlane, tmp_path: Path, binding: str
) -> None:
    """Without what it needs to look, or to write down, it lives and says what is forbidden, and
    strikes nothing; with the right it goes on."""
    place = real.namespace()
    place.workload("deployments", deployment("web", 2, labels=OPT_IN))
    config = live(policy(place.name))
    chaosd = Deployed(real, control_plane, tmp_path, config)
    name = chaosd.account if binding == "clusterrolebinding" else f"{chaosd.account}-own"
    with chaosd.daemon() as daemon:
        until(chaosd.recovered, daemon)
        chaosd.kubectl("delete", binding, name)
        until(chaosd.denied, daemon)
        until(lambda: skipped(daemon, "forbidden"), daemon)
        before, seen = chaosd.struck(), len(skipped(daemon, "forbidden"))
        until(lambda: len(skipped(daemon, "forbidden")) > seen + 1, daemon)
        assert chaosd.struck() == before
        assert f'User "{chaosd.user}" cannot' in skipped(daemon, "forbidden")[-1]
        assert daemon.get("/healthz")
        chaosd.configure(config)
        until(lambda: len(chaosd.struck()) > len(before), daemon)
        recovered = len(chaosd.recovered())
        until(lambda: len(chaosd.recovered()) > recovered, daemon)
        assert daemon.process.poll() is None


def test_a_namespace_disappears(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """It is deleted with what is in it: what was observed there is closed, the rest goes on."""
    stays, goes = real.namespace(), real.namespace()
    for place in (stays, goes):
        place.workload("deployments", deployment("web", 2, labels=OPT_IN))
    chaosd = Deployed(real, control_plane, tmp_path, live(policy(stays.name, goes.name)))
    with chaosd.daemon() as daemon:
        until(lambda: chaosd.recovered(f"{goes.name}/Deployment/web"), daemon)
        chaosd.kubectl("delete", "namespace", goes.name)
        assert goes.get("deployments", "web") is None
        before = len(chaosd.recovered(f"{stays.name}/Deployment/web"))
        until(lambda: len(chaosd.recovered(f"{stays.name}/Deployment/web")) > before + 1, daemon)
        until(lambda: not any(goes.name in key for key in observed(chaosd)), daemon)
    # While a namespace ends nothing can be made in it, neither Events nor evictions.
    denied = [one for one in chaosd.denied() if one["objectRef"]["namespace"] != goes.name]
    assert denied == []


def test_a_namespace_of_namespaced_mode_disappears(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """Its Role goes with it: the policy stops and says so, until the configuration drops it."""
    stays, goes = real.namespace(), real.namespace()
    for place in (stays, goes):
        place.workload("deployments", deployment("web", 2, labels=OPT_IN))

    def named(*names: str) -> dict[str, object]:
        return live(policy(*names), namespaces=[*names], seed="a test")

    chaosd = Deployed(real, control_plane, tmp_path, named(stays.name, goes.name))
    with chaosd.daemon() as daemon:
        until(chaosd.recovered, daemon)
        chaosd.kubectl("delete", "namespace", goes.name)
        until(lambda: skipped(daemon, "forbidden"), daemon)
        assert goes.name in skipped(daemon, "forbidden")[-1]
        before = chaosd.struck()
        chaosd.configure(named(stays.name))
        until(lambda: len(chaosd.struck()) > len(before), daemon)
        recovered = len(chaosd.recovered(f"{stays.name}/Deployment/web"))
        until(lambda: len(chaosd.recovered(f"{stays.name}/Deployment/web")) > recovered, daemon)
        assert daemon.process.poll() is None


def observed(chaosd: Deployed) -> set[str]:
    """The workloads that are still observed."""
    return {one.workload for one in chaosd.ledger().intents.values()}
