"""The dashboard is what the code says, and can be read by Grafana and by people."""

from __future__ import annotations

import ast
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitoring.files import ROOT, wanted
from tests.monitoring.expressions import dashboard, of_panels, of_variables, panels

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
CODE = sorted((ROOT / "monitoring").glob("*.py"))


@pytest.mark.parametrize("path", list(wanted()), ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_generated_is_fresh(path: Path) -> None:
    """Run `make monitoring` when it is stale."""
    assert path.is_file(), "run `make monitoring`"
    assert path.read_text() == wanted()[path], "it is stale: run `make monitoring`"


def test_it_is_made_for_the_oldest_grafana_that_is_promised() -> None:
    """Newer ones read older schemas; 39 is that of Grafana 11.0."""
    assert dashboard()["schemaVersion"] <= 39
    again = json.dumps(
        Dashboard.from_json(dashboard()).to_json(), default=lambda one: one.to_json()
    )
    assert json.loads(again)["title"] == "chaosd"


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_each_panel_says_what_to_do(panel: dict[str, Any]) -> None:
    """It has a title, a source that can be chosen, and a description of some length."""
    assert panel["datasource"] == SOURCE
    assert all(target["datasource"] == SOURCE for target in panel["targets"])
    assert len(panel["description"]) > 100
    assert panel["targets"]


def test_titles_and_numbers_are_given_once() -> None:
    """Links to a panel go on leading there."""
    found = dashboard()["panels"]
    for key in ("id", "title"):
        values = [panel[key] for panel in found]
        assert len(set(values)) == len(values)


def test_panels_lie_side_by_side() -> None:
    """None covers another, none sticks out, and each line is full."""
    places = [panel["gridPos"] for panel in dashboard()["panels"]]
    for one, other in combinations(places, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
    for y in {place["y"] for place in places}:
        assert sum(place["w"] for place in places if place["y"] == y) == 24


def test_variables() -> None:
    """Data source, cluster, namespace, policy; all of them also means where a label is missing."""
    found = dashboard()["templating"]["list"]
    assert [one["name"] for one in found] == ["datasource", "cluster", "namespace", "policy"]
    for one in found[1:]:
        assert (one["includeAll"], one["allValue"], one["multi"]) == (True, ".*", True)


@pytest.mark.parametrize("one", [*of_panels(), *of_variables()], ids=lambda one: one.place)
def test_each_expression_follows_the_cluster(one: Any) -> None:
    """What is chosen at the top holds everywhere, and every variable is known."""
    assert one.asked
    if one.place != "variable cluster":
        assert 'cluster=~"$cluster"' in one.text


def test_the_code_is_in_small_rooms() -> None:
    """As that of chaosd."""
    for path in CODE:
        text = path.read_text()
        assert len(text.splitlines()) <= 350
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 50
