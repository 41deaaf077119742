"""The daemon as a process: from its start to ready, then idle, with its memory.

On a cluster of 10,000 Deployments, four of them: one policy with a slot an hour, 20 policies with
mean times, the same with a ledger that remembers many kills, and that with fewer of the C
library's memory arenas. They start one after the other, and are idle side by side; no slot comes
meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from types import MappingProxyType
from typing import NamedTuple

from benchmarks.cluster import HOMES
from benchmarks.daemon import Daemon
from benchmarks.figures import Figure
from benchmarks.lab import Lab, Scale
from chaosd.core import ledger_text
from chaosd.core.ledger import LastKill, Ledger, workload_hash
from chaosd.daemon.clocks import SystemClock
from chaosd.kube.api import Api
from chaosd.kube.documents import LedgerDocument
from chaosd.kube.official import OfficialTransport
from chaosd.kube.signin import SignIn

START, IDLE, PEAK = 3.0, 1.0, 128.0
"""Goals: seconds to ready, percent of a core, MiB."""
_HEAD = """
dryRun: true
windows:
  allow:
    - weekly: {days: Mon-Fri, from: "09:00", to: "17:00"}
    - weekly: {days: Mon-Sun, from: "00:00", to: "24:00"}
policies:
"""
_HOURLY = _HEAD + "  - {name: web, target: pod, action: evict, schedule: {every: 1h}}\n"
_ONE_OF_MANY = """
  - name: team-{number}
    target: pod
    action: evict
    schedule: {{meanTimeBetweenKills: 1000d, minGap: 12h}}
    select: {{namespaces: [ns-{number:03}]}}
"""
_SETTLE = 5.0
"""Seconds after which a daemon has planned and surveyed for the first time."""


class Case(NamedTuple):
    """A daemon: its configuration, its environment, and how many kills its ledger remembers."""

    name: str
    configuration: str
    kills: int = 0
    environ: Mapping[str, str] = MappingProxyType({})


def cases(scale: Scale) -> list[Case]:
    """Those of this scale."""
    policies = (_ONE_OF_MANY.format(number=number) for number in range(scale.policies))
    many, name, kills = "".join([_HEAD, *policies]), f"{scale.policies} policies", scale.remembered
    fewer = {"MALLOC_ARENA_MAX": "2"}
    return [
        Case("every 1h", _HOURLY),
        Case(name, many),
        Case(f"{name}, {kills:,} kills", many, kills),
        Case(f"{name}, {kills:,} kills, 2 arenas", many, kills, fewer),
    ][: scale.daemons]


def measure(lab: Lab) -> Iterator[Figure]:
    """Start each, let all be idle, and tell."""
    scale = lab.scale
    daemons: dict[str, Daemon] = {}
    with ExitStack() as running:
        for case, home in zip(cases(scale), HOMES[5:], strict=False):
            _remember(lab, home, case.kills)
            made = [_daemon(lab, home, case) for _ in range(scale.starts)]
            for one in made[:-1]:
                with one:
                    pass
            daemons[case.name] = running.enter_context(made[-1])
            yield from _start(case.name, min(made, key=lambda one: one.seconds - one.waited))
        time.sleep(min(_SETTLE, scale.idle_seconds))
        yield from _idle(daemons, scale.idle_seconds)
        yield from _memory(daemons)


def _daemon(lab: Lab, home: str, case: Case) -> Daemon:
    cluster = lab.cluster
    return Daemon(cluster.folder, cluster.kubeconfig, home, case.configuration, case.environ)


def _start(name: str, fastest: Daemon) -> Iterator[Figure]:
    alone = fastest.seconds - fastest.waited
    yield Figure(f"start to ready, {name}", alone, "s", at_most=START)
    yield Figure("  and waiting while others had the cores", fastest.waited, "s")
    for stage, seconds in fastest.stages.items():
        yield Figure(f"  of both, {stage}", seconds, "s", fastest.seconds, "both")
    yield Figure("  CPU", fastest.cpu, "s")


def _idle(daemons: Mapping[str, Daemon], seconds: float) -> Iterator[Figure]:
    begin = time.monotonic()
    before = {name: one.used() for name, one in daemons.items()}
    time.sleep(seconds)
    seconds = time.monotonic() - begin
    for name, one in daemons.items():
        share = 100 * (one.used() - before[name]) / seconds
        yield Figure(f"idle, {name}", share, "% of a core", at_most=IDLE)


def _memory(daemons: Mapping[str, Daemon]) -> Iterator[Figure]:
    for name, one in daemons.items():
        found = one.memory()
        yield Figure(f"memory, {name}: resident", found.resident, "MiB")
        yield Figure(f"memory, {name}: private", found.private, "MiB", found.resident, "resident")
        yield Figure(f"memory, {name}: peak", found.peak, "MiB", at_most=PEAK)


def _remember(lab: Lab, home: str, kills: int) -> None:
    """Make a ledger that remembers a kill of each of so many workloads, as after a busy year."""
    clock = SystemClock()
    at = int((clock.now() - timedelta(days=30)).timestamp())
    last = {
        workload_hash(f"team/Deployment/service-{number}"): LastKill(at + number, 40)
        for number in range(kills)
    }
    api = Api(OfficialTransport(SignIn(str(lab.cluster.kubeconfig), environ={})), clock)
    LedgerDocument(api, home).create(ledger_text.encode(Ledger(last_kills=last)), {})
