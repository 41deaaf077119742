"""Writes deploy/monitoring/dashboard.json, and the chart's copies of it and of the alerts."""

from __future__ import annotations

from monitoring.files import write

write()
