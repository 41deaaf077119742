"""One process of a scene: its clock, its actors, and what goes before its requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from chaosd.core.facts import Own
from chaosd.core.model import EVERY_WORKLOAD, TargetKind
from chaosd.core.schedule import Slot
from chaosd.engine.attempt import Attempts, Ended
from chaosd.engine.book import Book
from chaosd.engine.context import Context
from chaosd.engine.lead import Lead
from chaosd.engine.observe import Observer
from chaosd.engine.plan import Planner
from chaosd.engine.reload import Reload
from chaosd.engine.wishes import Wishes
from chaosd.kube.node_reads import KubeNodeReads
from chaosd.kube.reads import KubeReads
from chaosd.ports import Guard, Notice, Target, Versioned
from chaosd.sandbox import ManualClock
from chaosd.targets.cloud import Cloud
from chaosd.targets.etcd import EtcdTarget
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_guard import EtcdGuard
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.nodes import NodeTarget
from chaosd.targets.pods import PodTarget
from tests.engine.cluster_side import NAMESPACE, make_ports
from tests.engine.stage import Died
from tests.engine.world import Tape
from tests.support.etcd import FakeEtcd

if TYPE_CHECKING:
    from tests.engine.scene import Scene


class Clock(ManualClock):
    """The time of a scene. ``jump`` moves wall clocks alone, also backwards; boot time goes on."""

    def __init__(self, start: datetime) -> None:
        super().__init__(start)
        self._start = start
        self._jumped = timedelta(0)

    def boot(self) -> float:
        """Virtual seconds since the start."""
        return (self.now() - self._jumped - self._start).total_seconds()

    def jump(self, by: timedelta) -> None:
        """Set every wall clock."""
        self._jumped += by
        self.advance(by)


@dataclass(frozen=True)
class Off:
    """A process's clock, whose wall time is off."""

    clock: Clock
    by: timedelta

    def now(self) -> datetime:
        """Its wall time."""
        return self.clock.now() + self.by

    def boot(self) -> float:
        """Boot time is not off."""
        return self.clock.boot()


class Hook:
    """A transport that has something done once, right before the ``nth`` request whose
    ``METHOD PATH`` holds ``where``: what others do meanwhile, at the worst moment."""

    def __init__(self, where: str, do: Callable[[], object], nth: int = 1) -> None:
        self.where, self.do, self.left = where, do, nth
        self.transport: Any = None

    def __call__(self, transport: Any) -> Hook:
        """Stand before this transport."""
        self.transport = transport
        return self

    def send(self, method: str, path: str, *args: Any) -> Any:
        """Pass a request on."""
        if self.where in f"{method} {path}" and self.left:
            self.left -= 1
            if not self.left:
                self.do()
        return self.transport.send(method, path, *args)


class Process:
    """One process. Its actors are called by hand, or by :meth:`Scene.run`, but for those that it is
    ``without`` (hours of virtual time are quicker so)."""

    def __init__(
        self,
        scene: Scene,
        name: str,
        *,
        off: timedelta = timedelta(0),
        own: Own = Own(),  # noqa: B008 - frozen
        through: Callable[[Any], Any] = lambda transport: transport,
        target: Callable[[KubeReads], Target] | None = None,
        guards: Sequence[Guard] = (),
        clouds: Sequence[Cloud] = (),
        without: Sequence[str] = (),
    ) -> None:
        self.name, self.scene = name, scene
        self.alive, self.awake = True, True
        self.tape = Tape()
        self.slots: list[Slot] = []
        self.ended: list[Ended] = []
        clock = Off(scene.clock, off)
        ports = make_ports(scene.sandbox, clock, through)
        reads = KubeNodeReads(ports.api)
        gateway = scene.sandbox.etcd or FakeEtcd()
        clusters = EtcdClusters(reads, gateway, EtcdMemory(), scene.clock.boot)
        self.context = Context(
            holder=name,
            clock=clock,
            book=Book(ports.ledger),
            lease=ports.lease,
            cluster=ports.cluster,
            settings=scene.file,
            events=ports.events,
            report=self.tape,
            targets={
                TargetKind.POD: target(reads) if target else PodTarget(reads, own, clusters),
                TargetKind.NODE: NodeTarget(reads, own, clouds, clusters),
                TargetKind.ETCD: EtcdTarget(reads, clusters),
            },
            guards=(*guards, EtcdGuard(reads, clusters)) if scene.sandbox.etcd else guards,
        )
        self._act_through(ports.ledger)
        self._wakes = {name: clock.boot() for name in self._actors if name not in without}

    def _act_through(self, ledger: Versioned) -> None:
        """Its actors, which share its context."""
        now = self.context.clock.now()
        about = Notice("", "ConfigMap", NAMESPACE, "chaosd-ledger", "", "", now)
        self.reload = Reload(self.context, about)
        self.lead = Lead(self.context, ledger)
        self.observer = Observer(self.context)
        self.planner = Planner(self.context)
        self.attempts = Attempts(self.context)
        self.wishes = Wishes(self.context, self.attempts)
        self._actors = {
            "reload": self.reload.step,
            "lead": self.lead.step,
            "observe": self.observer.step,
            "plan": self._plan,
            "requests": self._take,
        }

    def start(self) -> Process:
        """Load the configuration, look at the lease (and lead if it is free), read the ledger."""
        for step in (self.reload.step, self.lead.step, self.observer.step):
            step()
        return self

    def attempt(self, at: datetime | None = None, **slot: Any) -> Ended:
        """One slot (now, unless told otherwise) of policy ``web``, and how its last attempt
        ended."""
        slot = {"policy": "web", "workload": EVERY_WORKLOAD, **slot}
        at = at or self.context.clock.now()
        self.ended += self.attempts.run_slot(Slot(at=at, **slot))
        return self.ended[-1]

    def live(self, policy: str, seconds: float) -> None:
        """Attempt, and run for so long; wherever it dies in that, it is gone afterwards."""
        with suppress(Died):
            self.attempt(policy=policy)
            self.scene.run(seconds)
        self.die()

    def die(self) -> None:
        """As with SIGKILL."""
        self.alive = False

    def stop(self) -> None:
        """As with SIGTERM."""
        self.context.stopping = True
        self.lead.release()
        self.alive = False

    def due(self) -> datetime:
        """When it wants to be called next, on the scene's clock.

        Its loops sleep for a while, whatever is done to wall clocks meanwhile.
        """
        clock, now = self.context.clock, self.scene.now()
        sleeps = timedelta(seconds=min(self._wakes.values()) - clock.boot())
        slots = [now + (slot.at - clock.now()) for slot in self.slots]
        return min([now + sleeps, *slots])

    def act(self) -> None:
        """Do the one thing that is due first; slots go first."""
        now = self.context.clock.now()
        slot = min(self.slots, key=lambda one: one.at, default=None)
        if slot and slot.at <= now:
            self.slots.remove(slot)
            self.ended += self.attempts.run_slot(slot)
            return
        actor = min(self._wakes, key=lambda name: self._wakes[name])
        wake = self._actors[actor]()
        clock = self.context.clock
        self._wakes[actor] = clock.boot() + (wake - clock.now()).total_seconds()

    def _plan(self) -> datetime:
        planned = self.planner.step()
        if planned.drop:
            self.slots.clear()
        self.slots += planned.slots
        return planned.wake

    def _take(self) -> datetime:
        taken, wake = self.wishes.step()
        self.ended += [self.wishes.run(request) for request in taken]
        return wake
