"""One short story in which everything happens: kills, a halt, a bad reload, a shutdown."""

from __future__ import annotations

import msgspec

from chaosd.core.ledger import Request
from chaosd.core.model import Action, TargetKind
from chaosd.core.requests import VALID, post
from chaosd.sandbox import Cluster, Rule, scenarios
from tests.engine.cluster_side import build
from tests.engine.stage import Kind
from tests.engine.story_parts import START, Person, first_slot, live, story_policy, two_processes
from tests.engine.world import World

OPTED_IN = frozenset({"shop/web-", "shop/cart-"})

WEB = story_policy("web", TargetKind.POD, Action.EVICT, every=30, deadline=20)
CONFIGURATION = live(WEB, per_hour=7)


def shop(cluster: Cluster) -> None:
    """Two workloads that opted in, one that did not, and a budget that leaves room for one."""
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.stateful_set(cluster, "shop", "cart", 2, opt_in=True)
    scenarios.deployment(cluster, "shop", "other", 3)
    scenarios.pdb(cluster, "shop", "web", min_available=2)


class Somebody(Person):
    """Asks for an attempt, too."""

    def __init__(self, world: World) -> None:
        super().__init__(world, TargetKind.POD, world.ports().target, rest=12)

    def ask(self) -> None:
        """Ask for one on one workload."""
        world, now = self.world, self.world.time.now()
        wish = Request("abcdefgh", "web", "somebody", now, now + VALID, "shop/StatefulSet/cart")
        if not world.command("ask", lambda: self.book.change(lambda led: post(led, wish))):
            world.at(world.elapsed() + 1, self.ask)


def tell(fault_at: int | None = None, kind: Kind | None = None, *, requests: bool = False) -> World:
    """Tell the story, with one call gone wrong: a port's method, or a single HTTP request.

    The answer to one eviction is lost in any case, so that what comes after such a loss is part of
    the story.
    """
    world = World(CONFIGURATION, build(shop), START, fault_at, kind, requests=requests)
    faults = world.sandbox.api.faults
    faults.add(Rule(do="lost", when="after", verbs=("create",), path="/eviction$", skip=1, count=1))
    first = two_processes(world)
    other = msgspec.structs.replace(CONFIGURATION, cluster="renamed")
    offset = first_slot(world, CONFIGURATION)
    person = Somebody(world)
    world.at(offset + 20, person.ask)
    world.at(offset + 1, person.halt)
    world.at(offset + 50, world.file.spoil)
    world.at(offset + 58, lambda: world.file.write(other, "second"))
    world.at(offset + 75, lambda: world.terminate(first))
    world.until(offset + 200, after_fault=130)
    return world
