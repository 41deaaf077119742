"""The chart as Helm renders it: the configuration, wrong values, and what Helm says at the end."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from chaosd.config import load_text
from tests.deploy.tools import CHART, ROOT, Helm, Json, Refused

EXAMPLES = sorted((ROOT / "config").glob("*.yaml"))


def written(helm: Helm, values: Json) -> str:
    """The configuration file that the pod reads."""
    text: str = helm.one("ConfigMap", values)["data"]["chaosd.yaml"]
    return text


def test_helm_has_nothing_to_complain_about(helm: Helm) -> None:
    """`helm lint --strict` is clean."""
    assert "1 chart(s) linted, 0 chart(s) failed" in helm.run("lint", "--strict", str(CHART))


# ---------------------------------------------------------------- the configuration


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("whole", [True, False], ids=["file", "values"])
def test_the_pod_reads_what_was_written(helm: Helm, path: Path, whole: bool) -> None:
    """An example means the same in a file, as `configFile`, and key by key as `config`."""
    text = path.read_text()
    values = {"configFile": text} if whole else {"config": yaml.safe_load(text)}
    assert load_text(written(helm, values), {}) == load_text(text, {})


def test_large_numbers_stay_whole_numbers(helm: Helm) -> None:
    """YAML by way of JSON must not turn 10000000 into 1e+07."""
    config = {"policies": [], "limits": {"perDay": 10_000_000}}
    assert yaml.safe_load(written(helm, {"config": config}))["limits"] == {"perDay": 10_000_000}


def test_the_first_configuration_is_a_dry_run(helm: Helm) -> None:
    """With nothing but an image the chart installs a valid dry run."""
    loaded = load_text(written(helm, {}), {})
    assert loaded.configuration is not None
    assert [one.dry_run for one in loaded.configuration.policies] == [True]


def test_a_file_that_is_no_yaml(helm: Helm) -> None:
    """It is refused before anything is installed."""
    with pytest.raises(Refused, match="not valid YAML"):
        helm.text({"configFile": "policies: ["})


# ---------------------------------------------------------------- wrong values


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"image": {"repository": ""}}, "image.repository is empty: build the image"),
        ({"replicas": 3}, "/replicas"),
        ({"replica": 1}, "'replica' not allowed"),
        ({"etcdSecrets": ["Main"]}, "/etcdSecrets/0"),
        ({"config": {"policies": [], "etcd": [{"name": "a"}]}}, "/config/etcd/0"),
        ({"config": {"policies": [], "dryrun": False}}, "'dryrun' not allowed"),
        ({"config": {"policies": [{"name": "web"}]}}, "'target', 'action', 'schedule'"),
        ({"config": {"policies": [], "surveyEvery": "5 minutes"}}, "/config/surveyEvery"),
        ({"config": {"policies": [], "surveyEvery": ""}}, "/config/surveyEvery"),
        (
            {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}},
            "would read each metric twice",
        ),
        (
            {"serviceMonitor": {"enabled": True}, "service": {"enabled": False}},
            "serviceMonitor.enabled needs service.enabled",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_wrong_values_are_named(helm: Helm, values: Json, says: str) -> None:
    """Helm refuses, and its message says which value it is."""
    with pytest.raises(Refused) as refused:
        helm.text(values)
    assert says in str(refused.value)


# ---------------------------------------------------------------- notes


def notes(helm: Helm, config: Json) -> str:
    arguments = ("install", "chaosd", str(CHART), "--namespace", "chaosd", "--dry-run=client")
    return helm.run(*arguments, values={"config": config}).partition("NOTES:")[2]


def test_notes_of_a_dry_run(helm: Helm) -> None:
    """They say that nothing happens, what to label with which label, and how to go live."""
    said = notes(helm, {"policies": [], "optIn": {"label": "team/chaos", "value": "yes"}})
    assert "It is a dry run" in said
    assert "deployment/web team/chaos=yes" in said
    assert "chaosd explain" in said
    assert "Go live" in said


def test_notes_of_a_live_installation(helm: Helm) -> None:
    """They say so in capitals, and how to stop it."""
    policy = {"name": "web", "target": "pod", "action": "evict", "schedule": {"every": "1h"}}
    policies = [policy, {**policy, "name": "hard", "pdb": "bypass"}]
    said = notes(helm, {"dryRun": False, "windows": {"allow": "always"}, "policies": policies})
    assert "IT IS LIVE" in said
    assert "pdb: bypass" in said
    assert "chaosd halt" in said
    assert "Go live" not in said


@pytest.mark.parametrize("action", ["crash", "evict"])
def test_notes_of_whatever_is_live(helm: Helm, action: str) -> None:
    """A policy that crashes is as live as one that evicts."""
    policy = {"name": "web", "target": "pod", "action": action, "schedule": {"every": "1h"}}
    config = {"dryRun": False, "windows": {"allow": "always"}, "policies": [policy]}
    assert "IT IS LIVE" in notes(helm, {**config, "helper": {"namespace": "helpers"}})
