"""Whether what a node loses fits on the other nodes: an estimate, on the safe side."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from chaosd.core.facts import NodeFacts, Placed, PodFacts, Taint, Toleration
from chaosd.core.model import Reasons


class Room:
    """What all nodes of the cluster have left, whoever the victim may be."""

    def __init__(self) -> None:
        raise NotImplementedError

    def add_nodes(self, nodes: Iterable[NodeFacts]) -> None:
        """Count a page of nodes; one that comes again counts once, as it is now."""
        raise NotImplementedError

    def add_pods(self, pods: Iterable[Placed]) -> None:
        """Count a page of pods; before or after the nodes."""
        raise NotImplementedError

    def fits(self, pods: Sequence[PodFacts], away: Collection[str]) -> Reasons:
        """Why ``pods`` would not all find room on other nodes than ``away``.

        ``pods`` are those that must move; ``away`` the victim and whatever open intents hold.
        """
        raise NotImplementedError


def tolerated(taints: Iterable[Taint], tolerations: Iterable[Toleration]) -> bool:
    """Whether ``tolerations`` let a pod start on a node with ``taints``."""
    raise NotImplementedError
