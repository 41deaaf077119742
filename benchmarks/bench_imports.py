"""What the daemon's imports take: CPU time and resident memory.

One after the other in one process: what two libraries share counts for the first of them. Some are
also measured alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from benchmarks import children
from benchmarks.figures import Figure
from benchmarks.importing import Step, imported
from benchmarks.lab import Lab

_CLIENT = ("kubernetes.client.api_client", "kubernetes.config.kube_config")
STEPS: Mapping[str, Sequence[str]] = {
    "typer": ("typer", "typer.core"),
    "rich": ("rich.console", "rich.table"),
    "msgspec, cronsim": ("msgspec.json", "cronsim"),
    "pydantic-settings, yaml": ("pydantic", "pydantic_settings", "yaml"),
    "prometheus-client": ("prometheus_client.exposition",),
    "structlog": ("structlog",),
    "stamina": ("stamina",),
    "apscheduler": ("apscheduler.schedulers.background", "apscheduler.executors.pool"),
    "starlette, uvicorn": ("starlette.applications", "uvicorn"),
    "urllib3": ("urllib3",),
    "kubernetes": _CLIENT,
    "chaosd itself": ("chaosd.cli.main", "chaosd.daemon.run"),
}
ALONE: Mapping[str, Sequence[str]] = {
    "holidays (imported when a calendar is configured)": ("holidays",),
    "kubernetes": _CLIENT,
}


def measure(lab: Lab) -> Iterator[Figure]:
    """Each step, the whole, and what some take alone."""
    scale = lab.scale
    steps = dict(islice(STEPS.items(), scale.imports))
    base, taken = _fastest(list(steps.values()), scale.repeat)
    cpu, memory = sum(one.cpu for one in taken), base + sum(one.memory for one in taken)
    yield Figure("Python itself: memory", base, "MiB", memory, "all")
    for name, one in zip(steps, taken, strict=True):
        yield Figure(f"{name}: memory", one.memory, "MiB", memory, "all")
    yield Figure("all: memory", memory, "MiB")
    for name, one in zip(steps, taken, strict=True):
        yield Figure(f"{name}: CPU", one.cpu * 1e3, "ms", cpu * 1e3, "all")
    yield Figure("all: CPU", cpu * 1e3, "ms")
    for name, modules in islice(ALONE.items(), scale.imports):
        _, (one,) = _fastest([modules], scale.repeat)
        yield Figure(f"{name}, alone: memory", one.memory, "MiB")
        yield Figure(f"{name}, alone: CPU", one.cpu * 1e3, "ms")


def _fastest(steps: Sequence[Sequence[str]], repeat: int) -> tuple[float, list[Step]]:
    """The least of each step over new processes: what others do makes it more, never less."""
    runs = [children.run(imported, steps=steps) for _ in range(repeat)]
    each = [[Step(*step) for step in taken] for _, taken in runs]
    least = [
        Step(min(one.cpu for one in same), min(one.memory for one in same))
        for same in zip(*each, strict=True)
    ]
    return min(base for base, _ in runs), least
