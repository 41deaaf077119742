"""The expressions of the dashboard and the alerts, as Prometheus is asked them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from monitoring.files import ALERTS, DASHBOARD

Json = dict[str, Any]

VALUES = {
    "cluster": ".*",
    "namespace": ".*",
    "policy": ".*",
    "__interval": "5s",
    "__rate_interval": "10s",
    "__range": "1m",
}
"""What Grafana puts in the place of variables; All is ``.*``."""
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")
_METRIC = re.compile(r"\bchaosd_[a-z_]+")
_SUFFIX = re.compile(r"_(bucket|count|sum)$")


class Expression(NamedTuple):
    """Where an expression stands, and its text with variables in it."""

    place: str
    text: str

    @property
    def asked(self) -> str:
        """The text with values in the place of variables; KeyError for one that nobody knows."""
        return _VARIABLE.sub(lambda match: VALUES[match[1] or match[2]], self.text)

    @property
    def metrics(self) -> set[str]:
        """The metrics that it names, as they are declared."""
        recorded = re.sub(r"\b\w+:chaosd_\w+(:\w+)?", "", self.text)
        return {_SUFFIX.sub("", name) for name in _METRIC.findall(recorded)}


def dashboard() -> Json:
    """The dashboard as it is in version control."""
    found: Json = json.loads(DASHBOARD.read_text())
    return found


def panels() -> list[Json]:
    """Its panels, without the titles of rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def of_panels() -> Iterator[Expression]:
    """Those of panels, in their order, and of annotations."""
    for panel in panels():
        for target in panel["targets"]:
            yield Expression(f"{panel['title']} {target['refId']}", target["expr"])
    for one in dashboard()["annotations"]["list"]:
        yield Expression(f"annotation {one['name']}", one["expr"])


def of_rules() -> Iterator[Expression]:
    """Those of alerts and of what is recorded for them."""
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield Expression(rule.get("alert") or rule["record"], rule["expr"])


def of_variables() -> Iterator[Expression]:
    """The selectors that the values of variables are looked up in."""
    for one in dashboard()["templating"]["list"]:
        if one["type"] == "query":
            selector = re.fullmatch(r"label_values\((.*), (\w+)\)", one["query"]["query"])
            assert selector
            yield Expression(f"variable {one['name']}", f"count by ({selector[2]}) ({selector[1]})")
