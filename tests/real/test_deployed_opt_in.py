"""chaosd as it is deployed: who may be a victim, and that chaosd itself never is."""

from __future__ import annotations

from pathlib import Path

from tests.contract.manifests import OPT_IN, Json, deployment
from tests.contract.site import Place, Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed, chaosd_namespace, live, policy
from tests.real.shop import uids
from tests.support.waiting import until

VETO = {"chaosd.io/enabled": "false"}


def web(name: str, workload: Json | None = None, pods: Json | None = None) -> Json:
    """A Deployment with labels of its own and on its pods."""
    made = deployment(name, 2, labels=workload)
    made["spec"]["template"]["metadata"]["labels"].update(pods or {})
    return made


def codes(explained: Json) -> set[str]:
    """The reasons against a workload."""
    return {reason["code"] for reason in explained["reasons"]}


def test_each_form_of_opting_in_and_of_a_veto(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """A label on the workload, its pods or its namespace opts in; `false` on any of them vetoes."""
    plain, opened, closed = real.namespace(), real.namespace(**OPT_IN), real.namespace(**VETO)
    spared = (
        (plain, "silent", "notOptedIn"),
        (plain, "false-pods", "vetoed"),
        (opened, "false-workload", "vetoed"),
        (opened, "false-pods", "vetoed"),
        (closed, "by-workload", "vetoed"),
        (closed, "by-pods", "vetoed"),
    )
    for place, manifest in (
        (plain, web("by-workload", OPT_IN)),
        (plain, web("by-pods", None, OPT_IN)),
        (plain, web("silent")),
        (plain, web("false-pods", OPT_IN, VETO)),
        (opened, web("by-namespace")),
        (opened, web("false-workload", VETO)),
        (opened, web("false-pods", None, VETO)),
        (closed, web("by-workload", OPT_IN)),
        (closed, web("by-pods", None, OPT_IN)),
    ):
        place.make("deployments", manifest)
    before = [pods(place, name) for place, name, _ in spared]
    wanted = {
        f"{plain.name}/Deployment/by-workload",
        f"{plain.name}/Deployment/by-pods",
        f"{opened.name}/Deployment/by-namespace",
    }
    chaosd = Deployed(
        real, control_plane, tmp_path, live(policy(plain.name, opened.name, closed.name))
    )
    with chaosd.daemon() as daemon:
        until(lambda: {one.workload for one in chaosd.recovered()} == wanted, daemon)
        silent = f"{plain.name}/Deployment/silent"
        explained = {**chaosd.explain(), **chaosd.explain(silent)}
        for place, name, code in spared:
            assert codes(explained[f"{place.name}/Deployment/{name}"]) == {code}
        assert [pods(place, name) for place, name, _ in spared] == before
        assert {one.workload for one in chaosd.intents()} == wanted
        label = ("label", "deploy/silent", "chaosd.io/enabled=true")
        chaosd.kubectl(*label, f"--namespace={plain.name}")
        until(lambda: chaosd.recovered("Deployment/silent"), daemon)
    assert chaosd.denied() == []


def pods(place: Place, app: str) -> set[str]:
    """The UIDs of a workload's pods, once both are there."""

    def both() -> set[str]:
        found = uids(place.pods(app))
        return found if len(found) == 2 else set()

    return until(both)


def test_chaosd_spares_itself(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """Its own pods are no victims though namespace, Deployment and pods opt in, and `explain` says
    so."""
    home, shop = chaosd_namespace(real, **OPT_IN), real.namespace(**OPT_IN)
    shop.workload("deployments", deployment("web", 2))
    both = home.name, shop.name
    config = live(policy(*both), policy(*both, name="hard", pdb="bypass"))
    chaosd = Deployed(
        real, control_plane, tmp_path, config, home=home, replicas=2, podLabels=OPT_IN
    )
    chaosd.kubectl("label", f"deploy/{chaosd.account}", "chaosd.io/enabled=true")
    own = f"{home.name}/Deployment/{chaosd.account}"
    with chaosd.daemon() as daemon:
        until(lambda: {verb for verb, *_ in chaosd.struck()} == {"create", "delete"}, daemon)
        explained = chaosd.explain(own)[own]
    assert codes(explained) == {"ownPod"}
    assert {pod["pod"].partition("/")[2] for pod in explained["pods"]} == set(chaosd.pods)
    assert explained["victims"] == []
    assert {one.workload for one in chaosd.intents()} == {f"{shop.name}/Deployment/web"}
    assert {name.partition("/")[0] for _, name, _ in chaosd.struck()} == {shop.name}
    assert sorted(one["metadata"]["name"] for one in home_pods(chaosd)) == chaosd.pods
    assert chaosd.denied() == []


def home_pods(chaosd: Deployed) -> list[Json]:
    """The pods of chaosd's Deployment."""
    found: list[Json] = chaosd.home.admin.ok("GET", chaosd.home.path("pods"))["items"]
    return found
