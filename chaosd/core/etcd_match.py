"""Which pod and which node a member of etcd is: by the hosts of its URLs, and by names.

Pure: pods and nodes come as they were read. An address or a name that fits several pods is told as
several: whoever strikes takes that for doubt, whoever guards for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from chaosd.core.etcd import etcd_signs
from chaosd.core.etcd_model import EtcdCluster, EtcdPods
from chaosd.core.facts import NodeFacts, PodFacts
from chaosd.core.quorum import Member

_SERVED = 3
"""The labels of a pod's DNS name up to its namespace: pod, Service, namespace.
https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-network-id
"""


class Place(Struct, frozen=True):
    """Where one member runs: ``pods`` are all that it may be, ``node`` is "" for not known.

    ``known`` says that this is the whole truth: without pod and node it runs outside of this
    Kubernetes cluster. ``sure``: the node has the very address or name, not a shorter one.
    """

    pods: tuple[PodFacts, ...] = ()
    node: str = ""
    known: bool = False
    sure: bool = False

    @property
    def pod(self) -> PodFacts | None:
        """The one pod that it is; None when there is none, or doubt."""
        return self.pods[0] if len(self.pods) == 1 else None


def endpoint_of(pods: EtcdPods, ip: str) -> str:
    """The client URL of a member whose pod has the address ``ip``."""
    host = f"[{ip}]" if ":" in ip else ip
    return f"{pods.scheme}://{host}:{pods.port}"


def host_of(url: str) -> str:
    """The host of a URL in its one form: an IP as short as it goes, a name in small letters without
    the last dot; "" when there is none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return _canonical(host)


def port_of(url: str) -> int | None:
    """The port that a URL names; None when it names none."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None


def scheme_of(url: str) -> str:
    """``http`` or ``https``; "" when a URL has none that can be read."""
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def hosts_of(member: Member) -> tuple[str, ...]:
    """Every host under which a member is known, each once: where it was asked, then its URLs."""
    urls = (member.endpoint, *member.peer_urls, *member.client_urls)
    return tuple(dict.fromkeys(host for host in map(host_of, urls) if host))


def is_ip(host: str) -> bool:
    """Whether a host is an address and no name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def pod_named(host: str) -> tuple[str, str] | None:
    """The namespace and the name of the pod whose DNS name ``host`` may be
    (``etcd-0.etcd.team.svc...``); None when it can't be one."""
    labels = host.split(".")
    if len(labels) <= _SERVED or labels[_SERVED] != "svc":
        return None
    return labels[2], labels[0]


def is_called(member: Member, namespace: str, name: str) -> bool:
    """Whether a member has the name of this pod, or one of its URLs is that pod's DNS name: whether
    the pod is there or not."""
    hosts = (pod_named(host) for host in hosts_of(member))
    return member.name == name or (namespace, name) in hosts


def selected(cluster: EtcdCluster, pod: PodFacts) -> bool:
    """Whether the cluster's declaration names this pod by its labels."""
    declared = cluster.pods
    return (
        declared is not None
        and pod.namespace == declared.namespace
        and declared.labels.matches(pod.labels)
    )


def in_host_network(pod: PodFacts) -> bool:
    """Whether it has its node's address, as all such pods of that node have."""
    return bool(pod.host_ip) and pod.host_ip in pod.ips


def may_be_of(cluster: EtcdCluster, pod: PodFacts) -> bool:
    """Whether ``pod`` may be a member of ``cluster`` at all, so that its members must be asked.

    It may when it looks like etcd, when the cluster's labels select it, or when a declared endpoint
    names it by its address or its DNS name. In its node's network an address says nothing: there,
    kube-proxy has the same one.
    """
    if selected(cluster, pod) or etcd_signs(pod):
        return True
    return any(_names(host_of(one), pod, likely=False) for one in cluster.endpoints)


def runs(cluster: EtcdCluster, member: Member, pod: PodFacts) -> bool:
    """Whether ``pod`` is ``member``: one of its hosts is the pod's address or DNS name, or the pod
    is one that the cluster's labels select and has the member's name.

    A pod in its node's network must look like etcd or be selected beside.
    """
    if pod.finished:
        return False
    chosen = selected(cluster, pod)
    if chosen and member.name == pod.name:
        return True
    likely = chosen or bool(etcd_signs(pod))
    return any(_names(host, pod, likely=likely) for host in hosts_of(member))


def pods_of_member(
    cluster: EtcdCluster, member: Member, pods: Iterable[PodFacts]
) -> tuple[PodFacts, ...]:
    """Every pod that ``member`` may be, each once.

    Of several in one node's network, those whose command line has one of the member's URLs, where
    any has: members of two clusters can share a node, never a port.
    """
    found = {pod.uid or str(pod): pod for pod in pods if runs(cluster, member, pod)}
    several = tuple(found.values())
    if len(several) > 1:
        places = [place for url in (*member.peer_urls, *member.client_urls) if (place := _at(url))]
        said = tuple(pod for pod in several if _says(pod, places))
        return said or several
    return several


def is_node(host: str, node: NodeFacts) -> bool:
    """Whether ``host`` is one of the node's addresses, its name, or a longer form of that name."""
    return has_host(node, host) or (not is_ip(host) and has_host(node, host.partition(".")[0]))


def has_host(node: NodeFacts, host: str) -> bool:
    """Whether ``host`` is one of the node's addresses, or its name; what every machine calls itself
    says nothing."""
    return _tells(host) and host in {_canonical(one) for one in (*node.addresses, node.name)}


def place_of(
    cluster: EtcdCluster, member: Member, pods: Sequence[PodFacts], nodes: Sequence[NodeFacts]
) -> Place:
    """Where ``member`` runs, by all pods that it may be and all nodes of this Kubernetes cluster.

    It is known to run elsewhere when one of its hosts is an IP: neither pod nor node has it. Behind
    a name alone, which only its own DNS can tell, it may be on any node. Members are often called
    as their nodes, which may have more addresses than they tell: it is taken to be there as well.
    """
    mine = pods_of_member(cluster, member, pods)
    if mine:
        where = {pod.node for pod in mine}
        return Place(mine, where.pop() if len(where) == 1 else "", known=len(mine) == 1)
    hosts = hosts_of(member)
    # Where it was asked may be a proxy: its own URLs tell first.
    urls = (*member.peer_urls, *member.client_urls, member.endpoint)
    own = dict.fromkeys(host for host in map(host_of, urls) if host)
    found = next((node for host in own for node in nodes if is_node(host, node)), None)
    if found is not None:
        sure = any(has_host(found, host) for host in hosts)
        return Place((), found.name, known=True, sure=sure)
    named = next((node.name for node in nodes if node.name == member.name), "")
    return Place((), named, known=any(is_ip(host) and _tells(host) for host in hosts))


def placed(member: Member, place: Place) -> Member:
    """The member with its pod and its node.

    One whose pod is on its way out is about to be missed, although it still answers.
    """
    pod = place.pod
    error = member.error
    if not error and any(one.deleting for one in place.pods):
        error = "its pod is being deleted"
    return msgspec.structs.replace(
        member, pod=str(pod) if pod is not None else "", node=place.node, error=error
    )


def asked_at(member: Member, schemes: Collection[str]) -> tuple[str, ...]:
    """The member's own client URLs that may be asked: of no other scheme than was declared, or a
    client certificate and its answers would go over the wire in the open."""
    return tuple(url for url in member.client_urls if scheme_of(url) in schemes)


def same_place(one: str, other: str) -> bool:
    """Whether two URLs name the same host and port."""
    return _at(one) is not None and _at(one) == _at(other)


def _names(host: str, pod: PodFacts, *, likely: bool) -> bool:
    if not host:
        return False
    if is_ip(host):
        at = host in map(_canonical, pod.ips)
        return at and (likely or not in_host_network(pod))
    labels = host.split(".")
    if labels[0] != pod.name:
        return False
    return labels[2] == pod.namespace if len(labels) >= _SERVED else likely


def _tells(host: str) -> bool:
    """Whether a host tells one machine from another."""
    try:
        address = ip_address(host)
    except ValueError:
        return host not in ("", "localhost")
    return not (address.is_loopback or address.is_unspecified)


def _at(url: str) -> tuple[str, int | None] | None:
    host = host_of(url)
    return (host, port_of(url)) if host else None


def _says(pod: PodFacts, places: Sequence[tuple[str, int | None]]) -> bool:
    return any(place in places for word in _words(pod) for place in _urls(word))


def _words(pod: PodFacts) -> Iterator[str]:
    return (word for container in pod.containers for word in container.command)


def _urls(word: str) -> Iterator[tuple[str, int | None]]:
    """The places of the URLs in a word such as ``--listen-peer-urls=https://10.0.0.1:2380,...``."""
    for part in word.replace("=", ",").split(","):
        if "://" in part and (place := _at(part.strip("\"'"))) is not None:
            yield place


def _canonical(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower().rstrip(".")
