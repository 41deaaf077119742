"""Importing, with a note of what it takes. Called in a process of its own.

This module and what it needs import nothing but the standard library.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.timing import memory_of


class Step(NamedTuple):
    """CPU seconds of an import, and by how much it grew the process (MiB)."""

    cpu: float
    memory: float


def imported(steps: Sequence[Sequence[str]]) -> tuple[float, list[Step]]:
    """Import these modules; the memory before (MiB), and each step."""
    before = resident = memory_of().resident
    taken = []
    for modules in steps:
        begin = time.process_time()
        for name in modules:
            importlib.import_module(name)
        seconds = time.process_time() - begin
        now = memory_of().resident
        taken.append(Step(seconds, now - resident))
        resident = now
    return before, taken
