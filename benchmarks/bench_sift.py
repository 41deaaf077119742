"""Sift and draw, in CPU seconds, and against a floor measured in the same run.

The floor is what no draw can do without: one SHA-256 and one comparison for each candidate.
Run with `python -m benchmarks.bench_sift`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from benchmarks.bench_schedule import cpu_seconds
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
SIZES = (10_000, 100_000)
SELECTS = {
    "default selection": Select(),
    "globs, labels and names": Select(
        namespaces=("team-*", "shop"),
        labels=Selector.parse("tier in (backend,frontend),!canary"),
        names="^service-",
    ),
}


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


def main() -> None:
    """Print a line for each case and size; growth is the time per candidate against the first."""
    print(
        f"{'sift and draw':46} {'candidates':>10} {'CPU s':>7} {'µs each':>8} {'ratio':>6} growth"
    )
    first: dict[str, float] = {}
    for size in SIZES:
        keys = [f"team-{number % 50}/Deployment/service-{number}" for number in range(size)]
        floor, _ = cpu_seconds(partial(hash_only, keys))
        cases = {"one hash each": floor}
        for name, select in SELECTS.items():
            for fine, share in ((True, "all eligible"), (False, "one in two eligible")):
                many = [workload(number, fine=fine or number % 4 > 1) for number in range(size)]
                gc.freeze()  # pages come and go in a daemon: the collector does not walk them all
                cases[f"{name}, {share}"], _ = cpu_seconds(partial(sift_and_draw, many, select))
                gc.unfreeze()
        for name, seconds in cases.items():
            each = seconds / size
            growth = each / first.setdefault(name, each)
            print(
                f"{name:46} {size:10} {seconds:7.3f} {each * 1e6:8.2f} {seconds / floor:6.1f}"
                f" {growth:6.2f}"
            )


if __name__ == "__main__":
    main()
