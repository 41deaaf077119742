"""One short story in which everything happens: kills, a halt, a bad reload, a shutdown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from chaosd.core.ledger import Halt, Request
from chaosd.core.model import Action, Configuration, Limits, Policy, Select, TargetKind
from chaosd.core.preview import policy_slots
from chaosd.core.requests import VALID, post
from chaosd.core.schedule import Every
from chaosd.core.window import Windows
from chaosd.engine.book import Book
from chaosd.engine.halt import Halting, resume_now
from chaosd.sandbox import Cluster, Rule, scenarios
from tests.engine.cluster_side import build
from tests.engine.stage import Kind
from tests.engine.world import World

START = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ALWAYS = Windows("UTC", (), ())
OPTED_IN = frozenset({"shop/web-", "shop/cart-"})

WEB = Policy(
    name="web",
    target=TargetKind.POD,
    action=Action.EVICT,
    schedule=Every(timedelta(seconds=30), timedelta(0)),
    select=Select(min_age=timedelta(0)),
    windows=ALWAYS,
    limits=Limits(),
    deadline=timedelta(seconds=20),
    cooldown=timedelta(0),
    dry_run=False,
)
CONFIGURATION = Configuration(
    windows=ALWAYS,
    policies=(WEB,),
    dry_run=False,
    limits=Limits(per_hour=7, per_day=20, concurrent=1),
)


def shop(cluster: Cluster) -> None:
    """Two workloads that opted in, one that did not, and a budget that leaves room for one."""
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.stateful_set(cluster, "shop", "cart", 2, opt_in=True)
    scenarios.deployment(cluster, "shop", "other", 3)
    scenarios.pdb(cluster, "shop", "web", min_available=2)


class Person:
    """Somebody with a command line: halts, and resumes when it was acknowledged."""

    def __init__(self, world: World) -> None:
        self._world = world
        ports = world.ports()
        self._book = Book(world.wrapped("ledger", ports.ledger))
        self._halting = Halting(
            self._book,
            world.time,
            {TargetKind.POD: world.wrapped("target", ports.target)},
            Halt("somebody", "trying it", world.time.now()),
        )

    def ask(self) -> None:
        """Ask for an attempt on one workload."""
        now = self._world.time.now()
        wish = Request("abcdefgh", "web", "somebody", now, now + VALID, "shop/StatefulSet/cart")
        if self._world.command("ask", lambda: self._book.change(lambda led: post(led, wish))):
            return
        self._world.at(self._world.elapsed() + 1, self.ask)

    def halt(self) -> None:
        """Step until it is acknowledged, trying again after an error, as a person would."""
        world = self._world
        progress = world.command("halt", self._halting.step)
        if progress is None or not progress.acknowledged:
            world.at(world.elapsed() + 1, self.halt)
            return
        world.halted.append((world.time.now(), None))
        world.at(world.elapsed() + 12, self.resume)

    def resume(self) -> None:
        """Take it back."""
        world = self._world
        if world.halted and world.halted[-1][1] is None:
            world.halted[-1] = (world.halted[-1][0], world.time.now())
        if world.command("resume", lambda: resume_now(self._book) or True) is None:
            world.at(world.elapsed() + 1, self.resume)


def tell(fault_at: int | None = None, kind: Kind | None = None, *, requests: bool = False) -> World:
    """Tell the story, with one call gone wrong: a port's method, or a single HTTP request.

    The answers to one eviction and to one swap of the ledger are lost in any case, so that what
    comes after such a loss is part of the story.
    """
    world = World(CONFIGURATION, build(shop), START, fault_at, kind, requests=requests)
    faults = world.sandbox.api.faults
    faults.add(Rule(do="lost", when="after", verbs=("create",), path="/eviction$", skip=1, count=1))
    first = world.spawn("a")
    world.at(3, lambda: world.spawn("b"))
    other = msgspec.structs.replace(CONFIGURATION, cluster="renamed")
    system = world.sandbox.cluster.get("namespaces", "", "kube-system") or {}
    offset = _first_slot(system["metadata"]["uid"])
    person = Person(world)
    world.at(offset + 20, person.ask)
    world.at(offset + 1, person.halt)
    world.at(offset + 50, world.file.spoil)
    world.at(offset + 58, lambda: world.file.write(other, "second"))
    world.at(offset + 75, lambda: world.terminate(first))
    world.until(offset + 200, after_fault=130)
    return world


def _first_slot(seed: str) -> float:
    """Seconds until the policy's first slot: its offset is seeded."""
    slot = next(policy_slots(CONFIGURATION, seed, {}, START, START + timedelta(minutes=5)))
    return (slot.at - START).total_seconds()
