"""The daemon in the sandbox, as the browser finds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from benchmarks.crowd import silent
from chaosd.cli.sandbox import DEMO_SPEED, DEMO_START
from chaosd.cli.stage import NAMESPACE, Stage
from tests.support.waiting import until


def staged(
    file: Path | None = None,
    *,
    scenario: str = "shop",
    speed: float = DEMO_SPEED,
    start: datetime = DEMO_START,
) -> Stage:
    """A sandbox with a daemon that tells nothing on the terminal, not started yet."""
    return Stage(speed, start, file, 0, 0, silent, scenario)


def asked(stage: Stage, path: str) -> dict[str, Any]:
    """What the API answers."""
    answer = httpx.get(f"{stage.address}/api/v1/{path}", timeout=30)
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def recovered(stage: Stage, count: int) -> None:
    """Wait until that many kills have ended well."""

    def enough() -> bool:
        # Before the ledger was read nothing can be said.
        if stage.context.page is None:
            return False
        return len(asked(stage, "kills?verdict=recovered")["kills"]) >= count

    until(enough, f"{count} kills that recovered", 170)


def status_of(stage: Stage) -> dict[str, Any]:
    """How things stand."""
    return asked(stage, "status")


def annotated(stage: Stage, annotations: Mapping[str, str | None]) -> None:
    """Annotate the ledger, as ``kubectl annotate configmap chaosd-ledger`` does."""
    answer = httpx.patch(
        f"{stage.server.url}/api/v1/namespaces/{NAMESPACE}/configmaps/chaosd-ledger",
        content=json.dumps({"metadata": {"annotations": annotations}}),
        headers={"Content-Type": "application/merge-patch+json"},
        timeout=30,
    )
    answer.raise_for_status()
