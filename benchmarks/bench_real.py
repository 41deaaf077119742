"""Decisions and daemons on a real API server: 10,000 and 50,000 pods, all of them eligible.

5% opted in by a label on their workload, 5% by one on their pods, all by their namespaces; then all
nodes that carry them. The baseline is the official client, which lists the same objects with its
models; where all have opted in, it lists pods as programs commonly do (the first 10,000; CPU,
requests and bytes are taken as many times as there are more, memory is not).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console

from benchmarks import attempts, bench_nodes, official
from benchmarks.api_server import HOMES, ApiServer, missing
from benchmarks.children import until
from benchmarks.daemon import Daemon
from benchmarks.figures import Figure
from benchmarks.lab import Lab
from benchmarks.stock import BY_NAMESPACE, BY_NODE, BY_POD, BY_WORKLOAD, WAYS, OptIn, Stock

_MIB = 1024 * 1024
_PATIENCE = 300.0
CPU = {BY_WORKLOAD: 0.1, BY_POD: 0.1, BY_NAMESPACE: 1.0}
"""Goals: CPU seconds of one decision."""
PEAK = 128.0
"""Goal: MiB of a whole daemon."""
CONSTANT = 30
"""Goal: requests of a decision beside the pages of its survey."""
_DAEMON = """
dryRun: true
windows: {{allow: always}}
limits: {{perHour: 1000, perDay: 1000, concurrent: 1000}}
optIn: {{label: {label}, value: "true"}}
policies:
  - {{name: often, target: {target}, action: {action}, schedule: {{every: {every}}}}}
  - name: each
    target: {target}
    action: {action}
    schedule: {{meanTimeBetweenKills: 2000d, minGap: 12h}}
"""
IMAGE = {"MALLOC_ARENA_MAX": "2"}
"""What the Dockerfile sets."""


def smaller(lab: Lab) -> Iterator[Figure]:
    """The first size of the scale."""
    return measure(lab, lab.scale.real[0])


def larger(lab: Lab) -> Iterator[Figure]:
    """The second one."""
    return measure(lab, lab.scale.real[1])


def measure(lab: Lab, deployments: int) -> Iterator[Figure]:
    """For each way of opting in: a decision, a survey, and a whole daemon."""
    if lacks := missing():
        print(f"LEFT OUT: `make tools` (it needs Go) builds {', '.join(lacks)}", file=sys.stderr)
        return
    stock = Stock(deployments)
    with telling() as say, ApiServer(stock, say, lab.scale.real_store) as server:
        for number, way in enumerate(WAYS):
            yield from _measure(lab, server, stock, way, number, say)
        yield from _nodes(lab, server, stock, say)


def _measure(
    lab: Lab, server: ApiServer, stock: Stock, way: OptIn, number: int, say: Callable[[str], None]
) -> Iterator[Figure]:
    name = f"{stock.pods:,} pods, {way.name}"
    where = {"kubeconfig": str(server.kubeconfig), "folder": str(server.folder)}
    say(f"{name}: the official client")
    listed, factor = _listed(lab, server, stock, way)
    say(f"{name}: decisions")
    draws = ["*"] * lab.scale.repeat
    asked = {"label": way.label, "schedule": attempts.EVERY}
    made = lab.run(attempts.attempts, home=HOMES[number], workloads=draws, **where, **asked)
    if set(made["results"]) != {"dryRun"}:
        raise RuntimeError(f"decisions should have ended as dry runs: {made['results']}")
    yield from _decision(name, made, listed, factor, way)
    asked["schedule"] = attempts.EACH
    found = lab.run(attempts.surveys, home=HOMES[3 + number], repeat=2, **where, **asked)
    if len(found["results"]) != (stock.deployments if way is BY_NAMESPACE else stock.some):
        raise RuntimeError(f"it found {len(found['results'])} eligible workloads")
    yield Figure(f"{name}: a survey for mean times: CPU", found["cpu"], "s")
    say(f"{name}: a daemon")
    yield from _daemon(lab, server, name, way, "pod", HOMES[6 + number])


def _nodes(
    lab: Lab, server: ApiServer, stock: Stock, say: Callable[[str], None]
) -> Iterator[Figure]:
    """A decision about all nodes, and a daemon with policies for them."""
    name = f"{stock.pods:,} pods on {stock.nodes:,} nodes"
    kubeconfig, pages = str(server.kubeconfig), lab.scale.real_pages
    say(f"{name}: the official client")
    nodes = lab.run(official.nodes, kubeconfig=kubeconfig, labels="", pages=None)
    pods = lab.run(official.pods, kubeconfig=kubeconfig, labels="", pages=pages)
    say(f"{name}: decisions")
    made = lab.run(
        attempts.attempts,
        kubeconfig=kubeconfig,
        folder=str(server.folder),
        home=HOMES[12],
        workloads=["*"] * lab.scale.repeat,
        label=BY_NODE.label,
        schedule=attempts.EVERY,
        target="node",
    )
    factor = stock.pods / pods["objects"]
    yield from bench_nodes.figures(f"{name}: ", made, nodes, pods, factor)
    yield Figure("  on the clock", made["wall"], "s")
    say(f"{name}: a daemon")
    yield from _daemon(lab, server, name, BY_NODE, "node", HOMES[13])


def _listed(lab: Lab, server: ApiServer, stock: Stock, way: OptIn) -> tuple[official.Listed, float]:
    kubeconfig = str(server.kubeconfig)
    if way is BY_NAMESPACE:
        pages = lab.scale.real_pages
        some = lab.run(official.pods, kubeconfig=kubeconfig, labels="", pages=pages)
        return some, stock.pods / some["objects"]
    function = official.pods if way is BY_POD else official.deployments
    return lab.run(function, kubeconfig=kubeconfig, labels=f"{way.label}=true", pages=None), 1.0


def _decision(
    name: str, made: attempts.Made, listed: official.Listed, factor: float, way: OptIn
) -> Iterator[Figure]:
    against = "official client"
    cpu, baseline = made["cpu"], listed["cpu"] * factor
    yield Figure(f"{name}: a decision: CPU", cpu, "s", baseline, against, at_most=CPU[way])
    yield Figure("  on the clock", made["wall"], "s", listed["wall"] * factor, against)
    received = listed["received"] * factor / _MIB
    yield Figure("  received", made["received"] / _MIB, "MiB", received, against)
    yield Figure("  peak memory", made["peak"], "MiB", listed["peak"], against)
    pages = sum(map(is_page, made["asked"]))
    yield Figure("  requests: pages of its survey", pages, "requests")
    yield Figure("  requests: others", len(made["asked"]) - pages, "requests", at_most=CONSTANT)


def is_page(asked: str) -> bool:
    """Whether ``METHOD PATH?QUERY`` is a page of the workloads or pods that a survey lists."""
    path, _, query = asked.partition(" ")[2].partition("?")
    parts = path.strip("/").split("/")
    if parts[-1] == "pods":  # those of one namespace are of a workload that has been drawn
        return "namespaces" not in parts
    return parts[-1] in ("deployments", "statefulsets") and "limit=1&" not in f"{query}&"


def _daemon(
    lab: Lab, server: ApiServer, name: str, way: OptIn, target: str, home: str
) -> Iterator[Figure]:
    """From its start until it has decided some times."""
    configuration = _DAEMON.format(
        label=way.label, every=lab.scale.real_every, target=target, action=attempts.ACTIONS[target]
    )
    wanted = lab.scale.real_decisions
    with Daemon(server.folder, server.kubeconfig, home, configuration, IMAGE) as daemon:
        until(lambda: _dry_runs(daemon) >= wanted, daemon, _PATIENCE, 0.2)
        memory = daemon.memory()
        what = f"{name}: a daemon until its {wanted} decisions"
        yield Figure(f"{what}: CPU", daemon.used(), "s")
        yield Figure("  ready after", daemon.seconds, "s")
        yield Figure("  read, files too", daemon.read() / _MIB, "MiB")
        yield Figure("  requests", daemon.requests(), "requests")
        yield Figure("  resident", memory.resident, "MiB")
        yield Figure("  peak memory", memory.peak, "MiB", at_most=PEAK)


def _dry_runs(daemon: Daemon) -> int:
    """Slots that come too late on a slow machine don't count."""
    return sum(one["result"] == "dryRun" for one in daemon.all_said("attempt ended"))


@contextmanager
def telling() -> Iterator[Callable[[str], None]]:
    """Says what is going on: in one line of a terminal, else a line for each new thing."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as status:
            yield status.update
        return
    last = [""]

    def say(text: str) -> None:
        kind = text.partition(":")[0]
        if kind != last[0] or not text.startswith("filling"):
            console.print(text, highlight=False)
        last[0] = kind

    yield say
