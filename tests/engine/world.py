"""A world in virtual time: daemons, a simulated cluster, and a script of what people do."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from chaosd.core.model import Configuration, Reasons, TargetKind
from chaosd.core.schedule import Slot
from chaosd.engine.attempt import Attempts
from chaosd.engine.book import Book, LedgerUnusable
from chaosd.engine.context import Context
from chaosd.engine.lead import Lead
from chaosd.engine.observe import Observer
from chaosd.engine.plan import Planner
from chaosd.engine.reload import Reload
from chaosd.engine.wishes import Wishes
from chaosd.ports import CallFailed, Loaded, Notice
from chaosd.sandbox.clock import ManualClock
from tests.engine.cluster_side import Ports, Sandbox, make_ports
from tests.engine.stage import Died, Stage, Wrapped, WrappedTransport

RESTART_AFTER = 5.0


class Time:
    """The one clock of the world; boot time goes with it."""

    def __init__(self, manual: ManualClock) -> None:
        self.manual = manual
        self._start = manual.now()

    def now(self) -> datetime:
        """Virtual wall-clock time."""
        return self.manual.now()

    def boot(self) -> float:
        """Virtual seconds since the world began."""
        return (self.manual.now() - self._start).total_seconds()


@dataclass
class File:
    """The configuration file, as the script writes it."""

    loaded: Loaded

    def load(self) -> Loaded:
        """What it says now."""
        return self.loaded

    def write(self, configuration: Configuration, fingerprint: str) -> None:
        """Make it say something valid."""
        self.loaded = Loaded(configuration, (), fingerprint)

    def spoil(self) -> None:
        """Make it invalid."""
        self.loaded = Loaded(self.loaded.configuration, ("it is spoiled",), "spoiled")


@dataclass
class Tape:
    """A Report that remembers what it was told, for one process."""

    attempts: list[tuple[str, str, Reasons]] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    verdicts: list[tuple[str, str]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    last_standing: Any = None

    def attempted(
        self, policy: str, target: str, action_id: str, result: str, reasons: Reasons
    ) -> None:
        self.attempts.append((action_id, result, reasons))

    def sifted(self, policy: str, counts: Mapping[str, int]) -> None:
        self.lines.append(f"sifted {policy} {dict(counts)}")

    def stepped(self, intent: Any, what: str, **fields: object) -> None:
        self.lines.append(f"{intent.id} {what} {fields}")

    def settled(self, intent: Any) -> None:
        self.results.append((intent.id, str(intent.result)))

    def judged(self, intent: Any) -> None:
        self.verdicts.append((intent.id, str(intent.verdict)))

    def standing(self, standing: Any) -> None:
        self.last_standing = standing

    def planned(self, next_slots: Mapping[str, datetime]) -> None:
        self.lines.append(f"planned {dict(next_slots)}")

    def noted(self, what: str, **fields: object) -> None:
        self.lines.append(f"{what} {fields}")

    def failed(self, what: str, error: BaseException) -> None:
        self.failures.append(f"{what}: {type(error).__name__} {error}")


class Daemon:
    """One process: its actors, and when each wants to be called."""

    def __init__(self, world: World, name: str) -> None:
        self.name = name
        self.alive = True
        self.tape = Tape()
        ports = world.ports()
        ledger: Any = world.wrapped("ledger", ports.ledger)
        self.context = Context(
            holder=name,
            clock=world.time,
            book=Book(ledger, uid=None),
            lease=world.wrapped("lease", ports.lease),
            cluster=world.wrapped("cluster", ports.cluster),
            settings=world.wrapped("settings", world.file, local=True),
            events=world.wrapped("events", ports.events),
            report=world.wrapped("report", self.tape, local=True),
            targets={
                TargetKind.POD: world.wrapped("target", ports.target),
                TargetKind.NODE: world.wrapped("target", ports.nodes),
                TargetKind.ETCD: world.wrapped("target", ports.etcd),
            },
            guards=[world.wrapped("guard", guard, local=True) for guard in ports.guards],
        )
        self.slots: list[Slot] = []
        self._attempts = Attempts(self.context)
        self._lead = Lead(self.context, ledger)
        self._planner = Planner(self.context)
        self._wishes = Wishes(self.context, self._attempts)
        about = Notice("", "ConfigMap", "chaosd", "chaosd-ledger", "", "", world.time.now())
        now = world.time.now()
        self.wakes = dict.fromkeys(("reload", "lead", "observe", "plan", "requests"), now)
        self._steps: dict[str, Callable[[], datetime]] = {
            "reload": Reload(self.context, about).step,
            "lead": self._lead.step,
            "observe": Observer(self.context).step,
            "plan": self._plan,
            "requests": self._take_requests,
        }

    def next_due(self, busy: set[str]) -> tuple[datetime, str] | None:
        """The actor that wants to be called first, and when."""
        due = [(at, name) for name, at in self.wakes.items() if name not in busy]
        if self.slots and "attempt" not in busy:
            due.append((min(slot.at for slot in self.slots), "attempt"))
        return min(due, default=None)

    def act(self, actor: str) -> None:
        """Call one actor."""
        if actor == "attempt":
            slot = min(self.slots, key=lambda slot: slot.at)
            self.slots.remove(slot)
            self._attempts.run_slot(slot)
        elif actor == "stop":
            self._lead.release()
        else:
            self.wakes[actor] = self._steps[actor]()

    def _plan(self) -> datetime:
        planned = self._planner.step()
        if planned.drop:
            self.slots.clear()
        self.slots += planned.slots
        return planned.wake

    def _take_requests(self) -> datetime:
        taken, wake = self._wishes.step()
        for request in taken:
            self._wishes.run(request)
        return wake


class World:
    """Everything, under one virtual clock."""

    def __init__(
        self,
        configuration: Configuration,
        sandbox: Callable[[ManualClock], Sandbox],
        start: datetime,
        fault_at: int | None = None,
        kind: Any = None,
        *,
        requests: bool = False,
    ) -> None:
        self.manual = ManualClock(start)
        self.time = Time(self.manual)
        self.start = start
        self.stage = Stage(self._during, self._later, fault_at, kind)
        self._requests = requests
        self.sandbox = sandbox(self.manual)
        self.file = File(Loaded(configuration, (), "first"))
        self.daemons: list[Daemon] = []
        self.halted: list[tuple[datetime, datetime | None]] = []
        self._script: list[tuple[datetime, int, Callable[[], object]]] = []
        self._busy: set[tuple[str, str]] = set()
        self._frozen: set[str] = set()
        self._step = 0

    def ports(self) -> Ports:
        """A process's own ports, whose requests go through the stage if those are the calls."""
        if self._requests:
            return make_ports(
                self.sandbox, self.time, lambda transport: WrappedTransport(self.stage, transport)
            )
        return make_ports(
            self.sandbox, self.time, asking=lambda gateway: self.wrapped("gateway", gateway)
        )

    def wrapped(self, name: str, port: Any, *, local: bool = False) -> Any:
        """A port seen through the stage, if its methods are the calls."""
        return port if self._requests else Wrapped(self.stage, name, port, local=local)

    def spawn(self, name: str) -> Daemon:
        """Start a daemon."""
        daemon = Daemon(self, name)
        self.daemons.append(daemon)
        return daemon

    def at(self, seconds: float, do: Callable[[], object]) -> None:
        """Have something done some seconds after the start."""
        self._script.append((self.start + timedelta(seconds=seconds), len(self._script), do))

    def elapsed(self) -> float:
        """Seconds since the start."""
        return (self.manual.now() - self.start).total_seconds()

    def command(self, actor: str, do: Callable[[], Any]) -> Any:
        """A person's command, whose calls go through the stage too; None when it failed."""
        try:
            return self._acting("person", actor, do)
        except (CallFailed, LedgerUnusable, Died):
            return None

    def terminate(self, daemon: Daemon) -> None:
        """SIGTERM: no new attempt, then the lease is given back."""
        if not daemon.alive:
            return
        daemon.context.stopping = True
        self._run(daemon, "stop")
        daemon.alive = False

    def until(self, seconds: float, after_fault: float | None = None) -> None:
        """Run until that many seconds after the start, or after the fault if that is sooner."""
        end = self.start + timedelta(seconds=seconds)
        while self.manual.now() < end:
            self._until(min(end, self.manual.now() + timedelta(seconds=5)))
            if self.stage.faulted and after_fault is not None:
                end = min(end, self.manual.now() + timedelta(seconds=after_fault))
                after_fault = None

    # --- the loop

    def _until(self, end: datetime) -> None:
        while True:
            due = self._next()
            if due is None or due[0] > end:
                if self.manual.now() < end:
                    self.manual.set(end)
                return
            at, do = due
            if at > self.manual.now():
                self.manual.set(at)
            do()

    def _next(self) -> tuple[datetime, Callable[[], object]] | None:
        due: list[tuple[datetime, int, Callable[[], object]]] = []
        wake = self.sandbox.step()
        if wake is not None:
            due.append((wake, 0, lambda: None))
        if self._script:
            entry = min(self._script, key=lambda entry: entry[:2])
            due.append((entry[0], 1, lambda: self._take_script(entry)))
        for order, daemon in enumerate(self.daemons):
            if not daemon.alive or daemon.name in self._frozen:
                continue
            busy = {actor for name, actor in self._busy if name == daemon.name}
            mine = daemon.next_due(busy)
            if mine is not None:
                at, actor = mine
                due.append((at, 2 + order, partial(self._run, daemon, actor)))
        return min(
            ((at, do) for at, _, do in sorted(due, key=lambda e: e[:2])),
            key=lambda e: e[0],
            default=None,
        )

    def _take_script(self, entry: tuple[datetime, int, Callable[[], object]]) -> None:
        self._script.remove(entry)
        entry[2]()

    def _run(self, daemon: Daemon, actor: str) -> None:
        try:
            self._acting(daemon.name, actor, lambda: daemon.act(actor))
        except Died:
            daemon.alive = False
            reborn = f"{daemon.name}'"
            self._later(RESTART_AFTER, lambda: self.spawn(reborn))

    def _acting(self, process: str, actor: str, do: Callable[[], Any]) -> Any:
        self._step += 1
        self._busy.add((process, actor))
        self.stage.acting.append((process, actor, self._step))
        try:
            return do()
        finally:
            self.stage.acting.pop()
            self._busy.discard((process, actor))

    def _during(self, process: str, actor: str, seconds: float, whole: bool) -> None:
        """The world goes on while a call hangs, or a whole process is frozen."""
        acting, self.stage.acting = self.stage.acting, []
        if whole:
            self._frozen.add(process)
        try:
            self._until(self.manual.now() + timedelta(seconds=seconds))
        finally:
            self._frozen.discard(process)
            self.stage.acting = acting

    def _later(self, seconds: float, do: Callable[[], object]) -> None:
        def quietly() -> None:
            # Whoever asked for it has given up: nobody hears of an error.
            with contextlib.suppress(CallFailed):
                do()

        at = self.manual.now() + timedelta(seconds=seconds)
        self._script.append((at, len(self._script) + 1000, quietly))
