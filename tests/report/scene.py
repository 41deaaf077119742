"""A small scene for the reports: the real engine over ports that live in memory."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from prometheus_client import CollectorRegistry

from chaosd.core.facts import Recovery
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import (
    Action,
    Candidate,
    Code,
    Configuration,
    Examined,
    Impact,
    Limits,
    Policy,
    Reason,
    Select,
    TargetKind,
    Victim,
    WorkloadKey,
)
from chaosd.core.schedule import Every, Slot
from chaosd.core.window import Weekly, Windows, parse_clock, parse_days
from chaosd.engine.attempt import Attempts
from chaosd.engine.book import Book
from chaosd.engine.context import Context
from chaosd.engine.lead import Lead
from chaosd.engine.observe import Observer
from chaosd.ports import (
    Conflict,
    Document,
    Fenced,
    Loaded,
    Next,
    NotFound,
    Notice,
    Scope,
    Struck,
    Undone,
)
from chaosd.report.logs import configure
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter

START = datetime(2026, 11, 5, 10, tzinfo=UTC)
WEB = WorkloadKey("shop", "Deployment", "web")
CART = WorkloadKey("shop", "Deployment", "cart")
VICTIM = Victim("shop", "web-7f9c-x2k4p", "0a1b2c3d", "4711", "node-2")


def policy(name: str = "web", **changes: Any) -> Policy:
    """A live policy that is always open, with some fields changed."""
    plain = Policy(
        name=name,
        target=TargetKind.POD,
        action=Action.EVICT,
        schedule=Every(timedelta(hours=1)),
        select=Select(),
        windows=Windows("UTC"),
        limits=Limits(),
        dry_run=False,
    )
    return msgspec.structs.replace(plain, **changes)


def nights() -> Windows:
    """Windows that are closed at ``START``."""
    rule = Weekly(parse_days("Mon-Sun"), parse_clock("22:00"), parse_clock("06:00"))
    return Windows("UTC", ((rule,),))


def configuration(*policies: Policy, **changes: Any) -> Configuration:
    """A live configuration of these policies (one called ``web`` if none is given)."""
    plain = Configuration(Windows("UTC"), policies or (policy(),), dry_run=False, seed="seed")
    return msgspec.structs.replace(plain, **changes)


class Time:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def boot(self) -> float:
        return (self.at - START).total_seconds()

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Memory:
    """A versioned object in memory."""

    def __init__(self) -> None:
        self.document: Document | None = None

    def read(self) -> Document | None:
        return self.document

    def create(self, text: str, annotations: Mapping[str, str]) -> Document:
        if self.document is not None:
            raise Conflict(409)
        self.document = Document(text, "1", "an-uid", annotations)
        return self.document

    def swap(
        self, seen: Document, text: str, annotations: Mapping[str, str | None] | None = None
    ) -> Document:
        now = self.document
        if now is None:
            raise NotFound(404)
        if now.version != seen.version:
            raise Conflict(409)
        merged: dict[str, str | None] = {**now.annotations, **(annotations or {})}
        kept = {key: value for key, value in merged.items() if value is not None}
        self.document = Document(text, str(int(now.version) + 1), now.uid, kept)
        return self.document


class Pods:
    """A target with one workload that fits and one that is rolling out; ``struck`` is what comes
    of a strike."""

    kind = TargetKind.POD

    def __init__(self) -> None:
        self.struck = Struck(StepState.KILLED)
        self.recovery = Recovery(whole=False, ready=2, desired=3)

    def survey(self, scope: Scope, only: WorkloadKey | None) -> Iterable[Candidate]:
        yield Candidate(str(WEB), WEB)
        yield Candidate(str(CART), CART, (Reason(Code.ROLLOUT, "3 of 4 updated"),))

    def expand(self, scope: Scope, candidate: Candidate) -> Sequence[Candidate]:
        return (Candidate(f"{VICTIM.namespace}/{VICTIM.name}", candidate.workload),)

    def examine(self, scope: Scope, candidate: Candidate) -> Examined:
        return Examined(victim=VICTIM, impact=Impact(locks=(str(WEB),)), desired=3)

    def next(self, scope: Scope, intent: Intent) -> Next:
        return Next()

    def strike(self, intent: Intent, step: Step, timeout: float) -> Struck:
        return self.struck

    def many_steps(self, intent: Intent) -> bool:
        return False

    def fence(self, intent: Intent, step: Step, now: datetime) -> Fenced:
        return Fenced(StepState.FAILED)

    def undo(self, intent: Intent, now: datetime, *, early: bool) -> Undone:
        return Undone(done=True)

    def recovered(self, intent: Intent, now: datetime) -> Recovery:
        return self.recovery


class Surroundings:
    """The cluster, the configuration file and the Events of the scene."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.made: list[Notice] = []

    def seed(self) -> str:
        return "seed"

    def skew(self) -> float | None:
        return 0.0

    def load(self) -> Loaded:
        return self.loaded

    def make(self, notice: Notice) -> None:
        self.made.append(notice)


class Scene:
    """One process that leads, with its reports."""

    def __init__(self, settings: Configuration | None = None) -> None:
        self.time = Time()
        self.out = io.StringIO()
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry, "0.1.0")
        logger = configure(
            self.time.now, stream=self.out, terminal=False, root=logging.getLogger("scene")
        )
        self.reporter = Reporter(self.metrics, logger, self.time.now)
        self.pods = Pods()
        self.ledger = Memory()
        loaded = Loaded(settings or configuration(), (), "0123456789abcdef")
        self.around = Surroundings(loaded)
        self.context = Context(
            holder="chaosd-0.k3v9x2ma",
            clock=self.time,
            book=Book(self.ledger),
            lease=Memory(),
            cluster=self.around,
            settings=self.around,
            events=self.around,
            report=self.reporter,
            targets={TargetKind.POD: self.pods},
            loaded=loaded,
        )
        self.lead = Lead(self.context, self.ledger)
        self.observer = Observer(self.context)
        self.lead.step()

    def attempt(self, name: str = "web", late: float = 0) -> None:
        """A slot of a policy, run that many seconds late."""
        at = self.time.now() - timedelta(seconds=late)
        Attempts(self.context).run_slot(Slot(name, "*", at))

    def watch(self, seconds: int, *, whole: bool = True) -> None:
        """Observe every second; the workload is whole at the end, or not even then."""
        for second in range(1, seconds + 1):
            self.time.passes(1)
            self.lead.step()
            healed = whole and second == seconds
            self.pods.recovery = Recovery(healed, ready=3 if healed else 2, desired=3)
            self.observer.step()
        self.observer.step()

    def lines(self) -> list[dict[str, Any]]:
        """The log lines so far."""
        return [json.loads(line) for line in self.out.getvalue().splitlines()]

    def value(self, name: str, **labels: str) -> float | None:
        """A sample of the registry; None when there is no such series."""
        return self.registry.get_sample_value(name, labels)
