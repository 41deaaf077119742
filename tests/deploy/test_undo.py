"""What the chart runs before an uninstall, and the image that it tells helper pods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from chaosd.cli.main import app
from tests.deploy.tools import IMAGE, Helm, Json

NODES = """
dryRun: false
windows: {allow: always}
policies:
  - {name: nodes, target: node, action: drain, schedule: {every: 1d}}
"""
HELPER = """
helper: {namespace: chaosd-helper}
policies:
  - {name: crash, target: pod, action: crash, schedule: {every: 1d}}
"""


def jobs(helm: Helm, **values: Any) -> list[Json]:
    return [one for one in helm.objects(values) if one["kind"] == "Job"]


def template(helm: Helm, kind: str, **values: Any) -> Json:
    found: Json = helm.one(kind, values)["spec"]["template"]
    return found


@pytest.mark.parametrize(
    ("values", "count"),
    [
        ({"configFile": NODES}, 1),
        ({"configFile": NODES.replace("dryRun: false", "dryRun: true")}, 1),
        ({"configFile": NODES, "undoOnDelete": False}, 0),
        ({}, 0),
    ],
)
def test_there_is_a_hook_if_a_policy_is_for_nodes(helm: Helm, values: Json, count: int) -> None:
    """Also in a dry run: nodes that were taken before are owed all the same."""
    assert len(jobs(helm, **values)) == count


def test_the_hook_runs_before_an_uninstall_and_leaves_nothing(helm: Helm) -> None:
    """One that failed stays, for its log; the next try replaces it."""
    (job,) = jobs(helm, configFile=NODES)
    assert job["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-delete",
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }
    assert job["spec"]["activeDeadlineSeconds"] < 300
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_its_command_is_one_that_chaosd_has(helm: Helm) -> None:
    """The arguments are read as chaosd reads them, and their waits fit into the Job's time."""
    (job,) = jobs(helm, configFile=NODES)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    name, *arguments = container["args"]
    group: Any = get_command(app)
    given = group.commands[name].make_context(name, list(arguments)).params
    assert (given["everything"], given["and_halt"], given["reason"]) == (
        True,
        True,
        "helm uninstall",
    )
    assert 2 * given["timeout"] < job["spec"]["activeDeadlineSeconds"]


def test_the_pod_of_the_hook_is_like_those_of_the_deployment(helm: Helm) -> None:
    """Its account, its restrictions, its image and where it may run."""
    values: Json = {
        "configFile": NODES,
        "nodeSelector": {"pool": "infra"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "imagePullSecrets": [{"name": "registry"}],
        "priorityClassName": "high",
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy"}],
    }
    ours = template(helm, "Job", **values)["spec"]
    theirs = template(helm, "Deployment", **values)["spec"]
    alone = {"containers", "volumes", "topologySpreadConstraints", "restartPolicy"}
    alone |= {"terminationGracePeriodSeconds"}
    assert {key: ours[key] for key in ours.keys() - alone} == {
        key: theirs[key] for key in theirs.keys() - alone
    }
    (mine,), (yours,) = ours["containers"], theirs["containers"]
    for key in ("image", "imagePullPolicy", "env", "resources", "securityContext"):
        assert mine[key] == yours[key]


def test_no_service_leads_to_the_pod_of_the_hook(helm: Helm) -> None:
    """It carries the application's labels, so that a NetworkPolicy lets it out, but no port."""
    made = template(helm, "Job", configFile=NODES)
    labels = template(helm, "Deployment", configFile=NODES)["metadata"]["labels"]
    assert labels.items() <= made["metadata"]["labels"].items()
    (container,) = made["spec"]["containers"]
    assert "ports" not in container


@pytest.mark.parametrize(
    ("text", "image"),
    [
        (HELPER, f"{IMAGE}:0.1.0"),
        (HELPER.replace("helper}", "helper, image: other:1}"), None),
        (NODES, None),
    ],
)
def test_helper_pods_run_from_the_same_image(helm: Helm, text: str, image: str | None) -> None:
    """Unless the configuration names one, or has no helper at all."""
    (container,) = template(helm, "Deployment", configFile=text)["spec"]["containers"]
    found = {one["name"]: one.get("value") for one in container["env"]}
    assert found.get("CHAOSD_HELPER__IMAGE") == image


def test_applying_without_helm_says_to_leave_hooks_out() -> None:
    """`helm template` prints them too, and applied by hand this one would halt chaosd."""
    root = Path(__file__).parents[2]
    for page in ("docs/deploy.md", "deploy/render.sh"):
        assert "--no-hooks" in (root / page).read_text(), page
