"""Which members of declared clusters somebody means who names a pod, a workload or a node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from chaosd.core.etcd_match import Place, host_of, is_node, may_be_of, selected
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.facts import NodeFacts, PodFacts
from chaosd.core.model import Configuration
from chaosd.targets.etcd_clusters import EtcdClusters, Seen
from chaosd.targets.etcd_inside import called

Parts = Mapping[str, tuple[str, ...]]
"""The members by the names of their clusters. None for a cluster that is declared to be concerned,
and knows no such member now."""


def members_in(
    clusters: EtcdClusters, configuration: Configuration, pods: Sequence[PodFacts], now: datetime
) -> Parts:
    """The members that ``pods`` may be. A cluster is asked only when one of them may be its."""
    names = frozenset(map(str, pods))

    def concerns(cluster: EtcdCluster) -> bool:
        likely = any(may_be_of(cluster, pod) for pod in pods)
        return likely or clusters.lists(cluster, pods, now)

    def declared(cluster: EtcdCluster, seen: Seen) -> bool:
        silent = not seen.picture.members and cluster.pods is None
        return silent or any(selected(cluster, pod) for pod in pods)

    asked = [cluster for cluster in configuration.etcd if concerns(cluster)]
    return _found(
        clusters, asked, now, lambda place: any(str(pod) in names for pod in place.pods), declared
    )


def members_on(
    clusters: EtcdClusters, configuration: Configuration, node: NodeFacts, now: datetime
) -> Parts:
    """The members that may run on ``node``, in a pod or as a process of the host."""

    def declared(cluster: EtcdCluster, seen: Seen) -> bool:
        hosts = [host_of(url) for url in cluster.endpoints]
        at = not seen.picture.members and any(is_node(host, node) for host in hosts)
        return at or any(pod.node == node.name for pod in seen.pods)

    def there(place: Place) -> bool:
        return node.name in (place.node, *(pod.node for pod in place.pods))

    return _found(clusters, configuration.etcd, now, there, declared)


def _found(
    clusters: EtcdClusters,
    asked: Sequence[EtcdCluster],
    now: datetime,
    meant: Callable[[Place], bool],
    declared: Callable[[EtcdCluster, Seen], bool],
) -> Parts:
    def look(cluster: EtcdCluster) -> Seen:
        return clusters.look(cluster, now)

    found = {}
    for cluster, seen in zip(asked, clusters.together(look, asked), strict=True):
        picture = seen.picture
        members = sorted(
            called(picture, member)
            for member in picture.members
            if meant(seen.places.get(member.id, Place()))
        )
        if members or declared(cluster, seen):
            found[cluster.name] = tuple(members)
    return found
