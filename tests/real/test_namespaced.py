"""chaosd as it is deployed in namespaced mode: a Role in each namespace suffices."""

from __future__ import annotations

import json
from pathlib import Path

from tests.contract.manifests import OPT_IN, deployment
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed, live, policy
from tests.support.waiting import until

LABEL = "chaosd.io/enabled"


def test_the_veto_of_a_namespace_counts(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """chaosd reads the labels of its namespaces with no right outside of them: what is in the
    vetoed one is spared until the veto goes; an opt-in there does not count."""
    shop, team = real.namespace(**{LABEL: "false"}), real.namespace(**OPT_IN)
    for place in (shop, team):
        place.workload("deployments", deployment("web", 2, labels=OPT_IN))
        place.workload("deployments", deployment("plain", 2))
    config = live(policy(), namespaces=[shop.name, team.name], seed="real")
    chaosd = Deployed(real, control_plane, tmp_path, config)
    assert not [one for one in chaosd.objects if one["kind"].startswith("Cluster")]
    with chaosd.daemon() as daemon:
        until(lambda: chaosd.recovered("Deployment/web"), daemon)
        explained = chaosd.explain()
        [reason] = explained[f"{shop.name}/Deployment/web"]["reasons"]
        assert (reason["code"], reason["detail"]) == ("vetoed", f"the namespace says {LABEL}=false")
        assert {one.workload for one in chaosd.intents()} == {f"{team.name}/Deployment/web"}
        chaosd.kubectl("label", "namespace", shop.name, f"{LABEL}-")
        own = f"{shop.name}/Deployment/web"
        until(lambda: [one for one in chaosd.killed() if one.workload == own], daemon)
    assert {one.workload.partition("/")[2] for one in chaosd.intents()} == {"Deployment/web"}
    assert chaosd.denied() == []


def test_without_the_right_to_look_nothing_is_a_victim(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """The daemon refuses to start and names the rule; a command says why nothing is a victim."""
    shop = real.namespace()
    shop.workload("deployments", deployment("web", 2, labels=OPT_IN))
    config = live(policy(), namespaces=[shop.name], seed="real")
    chaosd = Deployed(real, control_plane, tmp_path, config)
    [role] = [
        one
        for one in chaosd.objects
        if one["kind"] == "Role" and one["metadata"]["namespace"] == shop.name
    ]
    rules = [rule for rule in role["rules"] if rule["resources"] != ["namespaces"]]
    assert len(rules) == len(role["rules"]) - 1
    chaosd.kubectl("apply", "--filename=-", given=json.dumps({**role, "rules": rules}))
    with chaosd.daemon() as daemon:
        assert daemon.wait() == 1
        [missing] = daemon.said("a permission is missing")
    assert f"add to a Role in namespace {shop.name}" in missing["rule"]
    assert "resources: [namespaces]\n  verbs: [get]" in missing["rule"]
    explained = chaosd.explain()[f"{shop.name}/Deployment/web"]
    assert [one["code"] for one in explained["reasons"]] == ["unreadable"]
    assert chaosd.intents() == []
