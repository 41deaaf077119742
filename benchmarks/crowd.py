"""A sandbox with many workloads that all opted in, and a daemon that serves its page."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import httpx

from benchmarks.children import until
from chaosd.cli.stage import Stage
from chaosd.report.logs import configure
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter
from chaosd.sandbox import AcceleratedClock
from chaosd.sandbox.bulk import bulk

_CONFIGURATION = """
cluster: large
dryRun: false
timezone: UTC
windows: {allow: always}
limits: {perHour: 100, perDay: 1000, concurrent: 5}
policies:
"""
_POLICY = """
  - name: team-{number:03}
    target: pod
    action: evict
    schedule: {{meanTimeBetweenKills: 5d, minGap: 12h}}
    select: {{namespaces: [ns-{number:03}]}}
"""


def crowded(file: Path, *, workloads: int, namespaces: int) -> Stage:
    """The stage, not started yet; ``file`` is written: one policy for each namespace."""
    policies = "".join(_POLICY.format(number=number) for number in range(namespaces))
    file.write_text(_CONFIGURATION + policies)
    stage = Stage(1, None, file, 0, 0, silent)
    bulk(stage.cluster, deployments=workloads, pods_each=2, namespaces=namespaces, opted_in=1)
    return stage


def silent(metrics: Metrics, clock: AcceleratedClock) -> tuple[Reporter, Reporter]:
    """The reporting of a daemon that tells nothing on the terminal."""
    reporter = Reporter(metrics, configure(clock.now, stream=io.StringIO()), clock.now)
    return reporter, reporter


def surveyed(stage: Stage, workloads: int) -> None:
    """Wait until the page knows all of them as candidates. Raises TimeoutError."""
    what = f"the survey of {workloads:,} workloads"
    until(lambda: _candidates(stage) == workloads, what, seconds=170, every=0.2)


def _candidates(stage: Stage) -> int:
    answer = httpx.get(f"{stage.address}/api/v1/status", timeout=30)
    found: dict[str, Any] = answer.raise_for_status().json()
    return sum(sum(one["candidates"].values()) for one in found["policies"])
