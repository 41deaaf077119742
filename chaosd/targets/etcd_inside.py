"""The inside of one declared etcd cluster: its members, and the way to take one of them down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct, field

from chaosd.core.disruption import budget_reasons
from chaosd.core.eligibility import VETO
from chaosd.core.etcd import etcd_signs
from chaosd.core.etcd_match import Place, has_host, host_of, port_of, runs
from chaosd.core.etcd_model import Drawn, EtcdCluster
from chaosd.core.facts import ContainerFacts, NodeFacts, PodFacts, WorkloadFacts
from chaosd.core.impact import role_of
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
from chaosd.core.quorum import Member, Picture, role_reasons, state_reasons
from chaosd.core.wholeness import whole_reasons
from chaosd.ports import Scope
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.node_reads import NodeReads
from chaosd.targets.owners import workload_of

MEMBER = "Member"
"""The kind of a victim that keeps running: the leader that hands over its role."""
PROGRAM = "etcd"


class Way(Struct, frozen=True):
    """How one member is taken down, or every reason why it can't be."""

    reasons: Reasons = ()
    victim: Victim | None = None
    impact: Impact = Impact()
    first: StepAction = StepAction.EVICT
    uids: Mapping[str, str] = field(default_factory=dict)


class EtcdInside:
    """One cluster, asked when it was drawn."""

    def __init__(
        self, reads: NodeReads, clusters: EtcdClusters, scope: Scope, cluster: EtcdCluster
    ) -> None:
        self._reads = reads
        self._clusters = clusters
        self._scope = scope
        self._policy = scope.policy
        self._cluster = cluster
        self._key = WorkloadKey.parse(cluster.key)

    def members(self) -> Sequence[Candidate]:
        """A candidate for each member. What speaks against the cluster speaks against all."""
        picture = self._clusters.picture(self._cluster, self._scope.now)
        shared = state_reasons(picture)
        if not picture.members:
            return [Candidate(self._cluster.key, self._key, shared)]
        return [
            Candidate(
                f"{self._cluster.name}/{called(picture, member)}",
                self._key,
                (*role_reasons(role_of(self._policy), picture, member), *shared),
            )
            for member in picture.members
        ]

    def examine(self, name: str) -> Examined:
        """Everything about one member, asked and read again: the cluster, what runs the member and
        what says no to that, and last what the strike names. The guard judges the quorum."""
        seen = self._clusters.look(self._cluster, self._scope.now)
        picture = seen.picture
        member = next((one for one in picture.members if called(picture, one) == name), None)
        if member is None:
            gone = Reason(Code.GONE, f"etcd {self._cluster.name} has no member {name}")
            return Examined(state_reasons(picture) if not picture.members else (gone,))
        place = seen.places.get(member.id, Place())
        way = self._way(member, place, seen.nodes)
        reasons = (*role_reasons(role_of(self._policy), picture, member), *way.reasons)
        if reasons or way.victim is None:
            return Examined(tuple(dict.fromkeys(reasons)))
        drawn = Drawn(self._cluster.key, role_of(self._policy), member.id)
        return Examined(
            victim=way.victim,
            impact=msgspec.structs.replace(way.impact, drawn=drawn),
            desired=len(picture.voters),
            first=way.first,
            uids=way.uids,
        )

    def _way(self, member: Member, place: Place, nodes: Mapping[str, NodeFacts]) -> Way:
        if self._policy.action is Action.MOVE_LEADER:
            return self._by_transfer(member, place, nodes)
        if place.pod is not None:
            return self._by_pod(member, place.pod)
        if place.pods:
            pods = ", ".join(sorted(map(str, place.pods)))
            return _no(Code.ETCD_UNREADABLE, f"{member} may be any of the pods {pods}")
        if place.node and place.sure:
            return self._by_process(member, place.node)
        return _no(
            Code.ETCD_UNREADABLE,
            f"{member} runs in no pod and on no node of this cluster that chaosd could find: no"
            " address of one is in its URLs",
        )

    def _by_transfer(self, member: Member, place: Place, nodes: Mapping[str, NodeFacts]) -> Way:
        """Nothing goes down: the leader hands its role to a follower."""
        vetoes = self._node_vetoes(nodes.get(place.node))
        for pod in place.pods:
            vetoes += self._pod_vetoes(pod) + self._workload_vetoes(self._workload(pod)[1])
        if vetoes:
            return Way(tuple(dict.fromkeys(vetoes)))
        victim = Victim("", member.name or member.id, member.id, "", member.node, MEMBER)
        key = self._cluster.key
        return Way((), victim, Impact(workloads=(key,), locks=(key,)), StepAction.MOVE_LEADER)

    def _by_pod(self, member: Member, before: PodFacts) -> Way:
        """Its pod is evicted (deleted, under ``pdb: bypass``), or of a static pod, which no
        deletion ends, the container that runs etcd is crashed."""
        key, workload = self._workload(before)
        respects = self._policy.pdb is BudgetMode.RESPECT
        budgets = self._reads.budgets(before.namespace) if respects else ()
        node = self._reads.node(before.node) if before.node else None
        pod = self._reads.pod(before.namespace, before.name)
        if pod is None or pod.uid != before.uid or not runs(self._cluster, member, pod):
            return _no(Code.CHANGED, f"pod {before} was replaced meanwhile")
        against = (
            *self._pod_vetoes(pod),
            *self._workload_vetoes(workload),
            *self._node_vetoes(node),
            *_state_reasons(pod, node),
            *(whole_reasons(workload) if workload is not None else ()),
            *budget_reasons(pod, budgets),
        )
        if pod.mirror:
            return self._by_crash(pod, against)
        if pod.owner is None:
            against = (*against, Reason(Code.NO_CONTROLLER, f"nothing would bring back {pod}"))
        if not pod.claims:
            detail = f"{pod} has no PersistentVolumeClaim: the member would lose its data"
            against = (*against, Reason(Code.ETCD_DATA, detail))
        if against:
            return Way(against)
        victim = Victim(pod.namespace, pod.name, pod.uid, pod.resource_version, pod.node)
        keys = (self._cluster.key, *((str(key),) if key else ()))
        first = StepAction.EVICT if respects else StepAction.DELETE
        impact = Impact(pods=(str(pod),), workloads=keys, locks=keys)
        return Way((), victim, impact, first, self._uids(key, workload, pod))

    def _by_crash(self, pod: PodFacts, against: Reasons) -> Way:
        container = etcd_container(pod)
        if container is None:
            detail = f"which container of {pod} runs etcd can't be told"
            against = (*against, Reason(Code.NO_CONTAINER, detail))
        elif not container.id:
            detail = f"container {container.name} of {pod} does not run"
            against = (*against, Reason(Code.NOT_READY, detail))
        against = (*against, *self._helper_reasons("a static pod can be crashed only"))
        if against or container is None:
            return Way(against)
        victim = Victim(
            pod.namespace,
            pod.name,
            pod.uid,
            pod.resource_version,
            pod.node,
            container=container.name,
            identity=container.id,
        )
        key = self._cluster.key
        impact = Impact(crashed=(str(pod),), workloads=(key,), locks=(key,))
        return Way((), victim, impact, StepAction.CRASH)

    def _by_process(self, member: Member, name: str) -> Way:
        """The process of the node that serves the member's peer port is killed."""
        node = self._reads.node(name)
        if node is None:
            return _no(Code.GONE, f"there is no node {name}")
        peers = [url for url in member.peer_urls if has_host(node, host_of(url))]
        port = next((port for url in peers if (port := port_of(url)) is not None), None)
        against = [*self._node_vetoes(node), *self._helper_reasons("a host's process is killed")]
        if not node.ready or node.deleting:
            against.append(Reason(Code.NODE_NOT_READY, f"node {name} is not Ready"))
        if port is None:
            detail = f"no peer URL of {member} names a port of node {name}"
            against.append(Reason(Code.ETCD_UNREADABLE, detail))
        if not node.boot_id:
            against.append(Reason(Code.CHANGED, f"node {name} tells no boot ID"))
        if against:
            return Way(tuple(against))
        victim = Victim(
            "",
            name,
            node.uid,
            node.resource_version,
            name,
            "Node",
            container=f"{PROGRAM}:{port}",
            identity=node.boot_id,
        )
        key = self._cluster.key
        impact = Impact(machines=(name,), nodes=(name,), workloads=(key,), locks=(key,))
        return Way((), victim, impact, StepAction.KILL_PROCESS)

    # ---- what says no

    def _helper_reasons(self, what: str) -> Reasons:
        if self._scope.configuration.helper is not None:
            return ()
        return (Reason(Code.NO_HELPER, f"{what} by the helper pod, and none is configured"),)

    def _pod_vetoes(self, pod: PodFacts) -> Reasons:
        space = self._reads.namespace(pod.namespace)
        return (
            *self._veto(pod.labels, f"pod {pod}"),
            *(self._veto(space.labels, f"namespace {pod.namespace}") if space else ()),
        )

    def _workload(self, pod: PodFacts) -> tuple[WorkloadKey | None, WorkloadFacts | None]:
        """What owns the pod, and what can be read of it; of somebody's own kind nothing can."""
        key = None if pod.mirror or pod.owner is None else workload_of(pod)
        known = key is not None and key.kind in self._reads.kinds
        return key, self._reads.workload(key) if key is not None and known else None

    def _uids(
        self, key: WorkloadKey | None, workload: WorkloadFacts | None, pod: PodFacts
    ) -> Mapping[str, str]:
        """The UID of what owns the pod; the pod itself says that of somebody's own kind."""
        if key is not None and workload is not None:
            return {str(key): workload.uid}
        if key is not None and key.kind not in self._reads.kinds and pod.owner is not None:
            return {str(key): pod.owner.uid}
        return {}

    def _workload_vetoes(self, workload: WorkloadFacts | None) -> Reasons:
        return self._veto(workload.labels, str(workload.key)) if workload is not None else ()

    def _node_vetoes(self, node: NodeFacts | None) -> Reasons:
        return self._veto(node.labels, f"node {node.name}") if node is not None else ()

    def _veto(self, labels: Mapping[str, str], who: str) -> Reasons:
        label = self._scope.configuration.opt_in.label
        said = labels.get(label, "")
        return (Reason(Code.VETOED, f"{who} says {label}={said}"),) if said.lower() == VETO else ()


def etcd_container(pod: PodFacts) -> ContainerFacts | None:
    """The container that runs etcd: the only one, or the only one that looks like it."""
    likely = list(_likely(pod)) if len(pod.containers) > 1 else pod.containers
    return likely[0] if len(likely) == 1 else None


def _likely(pod: PodFacts) -> Iterator[ContainerFacts]:
    for one in pod.containers:
        if etcd_signs(msgspec.structs.replace(pod, labels={}, containers=(one,))):
            yield one


def _state_reasons(pod: PodFacts, node: NodeFacts | None) -> Reasons:
    found = []
    if pod.deleting:
        found.append(Reason(Code.TERMINATING, f"{pod} is on its way out"))
    elif not pod.ready:
        found.append(Reason(Code.NOT_READY, f"{pod} is not Ready"))
    if node is None or not node.ready or node.deleting:
        detail = f"node {pod.node or '(none)'} of {pod} is not Ready"
        found.append(Reason(Code.NODE_NOT_READY, detail))
    return tuple(found)


def called(picture: Picture, member: Member) -> str:
    """The name of a member, or its id where that is no name of its own."""
    same = sum(one.name == member.name for one in picture.members)
    return member.name if member.name and same == 1 else member.id


def _no(code: Code, detail: str) -> Way:
    return Way((Reason(code, detail),))
