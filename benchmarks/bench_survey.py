"""One whole decision in a cluster of 10,000 Deployments and 50,000 pods, 5% of them opted in.

From reading the ledger to the intent written down. The baseline is the official client as programs
use it, over the same pods: those that opted in, and all of them (a tenth is listed, and taken ten
times; their memory is not).
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import attempts, official
from benchmarks.cluster import HOMES
from benchmarks.figures import Figure
from benchmarks.lab import Lab

_MIB = 1024 * 1024
_OPTED_IN = "chaosd.io/enabled=true"
_SURVEY_EVERY = 300.0  # seconds, the default


def measure(lab: Lab) -> Iterator[Figure]:
    """CPU, requests, bytes and peak memory of the decision and of its baselines."""
    scale = lab.scale
    kubeconfig, folder = str(lab.cluster.kubeconfig), str(lab.cluster.folder)
    where = {"kubeconfig": kubeconfig, "folder": folder}
    survey = lab.run(attempts.surveys, home=HOMES[3], repeat=scale.repeat, **where)
    ours = lab.run(attempts.attempts, home=HOMES[4], workloads=["*"] * scale.repeat, **where)
    same = lab.run(official.pods, kubeconfig=kubeconfig, labels=_OPTED_IN, pages=None)
    some = lab.run(official.pods, kubeconfig=kubeconfig, labels="", pages=scale.listed_pages)
    total = scale.deployments * scale.pods_each
    factor = total / some["objects"]
    yield from _official("the official client, opted-in pods", same, 1.0)
    yield from _official(f"the official client, all {total:,} pods", some, factor)
    for against, cpu in (("opted-in", same["cpu"]), ("all pods", some["cpu"] * factor)):
        yield Figure("a decision: CPU", ours["cpu"], "s", cpu, f"official client, {against}")
    received, listed = ours["received"] / _MIB, some["received"] * factor / _MIB
    yield Figure("a decision: received", received, "MiB", listed, "official client, all pods")
    yield Figure("a decision: requests", len(ours["asked"]), "requests")
    against = "official client, opted-in"
    yield Figure("a decision: peak memory", ours["peak"], "MiB", same["peak"], against)
    yield Figure("  of it, the survey: CPU", survey["cpu"], "s", ours["cpu"], "the decision")
    share = 100 * scale.policies * survey["cpu"] / _SURVEY_EVERY
    yield Figure(f"{scale.policies} policies, surveyed every 5 min each", share, "% of a core")


def _official(name: str, listed: official.Listed, factor: float) -> Iterator[Figure]:
    yield Figure(f"{name}: CPU", listed["cpu"] * factor, "s")
    yield Figure(f"{name}: received", listed["received"] * factor / _MIB, "MiB")
    yield Figure(f"{name}: requests", listed["requests"] * factor, "requests")
    of = "" if factor == 1 else f", {listed['objects']:,} of them"
    yield Figure(f"{name}{of}: peak memory", listed["peak"], "MiB")
