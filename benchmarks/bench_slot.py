"""What one slot asks of the API server, in a cluster of 10,000 workloads.

A slot that names its workload reads that workload and what belongs to it, however large the cluster
is; one that names none reads what opted in, by pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs

from benchmarks import attempts
from benchmarks.cluster import HOMES
from benchmarks.figures import Figure
from benchmarks.lab import Lab
from chaosd.core.model import WorkloadKey

_KIB = 1024
_OF_WORKLOADS = ("deployments", "statefulsets")


def measure(lab: Lab) -> Iterator[Figure]:
    """Requests and bytes of both kinds of slots."""
    scale = lab.scale
    where = {"kubeconfig": str(lab.cluster.kubeconfig), "folder": str(lab.cluster.folder)}
    found = lab.run(attempts.surveys, home=HOMES[0], repeat=1, **where)
    names = found["results"][: scale.repeat]
    named = lab.run(attempts.attempts, home=HOMES[1], workloads=names, **where)
    drawn = lab.run(attempts.attempts, home=HOMES[2], workloads=["*"] * scale.repeat, **where)
    for made in (named, drawn):
        if set(made["results"]) != {"dryRun"}:
            raise RuntimeError(f"attempts should have ended as dry runs: {made['results']}")
    cluster = f"of {scale.deployments:,} Deployments"
    against = "one that draws"
    yield Figure(f"cluster {cluster}, opted in", len(found["results"]), "workloads")
    for what, value, baseline, unit in (
        ("requests", len(named["asked"]), len(drawn["asked"]), "requests"),
        ("received", named["received"] / _KIB, drawn["received"] / _KIB, "KiB"),
        ("CPU", named["cpu"] * 1e3, drawn["cpu"] * 1e3, "ms"),
    ):
        yield Figure(f"a slot that draws its workload: {what}", baseline, unit)
        yield Figure(f"a slot that names its workload: {what}", value, unit, baseline, against)
    foreign = [one for one in named["asked"] if reads_others(one, WorkloadKey.parse(names[-1]))]
    yield Figure("  of these, for other workloads", len(foreign), "requests", at_most=0)


def reads_others(asked: str, own: WorkloadKey) -> bool:
    """Whether ``METHOD PATH?QUERY`` reads what belongs to other workloads: another one by its name,
    several at once, or pods and ReplicaSets without a selector."""
    path, _, query = asked.partition(" ")[2].partition("?")
    parts = path.strip("/").split("/")
    if "namespaces" not in parts:
        return "nodes" not in parts
    inside = parts[parts.index("namespaces") + 1 :]
    if inside[1:2] == ["pods"] or inside[1:2] == ["replicasets"]:
        return len(inside) == 2 and "labelSelector" not in parse_qs(query)
    return len(inside) > 1 and inside[1] in _OF_WORKLOADS and inside[2:] != [own.name]
