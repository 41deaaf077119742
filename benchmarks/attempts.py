"""Attempts as the daemon makes them, with what they sent and received counted.

The engine, the adapters and the official client's transport are the real ones; policies are dry
runs, so that everything but the eviction is done. Called in a process of its own.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Generic, NamedTuple, TypedDict, TypeVar
from urllib.parse import urlencode

from prometheus_client import CollectorRegistry

from benchmarks.children import until
from benchmarks.timing import HAS_PROC, cpu_seconds, memory_of
from chaosd.config.watching import FileSettings
from chaosd.core.model import TargetKind
from chaosd.core.schedule import Slot
from chaosd.daemon.clocks import SystemClock
from chaosd.engine.attempt import Attempts
from chaosd.engine.book import Book
from chaosd.engine.context import Context
from chaosd.engine.lead import Lead
from chaosd.kube.api import Api
from chaosd.kube.documents import LeaseDocument, LedgerDocument
from chaosd.kube.events import KubeEvents
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.kube.official import OfficialTransport
from chaosd.kube.signin import SignIn
from chaosd.kube.transport import Query, Reply, Transport
from chaosd.ports import Scope
from chaosd.report.logs import configure
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter
from chaosd.targets.nodes import NodeTarget
from chaosd.targets.pods import PodTarget

T = TypeVar("T")

POLICY = """
dryRun: true
windows: {{allow: always}}
limits: {{perHour: 1000, perDay: 1000, concurrent: 1000}}
optIn: {{label: {label}, value: "true"}}
policies:
  - {{name: it, target: {target}, action: {action}, schedule: {schedule}}}
"""
OPT_IN = "chaosd.io/enabled"
EACH = "{meanTimeBetweenKills: 5d, minGap: 12h}"
EVERY = "{every: 1h}"
"""Schedules: slots for each workload, and slots of the policy, which draw their workload."""
ACTIONS = {"pod": "evict", "node": "drain"}
"""What the policies do, by their target."""


@dataclass
class Counting:
    """A transport that counts what goes through it: ``METHOD PATH?QUERY`` and bytes of answers."""

    inner: Transport
    asked: list[str] = field(default_factory=list)
    received: int = 0

    def send(
        self,
        method: str,
        path: str,
        query: Query,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
    ) -> Reply:
        """Pass it on."""
        reply = self.inner.send(method, path, query, headers, body, timeout)
        self.asked.append(f"{method} {path}?{urlencode(query)}")
        self.received += len(reply.body)
        return reply


class Made(TypedDict):
    """What something cost: seconds of the fastest time, requests and bytes of the last.

    ``results`` says how each ended, and why, ``peak`` the most memory that the process had (MiB; 0
    where nobody can tell).
    """

    results: list[str]
    cpu: float
    wall: float
    asked: list[str]
    received: int
    peak: float


def policy(label: str, schedule: str, target: str) -> str:
    """A configuration with one policy, which runs dry: it evicts pods, or drains nodes."""
    action = ACTIONS[target]
    return POLICY.format(label=label, schedule=schedule, target=target, action=action)


def engine(
    kubeconfig: str, home: str, folder: str, configuration: str
) -> tuple[Context, Lead, Counting]:
    """One process's engine, which leads, without its threads."""
    file = Path(folder) / f"{home}.yaml"
    file.write_text(configuration, encoding="utf-8")
    clock = SystemClock()
    counting = Counting(OfficialTransport(SignIn(kubeconfig, environ={})))
    api = Api(counting, clock)
    settings = FileSettings(file, {})
    ledger, reads = LedgerDocument(api, home), KubeNodeReads(api)
    others = logging.getLogger("third parties")
    logger = configure(clock.now, stream=io.StringIO(), terminal=False, root=others)
    context = Context(
        holder="benchmark",
        clock=clock,
        book=Book(ledger),
        lease=LeaseDocument(api, home),
        cluster=api,
        settings=settings,
        events=KubeEvents(api, ""),
        report=Reporter(Metrics(CollectorRegistry(), "benchmark"), logger, clock.now),
        targets={TargetKind.POD: PodTarget(reads), TargetKind.NODE: NodeTarget(reads)},
        loaded=settings.load(),
    )
    lead = Lead(context, ledger)

    def leads() -> bool:
        lead.step()
        return context.leading

    until(leads, f"leading in {home}", every=1.0)
    return context, lead, counting


def surveys(
    kubeconfig: str,
    home: str,
    folder: str,
    repeat: int,
    label: str = OPT_IN,
    schedule: str = EACH,
    target: str = "pod",
) -> Made:
    """Surveys without an attempt; the results are the eligible workloads of the last."""
    context, _, counting = engine(kubeconfig, home, folder, policy(label, schedule, target))
    configuration = context.loaded.configuration
    assert configuration is not None
    scope = Scope(configuration, configuration.policies[0], context.clock.now())

    def survey() -> list[str]:
        found = context.targets[scope.policy.target].survey(scope, None)
        return [str(one.workload) for one in found if not one.reasons]

    survey()
    made = [_counted(survey, counting) for _ in range(repeat)]
    return _together(made, results=made[-1].result)


def attempts(
    kubeconfig: str,
    home: str,
    folder: str,
    workloads: list[str],
    label: str = OPT_IN,
    schedule: str = EACH,
    target: str = "pod",
) -> Made:
    """An attempt for each of ``workloads``, as that of a slot that names it; ``*`` names none."""
    context, lead, counting = engine(kubeconfig, home, folder, policy(label, schedule, target))
    runner = Attempts(context)
    made = []
    for number, workload in enumerate(workloads):
        lead.step()  # as a thread of the daemon does every few seconds
        slot = Slot("it", workload, context.clock.now())
        made.append(_counted(partial(_result, runner, slot, number), counting))
    return _together(made, results=[one.result for one in made])


def _result(runner: Attempts, slot: Slot, ordinal: int) -> str:
    ended = runner.run(slot, slot.action_id(ordinal))
    return ": ".join([ended.result, *map(str, ended.reasons)])


class _Once(NamedTuple, Generic[T]):
    result: T
    cpu: float
    wall: float
    asked: list[str]
    received: int


def _counted(work: Callable[[], T], counting: Counting) -> _Once[T]:
    counting.asked, counting.received = [], 0
    begin = time.monotonic()
    seconds, result = cpu_seconds(work)
    wall = time.monotonic() - begin
    return _Once(result, seconds, wall, counting.asked, counting.received)


def _together(made: list[_Once[T]], results: list[str]) -> Made:
    return Made(
        results=results,
        cpu=min(one.cpu for one in made),
        wall=min(one.wall for one in made),
        asked=made[-1].asked,
        received=made[-1].received,
        peak=memory_of().peak if HAS_PROC else 0.0,
    )
