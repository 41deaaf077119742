"""The inside of one workload: its pods, each with every reason against it."""

from __future__ import annotations

from collections.abc import Sequence

from chaosd.core.disruption import budget_reasons
from chaosd.core.eligibility import Sift
from chaosd.core.facts import ContainerFacts, NodeFacts, Own, PodFacts, Texts
from chaosd.core.model import (
    Action,
    BudgetMode,
    Candidate,
    Code,
    Examined,
    Impact,
    Reason,
    Reasons,
    StepAction,
    Victim,
    WorkloadKey,
)
from chaosd.core.pods import pod_reasons, siblings_reasons
from chaosd.ports import Scope
from chaosd.targets.declared import NO_MEMBERS, Members
from chaosd.targets.family import Family, family_of
from chaosd.targets.namespaces import may_read, namespace_labels, unread
from chaosd.targets.pod_container import container_of
from chaosd.targets.pod_single import gone
from chaosd.targets.pod_survey import own_reasons
from chaosd.targets.reads import Reads

_OF_NODES = frozenset({Code.NODE_NOT_SELECTED, Code.NODE_NOT_READY})


class Inside:
    """One workload, read when it was drawn. ``own_workload`` is chaosd's own."""

    def __init__(
        self,
        reads: Reads,
        scope: Scope,
        own: Own,
        own_workload: WorkloadKey | None,
        key: WorkloadKey,
        etcd: Members = NO_MEMBERS,
    ) -> None:
        self._reads = reads
        self._scope = scope
        self._own = own
        self._own_workload = own_workload
        self._key = key
        self._etcd = etcd

    def pods(self) -> Sequence[Candidate]:
        """A candidate for each pod, without the reasons that would cost a request for each.

        What speaks against the workload or its other pods speaks against all of them. Of nodes only
        the names that ``select.nodes`` selects are read, in one list.
        """
        found = self._read()
        if isinstance(found, Reason):
            return [Candidate(str(self._key), self._key, (found,))]
        family, namespace = found
        if not family.pods:
            return [gone(self._key, "it has no pods")]
        sift = self._sift(family)
        shared = self._shared(sift, family, namespace, family.pods)
        selected = self._selected_nodes()
        return [
            Candidate(
                str(pod),
                self._key,
                _unique(
                    *shared,
                    *_but(pod_reasons(sift, pod, family.workload, namespace, None), _OF_NODES),
                    *_node_selected(pod, selected),
                ),
            )
            for pod in family.pods
        ]

    def examine(self, name: str) -> Examined:
        """Everything about one pod, read again: the workload and its pods, the namespace, the
        budgets, the node, and last the pod itself, whose UID and resourceVersion the strike names.

        Under ``pdb: respect`` the budgets must allow one pod to go. That is all that binds a crash
        to them: the API server, which refuses an eviction, has no say in what a helper pod does,
        and doesn't count it until the pod is seen not to be Ready.
        """
        found = self._read()
        if isinstance(found, Reason):
            return Examined((found,))
        family, namespace = found
        sift = self._sift(family)
        before = next((pod for pod in family.pods if pod.name == name), None)
        budgets = self._reads.budgets(self._key.namespace) if self._respects else ()
        node = self._node(before)
        pod = self._reads.pod(self._key.namespace, name)
        if pod is None or before is None:
            return Examined((Reason(Code.GONE, f"there is no pod {name} of {self._key}"),))
        if not family.owns(pod) or pod.uid != before.uid or pod.node != before.node:
            return Examined((Reason(Code.CHANGED, f"{name} was replaced meanwhile"),))
        pods = tuple(pod if one.uid == pod.uid else one for one in family.pods)
        container, unfit = self._container(pod)
        reasons = _unique(
            *self._shared(sift, family, namespace, pods),
            *pod_reasons(sift, pod, family.workload, namespace, node),
            *(budget_reasons(pod, budgets) if self._respects else ()),
            *unfit,
        )
        if reasons:
            return Examined(reasons)
        desired = family.workload.desired
        return Examined(
            victim=Victim(
                pod.namespace,
                pod.name,
                pod.uid,
                pod.resource_version,
                pod.node,
                container=container.name,
                identity=container.id,
            ),
            first=self._first,
            impact=self._impact(pod),
            desired=_staying(pods) if desired is None else desired,
            uids={str(self._key): family.workload.uid},
        )

    def _impact(self, pod: PodFacts) -> Impact:
        key = str(self._key)
        if self._first is StepAction.CRASH:
            return Impact(crashed=(str(pod),), workloads=(key,), locks=(key,))
        return Impact(pods=(str(pod),), workloads=(key,), locks=(key,))

    def _container(self, pod: PodFacts) -> tuple[ContainerFacts, Reasons]:
        """Whose main process is to be killed, and what speaks against that; nobody's, unless the
        policy crashes."""
        if not self._crashes:
            return ContainerFacts(), ()
        return container_of(pod, self._scope.policy.container)

    @property
    def _first(self) -> StepAction:
        if self._crashes:
            return StepAction.CRASH
        return StepAction.EVICT if self._respects else StepAction.DELETE

    @property
    def _crashes(self) -> bool:
        return self._scope.policy.action is Action.CRASH

    @property
    def _respects(self) -> bool:
        return self._scope.policy.pdb is BudgetMode.RESPECT

    def _read(self) -> tuple[Family, Texts | None] | Reason:
        """The family and its namespace's labels (None: they may not be read), or why there is
        nothing to look at."""
        key, configuration = self._key, self._scope.configuration
        if not may_read(configuration, key.namespace):
            return unread(key.namespace)
        family = family_of(self._reads, key)
        if family is None:
            return Reason(Code.GONE, "there is no such workload")
        namespace = namespace_labels(self._reads, configuration, key.namespace)
        return namespace if isinstance(namespace, Reason) else (family, namespace)

    def _sift(self, family: Family) -> Sift:
        """The policy's rules; all pods of chaosd's own workload are its own."""
        own = self._own
        if self._key == self._own_workload:
            own = Own(own.namespace, own.pods | {pod.name for pod in family.pods})
        scope = self._scope
        members = self._etcd.declared_pods(scope.configuration, family.pods, scope.now)
        return Sift(scope.configuration, scope.policy, scope.now, own, members)

    def _shared(
        self, sift: Sift, family: Family, namespace: Texts | None, pods: Sequence[PodFacts]
    ) -> Reasons:
        label, value = sift.opt_in.label, sift.opt_in.value
        opted_in = any(pod.labels.get(label) == value for pod in pods)
        return (
            *sift.reasons(family.workload, namespace, pods_opted_in=opted_in),
            *own_reasons(self._key, self._own_workload),
            *siblings_reasons(sift, family.workload, pods),
            *self._helper_reasons(),
        )

    def _helper_reasons(self) -> Reasons:
        if not self._crashes or self._scope.configuration.helper is not None:
            return ()
        return (Reason(Code.NO_HELPER, "a crash needs the helper pod, and none is configured"),)

    def _selected_nodes(self) -> frozenset[str] | None:
        """The names of the nodes that may be struck on; None: all (or they can't be read)."""
        selector = self._scope.policy.select.nodes
        if not selector or self._scope.configuration.namespaces is not None:
            return None
        return self._reads.node_names(selector.text)

    def _node(self, pod: PodFacts | None) -> NodeFacts | None:
        if pod is None or not pod.node or self._scope.configuration.namespaces is not None:
            return None
        return self._reads.node(pod.node)


def _node_selected(pod: PodFacts, selected: frozenset[str] | None) -> Reasons:
    if selected is None or pod.node in selected:
        return ()
    return (Reason(Code.NODE_NOT_SELECTED, f"it runs on {pod.node or 'no node'}"),)


def _staying(pods: Sequence[PodFacts]) -> int:
    return sum(not pod.finished and not pod.deleting for pod in pods)


def _but(reasons: Reasons, codes: frozenset[Code]) -> Reasons:
    return tuple(reason for reason in reasons if reason.code not in codes)


def _unique(*reasons: Reason) -> Reasons:
    return tuple(dict.fromkeys(reasons))
