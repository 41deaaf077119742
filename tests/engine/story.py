"""One short story in which everything happens: kills, a halt, a bad reload, a shutdown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from chaosd.core.ledger import Halt
from chaosd.core.model import Action, Configuration, Limits, Policy, Select, TargetKind
from chaosd.core.preview import policy_slots
from chaosd.core.schedule import Every
from chaosd.core.window import Windows
from chaosd.engine.book import Book
from chaosd.engine.halt import Halting, resume_now
from chaosd.sandbox import scenarios
from chaosd.sandbox.cluster import Cluster
from tests.engine.cluster_side import build, make_ports
from tests.engine.stage import Kind, Wrapped
from tests.engine.world import World

START = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
ALWAYS = Windows("UTC", (), ())
OPTED_IN = frozenset({"shop/web-", "shop/cart-"})

WEB = Policy(
    name="web",
    target=TargetKind.POD,
    action=Action.EVICT,
    schedule=Every(timedelta(seconds=60), timedelta(0)),
    select=Select(min_age=timedelta(0)),
    windows=ALWAYS,
    limits=Limits(),
    deadline=timedelta(seconds=45),
    cooldown=timedelta(0),
    dry_run=False,
)
CONFIGURATION = Configuration(
    windows=ALWAYS,
    policies=(WEB,),
    dry_run=False,
    seed="story",
    limits=Limits(per_hour=6, per_day=20, concurrent=1),
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
        ports = make_ports(world.sandbox, world.time)
        stage = world.stage
        self._book = Book(Wrapped(stage, "ledger", ports.ledger))  # type: ignore[arg-type]
        self._halting = Halting(
            self._book,
            world.time,
            {TargetKind.POD: Wrapped(stage, "target", ports.target)},  # type: ignore[dict-item]
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
        world.at(world.elapsed() + 30, self.resume)

    def resume(self) -> None:
        """Take it back."""
        world = self._world
        if world.halted and world.halted[-1][1] is None:
            world.halted[-1] = (world.halted[-1][0], world.time.now())
        if world.command("resume", lambda: resume_now(self._book) or True) is None:
            world.at(world.elapsed() + 1, self.resume)


def tell(fault_at: int | None = None, kind: Kind | None = None) -> World:
    """Tell the story, with one call gone wrong."""
    world = World(CONFIGURATION, build(shop), START, fault_at, kind)
    first = world.spawn("a")
    world.at(3, lambda: world.spawn("b"))
    other = msgspec.structs.replace(CONFIGURATION, cluster="renamed")
    offset = _first_slot()
    world.at(offset + 61, Person(world).halt)
    world.at(offset + 130, world.file.spoil)
    world.at(offset + 150, lambda: world.file.write(other, "second"))
    world.at(offset + 200, lambda: world.terminate(first))
    world.until(offset + 480)
    return world


def _first_slot() -> float:
    """Seconds until the policy's first slot: its offset is seeded."""
    slot = next(policy_slots(CONFIGURATION, "story", {}, START, START + timedelta(minutes=5)))
    return (slot.at - START).total_seconds()
