"""One whole decision about nodes: 5,000 of them with 50,000 pods, all opted in.

From reading the ledger to the intent written down: all nodes are surveyed; of the one that is drawn
its pods and their budgets are read, all nodes again, and the pods of other nodes until what it
loses fits there. The baseline is the official client as programs use it, which lists all nodes and
pods (a tenth of the pods is listed, and taken ten times; their memory is not).
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import attempts, official
from benchmarks.cluster import HOMES
from benchmarks.figures import Figure
from benchmarks.lab import Lab

_MIB = 1024 * 1024
CPU = 3.0
"""Goal: seconds of one decision."""
PEAK = 128.0
"""Goal: MiB of the process."""


def measure(lab: Lab) -> Iterator[Figure]:
    """CPU, requests, bytes and peak memory of the decision and of its baseline."""
    scale = lab.scale
    kubeconfig, folder = str(lab.cluster.kubeconfig), str(lab.cluster.folder)
    asked = {"kubeconfig": kubeconfig, "folder": folder, "target": "node"}
    asked["schedule"] = attempts.EVERY
    found = lab.run(attempts.surveys, home=HOMES[9], repeat=scale.repeat, **asked)
    made = lab.run(attempts.attempts, home=HOMES[10], workloads=["*"] * scale.repeat, **asked)
    nodes = lab.run(official.nodes, kubeconfig=kubeconfig, labels="", pages=None)
    pods = lab.run(official.pods, kubeconfig=kubeconfig, labels="", pages=scale.listed_pages)
    factor = scale.deployments * scale.pods_each / pods["objects"]
    yield from figures("", made, nodes, pods, factor)
    yield Figure("  of it, the survey: eligible", len(found["results"]), "nodes")
    yield Figure("  of it, the survey: CPU", found["cpu"], "s", made["cpu"], "the decision")


def figures(
    name: str, made: attempts.Made, nodes: official.Listed, pods: official.Listed, factor: float
) -> Iterator[Figure]:
    """The decision beside the official client, which lists all nodes and ``1/factor`` of the
    pods."""
    if set(made["results"]) != {"dryRun"}:
        raise RuntimeError(f"decisions should have ended as dry runs: {made['results']}")
    listed = nodes["objects"], round(pods["objects"] * factor)
    against = "official client: {:,} nodes, {:,} pods".format(*listed)
    cpu = nodes["cpu"] + pods["cpu"] * factor
    yield Figure(f"{name}a decision: CPU", made["cpu"], "s", cpu, against, at_most=CPU)
    received = (nodes["received"] + pods["received"] * factor) / _MIB
    yield Figure("  received", made["received"] / _MIB, "MiB", received, against)
    sent = nodes["requests"] + pods["requests"] * factor
    yield Figure("  requests", len(made["asked"]), "requests", sent, against)
    some = f"official client: {pods['objects']:,} pods alone"
    yield Figure("  peak memory", made["peak"], "MiB", pods["peak"], some, at_most=PEAK)
