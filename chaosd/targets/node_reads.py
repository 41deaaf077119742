"""What node targets ask of the cluster, beside :class:`chaosd.targets.reads.Reads`.

As there, every method leaves the process, has a timeout of its own and raises
:class:`~chaosd.ports.CallFailed`; lists arrive in pages and may give things twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from chaosd.core.facts import NodeFacts, Placed, PodFacts
from chaosd.core.model import Victim
from chaosd.targets.reads import Reads


class NodeReads(Reads, Protocol):
    """Facts about nodes and what runs on them, and the ways to touch a node."""

    def nodes(self, labels: str) -> Iterator[Sequence[NodeFacts]]:
        """Nodes in full."""
        ...

    def pods_on(self, node: str) -> Iterator[Sequence[PodFacts]]:
        """All pods of one node, of every namespace, in full."""
        ...

    def pods_at(self, ip: str) -> Sequence[PodFacts]:
        """The pods with this address, of every namespace, in full."""
        ...

    def placed(self, node: str = "") -> Iterator[Sequence[Placed]]:
        """Every pod of the cluster, or of that node, that has a node and has not finished, as small
        as it can be read."""
        ...

    def local_claims(self) -> frozenset[str]:
        """The claims (``namespace/name``) bound to volumes that live on one node: of kind local or
        hostPath, or whose node affinity names a host (``kubernetes.io/hostname``)."""
        ...

    def api_servers(self) -> frozenset[str]:
        """The addresses of the API servers that are ready."""
        ...

    def taint(self, victim: Victim, value: str, timeout: float) -> None:
        """Add the taint ``chaosd.io/drain=<value>:NoSchedule`` to that very node, if it is still
        exactly as ``victim`` says (UID and resourceVersion); sent once. Conflict: it is not."""
        ...

    def fence_node(self, victim: Victim, mark: str) -> NodeFacts:
        """Touch that very node (by its UID) with ``mark`` in an annotation, so that a late taint
        finds it changed; the node as it is then. NotFound, Conflict and Invalid as
        :meth:`~chaosd.targets.reads.Reads.fence_pod` has them."""
        ...

    def untaint(self, node: NodeFacts, value: str) -> None:
        """Remove the taint of ours that carries ``value`` from the node as it was read (its UID and
        resourceVersion), and no other, and the mark of a fence. Conflict: read it again."""
        ...

    def make_pod(self, namespace: str, manifest: Mapping[str, Any], timeout: float) -> None:
        """Create a (helper) pod, once; Conflict: one of that name is there."""
        ...

    def remove_pod(self, namespace: str, name: str, uid: str) -> None:
        """Delete that very (helper) pod, without waiting; one that is gone is as good."""
        ...
