"""Surveying nodes: every node once, judged by its own object and by the others."""

from __future__ import annotations

from collections.abc import Iterator

from chaosd.core.facts import NodeFacts
from chaosd.core.model import NODE, Candidate, Reasons, WorkloadKey
from chaosd.core.nodes import Fleet, NodeSift
from chaosd.ports import Scope
from chaosd.targets.node_reads import NodeReads
from chaosd.targets.pod_survey import ANNOTATIONS


class NodeSurvey:
    """One list of all nodes: what a policy may do to one depends on how the others are."""

    def __init__(self, reads: NodeReads, scope: Scope) -> None:
        self._reads = reads
        self._struck = scope.struck
        self._sift = NodeSift(scope.configuration, scope.policy, scope.now)
        self.fleet = Fleet(scope.policy)

    def candidates(self) -> Iterator[Candidate]:
        """All nodes; what speaks against those that the policy may not choose is told by their own
        object alone, so nothing of them is kept."""
        fit: dict[str, NodeFacts] = {}
        for node in self.read():
            reasons = self._sift.reasons(node)
            if reasons:
                fit.pop(node.name, None)
                yield _candidate(node, reasons)
            else:
                fit[node.name] = node
        for node in fit.values():
            yield _candidate(node, self.missed(node))

    def missed(self, node: NodeFacts) -> Reasons:
        """Why the fleet can't do without it, once all nodes were read; those that open intents
        have taken are away."""
        return self.fleet.reasons(node, self._struck)

    def read(self) -> Iterator[NodeFacts]:
        """Every node, as pages arrive; the fleet knows each from then on."""
        for page in self._reads.nodes(""):
            for node in page:
                self.fleet.add(node, selected=self._sift.selected(node))
                yield node


def node_key(name: str) -> WorkloadKey:
    """The key under which a node has its limits, gaps and locks."""
    return WorkloadKey("", NODE, name)


def _candidate(node: NodeFacts, reasons: Reasons) -> Candidate:
    annotations = {
        name: text for name, text in node.annotations.items() if name.startswith(ANNOTATIONS)
    }
    key = node_key(node.name)
    return Candidate(str(key), key, tuple(dict.fromkeys(reasons)), annotations)
