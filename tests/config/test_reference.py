"""The generated reference and schema, and the examples."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from chaosd.config import json_schema, load, load_text, markdown
from chaosd.config.environment import variables
from chaosd.config.prose import EXAMPLES
from chaosd.config.settings import Settings, groups

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FILES = sorted((ROOT / "config").glob("*.yaml"))
STALE = "the models have changed: run `chaosd schema --write docs`"


def plain(text: str) -> Any:
    """YAML with all scalars as a schema sees them: dates stay texts, as in YAML 1.2."""

    class Loader(yaml.SafeLoader):
        pass

    Loader.yaml_implicit_resolvers = {
        first: [(tag, regex) for tag, regex in rules if not tag.endswith(":timestamp")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    return yaml.load(text, Loader)


def test_the_committed_reference_is_fresh() -> None:
    """docs/configuration.md says what the models say."""
    assert (ROOT / "docs" / "configuration.md").read_text() == markdown(), STALE


def test_the_committed_schema_is_fresh() -> None:
    """docs/chaosd.schema.json says what the models say."""
    assert json.loads((ROOT / "docs" / "chaosd.schema.json").read_text()) == json_schema(), STALE


def test_the_schema_is_a_schema() -> None:
    """The schema itself keeps to the rules of its draft."""
    Draft202012Validator.check_schema(json_schema())


def test_every_key_has_a_meaning() -> None:
    """No key of any group lacks its description."""
    models: list[tuple[str, type[BaseModel]]] = [("", Settings), *groups()]
    found = [
        f"{path}.{name}"
        for path, model in models
        for name, info in model.model_fields.items()
        if not info.description
    ]
    assert found == []


def test_the_reference_names_every_variable_and_example() -> None:
    """What is not in a table of keys is not forgotten either."""
    page = markdown()

    assert all(f"`{name}`" in page for name in variables())
    assert sorted(EXAMPLES) == [path.name for path in FILES]


def test_the_smallest_configuration_of_the_reference_is_valid() -> None:
    """The example that a reader copies first is right."""
    text = markdown().split("```yaml\n")[1].split("```")[0]

    assert load_text(text, {}, NOW).problems == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_example_is_valid(path: Path) -> None:
    """Examples have no problem, now and in years to come, and at least one policy."""
    for year in (2026, 2030):
        result = load(path, {}, datetime(year, 11, 21, tzinfo=UTC))
        assert result.problems == ()
        assert result.configuration is not None
        assert result.configuration.policies


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_example_meets_the_schema(path: Path) -> None:
    """An editor that knows the schema finds nothing to complain about."""
    Draft202012Validator(json_schema()).validate(plain(path.read_text()))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_of_an_example_is_explained(path: Path) -> None:
    """Of the lines that say something, nearly all have a comment, or one above them."""
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    keys = [line for line in lines if not line.startswith("#")]
    # A second policy of the same form need not be explained again.
    assert sum("#" in line for line in keys) >= 0.6 * len(keys)


@pytest.mark.parametrize(
    "text",
    [
        "dryRun: maybe",
        "windws: {}",
        "limits: {perHour: 0}",
        "surveyEvery: 5 minutes",
        "windows: {allow: anytime}",
        'windows: {deny: [{weekly: {days: Mon, from: "9:00", to: "25:00"}}]}',
        "windows: {deny: [{name: nothing}]}",
        "policies: [{name: Web, target: pod, action: evict, schedule: {every: 1h}}]",
        "policies: [{name: web, target: pod, action: evict}]",
        'policies: [{name: web, target: pod, action: evict, schedule: {every: 1h, cron: ""}}]',
    ],
)
def test_the_schema_refuses_what_is_refused(text: str) -> None:
    """Mistakes of a single value are mistakes for the schema too."""
    text = text if text.startswith("policies") else f"{text}\npolicies: []"

    assert load_text(text, {}, NOW).problems
    assert not Draft202012Validator(json_schema()).is_valid(plain(text))
