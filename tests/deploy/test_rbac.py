"""The chart grants what the table of permissions asks for: nothing less, nothing more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosd.config import load_text
from chaosd.core.model import Configuration
from chaosd.kube.permissions import needs
from tests.deploy.rights import commented, granted, needed
from tests.deploy.tools import NAMESPACE, ROOT, Helm, Json

EXAMPLES = sorted((ROOT / "config").glob("*.yaml"))
ALWAYS = {"allow": "always"}
HELPER = {"namespace": "helpers", "image": "registry.example/chaosd:1"}
EVERY_KIND = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Db"]


def policy(name: str = "web", **more: Any) -> Json:
    return {
        "name": name,
        "target": "pod",
        "action": "evict",
        "schedule": {"every": "1h"},
        **more,
    }


def live(*policies: Json, **more: Any) -> Json:
    return {"dryRun": False, "windows": ALWAYS, "policies": [*policies], **more}


def kinds(*names: str) -> Json:
    return policy(select={"kinds": [*names]})


CONFIGURATIONS: dict[str, Json] = {
    "nothing": {"policies": []},
    "unsaid dry run": {"policies": [policy()]},
    "live": live(policy()),
    "live bypass": live(policy(pdb="bypass")),
    "both ways": live(policy(), policy("hard", pdb="bypass")),
    "one of two live": live(policy(dryRun=True), policy("hard", pdb="bypass")),
    "no policy live": live(policy(dryRun=True), policy("hard", pdb="bypass", dryRun=True)),
    "halted": live(policy(), halted=True),
    "every kind": live(kinds(*EVERY_KIND)),
    **{name: live(kinds(name)) for name in EVERY_KIND},
    "kinds of two": live(kinds("Job"), policy("other", select={"kinds": ["CronJob"]})),
    "nodes": live(policy(select={"nodes": "pool=spot"})),
    "namespaced": live(policy(), namespaces=["shop", "team"], seed="x"),
    "namespaced dry run": {"policies": [policy()], "namespaces": ["shop"], "seed": "x"},
    "namespaced bypass": live(policy(pdb="bypass"), namespaces=["shop"], seed="x"),
    "own namespace": live(policy(), namespaces=[NAMESPACE, "shop"], seed="x"),
}


CONFIGURATIONS |= {
    f"{action} {pdb}{' dry run' * dry}": live(
        policy(target="node", action=action, pdb=pdb, dryRun=dry), helper=HELPER
    )
    for action in ("drain", "reboot", "terminate")
    for pdb in ("respect", "bypass")
    for dry in (False, True)
}
CONFIGURATIONS |= {
    "crash": live(policy(action="crash"), helper=HELPER),
    "crash and bypass": live(policy(action="crash"), policy("hard", pdb="bypass"), helper=HELPER),
    "crash dry run": live(policy(action="crash", dryRun=True), helper=HELPER),
    "namespaced crash": live(policy(action="crash"), helper=HELPER, namespaces=["shop"], seed="x"),
    "pods and nodes": live(
        policy(pdb="bypass", select={"nodes": "a=b", "kinds": ["DaemonSet"]}),
        policy("nodes", target="node", action="drain"),
    ),
}
ENDPOINTS = {"name": "main", "endpoints": ["https://10.0.0.1:2379"]}
PODS = {"name": "main", "pods": {"namespace": "shop", "labels": "app=etcd"}}


def members(action: str = "kill", **more: Any) -> Json:
    return policy("etcd", target="etcd", action=action, clusters=["main"], **more)


CONFIGURATIONS |= {
    f"etcd {action} {pdb}{' dry run' * dry}": live(
        members(action, pdb=pdb, dryRun=dry), etcd=[ENDPOINTS], helper=HELPER
    )
    for action, pdb in (("kill", "respect"), ("kill", "bypass"), ("moveLeader", "respect"))
    for dry in (False, True)
}
CONFIGURATIONS |= {
    "etcd declared": {"etcd": [ENDPOINTS], "policies": []},
    "etcd guards pods": live(policy(), etcd=[PODS]),
    "etcd guards nodes": live(policy(target="node", action="drain"), etcd=[PODS]),
    "etcd without helper": live(members(), etcd=[PODS]),
    "etcd and pods": live(
        members(pdb="bypass"), policy(), etcd=[ENDPOINTS, {**PODS, "name": "b"}], helper=HELPER
    ),
}


def configuration(text: str) -> Configuration:
    loaded = load_text(text, {})
    assert loaded.configuration is not None, loaded.problems
    return loaded.configuration


def check(helm: Helm, values: Json, text: str) -> None:
    wanted = needed(needs(configuration(text), NAMESPACE, in_cluster=True))
    assert granted(helm.objects(values), "chaosd", NAMESPACE) == wanted


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_rights_are_those_that_the_configuration_needs(helm: Helm, name: str) -> None:
    """For each configuration the sets of rights are equal, place by place and verb by verb."""
    config = CONFIGURATIONS[name]
    check(helm, {"config": config}, yaml.safe_dump(config))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_rights_for_a_file(helm: Helm, path: Path) -> None:
    """A configuration that is passed as a file gets the same rights as one in values."""
    check(helm, {"configFile": path.read_text()}, path.read_text())


def test_namespaced_mode_has_no_cluster_role(helm: Helm) -> None:
    """Nothing outside of the release's and the named namespaces is granted or made."""
    for name in ("namespaced", "own namespace"):
        objects = helm.objects({"config": CONFIGURATIONS[name]})
        assert not [one["kind"] for one in objects if one["kind"].startswith("Cluster")]
        assert {one["metadata"]["namespace"] for one in objects} <= {"chaosd", "shop", "team"}


def test_no_namespaces_is_no_right_to_the_cluster(helm: Helm) -> None:
    """An empty list, which chaosd refuses, does not turn into a ClusterRole."""
    objects = helm.objects({"config": {"policies": [], "namespaces": [], "seed": "x"}})
    assert {one["kind"] for one in objects if "Role" in one["kind"]} == {"Role", "RoleBinding"}


WELL_EXPLAINED = (
    "both ways",
    "every kind",
    "nodes",
    "namespaced",
    "CronJob",
    "reboot respect",
    "crash",
    "pods and nodes",
    "etcd kill respect",
    "etcd and pods",
)


@pytest.mark.parametrize("name", WELL_EXPLAINED)
def test_each_rule_says_what_needs_it(helm: Helm, name: str) -> None:
    """The comment above a rule holds the reason that the table of permissions gives."""
    config = CONFIGURATIONS[name]
    found = list(commented(helm.text({"config": config})))
    rules = sum(len(one.get("rules", [])) for one in helm.objects({"config": config}))
    assert len(found) == rules
    assert [rule for comment, rule in found if not comment] == []
    said: dict[str, str] = {}
    for comment, rule in found:
        for resource in rule["resources"]:
            said[resource] = f"{said.get(resource, '')} {comment.lower()}"
    for need in needs(configuration(yaml.safe_dump(config)), NAMESPACE, in_cluster=True):
        for why in need.why.split("; "):
            reason = why.partition(", for polic")[0].lower()
            assert reason in said[need.resource], need


def test_somebody_else_may_grant(helm: Helm) -> None:
    """Without `rbac.create` no role and no binding is made."""
    objects = helm.objects({"rbac": {"create": False}})
    assert not [one["kind"] for one in objects if "Role" in one["kind"]]
