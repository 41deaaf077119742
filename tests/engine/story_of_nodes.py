"""One short story of drains: a pod that is refused, a halt in a hold, a shutdown, a takeover."""

from __future__ import annotations

from datetime import timedelta

from chaosd.core.ledger import Halt
from chaosd.core.model import Action, Configuration, Limits, Policy, Select, TargetKind
from chaosd.core.preview import policy_slots
from chaosd.core.schedule import Every
from chaosd.engine.book import Book
from chaosd.engine.halt import Halting, resume_now
from chaosd.sandbox import Cluster, Rule, scenarios
from tests.engine.cluster_side import build, cordon
from tests.engine.stage import Kind
from tests.engine.story import ALWAYS, START
from tests.engine.world import World

NODES = Policy(
    name="nodes",
    target=TargetKind.NODE,
    action=Action.DRAIN,
    schedule=Every(timedelta(seconds=45), timedelta(0)),
    select=Select(min_age=timedelta(0)),
    windows=ALWAYS,
    limits=Limits(),
    deadline=timedelta(seconds=40),
    cooldown=timedelta(0),
    dry_run=False,
    hold=timedelta(seconds=6),
)
CONFIGURATION = Configuration(
    windows=ALWAYS,
    policies=(NODES,),
    dry_run=False,
    limits=Limits(per_hour=8, per_day=20, concurrent=1),
)


def fleet(cluster: Cluster) -> None:
    """Two nodes that opted in, each with a pod of web and one of a DaemonSet; others with room."""
    cordon(cluster)
    for name in ("n1", "n2"):
        scenarios.node(cluster, name, zone="a", opt_in=True)
    scenarios.deployment(cluster, "shop", "web", 2)
    scenarios.daemon_set(cluster, "shop", "agent")
    scenarios.settle(cluster)
    scenarios.node(cluster, "n3", zone="a")
    scenarios.pdb(cluster, "shop", "web", min_available=1)


class Person:
    """Somebody who halts while a node is held, and resumes."""

    def __init__(self, world: World) -> None:
        self._world = world
        ports = world.ports()
        self._book = Book(world.wrapped("ledger", ports.ledger))
        self._halting = Halting(
            self._book,
            world.time,
            {TargetKind.NODE: world.wrapped("target", ports.nodes)},
            Halt("somebody", "trying it", world.time.now()),
        )

    def halt(self) -> None:
        """Step until it is acknowledged, trying again after an error, as a person would."""
        world = self._world
        progress = world.command("halt", self._halting.step)
        if progress is None or not progress.acknowledged:
            world.at(world.elapsed() + 1, self.halt)
            return
        world.halted.append((world.time.now(), None))
        world.at(world.elapsed() + 8, self.resume)

    def resume(self) -> None:
        """Take it back."""
        world = self._world
        if world.halted and world.halted[-1][1] is None:
            world.halted[-1] = (world.halted[-1][0], world.time.now())
        if world.command("resume", lambda: resume_now(self._book) or True) is None:
            world.at(world.elapsed() + 1, self.resume)


def tell(fault_at: int | None = None, kind: Kind | None = None, *, requests: bool = False) -> World:
    """Tell the story, with one call gone wrong: a port's method, or a single HTTP request.

    The answers to one taint and to one eviction are lost in any case, and one eviction is refused.
    A budget that a mismatched eviction has spent comes back after two minutes: the story lasts
    longer than that after its fault.
    """
    world = World(CONFIGURATION, build(fleet), START, fault_at, kind, requests=requests)
    faults = world.sandbox.api.faults
    taint = "/nodes/n[12]$"
    faults.add(Rule(do="lost", when="after", verbs=("patch",), path=taint, skip=2, count=1))
    evict = "/eviction$"
    faults.add(Rule(do="lost", when="after", verbs=("create",), path=evict, skip=1, count=1))
    faults.add(Rule(do="status", status=429, verbs=("create",), path=evict, count=1))
    first = world.spawn("a")
    world.at(3, lambda: world.spawn("b"))
    system = world.sandbox.cluster.get("namespaces", "", "kube-system") or {}
    slots = policy_slots(
        CONFIGURATION, system["metadata"]["uid"], {}, START, START + timedelta(minutes=5)
    )
    offset = (next(slots).at - START).total_seconds()
    person = Person(world)
    world.at(offset + 49, person.halt)
    world.at(offset + 93, lambda: world.terminate(first))
    world.until(offset + 330, after_fault=230)
    return world
