"""One short story of drains: a pod that is refused, a halt in a hold, a shutdown, a takeover."""

from __future__ import annotations

from datetime import timedelta

from chaosd.core.model import Action, TargetKind
from chaosd.sandbox import Cluster, Rule, scenarios
from tests.engine.cluster_side import build, cordon
from tests.engine.stage import Kind
from tests.engine.story_parts import START, Person, first_slot, live, story_policy, two_processes
from tests.engine.world import World

NODES = story_policy(
    "nodes",
    TargetKind.NODE,
    Action.DRAIN,
    every=45,
    deadline=40,
    hold=timedelta(seconds=6),
)
CONFIGURATION = live(NODES, per_hour=8)


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
    first = two_processes(world)
    offset = first_slot(world, CONFIGURATION)
    person = Person(world, TargetKind.NODE, world.ports().nodes, rest=8)
    world.at(offset + 49, person.halt)
    world.at(offset + 93, lambda: world.terminate(first))
    world.until(offset + 330, after_fault=230)
    return world
