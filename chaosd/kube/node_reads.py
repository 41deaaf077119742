"""What node targets ask of the cluster: nodes, what runs on them, and the ways to touch a node.

It fits ``chaosd.targets.node_reads.NodeReads`` (rooms beside each other don't import each other).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chaosd.core.facts import DRAIN_TAINT, NodeFacts, Placed, PodFacts
from chaosd.core.model import Victim
from chaosd.kube.api import OPERATIONS
from chaosd.kube.read_nodes import local_claim, placed_facts, ready_addresses, whole_pod_facts
from chaosd.kube.read_pods import node_facts
from chaosd.kube.reads import FENCED, KubeReads
from chaosd.kube.records import Node
from chaosd.kube.records_nodes import EndpointSlice, PersistentVolume, SizedPod, WholePod
from chaosd.kube.resources import ENDPOINT_SLICES, NODES, PERSISTENT_VOLUMES, PODS
from chaosd.ports import Conflict, Invalid

NOT_FINISHED = "status.phase!=Succeeded,status.phase!=Failed"
_DEFAULT = "default"
_TAINTS = "/spec/taints"
_FENCE = "/metadata/annotations/" + FENCED.replace("/", "~1")
"""A JSON pointer (RFC 6901)."""


class KubeNodeReads(KubeReads):
    """As :class:`~chaosd.kube.reads.KubeReads`, and what node targets need beside it."""

    def nodes(self, labels: str) -> Iterator[Sequence[NodeFacts]]:
        """Nodes in full."""
        for page in self._api.pages(NODES, None, Node, labels=labels):
            yield [node_facts(node) for node in page]

    def pods_on(self, node: str) -> Iterator[Sequence[PodFacts]]:
        """All pods of one node, of every namespace, in full."""
        for page in self._api.pages(PODS, None, WholePod, fields=f"spec.nodeName={node}"):
            yield [whole_pod_facts(pod) for pod in page]

    def pods_at(self, ip: str) -> Sequence[PodFacts]:
        """The pods with this address, in full; of a node's, all pods in its network."""
        pages = self._api.pages(PODS, None, WholePod, fields=f"status.podIP={ip}")
        return list(
            {one.metadata.uid: whole_pod_facts(one) for page in pages for one in page}.values()
        )

    def placed(self, node: str = "") -> Iterator[Sequence[Placed]]:
        """Every pod (of that node) that has a node and has not finished: where, and how big."""
        fields = f"{NOT_FINISHED},spec.nodeName={node}" if node else NOT_FINISHED
        for page in self._api.pages(PODS, None, SizedPod, fields=fields):
            yield [placed_facts(pod) for pod in page if pod.spec.node_name]

    def local_claims(self) -> frozenset[str]:
        """The claims bound to volumes that live on one node."""
        return frozenset(
            claim
            for page in self._api.pages(PERSISTENT_VOLUMES, None, PersistentVolume)
            for claim in map(local_claim, page)
            if claim
        )

    def api_servers(self) -> frozenset[str]:
        """The addresses of the API servers that are ready: each keeps its own in the EndpointSlice
        of the Service ``kubernetes``.

        https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#management
        """
        pages = self._api.pages(
            ENDPOINT_SLICES,
            _DEFAULT,
            EndpointSlice,
            labels="kubernetes.io/service-name=kubernetes",
        )
        return frozenset(ip for page in pages for part in page for ip in ready_addresses(part))

    # ---- touching a node

    def taint(self, victim: Victim, value: str, timeout: float) -> None:
        """Add the taint ``chaosd.io/drain=<value>:NoSchedule`` to that very node.

        Raises Conflict when it is not as ``victim`` says (UID and resourceVersion). Half of the
        ``timeout`` is for reading whether it has taints, on which the form of the request depends.
        """
        node = self._api.get(NODES, None, victim.name, Node, timeout=timeout / 2, once=True)
        meta = node.metadata
        if (meta.uid, meta.resource_version) != (victim.uid, victim.resource_version):
            raise Conflict(409, "Conflict", f"node {victim.name} has changed since it was chosen")
        taint = {"key": DRAIN_TAINT, "value": value, "effect": "NoSchedule"}
        add = (
            {"op": "add", "path": f"{_TAINTS}/-", "value": taint}
            if node.spec.taints
            else {"op": "add", "path": _TAINTS, "value": [taint]}
        )
        self._change(victim.name, victim.uid, victim.resource_version, [add], timeout / 2)

    def fence_node(self, victim: Victim, mark: str) -> NodeFacts:
        """Touch that very node, so that whatever names its old resourceVersion fails from now on.

        Returns the node as it is then. NotFound, Conflict or Invalid: it may be another node.
        """
        body = {"metadata": {"uid": victim.uid, "annotations": {FENCED: mark}}}
        return node_facts(self._api.patch(NODES, None, victim.name, body, Node))

    def untaint(self, node: NodeFacts, value: str) -> None:
        """Remove the taint of ours that carries ``value``, and the mark of a fence.

        Sends nothing when the node has neither. Raises Conflict when it is not as it was read.
        """
        changes = [
            {"op": "remove", "path": f"{_TAINTS}/{number}"}
            for number, taint in enumerate(node.taints)
            if (taint.key, taint.value) == (DRAIN_TAINT, value)
        ][::-1]
        if FENCED in node.annotations:
            changes.append({"op": "remove", "path": _FENCE})
        if changes:
            self._change(node.name, node.uid, node.resource_version, changes, None)

    def _change(
        self,
        name: str,
        uid: str,
        version: str,
        changes: Sequence[Mapping[str, Any]],
        timeout: float | None,
    ) -> None:
        """Change a node by single operations, which leave all else of its taints as it is.

        Taints are one atomic list: a merge would have to send those of others too, whole.
        Operations that don't fit the node as it is now are refused with 422 before its version is
        looked at, as is another UID.
        """
        same = [
            {"op": "replace", "path": "/metadata/uid", "value": uid},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        try:
            self._api.patch(
                NODES, None, name, [*same, *changes], msgspec.Raw, kind=OPERATIONS, timeout=timeout
            )
        except Invalid as error:
            if error.status != 422:
                raise
            raise Conflict(error.status, error.reason, error.message, error.causes) from error
