"""Which pods of a node a drain evicts, and what speaks against taking its pods down.

As ``kubectl drain`` does (https://kubernetes.io/docs/tasks/administer-cluster/safely-drain-node/),
but nothing can force it, and all is looked at before the first pod goes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from chaosd.core.disruption import budget_reasons, budgets_of
from chaosd.core.eligibility import VETO
from chaosd.core.etcd import etcd_signs
from chaosd.core.facts import HELPER_LABEL, BudgetFacts, Own, PodFacts, Texts
from chaosd.core.model import Action, Code, NodeRules, OptIn, Reason, Reasons, WorkloadKey
from chaosd.core.nodes import do_not_disrupt, listed

SAFE_TO_EVICT = "cluster-autoscaler.kubernetes.io/safe-to-evict"

Owned = tuple[PodFacts, WorkloadKey | None]
"""A pod and its workload; None when the workload can't be named."""

_FEW = 3


class Said(Struct, frozen=True, kw_only=True):
    """What was read around the pods of a node.

    - ``namespaces``: the labels of namespaces by name; those that say nothing may be left out.
    - ``vetoed``: the workloads whose own label is a veto.
    - ``local_claims``: the claims (``namespace/name``) whose volumes live on one node.
    - ``members``: the pods (``namespace/name``) that are members of declared etcd clusters, whose
      guard judges them.
    - ``own``, ``own_workload``: chaosd's own pods and their workload.
    """

    opt_in: OptIn = OptIn()
    namespaces: Mapping[str, Texts] = field(default_factory=dict)
    vetoed: frozenset[WorkloadKey] = frozenset()
    local_claims: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    own: Own = Own()
    own_workload: WorkloadKey | None = None


def stays(pod: PodFacts) -> bool:
    """Whether a drain leaves ``pod`` where it is: a DaemonSet's, a mirror pod, a finished one, or a
    helper pod of chaosd.

    A DaemonSet's pod (told by the owner's kind alone, as kubectl does) would come back to the same
    node at once; a mirror pod is only an image of what the kubelet runs; a finished one has nothing
    left to move; a helper ends by itself within a minute.
    """
    daemon = pod.owner is not None and pod.owner.kind == "DaemonSet"
    return daemon or pod.mirror or pod.finished or HELPER_LABEL in pod.labels


def pods_reasons(pods: Iterable[Owned], said: Said, action: Action, rules: NodeRules) -> Reasons:
    """Every reason in the pods of a node why ``action`` may not take it down.

    ``pods`` are all pods on the node. Each code comes once, with some of the pods that it is about.

    chaosd's own pods and what looks like etcd are asked of every pod, vetoes of every running one
    that goes down: in a drain what it evicts, in a reboot or termination DaemonSets' pods too. What
    would not come back, or not with its data, is asked of what a drain evicts.
    """
    found = _Findings()
    for pod, workload in pods:
        if _own(pod, workload, said):
            found.add(Code.OWN_POD, "chaosd itself runs here", pod)
        signs = etcd_signs(pod)
        if signs and str(pod) not in said.members:
            detail = f"what looks like etcd runs here ({', '.join(signs)})"
            found.add(Code.LOOKS_LIKE_ETCD, detail, pod)
        evicted = not stays(pod)
        if evicted or (action is not Action.DRAIN and not pod.finished):
            for detail in _vetoes(pod, workload, said):
                found.add(Code.VETOED, detail, pod)
            for detail in _wishes(pod):
                found.add(Code.DO_NOT_DISRUPT, detail, pod)
        if evicted and pod.owner is None:
            found.add(Code.NO_CONTROLLER, "nothing would bring back", pod)
        if evicted:
            for detail in _local(pod, said, rules):
                found.add(Code.LOCAL_STORAGE, detail, pod)
    return found.reasons()


def budget_reasons_of(
    pods: Iterable[PodFacts], budgets: Iterable[BudgetFacts], action: Action
) -> Reasons:
    """Every reason why ``budgets`` would keep a drain of ``pods`` from its end, before it begins.

    ``pods`` are all pods on the node, ``budgets`` at least all of their namespaces. Each code comes
    once, with some of the pods that it is about.

    A budget must let one go now, not all that it covers here: the others wait for replacements. One
    that lets none go while all its pods are healthy would never. As in :func:`evictable`, pods that
    are Pending or not Ready are held to their budget, whatever its unhealthyPodEvictionPolicy. What
    a drain leaves behind and a reboot or termination takes down can't wait for any budget.
    """
    named = defaultdict(list)
    for budget in budgets:
        named[budget.namespace].append(budget)
    found = _Findings()
    for pod in pods:
        covering = budgets_of(pod, named.get(pod.namespace, ()))
        if not covering or pod.finished:
            continue
        if not stays(pod) and not pod.deleting:
            for reason in budget_reasons(pod, covering):
                found.add(reason.code, reason.detail, pod)
            for detail in _never(covering):
                found.add(Code.DISRUPTION_BUDGET, detail, pod)
        elif stays(pod) and action is not Action.DRAIN:
            names = ", ".join(sorted(budget.name for budget in covering))
            detail = f"the disruption budget {names} covers what no drain evicts"
            found.add(Code.DISRUPTION_BUDGET, detail, pod)
    return found.reasons()


def evictable(pod: PodFacts, budgets: Iterable[BudgetFacts]) -> Reasons:
    """Every reason why ``budgets`` would not let ``pod`` go at this moment.

    This is :func:`chaosd.core.disruption.budget_reasons`, for budgets read right before.
    """
    return budget_reasons(pod, budgets)


class _Findings:
    """What was found, by code and detail, with the pods that it was found of."""

    def __init__(self) -> None:
        self._found: dict[Code, dict[str, list[str]]] = {}

    def add(self, code: Code, detail: str, pod: PodFacts) -> None:
        self._found.setdefault(code, {}).setdefault(detail, []).append(str(pod))

    def reasons(self) -> Reasons:
        """Each code once; what most pods have comes first."""
        return tuple(Reason(code, _told(self._found[code])) for code in Code if code in self._found)


def _told(details: Mapping[str, Sequence[str]]) -> str:
    ranked = sorted(details.items(), key=lambda item: (-len(item[1]), item[0]))
    told = [f"{detail}: {listed(sorted(pods))}" for detail, pods in ranked[:_FEW]]
    rest = {pod for _, pods in ranked[_FEW:] for pod in pods}
    told += [f"and more of {listed(sorted(rest))}"] if rest else []
    return "; ".join(told)


def _own(pod: PodFacts, workload: WorkloadKey | None, said: Said) -> bool:
    named = pod.namespace == said.own.namespace and pod.name in said.own.pods
    sibling = workload is not None and workload == said.own_workload and not pod.finished
    return named or sibling


def _vetoes(pod: PodFacts, workload: WorkloadKey | None, said: Said) -> Iterator[str]:
    label = said.opt_in.label
    if (text := pod.labels.get(label, "")).lower() == VETO:
        yield f"the pod says {label}={text}"
    if workload in said.vetoed:
        yield f"{workload} says {label}={VETO}"
    namespace = said.namespaces.get(pod.namespace)
    if namespace and (text := namespace.get(label, "")).lower() == VETO:
        yield f"namespace {pod.namespace} says {label}={text}"


def _wishes(pod: PodFacts) -> Iterator[str]:
    """The annotations by which it asks others not to move it."""
    if said := do_not_disrupt(pod.annotations):
        yield f"the pod says {said}"
    if (text := pod.annotations.get(SAFE_TO_EVICT, "")).lower() == VETO:
        yield f"the pod says {SAFE_TO_EVICT}: {text}"


def _local(pod: PodFacts, said: Said, rules: NodeRules) -> Iterator[str]:
    """What it keeps on the node."""
    if pod.host_paths:
        yield "data on the node itself (hostPath)"
    if any(f"{pod.namespace}/{claim}" in said.local_claims for claim in pod.claims):
        yield "a claim bound to a volume of this node"
    if pod.empty_dirs and not rules.empty_dir:
        yield "data in an emptyDir, spared unless node.emptyDir is true"


def _never(budgets: Iterable[BudgetFacts]) -> Iterator[str]:
    """The budgets that let none go, even when all their pods are healthy."""
    for budget in budgets:
        current = budget.observed_generation == budget.generation
        if current and budget.expected_pods <= budget.desired_healthy:
            must = f"{budget.desired_healthy} of {budget.expected_pods} pods must be healthy"
            yield f"the disruption budget {budget.name} never lets one go ({must})"
