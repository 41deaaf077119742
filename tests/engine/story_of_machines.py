"""Short stories of what ends with more than evictions: reboots, ended machines, crashes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chaosd.core.cloud import Machine
from chaosd.core.model import Action, Configuration, StepAction, TargetKind
from chaosd.ports import NotFound
from chaosd.sandbox import Cluster, scenarios
from chaosd.sandbox.cluster import Change
from tests.engine.cluster_side import Sandbox, build, cordon, reserved
from tests.engine.helper_side import HELPER, HELPERS
from tests.engine.stage import Kind
from tests.engine.story_parts import START, first_slot, live, story_policy, two_processes
from tests.engine.world import World

GONE_AFTER = 6.0


def configuration(action: Action) -> Configuration:
    """One live policy of that action, every two minutes."""
    target = TargetKind.POD if action is Action.CRASH else TargetKind.NODE
    policy = story_policy("hard", target, action, every=120, deadline=110, hold=timedelta(0))
    return live(policy, per_hour=20, helper=HELPER)


def fleet(cluster: Cluster) -> None:
    """Two nodes that opted in, with a pod of web (which opted in too) each, and one with room."""
    cordon(cluster)
    scenarios.namespace(cluster, HELPERS)
    for name in ("n1", "n2"):
        scenarios.node(cluster, name, zone="a", opt_in=True)
    scenarios.deployment(cluster, "shop", "web", 2, opt_in=True)
    scenarios.settle(cluster)
    scenarios.node(cluster, "n3", zone="a")


@dataclass
class Deed:
    """Something that was really struck: what, when, and the intents that had a step of the kind
    reserved at that moment."""

    what: StepAction
    identity: str
    reserved: list[str]


@dataclass
class Deeds:
    """Sees machines start anew, containers killed and machines ended, as the cluster does."""

    sandbox: Sandbox
    seen: list[Deed] = field(default_factory=list)

    def note(self, what: StepAction, identity: str) -> None:
        """Look which intent was reserved for it."""
        mine = reserved(
            self.sandbox.cluster,
            lambda step: step.action is what and step.victim.identity == identity,
        )
        self.seen.append(Deed(what, identity, mine))

    def look(self, change: Change) -> None:
        """A listener of the cluster."""
        if change.old is None or change.new is None:
            return
        if change.resource == "nodes":
            before, after = (_boot(one) for one in (change.old, change.new))
            if before != after:
                self.note(StepAction.REBOOT, before)
        if change.resource == "pods":
            before, after = (_container(one) for one in (change.old, change.new))
            if before and after != before and not _node_restarted(self, before):
                self.note(StepAction.CRASH, before)


def _boot(node: Any) -> str:
    return str(node["status"]["nodeInfo"]["bootID"])


def _container(pod: Any) -> str:
    found = pod.get("status", {}).get("containerStatuses") or [{}]
    return str(found[0].get("containerID", ""))


def _node_restarted(deeds: Deeds, _container: str) -> bool:
    return any(deed.what is StepAction.REBOOT for deed in deeds.seen)


class Machines:
    """A small simulated cloud: an ended machine is gone a little later, its node with it, and a new
    one takes its place (a :class:`chaosd.targets.cloud.Cloud`)."""

    settles_after = 90.0  # longer than any process of these stories is frozen

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds
        self._going: dict[str, Machine] = {}
        self.world: World | None = None

    def serves(self, provider_id: str) -> bool:
        return provider_id.startswith("sandbox://")

    def objection(self, provider_id: str) -> str:
        return f"{provider_id} is ending" if provider_id in self._going else ""

    def terminate(self, provider_id: str, timeout: float) -> None:
        if self._going.get(provider_id) is Machine.GONE:
            raise NotFound(400, "InvalidInstanceID", "it is gone")
        if provider_id in self._going:
            return
        self._deeds.note(StepAction.TERMINATE, provider_id)
        self._going[provider_id] = Machine.GOING
        assert self.world is not None
        self.world.at(self.world.elapsed() + GONE_AFTER, lambda: self._end(provider_id))

    def machine(self, provider_id: str) -> Machine:
        return self._going.get(provider_id, Machine.RUNNING)

    def _end(self, provider_id: str) -> None:
        self._going[provider_id] = Machine.GONE
        cluster = self._deeds.sandbox.cluster
        for node in list(cluster.all("nodes")):
            if node["spec"].get("providerID") == provider_id:
                name = node["metadata"]["name"]
                cluster.remove("nodes", "", name)
                zone = "a"
                number = len(self._going)
                scenarios.node(cluster, f"new-{number}", zone=zone, opt_in=True)


def tell(action: Action, fault_at: int | None = None, kind: Kind | None = None) -> World:
    """Two slots of the action, with one call of a port gone wrong."""
    told = configuration(action)
    deeds: list[Deeds] = []
    machines: list[Machines] = []

    def make(clock: Any) -> Sandbox:
        sandbox = build(fleet)(clock)
        deeds.append(Deeds(sandbox))
        machines.append(Machines(deeds[0]))
        sandbox.clouds = (machines[0],)
        sandbox.cluster.subscribe(deeds[0].look)
        return sandbox

    world = World(told, make, START, fault_at, kind)
    machines[0].world = world
    world.deeds = deeds[0]  # type: ignore[attr-defined]
    first = two_processes(world)
    offset = first_slot(world, told)
    world.at(offset + 60, lambda: world.terminate(first))
    world.until(offset + 420, after_fault=330)
    return world
