"""Which pod and which node a member is, by hosts and names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.etcd_match import (
    asked_at,
    endpoint_of,
    host_of,
    in_host_network,
    is_called,
    is_node,
    may_be_of,
    place_of,
    placed,
    pod_named,
    pods_of_member,
    port_of,
    runs,
    same_place,
    scheme_of,
)
from chaosd.core.etcd_model import EtcdCluster, EtcdPods
from chaosd.core.facts import ContainerFacts, NodeFacts, PodFacts
from chaosd.core.quorum import Member
from chaosd.core.selector import Selector
from tests.core.subjects import pod as plain

BY_URL = EtcdCluster(
    name="main", endpoints=("https://10.0.0.1:2379", "https://etcd-0.etcd.data.svc")
)
BY_PODS = EtcdCluster(name="main", pods=EtcdPods("data", Selector.parse("role=store")))
DNS = "etcd-0.etcd.data.svc.cluster.local"


def member(*hosts: str, name: str = "etcd-0", **changes: Any) -> Member:
    return Member(id="m", name=name, peer_urls=tuple(f"https://{h}:2380" for h in hosts), **changes)


def pod(name: str = "etcd-0", *, etcd: bool = False, **changes: Any) -> PodFacts:
    """A pod that looks like nothing, or like etcd."""
    image = "quay.io/coreos/etcd:3.6" if etcd else "web:1"
    usual: dict[str, Any] = {
        "namespace": "data",
        "name": name,
        "uid": f"uid-{name}",
        "labels": {},
        "ips": ("10.1.0.7",),
        "host_ip": "10.0.0.1",
        "node": "node-a",
        "containers": (ContainerFacts(image=image),),
    }
    return plain(**{**usual, **changes})


HOSTED: dict[str, Any] = {"ips": ("10.0.0.1",)}


@pytest.mark.parametrize(
    ("url", "host", "port", "scheme"),
    [
        ("https://10.0.0.1:2379", "10.0.0.1", 2379, "https"),
        ("http://[FD00:0::7]:2379", "fd00::7", 2379, "http"),
        ("https://Etcd-0.Example.:2379", "etcd-0.example", 2379, "https"),
        ("https://etcd", "etcd", None, "https"),
        ("unix://localhost:1", "localhost", 1, "unix"),
        ("", "", None, ""),
        ("https://[broken", "", None, ""),
        ("https://a:99999", "a", None, "https"),
    ],
)
def test_urls(url: str, host: str, port: int | None, scheme: str) -> None:
    """Hosts in their one form; what can't be read is empty."""
    assert (host_of(url), port_of(url), scheme_of(url)) == (host, port, scheme)


@given(st.text())
def test_no_url_is_too_strange(url: str) -> None:
    """Members list what they like."""
    host_of(url), port_of(url), scheme_of(url), pod_named(host_of(url))
    assert same_place(url, url) is bool(host_of(url))


@given(st.ip_addresses(), st.sampled_from(["http", "https"]))
def test_endpoints_of_pods(ip: Any, scheme: str) -> None:
    """The address is found in the URL again."""
    url = endpoint_of(EtcdPods("data", Selector(), 4001, scheme), str(ip))
    assert (host_of(url), port_of(url), scheme_of(url)) == (str(ip), 4001, scheme)


@pytest.mark.parametrize(
    ("host", "named"),
    [
        (DNS, ("data", "etcd-0")),
        ("etcd-0.etcd.data.svc", ("data", "etcd-0")),
        ("etcd-0.etcd.data", None),
        ("etcd-0", None),
        ("etcd-0.example.com", None),
        ("10.0.0.1", None),
    ],
)
def test_names_of_pods(host: str, named: tuple[str, str] | None) -> None:
    """As a headless Service gives them."""
    assert pod_named(host) == named


@pytest.mark.parametrize(
    ("cluster", "one", "pod", "is_it"),
    [
        # by address
        (BY_URL, member("10.1.0.7"), pod(), True),
        (BY_URL, member("10.1.0.8"), pod(etcd=True), False),
        (BY_URL, member("[fd00::7]"), pod(ips=("10.1.0.7", "FD00:0:0::7")), True),
        # in its node's network, only what looks like etcd, or is selected
        (BY_URL, member("10.0.0.1"), pod(**HOSTED), False),
        (BY_URL, member("10.0.0.1"), pod(etcd=True, **HOSTED), True),
        (BY_PODS, member("10.0.0.1", name="x"), pod(labels={"role": "store"}, **HOSTED), True),
        # by DNS name
        (BY_URL, member(DNS), pod(), True),
        (BY_URL, member(DNS), pod(namespace="other", etcd=True), False),
        (BY_URL, member(DNS), pod("etcd-1", etcd=True), False),
        (BY_URL, member("etcd-0.etcd"), pod(), False),
        (BY_URL, member("etcd-0.etcd"), pod(etcd=True), True),
        (BY_URL, member("etcd-0"), pod(etcd=True), True),
        (BY_URL, member("etcd-0.example.com"), pod(etcd=True), False),
        # by name, where the declaration selects it
        (BY_PODS, member(), pod(labels={"role": "store"}), True),
        (BY_PODS, member(name="other"), pod(labels={"role": "store"}), False),
        (BY_PODS, member(), pod(etcd=True), False),
        (BY_PODS, member(), pod(labels={"role": "store"}, namespace="other"), False),
        # one that has ended is nobody
        (BY_URL, member("10.1.0.7"), pod(phase="Succeeded"), False),
    ],
)
def test_a_pod_that_is_the_member(
    cluster: EtcdCluster, one: Member, pod: PodFacts, is_it: bool
) -> None:
    """Address, DNS name, or the name of a selected pod."""
    assert runs(cluster, one, pod) is is_it


@pytest.mark.parametrize(
    ("cluster", "pod", "may"),
    [
        (BY_URL, pod(), True),
        (BY_URL, pod("web-1"), False),
        (BY_URL, pod("web-1", etcd=True), True),
        (BY_URL, pod("proxy", **HOSTED), False),
        (BY_URL, pod("web-1", ips=("10.0.0.1",), host_ip=""), True),
        (BY_PODS, pod("web-1"), False),
        (BY_PODS, pod("web-1", labels={"role": "store"}), True),
        (BY_PODS, pod("web-1", labels={"role": "store"}, namespace="other"), False),
    ],
)
def test_a_pod_that_may_be_a_member(cluster: EtcdCluster, pod: PodFacts, may: bool) -> None:
    """It looks like it, is selected, or is at a declared endpoint; else nobody is asked."""
    assert may_be_of(cluster, pod) is may


def test_two_clusters_on_one_node() -> None:
    """Of two pods in a node's network the one whose command line has the member's URL; without a
    word of it, it may be both."""
    at = member("10.0.0.1", name="main")
    listens = "--listen-peer-urls=https://127.0.0.1:2380,https://10.0.0.1:{}"

    def in_network(name: str, *command: str) -> PodFacts:
        container = ContainerFacts(image="etcd:3", command=("etcd", *command))
        return pod(name, containers=(container,), **HOSTED)

    main = in_network("etcd-main", listens.format(2380))
    events = in_network("etcd-events", listens.format(2381))
    assert in_host_network(main)
    assert pods_of_member(BY_URL, at, [main, events]) == (main,)
    silent = [in_network("a"), in_network("b")]
    assert pods_of_member(BY_URL, at, silent) == tuple(silent)
    place = place_of(BY_URL, at, silent, [])
    assert (place.pod, place.node, place.known) == (None, "node-a", False)


CP = NodeFacts("cp-1", addresses=("10.0.0.9", "fd00::9", "CP-1", "127.0.0.1"))


@pytest.mark.parametrize(
    ("host", "is_it", "known", "sure"),
    [
        ("10.0.0.9", True, True, True),
        ("[fd00:0::9]", True, True, True),
        ("cp-1", True, True, True),
        ("cp-1.corp.example", True, True, False),
        ("10.0.0.10", False, True, False),
        ("cp-10", False, False, False),
        ("etcd.corp.example", False, False, False),
        ("127.0.0.1", False, False, False),
        ("localhost", False, False, False),
    ],
)
def test_a_node_that_hosts_the_member(host: str, is_it: bool, known: bool, sure: bool) -> None:
    """By its addresses and its name; an address of no node is known to be elsewhere."""
    place = place_of(BY_URL, member(host), [], [CP])
    assert (place.node, place.known, place.sure) == ("cp-1" if is_it else "", known, sure)
    assert is_node(host_of(f"https://{host}"), CP) is is_it


def test_a_placed_member() -> None:
    """With its pod and its node; one whose pod is going is not healthy, whatever it says."""
    at = member("10.1.0.7")
    seen = placed(at, place_of(BY_URL, at, [pod()], [CP]))
    assert (seen.pod, seen.node, seen.error) == ("data/etcd-0", "node-a", "")
    going = placed(at, place_of(BY_URL, at, [pod(deleting=True)], [CP]))
    assert going.error == "its pod is being deleted"


def test_urls_that_may_be_asked() -> None:
    """None of another scheme than was declared."""
    urls = ("http://a:1", "https://a:2", "unix://a", "https://b:2")
    one = Member(id="m", client_urls=urls)
    assert asked_at(one, {"https"}) == ("https://a:2", "https://b:2")
    assert asked_at(one, ()) == ()


@given(st.lists(st.sampled_from(["10.1.0.7", "10.0.0.1", DNS, "etcd-0", "x"]), max_size=3))
def test_who_runs_a_member_may_be_one(hosts: list[str]) -> None:
    """No pod is matched to a declared endpoint's member that the first look would leave out."""
    cluster = EtcdCluster(name="main", endpoints=tuple(f"https://{host}:2379" for host in hosts))
    for one in (pod(), pod(etcd=True), pod(**HOSTED), pod("web", ips=())):
        if runs(cluster, member(*hosts), one):
            assert may_be_of(cluster, one)


@pytest.mark.parametrize(
    ("one", "called"),
    [
        (member("10.0.0.9"), True),
        (member(DNS, name="a"), True),
        (member("etcd-0.etcd.other.svc", name="a"), False),
        (member("etcd-01.etcd.data.svc", name="a"), False),
        (member("10.1.0.7", name=""), False),
    ],
)
def test_a_member_of_a_pod_that_is_gone(one: Member, called: bool) -> None:
    """It has the pod's name, or the pod's DNS name; its address may be another one's by now."""
    assert is_called(one, "data", "etcd-0") is called
