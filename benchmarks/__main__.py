"""Measure, and print each figure with its ratio and its goal; exit 1 when a goal is missed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import version

from benchmarks import (
    bench_daemon,
    bench_decode,
    bench_drain,
    bench_imports,
    bench_nodes,
    bench_page,
    bench_real,
    bench_schedule,
    bench_sift,
    bench_slot,
    bench_survey,
)
from benchmarks.figures import Figure, as_table, console, missed
from benchmarks.lab import Lab, Scale
from benchmarks.timing import HAS_PROC

Measure = Callable[[Lab], Iterator[Figure]]

BENCHMARKS: Mapping[str, Measure] = {
    "schedule": bench_schedule.measure,
    "sift": bench_sift.measure,
    "decode": bench_decode.measure,
    "slot": bench_slot.measure,
    "survey": bench_survey.measure,
    "nodes": bench_nodes.measure,
    "drain": bench_drain.measure,
    "imports": bench_imports.measure,
    "daemon": bench_daemon.measure,
    "page": bench_page.measure,
    "real-10k": bench_real.smaller,
    "real-50k": bench_real.larger,
}
ONLY_WHEN_NAMED = ("page", "real-10k", "real-50k")
"""What needs a browser, or minutes and gigabytes."""
NEED_PROC = ("imports", "daemon", "real-10k", "real-50k")


def main(arguments: Sequence[str] | None = None, scale: Scale = Scale()) -> int:  # noqa: B008
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    # Without a name argparse asks whether the empty list is among the choices.
    known, names = [*BENCHMARKS, []], ", ".join(BENCHMARKS)
    parser.add_argument("name", nargs="*", metavar="NAME", choices=known, help=names)
    parser.add_argument("--json", action="store_true", help="print JSON, all figures at the end")
    asked = parser.parse_args(arguments)
    found: dict[str, list[Figure]] = {}
    begin = time.monotonic()
    with Lab(scale) as lab:
        for name in asked.name or [one for one in BENCHMARKS if one not in ONLY_WHEN_NAMED]:
            if name in NEED_PROC and not HAS_PROC:
                print(f"{name}: left out, it needs Linux's /proc", file=sys.stderr)
                continue
            found[name] = []
            try:
                for figure in BENCHMARKS[name](lab):  # what was found before an error is shown
                    found[name].append(figure)
            finally:
                if not asked.json:
                    console().print(as_table(name, found[name]), "")
    if asked.json:
        figures = {name: [one.as_json() for one in some] for name, some in found.items()}
        print(json.dumps({"machine": machine(), "benchmarks": figures}, indent=1))
    else:
        seconds = time.monotonic() - begin
        print(f"{', '.join(f'{key} {text}' for key, text in machine().items())}; {seconds:.0f} s")
    for line in missed(found):
        print(f"goal missed: {line}", file=sys.stderr)
    return 1 if missed(found) else 0


def machine() -> dict[str, object]:
    """What the seconds depend on."""
    return {
        "Python": platform.python_version(),
        "kubernetes": version("kubernetes"),
        "cores": os.cpu_count(),
        "architecture": platform.machine(),
    }


if __name__ == "__main__":
    sys.exit(main())
