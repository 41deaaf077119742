"""Which members of a declared cluster an impact takes down, and what of that is in doubt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from chaosd.core.etcd import etcd_signs
from chaosd.core.etcd_match import may_be_of, port_of, runs, selected
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.facts import PodFacts
from chaosd.core.model import Code, Impact, Reason, Reasons
from chaosd.core.quorum import Member, role_reasons, state_reasons
from chaosd.targets.etcd_clusters import Seen
from chaosd.targets.node_reads import NodeReads


class Falling(Struct, frozen=True):
    """What an impact takes down, as it was read: pods that are ``deleted``, pods that ``crash``,
    and all pods on the ``machines`` that go down."""

    deleted: tuple[PodFacts, ...] = ()
    crashed: tuple[PodFacts, ...] = ()
    machines: Mapping[str, tuple[PodFacts, ...]] = field(default_factory=dict)

    @property
    def struck(self) -> tuple[PodFacts, ...]:
        """The pods that are struck themselves."""
        return (*self.deleted, *self.crashed)

    @property
    def all(self) -> tuple[PodFacts, ...]:
        """Every pod that goes down."""
        return (*self.struck, *(pod for pods in self.machines.values() for pod in pods))


class Hits(Struct, frozen=True):
    """The members that go down: ``ids`` for whatever reason, ``lost`` those whose data goes too.
    ``reasons`` say what is in doubt."""

    ids: frozenset[str] = frozenset()
    lost: tuple[Member, ...] = ()
    reasons: Reasons = ()


def falling(reads: NodeReads, impact: Impact) -> Falling:
    """Read what goes down. Pods of one node are read in one list; one that is gone falls no more.

    Raises CallFailed.
    """
    named = {*impact.pods, *impact.crashed}
    lists = {name: _pods_on(reads, name) for name in impact.machines}
    if len(named) > 1:
        lists |= {name: _pods_on(reads, name) for name in impact.nodes if name not in lists}
    known = {str(pod): pod for pods in lists.values() for pod in pods}
    # What chose them read them too, but an intent keeps their names alone, and their labels,
    # addresses and claims may have changed since: this read is what the guard can rely on.
    for path in sorted(named - set(known)):
        namespace, _, name = path.partition("/")
        pod = reads.pod(namespace, name)
        if pod is not None:
            known[path] = pod
    return Falling(
        tuple(known[path] for path in impact.pods if path in known),
        tuple(known[path] for path in impact.crashed if path in known),
        {name: lists[name] for name in impact.machines},
    )


def concerns(cluster: EtcdCluster, impact: Impact, fall: Falling) -> bool:
    """Whether the cluster's members must be asked before anybody can tell what is hit.

    - A machine concerns every declared cluster: a process of the host may be a member.
    - A pod does if it looks like etcd, is selected by the declaration, or is at an endpoint's
      address or name.
    - A lock without anything that falls (a leader that hands over its role) does by itself. With
      something that falls it does not: a drain holds it for a member, its other pods are none.
    - The cluster whose member was drawn does anyway: its role is to be known.
    """
    if impact.drawn is not None and impact.drawn.cluster == cluster.key:
        return True
    if impact.machines or any(may_be_of(cluster, pod) for pod in fall.struck):
        return True
    return cluster.key in impact.locks and not (impact.pods or impact.crashed)


def hits_of(
    cluster: EtcdCluster, seen: Seen, impact: Impact, fall: Falling, others: frozenset[str]
) -> Hits:
    """Which members fall, by where they were seen.

    ``others`` are pods (``namespace/name``) known to be members of other declared clusters.

    What nobody can tell is a reason:

    - A cluster of which nobody answers: when a pod that falls is one of its own by the declaration,
      or looks like etcd and may be a member that the declaration does not name (a cluster declared
      by its pods has no others); when a machine falls, unless the cluster is declared by its pods
      and none of these is there.
    - A member whose place is not known, when a machine falls.
    """
    if not seen.picture.members:
        return Hits(reasons=_unreadable(cluster, seen, fall, others))
    found: set[str] = set()
    lost: list[Member] = []
    doubts: list[Reason] = []
    for member in seen.picture.members:
        mine = [pod for pod in fall.struck if _is(cluster, seen, member, pod)]
        there = [
            name for name, pods in fall.machines.items() if _on(cluster, seen, member, name, pods)
        ]
        if mine or there:
            found.add(member.id)
        gone = any(pod in fall.deleted and not pod.claims for pod in mine)
        if gone or (there and impact.disks_lost):
            lost.append(member)
        if fall.machines and not there:
            doubts += _doubts(cluster, seen, member)
    return Hits(frozenset(found), tuple(lost), tuple(doubts))


def drawn_reasons(cluster: EtcdCluster, seen: Seen, impact: Impact, hits: Hits) -> Reasons:
    """Why what goes down is not (any more) what a policy of etcd draws from this cluster: a member
    of the role that it asks for. What can't be told is a reason."""
    drawn = impact.drawn
    if drawn is None or drawn.cluster != cluster.key:
        return ()
    members = [
        member
        for member in seen.picture.members
        if (member.id == drawn.member if drawn.member else member.id in hits.ids)
        and drawn.peer_port in (None, *map(port_of, member.peer_urls))
    ]
    if not members:
        detail = "no member is what was drawn, so that nobody knows its role"
        return (Reason(Code.ETCD_ROLE, f"etcd {cluster.name}: {detail}"),)
    return tuple(
        Reason(reason.code, f"etcd {cluster.name}: {reason.detail}")
        for member in members
        for reason in role_reasons(drawn.role, seen.picture, member)
    )


def members_among(cluster: EtcdCluster, seen: Seen, pods: Sequence[PodFacts]) -> frozenset[str]:
    """Which of ``pods`` are members of the cluster as it was seen."""
    return frozenset(
        str(pod)
        for pod in pods
        if any(_is(cluster, seen, member, pod) for member in seen.picture.members)
    )


def strangers(
    clusters: Sequence[EtcdCluster], looked: Mapping[str, Seen], fall: Falling
) -> Reasons:
    """Pods that are struck, look like etcd, and are members of no declared cluster by what its
    members say now: whoever chose them knew them by an older look, or by another configuration.

    What may be a member of a cluster that can't be asked is told with that cluster.
    """
    found = []
    for pod in fall.struck:
        signs = etcd_signs(pod)
        if signs and not any(_may_own(one, looked.get(one.name), pod) for one in clusters):
            detail = f"{pod} ({', '.join(signs)}) is no member of a declared cluster"
            found.append(Reason(Code.LOOKS_LIKE_ETCD, detail))
    return tuple(found)


def _may_own(cluster: EtcdCluster, seen: Seen | None, pod: PodFacts) -> bool:
    if seen is None:
        return False
    if not seen.picture.members:
        return cluster.pods is None or selected(cluster, pod)
    return bool(members_among(cluster, seen, (pod,)))


def _is(cluster: EtcdCluster, seen: Seen, member: Member, pod: PodFacts) -> bool:
    """Whether ``pod`` may be ``member``: one of those that it was matched to, if any was."""
    place = seen.places.get(member.id)
    if place is not None and place.pods:
        return any(str(one) == str(pod) for one in place.pods)
    return runs(cluster, member, pod)


def _on(
    cluster: EtcdCluster, seen: Seen, member: Member, node: str, pods: Sequence[PodFacts]
) -> bool:
    place = seen.places.get(member.id)
    at = place is not None and place.node == node
    return at or any(_is(cluster, seen, member, pod) for pod in pods)


def _doubts(cluster: EtcdCluster, seen: Seen, member: Member) -> list[Reason]:
    """Why ``member`` may be on a machine that falls, although nothing says so."""
    place = seen.places.get(member.id)
    if seen.unplaced:
        detail = seen.unplaced
    elif place is None or not (place.known or place.pods):
        detail = f"nobody can tell on which node {member} runs: declare its endpoint by its address"
    else:
        return []
    return [Reason(Code.ETCD_UNREADABLE, f"etcd {cluster.name}: {detail}")]


def _unreadable(cluster: EtcdCluster, seen: Seen, fall: Falling, others: frozenset[str]) -> Reasons:
    by_pods = cluster.pods is not None
    for pod in fall.all:
        strange = not by_pods and bool(etcd_signs(pod)) and str(pod) not in others
        if selected(cluster, pod) or strange:
            return state_reasons(seen.picture)
    named = any(may_be_of(cluster, pod) and not etcd_signs(pod) for pod in fall.struck)
    by_lock = not (fall.struck or fall.machines)
    if named or by_lock or (fall.machines and not by_pods):
        return state_reasons(seen.picture)
    return ()


def _pods_on(reads: NodeReads, node: str) -> tuple[PodFacts, ...]:
    pods = (pod for page in reads.pods_on(node) for pod in page)
    return tuple({pod.uid: pod for pod in pods}.values())
