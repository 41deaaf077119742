"""Cases for `promtool test rules`: what is scraped, and which alert fires then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

from monitoring.files import ALERTS

Json = dict[str, Any]

TARGET = 'cluster="eu", namespace="chaosd", job="chaosd/chaosd"'
"""What Prometheus adds to every series of a process."""
BASE = {"cluster": "eu", "namespace": "chaosd", "job": "chaosd/chaosd"}


class Fires(NamedTuple):
    """An alert as Alertmanager gets it; ``labels`` besides those of the target."""

    summary: str
    description: str
    labels: Mapping[str, str] = {}
    base: Mapping[str, str] = BASE


class Case(NamedTuple):
    """``series`` maps a metric with its labels (besides the target's) to values in promtool's
    notation, one each ``every``; at ``at`` the alert fires, or (None) does not."""

    name: str
    alert: str
    series: Mapping[str, str]
    at: str
    fires: Fires | None = None
    every: str = "1m"


def alerts() -> dict[str, Json]:
    """The alerting rules by name."""
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def document(case: Case) -> Json:
    """The file that promtool takes.

    https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
    """
    rule = alerts()[case.alert]
    expected = []
    if case.fires:
        runbook = rule["annotations"]["runbook_url"]
        said = {"summary": case.fires.summary, "description": case.fires.description}
        expected.append(
            {
                "exp_labels": {**case.fires.base, **case.fires.labels, **rule["labels"]},
                "exp_annotations": {**said, "runbook_url": runbook},
            }
        )
    return {
        "rule_files": [str(ALERTS)],
        "evaluation_interval": case.every,
        "tests": [
            {
                "interval": case.every,
                "input_series": [
                    {"series": _series(name), "values": values}
                    for name, values in case.series.items()
                ],
                "alert_rule_test": [
                    {"eval_time": case.at, "alertname": case.alert, "exp_alerts": expected}
                ],
            }
        ],
    }


def _series(name: str) -> str:
    metric, _, labels = name.rstrip("}").partition("{")
    return f"chaosd_{metric}{{{', '.join(filter(None, (labels, TARGET)))}}}"
