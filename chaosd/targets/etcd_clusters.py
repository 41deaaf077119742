"""Declared etcd clusters as they are now: asked by their members, placed on pods and nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from chaosd.core.etcd import etcd_signs
from chaosd.core.etcd_match import (
    Place,
    endpoint_of,
    hosts_of,
    is_ip,
    place_of,
    placed,
    pod_named,
    pods_of_member,
    runs,
)
from chaosd.core.etcd_model import EtcdCluster, EtcdPods
from chaosd.core.facts import NodeFacts, PodFacts
from chaosd.core.model import Configuration
from chaosd.core.quorum import Member, Picture
from chaosd.ports import CallFailed
from chaosd.targets.etcd_gateway import Gateway
from chaosd.targets.etcd_look import Asking
from chaosd.targets.etcd_memory import EtcdMemory
from chaosd.targets.etcd_together import Together, one_by_one
from chaosd.targets.node_reads import NodeReads

LATELY = timedelta(seconds=30)
"""How old a picture may be that tells whether a pod is a member: the guard looks anew anyway."""

SILENT_FOR = timedelta(seconds=10)
"""How long a cluster that nobody answers for is not asked anew before a strike."""


class Seen(Struct, frozen=True):
    """A picture and what it was placed by: where each member is, by its id; the ``pods`` that the
    declaration names; the ``nodes`` that were looked at. ``unplaced`` says why the members' places
    can't be read."""

    picture: Picture
    places: Mapping[str, Place] = field(default_factory=dict)
    pods: tuple[PodFacts, ...] = ()
    nodes: Mapping[str, NodeFacts] = field(default_factory=dict)
    unplaced: str = ""


class EtcdClusters:
    """Looks at declared clusters. Nothing here raises: what went wrong is in the picture.

    ``boot`` are seconds that never jump, by which a look at all members of a cluster is bounded; a
    clock that stands still leaves each member its own bound. ``together`` is how members are asked,
    and clusters by those who ask about several: asked at the same time, what they say is of nearly
    one moment, and silent ones cost their time once.
    """

    def __init__(
        self,
        reads: NodeReads,
        gateway: Gateway,
        memory: EtcdMemory,
        boot: Callable[[], float] = lambda: 0.0,
        together: Together = one_by_one,
    ) -> None:
        self._reads = reads
        self.gateway = gateway
        self.boot = boot
        self.together = together
        self._declared: Mapping[str, EtcdCluster] | None = None
        # With the declaration by which they were looked at.
        self._states: dict[str, tuple[EtcdCluster, Picture]] = {}
        self._pictured: dict[str, tuple[EtcdCluster, Picture]] = {}
        self._asked: dict[str, float] = {}  # when that was, by the boot clock
        # By endpoints: a cluster that gets another name has the same members.
        self._listed: dict[tuple[str, ...], tuple[Member, ...]] = {}
        self.memory = memory

    def learn(self, configuration: Configuration) -> None:
        """Take notice of what is declared, for those who are asked without a configuration: an
        outcome that somebody else left open is looked for by the name of its cluster alone."""
        self._declared = {cluster.name: cluster for cluster in configuration.etcd}

    @property
    def learned(self) -> bool:
        """Whether any configuration was seen yet."""
        return self._declared is not None

    def declared(self, name: str) -> EtcdCluster | None:
        """The cluster of that name, as it was declared last."""
        return (self._declared or {}).get(name)

    def picture(self, cluster: EtcdCluster, now: datetime) -> Picture:
        """The cluster now, with every member's pod and node; remembered as its newest picture."""
        return self.look(cluster, now).picture

    def recent(self, cluster: EtcdCluster, now: datetime, most: timedelta) -> Picture:
        """The newest picture if it is no older than ``most`` and of this very declaration (a name
        may have been given to another cluster), else a new one."""
        known = _still(self._pictured.get(cluster.name), cluster, now, most)
        return known or self.picture(cluster, now)

    def state(self, cluster: EtcdCluster, now: datetime) -> Picture:
        """What the members say now, without pods and nodes; asked once for all who ask with the
        same ``now``. Never older: a member answers until it is gone, so what was seen well a second
        before its pod went is not."""
        known = _still(self._states.get(cluster.name), cluster, now, timedelta(0))
        if known is None:
            known = self.leading(cluster, now)
            self._states[cluster.name] = (cluster, known)
        return known

    def leading(self, cluster: EtcdCluster, now: datetime) -> Picture:
        """What the members say at this very moment, without pods and nodes; nothing of it is kept,
        as a strike may come between it and the next question."""
        return self._look(cluster, now, place=False).picture

    def look(self, cluster: EtcdCluster, now: datetime) -> Seen:
        """As :meth:`picture`, with what the members were placed by."""
        seen = self._look(cluster, now, place=True)
        self.memory.pictures[cluster.name] = seen.picture
        self._pictured[cluster.name] = (cluster, seen.picture)
        self._asked[cluster.name] = self.boot()
        if seen.picture.members:
            self._listed[cluster.endpoints] = seen.picture.members
        return seen

    def look_for_strike(self, cluster: EtcdCluster, now: datetime) -> Seen:
        """As :meth:`look`, but for a cluster of which nobody has answered a moment ago, which says
        no again: to find that out takes seconds, for each candidate of an attempt."""
        known = _still(self._pictured.get(cluster.name), cluster, now, SILENT_FOR)
        lately = self.boot() - self._asked.get(cluster.name, 0.0) <= SILENT_FOR.total_seconds()
        if known is not None and not known.members and lately:
            return Seen(known)
        return self.look(cluster, now)

    def lists(self, cluster: EtcdCluster, pods: Sequence[PodFacts], now: datetime) -> bool:
        """Whether any of ``pods`` is what a cluster declared by endpoints listed last: members need
        not look like etcd. One declared by its pods has no others, and nobody is asked then."""
        if cluster.pods is not None or not pods:
            return False
        members = self.recent(cluster, now, LATELY).members
        members = members or self._listed.get(cluster.endpoints, ())
        return any(runs(cluster, member, pod) for member in members for pod in pods)

    def _look(self, cluster: EtcdCluster, now: datetime, *, place: bool) -> Seen:
        try:
            pods = self.pods_of(cluster.pods) if cluster.pods is not None else ()
        except CallFailed as error:
            why = f"its pods can't be read: {error}"
            return Seen(Picture(name=cluster.name, at=now, problems=(why,)))
        endpoints = {**dict.fromkeys(cluster.endpoints), **_endpoints(cluster.pods, pods)}
        if not endpoints:
            why = f"no running pod has the labels {cluster.pods and cluster.pods.labels.text}"
            return Seen(Picture(name=cluster.name, at=now, problems=(why,)), pods=pods)
        asked = Asking(self.gateway, cluster, endpoints, self.boot, self.together)
        if not place:
            told = tuple(asked.problems)
            return Seen(Picture(name=cluster.name, at=now, members=asked.members, problems=told))
        return self._placed(cluster, now, asked, pods)

    def _placed(
        self, cluster: EtcdCluster, now: datetime, asked: Asking, pods: tuple[PodFacts, ...]
    ) -> Seen:
        problems, unplaced = list(asked.problems), ""
        nodes: tuple[NodeFacts, ...] = ()
        known: Sequence[PodFacts] = pods
        try:
            known = [*pods, *self._others(cluster, asked.members, pods)]
            nodes = self._nodes(cluster, asked.members, known)
        except CallFailed as error:
            unplaced = f"where its members run can't be read: {error}"
            problems.append(unplaced)
        places = {one.id: place_of(cluster, one, known, nodes) for one in asked.members}
        if asked.members:
            taken = {str(pod) for place in places.values() for pod in place.pods}
            problems += [
                f"pod {pod} is none of its members" for pod in pods if str(pod) not in taken
            ]
        members = tuple(placed(one, places[one.id]) for one in asked.members)
        picture = Picture(name=cluster.name, at=now, members=members, problems=tuple(problems))
        return Seen(picture, places, pods, {node.name: node for node in nodes}, unplaced)

    def pods_of(self, declared: EtcdPods) -> tuple[PodFacts, ...]:
        """The pods that a declaration names, but for finished ones. Raises CallFailed."""
        pages = self._reads.pods(declared.namespace, declared.labels.text)
        found = {pod.uid: pod for page in pages for pod in page if not pod.finished}
        return tuple(found.values())

    def _others(
        self, cluster: EtcdCluster, members: Iterable[Member], pods: Sequence[PodFacts]
    ) -> list[PodFacts]:
        """Pods of members that the declaration does not name: by their addresses and DNS names."""
        found: dict[str, PodFacts] = {}
        for host in dict.fromkeys(
            host
            for member in members
            if not any(runs(cluster, member, pod) for pod in pods)
            for host in hosts_of(member)
        ):
            if is_ip(host):
                found.update((pod.uid, pod) for pod in self._reads.pods_at(host))
            elif (named := pod_named(host)) is not None:
                pod = self._reads.pod(*named)
                found.update({pod.uid: pod} if pod is not None else {})
        return list(found.values())

    def _nodes(
        self, cluster: EtcdCluster, members: Iterable[Member], pods: Sequence[PodFacts]
    ) -> tuple[NodeFacts, ...]:
        """The nodes of the members' pods; all nodes, once a member is in no pod: in a large cluster
        they are megabytes."""
        names: set[str] = set()
        for member in members:
            mine = pods_of_member(cluster, member, pods)
            if not mine:
                return tuple(node for page in self._reads.nodes("") for node in page)
            names.update(pod.node for pod in mine if pod.node)
        found = (self._reads.node(name) for name in sorted(names))
        return tuple(node for node in found if node is not None)

    def declared_pods(
        self, configuration: Configuration, pods: Iterable[PodFacts], now: datetime
    ) -> frozenset[str]:
        """Which of ``pods`` (``namespace/name``) are members of declared clusters, for sure.

        Only those that look like etcd are asked about, and where there are none, nobody is. What
        can't be told, or could be two members, is none.
        """
        likely = [pod for pod in pods if etcd_signs(pod)]
        found: list[str] = []
        for cluster in configuration.etcd if likely else ():
            for member in self.recent(cluster, now, LATELY).members:
                at = pods_of_member(cluster, member, likely)
                found += [member.pod] if [member.pod] == [str(pod) for pod in at] else []
        return frozenset(pod for pod, times in Counter(found).items() if times == 1)


def _still(
    known: tuple[EtcdCluster, Picture] | None,
    cluster: EtcdCluster,
    now: datetime,
    most: timedelta,
) -> Picture | None:
    """The picture that is known, if it is of this very declaration and no older than ``most``."""
    if known is None or known[0] != cluster:
        return None
    return known[1] if timedelta(0) <= now - known[1].at <= most else None


def _endpoints(declared: EtcdPods | None, pods: Iterable[PodFacts]) -> dict[str, PodFacts]:
    if declared is None:
        return {}
    return {endpoint_of(declared, pod.ips[0]): pod for pod in pods if pod.ips}
