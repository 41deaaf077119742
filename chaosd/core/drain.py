"""Which pods of a node a drain evicts, and what speaks against taking its pods down.

As ``kubectl drain`` does: https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct, field

from chaosd.core.facts import BudgetFacts, Own, PodFacts, Texts
from chaosd.core.model import Action, NodeRules, OptIn, Reasons, WorkloadKey

Owned = tuple[PodFacts, WorkloadKey | None]
"""A pod and its workload; None when the workload can't be named."""


class Said(Struct, frozen=True, kw_only=True):
    """What was read around the pods of a node.

    - ``namespaces``: the labels of namespaces by name; those that say nothing may be left out.
    - ``vetoed``: the workloads whose own label is a veto.
    - ``local_claims``: the claims (``namespace/name``) whose volumes live on one node.
    - ``own``, ``own_workload``: chaosd's own pods and their workload.
    """

    opt_in: OptIn = OptIn()
    namespaces: Mapping[str, Texts] = field(default_factory=dict)
    vetoed: frozenset[WorkloadKey] = frozenset()
    local_claims: frozenset[str] = frozenset()
    own: Own = Own()
    own_workload: WorkloadKey | None = None


def stays(pod: PodFacts) -> bool:
    """Whether a drain leaves ``pod`` where it is: a DaemonSet's, a mirror pod, or a finished one.

    A DaemonSet's pod would come back to the same node at once; a mirror pod is only an image of
    what the kubelet runs; a finished one has nothing left to move.
    """
    raise NotImplementedError


def pods_reasons(pods: Iterable[Owned], said: Said, action: Action, rules: NodeRules) -> Reasons:
    """Every reason in the pods of a node why ``action`` may not take it down.

    ``pods`` are all pods on the node. Each code comes once, with some of the pods that it is about.
    """
    raise NotImplementedError


def budget_reasons_of(
    pods: Iterable[PodFacts], budgets: Iterable[BudgetFacts], action: Action
) -> Reasons:
    """Every reason why ``budgets`` would keep a drain of ``pods`` from its end, before it begins.

    ``pods`` are all pods on the node, ``budgets`` at least all of their namespaces. Each code comes
    once, with some of the pods that it is about.
    """
    raise NotImplementedError


def evictable(pod: PodFacts, budgets: Iterable[BudgetFacts]) -> Reasons:
    """Every reason why ``budgets`` would not let ``pod`` go at this moment."""
    raise NotImplementedError
