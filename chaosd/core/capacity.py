"""Whether what a node loses fits on the other nodes: a simple estimate.

As the scheduler does, it compares requests of CPU and memory and the number of pods with what nodes
can allocate, and honours taints, tolerations and ``nodeSelector``. It does not ask for affinities,
topology spread, the zones of volumes, host ports, ephemeral storage and other resources (GPUs), and
it moves nothing to make room; so "it fits" may prove wrong for pods with such wishes. Pods without
requests fit wherever one more pod does. Pods that wait for a node are not counted, what an
autoscaler would add neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from chaosd.core.facts import NodeFacts, Placed, PodFacts, Resources, Taint, Toleration
from chaosd.core.model import Code, Reason, Reasons
from chaosd.core.nodes import in_service

_KEEPS_OFF = ("NoSchedule", "NoExecute")
_UNITS = (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))

# A nodeSelector and tolerations: pods that are alike in them may go to the same nodes.
_Wishes = tuple[tuple[tuple[str, str], ...], tuple[Toleration, ...]]


class _Offer(Struct, frozen=True):
    """What is kept of a node."""

    labels: Mapping[str, str]
    taints: tuple[Taint, ...]
    cpu: int
    memory: int
    pods: int


class Room:
    """What all nodes of the cluster have left, whoever the victim may be.

    Memory is proportional to nodes, not to pods. A pod that is counted twice makes the room look
    smaller, never larger.
    """

    def __init__(self) -> None:
        self._offers: dict[str, _Offer] = {}
        self._used: dict[str, list[int]] = {}
        self._texts: dict[str, str] = {}

    def add_nodes(self, nodes: Iterable[NodeFacts]) -> None:
        """Count a page of nodes; one that comes again counts once, as it is now.

        Only those offer room that are :func:`chaosd.core.nodes.in_service`.
        """
        for node in nodes:
            if not in_service(node):
                self._offers.pop(node.name, None)
                continue
            give = node.allocatable
            taints = tuple(taint for taint in node.taints if taint.effect in _KEEPS_OFF)
            labels = {self._once(key): self._once(value) for key, value in node.labels.items()}
            self._offers[node.name] = _Offer(labels, taints, give.cpu, give.memory, give.pods)

    def add_pods(self, pods: Iterable[Placed]) -> None:
        """Count a page of pods; before or after the nodes."""
        used = self._used
        for pod in pods:
            node = used.get(pod.node)
            if node is None:
                node = used[pod.node] = [0, 0, 0]
            requests = pod.requests
            node[0] += requests.cpu
            node[1] += requests.memory
            node[2] += 1

    def forget_pods(self) -> None:
        """Count pods anew."""
        self._used.clear()

    def hosts(self, pods: Iterable[PodFacts], away: Collection[str]) -> list[str]:
        """The other nodes than ``away`` on which at least one of ``pods`` may start, by name."""
        wishes = set(map(_wishes, pods))
        return sorted(
            name
            for name, offer in self._offers.items()
            if name not in away and any(_admits(offer, one) for one in wishes)
        )

    def fits(
        self,
        pods: Sequence[PodFacts],
        away: Collection[str],
        among: Iterable[str] | None = None,
    ) -> Reasons:
        """Why ``pods`` would not all find room on other nodes than ``away``.

        ``pods`` are those that must move; ``away`` the victim and whatever open intents hold. The
        largest pod goes first, each to the first node that has room for it. ``among`` are the nodes
        whose pods have been counted, None for all: what fits on some fits on all.
        """
        names = self._offers if among is None else among
        offers = {name: self._offers[name] for name in names if name not in away}
        packing = _Packing([self._space(name, offer) for name, offer in offers.items()])
        cpu = max((offer.cpu for offer in offers.values()), default=0) or 1
        memory = max((offer.memory for offer in offers.values()), default=0) or 1

        def size(pod: PodFacts) -> tuple[float, str]:
            return -max(pod.requests.cpu / cpu, pod.requests.memory / memory), str(pod)

        lost = [pod for pod in sorted(pods, key=size) if not packing.place(pod)]
        if not lost:
            return ()
        first = lost[0]
        why = "has the room" if packing.allowed(_wishes(first)) else "matches its labels and taints"
        detail = f"{len(lost)} of {len(pods)} pods would not fit elsewhere, like {first}"
        detail += f" ({_requested(first.requests)}): no other node {why}"
        return (Reason(Code.NO_CAPACITY, detail),)

    def _space(self, name: str, offer: _Offer) -> _Space:
        cpu, memory, pods = self._used.get(name, (0, 0, 0))
        return _Space(offer, offer.cpu - cpu, offer.memory - memory, offer.pods - pods)

    def _once(self, text: str) -> str:
        """The same text, kept once for all nodes."""
        return self._texts.setdefault(text, text)


def tolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> bool:
    """Whether ``tolerations`` let a pod start on a node with ``taints``.

    A taint that only makes others preferred keeps nothing off; an operator that is neither Equal
    nor Exists is taken to tolerate nothing.
    Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
    """
    return all(
        taint.effect not in _KEEPS_OFF or any(_tolerates(one, taint) for one in tolerations)
        for taint in taints
    )


class _Space(Struct):
    """What one node has left, less with each pod that is placed."""

    offer: _Offer
    cpu: int
    memory: int
    pods: int

    def take(self, requests: Resources) -> bool:
        """Give room for one more pod; as for the scheduler, no request fits even where less than
        nothing is left."""
        cpu, memory = requests.cpu, requests.memory
        if self.pods < 1 or (cpu and cpu > self.cpu) or (memory and memory > self.memory):
            return False
        self.cpu -= cpu
        self.memory -= memory
        self.pods -= 1
        return True


class _Packing:
    """Pods being placed, each on the first node that has room for it.

    Room only shrinks, so where one pod found none, another just like it finds none either: it is
    looked for from where the last one was placed.
    """

    def __init__(self, spaces: Sequence[_Space]) -> None:
        self._spaces = spaces
        self._allowed: dict[_Wishes, list[_Space]] = {}
        self._next: dict[tuple[_Wishes, Resources], int] = {}

    def place(self, pod: PodFacts) -> bool:
        """Whether there was room for it, which is taken now."""
        wishes = _wishes(pod)
        alike = wishes, pod.requests
        spaces, at = self.allowed(wishes), self._next.get(alike, 0)
        while at < len(spaces) and not spaces[at].take(pod.requests):
            at += 1
        self._next[alike] = at
        return at < len(spaces)

    def allowed(self, wishes: _Wishes) -> list[_Space]:
        """The nodes whose labels and taints let such pods start."""
        found = self._allowed.get(wishes)
        if found is None:
            found = [space for space in self._spaces if _admits(space.offer, wishes)]
            self._allowed[wishes] = found
        return found


def _wishes(pod: PodFacts) -> _Wishes:
    return tuple(sorted(pod.node_selector.items())), pod.tolerations


def _admits(offer: _Offer, wishes: _Wishes) -> bool:
    selector, tolerations = wishes
    labels = offer.labels
    if selector and any(labels.get(key) != value for key, value in selector):
        return False
    return not offer.taints or tolerated(offer.taints, tolerations)


def _tolerates(toleration: Toleration, taint: Taint) -> bool:
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.operator == "Exists":
        return toleration.key in ("", taint.key)
    equal = toleration.operator in ("", "Equal")
    return equal and (toleration.key, toleration.value) == (taint.key, taint.value)


def _requested(requests: Resources) -> str:
    """As people write it in a manifest."""
    found = []
    if cpu := requests.cpu:
        found.append(f"{cpu}m CPU" if cpu % 1000 else f"{cpu // 1000} CPU")
    if memory := requests.memory:
        unit, size = next(((unit, size) for unit, size in _UNITS if memory >= size), ("", 1))
        found.append(f"{round(memory / size, 1):g}{unit} of memory")
    return "it requests " + (" and ".join(found) or "nothing")
