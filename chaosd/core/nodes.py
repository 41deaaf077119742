"""Whether a node may be struck: what its own object says, and what would be left of its fleet.

The reasons of the pods on it are in :mod:`chaosd.core.drain`, the room for them elsewhere in
:mod:`chaosd.core.capacity`.
"""

from __future__ import annotations

from datetime import datetime

from chaosd.core.facts import NodeFacts
from chaosd.core.model import Configuration, Policy, Reasons

ZONE = "topology.kubernetes.io/zone"
CONTROL_PLANE_POOL = "(control plane)"


class NodeSift:
    """The rules of one policy at one instant for what a node says of itself.

    Raises:
        ValueError: ``select.names`` is no regular expression.
    """

    def __init__(self, configuration: Configuration, policy: Policy, now: datetime) -> None:
        raise NotImplementedError

    def selected(self, node: NodeFacts) -> bool:
        """Whether the policy is about ``node`` at all: it opted in, without a veto, and meets
        ``select.nodes`` and ``select.names``. This is what :meth:`Fleet.add` asks for."""
        raise NotImplementedError

    def reasons(self, node: NodeFacts) -> Reasons:
        """Every reason against ``node`` that its own object tells."""
        raise NotImplementedError


class Fleet:
    """What is away and what is left among all nodes of the cluster, for one policy.

    A node counts as left when it is Ready, not cordoned, not being deleted and without a drain
    taint of ours. Memory is a few words for each node.
    """

    def __init__(self, policy: Policy) -> None:
        raise NotImplementedError

    def add(self, node: NodeFacts, selected: bool) -> None:
        """Count a node, whichever it is; added again, it counts once, as it is now."""
        raise NotImplementedError

    def reasons(self, node: NodeFacts, ours: frozenset[str]) -> Reasons:
        """Every reason why ``node`` can't be missed, once all nodes are added.

        ``ours`` are the nodes that open intents hold: they count as away, whatever they look like.
        ``node`` itself never counts against itself.
        """
        raise NotImplementedError

    def pool_of(self, node: NodeFacts) -> str:
        """The name of the pool that ``node`` belongs to.

        The value of the label ``rules.pool``; "" without that label, which is a pool of its own,
        and for all nodes when the policy names no label. Control plane nodes without the label are
        a pool of theirs, :data:`CONTROL_PLANE_POOL`, which no label can name.
        """
        raise NotImplementedError

    def ready_in_pool(self, pool: str) -> int:
        """How many nodes of that pool are Ready and take pods."""
        raise NotImplementedError
