"""A small simulated cloud under a scene's nodes (a :class:`chaosd.targets.cloud.Cloud`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from chaosd.core.cloud import Machine
from chaosd.ports import CallFailed, NotFound
from chaosd.sandbox import Cluster, scenarios
from tests.engine.scene import Scene


@dataclass
class Machines:
    """Machines by the provider IDs of the sandbox's nodes.

    One that is ended is going, and its node NotReady; :meth:`finish` takes both away and puts a new
    node in its place. ``ended`` counts the requests that were heard. ``before`` and ``after`` are
    done around the next of them: raised errors are answers that are given, or lost.
    """

    settles_after: float = 60.0
    ended: Counter[str] = field(default_factory=Counter)
    states: dict[str, Machine] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    before: Callable[[], object] | None = None
    after: Callable[[], object] | None = None
    down: CallFailed | None = None
    scene: Scene | None = None
    asked: int = 0

    @property
    def _cluster(self) -> Cluster:
        assert self.scene is not None
        return self.scene.cluster

    def serves(self, provider_id: str) -> bool:
        """All of the sandbox's nodes have such IDs."""
        return provider_id.startswith("sandbox://")

    def objection(self, provider_id: str) -> str:
        """Protection is the only one."""
        return f"{provider_id} is protected" if provider_id in self.protected else ""

    def terminate(self, provider_id: str, timeout: float) -> None:
        """End it, as the cloud hears of it."""
        first, self.before = self.before, None
        if first:
            first()
        if self.states.get(provider_id) is Machine.GONE:
            raise NotFound(400, "InvalidInstanceID.NotFound", "there is no such instance")
        self.hear(provider_id)
        last, self.after = self.after, None
        if last:
            last()

    def machine(self, provider_id: str) -> Machine:
        """How it is now."""
        self.asked += 1
        if self.down:
            raise self.down
        return self.states.get(provider_id, Machine.RUNNING)

    def hear(self, provider_id: str) -> None:
        """A request to end it has arrived, maybe late."""
        self.ended[provider_id] += 1
        self.states[provider_id] = Machine.GOING
        scenarios.set_node_ready(self._cluster, provider_id.rpartition("/")[2], False)

    def finish(self, name: str, successor: str) -> None:
        """The machine of a node is gone, its node with it, and another has come."""
        node = self._cluster.remove("nodes", "", name)
        self.states[node["spec"]["providerID"]] = Machine.GONE
        scenarios.node(self._cluster, successor, zone="a", opt_in=True)


def raising(error: CallFailed) -> Callable[[], object]:
    """What answers so, or loses the answer."""

    def answer() -> object:
        raise error

    return answer
