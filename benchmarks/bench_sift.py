"""Sift and draw: one decision over many candidates that have been read.

The floor is what no draw can do without: one SHA-256 and one comparison for each candidate.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.figures import Figure
from benchmarks.lab import Lab
from benchmarks.timing import fastest
from chaosd.core.draw import lowest, rank
from chaosd.core.eligibility import Sift
from chaosd.core.facts import Own, WorkloadFacts
from chaosd.core.model import (
    Action,
    Candidate,
    Configuration,
    Limits,
    Policy,
    Select,
    TargetKind,
    WorkloadKey,
)
from chaosd.core.schedule import Every
from chaosd.core.selector import Selector
from chaosd.core.window import Windows

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
SEED, ACTION = "5f6c1a3e-0d7b-4f0a-9b59-1f2f0f3f7c11", "web/*/2026-11-23T10:00:00Z#0"
FLOOR = "one hash each"
GOAL = 0.5
"""CPU seconds of the largest size."""
GROWTH = 1.5
"""The most that a candidate of the largest size may cost, in those of the smallest: linear."""
SELECTS = {
    "default selection": Select(),
    "globs, labels and names": Select(
        namespaces=("team-*", "shop"),
        labels=Selector.parse("tier in (backend,frontend),!canary"),
        names="^service-",
    ),
}

CASES = [
    (f"{select}, {share}", select, fine)
    for select in SELECTS
    for share, fine in (("all eligible", True), ("one in two eligible", False))
]


def measure(lab: Lab) -> Iterator[Figure]:
    """Each case at each size, and how much more a candidate costs at the largest."""
    sizes = lab.scale.candidates
    seconds = {size: _seconds(size, lab.scale.repeat) for size in sizes}
    for size, of in seconds.items():
        yield Figure(f"{size:,} candidates, {FLOOR}", of[FLOOR], "CPU s")
        for name, *_ in CASES:
            goal = GOAL if size == max(sizes) else None
            what = f"{size:,} candidates, {name}"
            yield Figure(what, of[name], "CPU s", of[FLOOR], FLOOR, at_most=goal)
    small, large = min(sizes), max(sizes)
    for name, *_ in CASES:
        before, after = (seconds[size][name] / size * 1e6 for size in (small, large))
        what = f"one candidate of {large:,}, {name}"
        yield Figure(what, after, "µs", before, f"one of {small:,}", ratio_at_most=GROWTH)


def _seconds(size: int, rounds: int) -> dict[str, float]:
    keys = [f"team-{number % 50}/Deployment/service-{number}" for number in range(size)]
    many = {
        fine: [workload(number, fine=fine or number % 4 > 1) for number in range(size)]
        for fine in (True, False)
    }
    works = {
        name: partial(sift_and_draw, many[fine], SELECTS[select]) for name, select, fine in CASES
    }
    gc.freeze()  # pages come and go in a daemon: the collector does not walk them all
    try:
        return fastest({FLOOR: partial(hash_only, keys), **works}, rounds)
    finally:
        gc.unfreeze()


def workload(number: int, *, fine: bool) -> WorkloadFacts:
    """A Deployment of three; one that is not fine did not opt in, or lacks a replica."""
    labels = {"app": f"service-{number}", "tier": "backend", "chaosd.io/enabled": "true"}
    if not fine and number % 2:
        del labels["chaosd.io/enabled"]
    return WorkloadFacts(
        key=WorkloadKey(f"team-{number % 50}", "Deployment", f"service-{number}"),
        uid=f"00000000-0000-4000-8000-{number:012}",
        created=NOW - timedelta(days=1 + number % 300),
        labels=labels,
        template_labels={"app": f"service-{number}", "tier": "backend"},
        annotations={"deployment.kubernetes.io/revision": "3"},
        generation=3,
        observed_generation=3,
        desired=3,
        replicas=3,
        ready=3 if fine or number % 2 else 2,
        updated=3,
        available=3,
    )


def sift_of(select: Select) -> Sift:
    """The rules of one policy with this selection."""
    policy = Policy(
        name="web",
        target=TargetKind.POD,
        action=Action.EVICT,
        schedule=Every(timedelta(hours=1)),
        select=select,
        windows=Windows("UTC"),
        limits=Limits(),
    )
    return Sift(Configuration(Windows("UTC"), (policy,)), policy, NOW, Own())


def sift_and_draw(workloads: Iterable[WorkloadFacts], select: Select) -> int:
    """One decision: judge every workload, draw from those without reasons, and count the draw."""
    sift = sift_of(select)
    said = {"team": "x"}

    def eligible() -> Iterator[Candidate]:
        for one in workloads:
            reasons = sift.reasons(one, said)
            if not reasons:
                yield Candidate(str(one.key), one.key, reasons)

    return len(lowest(eligible(), SEED, ACTION))


def hash_only(keys: Sequence[str]) -> int:
    """The lowest rank, and nothing else."""
    return min(rank(SEED, ACTION, key) for key in keys)
