"""Where the dashboard and the alerts are, and what should be in each file."""

from __future__ import annotations

from pathlib import Path

from monitoring.dashboard import render

ROOT = Path(__file__).parent.parent
DASHBOARD = ROOT / "deploy" / "monitoring" / "dashboard.json"
ALERTS = ROOT / "deploy" / "monitoring" / "alerts.yaml"
COPIES = ROOT / "deploy" / "chart" / "files"
"""Helm reads no file outside of a chart."""


def wanted() -> dict[Path, str]:
    """Every generated or copied file with its text."""
    dashboard = render()
    return {
        DASHBOARD: dashboard,
        COPIES / DASHBOARD.name: dashboard,
        COPIES / ALERTS.name: ALERTS.read_text(encoding="utf-8"),
    }


def write() -> None:
    """Write them."""
    for path, text in wanted().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
