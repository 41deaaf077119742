"""A scene for behaviour tests: processes over a simulated cluster, called step by step, or let run
in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import msgspec

from chaosd.core import ledger_text
from chaosd.core.ledger import Intent, Ledger
from chaosd.core.model import (
    Action,
    Code,
    Configuration,
    Limits,
    Policy,
    Select,
    TargetKind,
)
from chaosd.core.schedule import Every
from chaosd.core.window import Windows
from chaosd.engine.attempt import Ended
from chaosd.engine.book import Book
from chaosd.ports import Loaded
from chaosd.sandbox import Cluster, Controllers, RequestRecord, Rule, Timings
from tests.engine.cluster_side import NAMESPACE, Sandbox, build, make_ports
from tests.engine.process import Clock, Process
from tests.engine.world import File

START = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # a Wednesday
OPEN = Windows("UTC")
LEDGER = f"/api/v1/namespaces/{NAMESPACE}/configmaps/chaosd-ledger"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/chaosd"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def policy(name: str = "web", **fields: Any) -> Policy:
    """A live policy without an age or a cooldown to wait for, every hour unless told otherwise."""
    usual: dict[str, Any] = {
        "target": TargetKind.POD,
        "action": Action.EVICT,
        "schedule": Every(timedelta(hours=1)),
        "select": Select(min_age=timedelta(0)),
        "windows": OPEN,
        "limits": Limits(),
        "deadline": timedelta(minutes=1),
        "cooldown": timedelta(0),
        "dry_run": False,
    }
    return Policy(name=name, **{**usual, **fields})


def configured(*policies: Policy, **fields: Any) -> Configuration:
    """A live configuration of these policies (none: :func:`policy`), hardly limited."""
    usual: dict[str, Any] = {
        "dry_run": False,
        "seed": "scene",
        "limits": Limits(per_hour=100, per_day=1000, concurrent=10),
    }
    return Configuration(windows=OPEN, policies=policies or (policy(),), **{**usual, **fields})


def nothing(_cluster: Cluster) -> None:
    """A cluster with nodes and namespaces alone."""


@dataclass
class Scene:
    """A cluster, a configuration file and processes, on one clock."""

    configuration: Configuration = field(default_factory=configured)
    fill: Callable[[Cluster], None] = nothing
    timings: Timings = field(default_factory=Timings.instant)
    start: datetime = START

    def __post_init__(self) -> None:
        self.clock = Clock(self.start)
        self.sandbox: Sandbox = build(self.fill)(self.clock)
        self.sandbox.controllers.close()
        self.sandbox.controllers = Controllers(self.sandbox.cluster, self.timings)
        self.cluster = self.sandbox.cluster
        self.file = File(Loaded(self.configuration, (), "first"))
        self.processes: list[Process] = []
        self._script: list[tuple[datetime, Callable[[], object]]] = []
        self._asked = 0

    def process(self, name: str = "a", **options: Any) -> Process:
        """A process that :meth:`run` calls; nothing of it has been called yet."""
        made = Process(self, name, **options)
        self.processes.append(made)
        return made

    def leader(self, **options: Any) -> Process:
        """The first process: it has started and leads."""
        process = self.process(**options).start()
        assert process.context.leading
        return process

    def now(self) -> datetime:
        """The cluster's time."""
        return self.clock.now()

    def seconds(self) -> float:
        """Seconds since the start."""
        return (self.now() - self.start).total_seconds()

    def at(self, seconds: float, do: Callable[[], object]) -> None:
        """Have something done, some seconds after the start, by :meth:`run`."""
        self._script.append((self.start + timedelta(seconds=seconds), do))

    def run(self, seconds: float) -> None:
        """Let everybody act for some seconds."""
        end = self.now() + timedelta(seconds=seconds)
        while True:
            wake = self.sandbox.step()
            due: list[tuple[datetime, int, Callable[[], object]]] = []
            due += [(wake, 0, lambda: None)] if wake else []
            due += [(at, 1, partial(self._take, at, do)) for at, do in self._script]
            due += [(p.due(), 2, p.act) for p in self.processes if p.alive and p.awake]
            at, _, do = min(due, key=lambda one: one[:2], default=(end, 0, lambda: None))
            if at > end or not due:
                self.clock.set(max(end, self.now()))
                return
            self.clock.set(max(at, self.now()))
            do()

    def _take(self, at: datetime, do: Callable[[], object]) -> None:
        self._script.remove((at, do))
        do()

    def settle(self) -> None:
        """Let the controllers do what is due at this instant."""
        self.sandbox.step()

    # --- what people and faults do

    def fault(self, **rule: Any) -> None:
        """Put a fault in force."""
        self.sandbox.api.faults.add(Rule(**rule))

    def ledger(self) -> Ledger:
        """The ledger as it lies in the cluster."""
        item = self.cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
        assert item is not None, "there is no ledger"
        return ledger_text.decode(item["data"]["ledger.json"])

    def rewrite(self, change: Callable[[Ledger], Ledger]) -> None:
        """Change the ledger behind everybody's back."""
        self.write(ledger_text.encode(change(self.ledger())))

    def write(self, text: str) -> None:
        """Put any text in the ledger's place."""
        with self.cluster.edit("configmaps", NAMESPACE, "chaosd-ledger") as item:
            item["data"]["ledger.json"] = text

    def book(self) -> Book:
        """The ledger, as a person's command has it."""
        return Book(make_ports(self.sandbox, self.clock).ledger)

    # --- what was seen

    def asked(self) -> list[RequestRecord]:
        """The requests since the last call."""
        found = self.sandbox.api.journal.requests
        new, self._asked = found[self._asked :], len(found)
        return new

    def writes(self) -> list[str]:
        """The writes since the last call, but those that were refused, as ``VERB PATH``."""
        return [
            f"{one.verb} {one.path}"
            for one in self.asked()
            if one.verb in WRITES and one.took_effect and (one.status or 200) < 300
        ]

    def victims(self) -> list[str]:
        """The pods that were removed, as ``namespace/name``."""
        return [f"{one.namespace}/{one.name}" for one in self.sandbox.removals()]

    def events(self, reason: str = "") -> list[dict[str, Any]]:
        """The Events (of one reason)."""
        found = self.cluster.all("events")
        return [item for item in found if reason in ("", item["reason"])]


def codes(ended: Ended) -> set[Code]:
    """Why an attempt ended as it did."""
    return {reason.code for reason in ended.reasons}


def only(scene: Scene) -> Intent:
    """The one intent that there is, open or closed."""
    (intent,) = scene.ledger().all_intents()
    return intent


def changed(configuration: Configuration, **fields: Any) -> Configuration:
    """The configuration with other global settings."""
    return msgspec.structs.replace(configuration, **fields)
