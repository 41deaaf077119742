"""Scenarios that mostly wait, told at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

Scenario = Callable[[Path], None]


def together(folder: Path, *scenarios: Scenario) -> None:
    """Run each scenario in a folder of its own; all that fail are raised, as one group."""
    with ThreadPoolExecutor(len(scenarios)) as pool:
        told = [pool.submit(scenario, folder / scenario.__name__) for scenario in scenarios]
    failed = [error for one in told if (error := one.exception()) is not None]
    if failed:
        raise BaseExceptionGroup("scenarios", failed)
