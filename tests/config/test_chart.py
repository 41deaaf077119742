"""The chart's values: their schema is generated, and their defaults are those of values.yaml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from chaosd.cli.schema import Page, generate
from chaosd.config.chart import values_schema

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy" / "chart"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
FREE = {"config"}
"""What has no default in the models: the chart's first policy is the chart's own."""


def resolved(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    return {**whole["$defs"][name], **schema} if name else schema


def defaults(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """The defaults of an object, as somebody would write them."""
    found = {}
    for key, raw in schema["properties"].items():
        one = resolved(raw, whole)
        if key not in FREE:
            found[key] = one["default"] if "default" in one else defaults(one, whole)
    return found


def patterns(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for one in schema.values():
            yield from patterns(one)
    elif isinstance(schema, list):
        for one in schema:
            yield from patterns(one)


def test_the_schema_in_the_chart_is_the_generated_one() -> None:
    """Run `make docs` when it is stale."""
    assert (CHART / "values.schema.json").read_text() == generate(Page.VALUES)


def test_values_hold_the_defaults_of_the_models() -> None:
    """Whoever reads values.yaml sees each key with the default that the schema says."""
    schema = values_schema()
    assert {key: value for key, value in VALUES.items() if key not in FREE} == defaults(
        schema, schema
    )


def test_values_meet_their_schema() -> None:
    """The schema is one, and takes the chart's own values."""
    Draft202012Validator.check_schema(values_schema())
    Draft202012Validator(values_schema()).validate(VALUES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"replicas": 3},
        {"image": {"repo": "x"}},
        {"image": {"digest": "sha256:1"}},
        {"config": {"dryrun": True, "policies": []}},
        {"config": {"policies": [], "limits": {"perHour": 0}}},
        {"config": {"policies": [], "windows": {"deny": [{"holidays": {"country": False}}]}}},
        {"config": {}},
        {"runAsUser": 0},
        {"http": {"port": 70_000}},
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any]) -> None:
    """Helm says so before anything is installed."""
    assert not Draft202012Validator(values_schema()).is_valid({**VALUES, **wrong})


def test_patterns_are_read_alike_by_helm() -> None:
    """Go's regular expressions know no look-around and no back references."""
    found = set(patterns(values_schema()))
    assert found
    assert [one for one in found if re.search(r"\(\?|\\[1-9]", one)] == []


def test_every_value_is_commented() -> None:
    """Each key at the top has a comment of its own, above it, or says itself what it is."""
    text = (CHART / "values.yaml").read_text()
    silent = set(re.findall(r"^(\w+):[^#\n]*$(?<!:)", text, re.MULTILINE))
    plain = {"nodeSelector", "tolerations", "affinity", "podAnnotations", "podLabels"}
    assert silent <= plain | {"extraVolumeMounts", "configFile"}


def test_the_chart_is_of_this_version() -> None:
    """The image's tag is the version that the package has."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == project["version"]
