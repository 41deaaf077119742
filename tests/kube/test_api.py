"""Typed requests: pages, retries of reads, writes that are sent once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from chaosd.kube.api import Api
from chaosd.kube.records import Metadata, Pod
from chaosd.kube.resources import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, NODES, PODS
from chaosd.kube.retry import RetryPolicy
from chaosd.ports import (
    Answered,
    CallFailed,
    Expired,
    NotFound,
    NotSent,
    ServerFault,
    TooManyRequests,
    Unanswered,
)
from chaosd.ports import Cluster as ClusterPort
from chaosd.sandbox import Rule, scenarios
from tests.support.clock import VirtualClock
from tests.support.lab import Lab
from tests.support.scripted import Answer, ScriptedTransport, reply

QUICK = RetryPolicy(attempts=3, deadline=10.0, wait_initial=0.001, wait_max=0.002, wait_jitter=0.0)
POD = json.dumps(
    {"metadata": {"name": "web", "creationTimestamp": "2026-01-05T09:00:00Z"}, "spec": {}}
).encode()


@pytest.fixture
def lab() -> Lab:
    lab = Lab()
    with lab.filled() as cluster:
        for number in range(7):
            scenarios.namespace(cluster, f"ns-{number}", labels={"odd": str(number % 2)})
        scenarios.deployment(cluster, "ns-0", "web", 2)
    return lab


def names(pages: Iterator[list[Metadata]]) -> list[list[str]]:
    return [[item.metadata.name for item in page] for page in pages]


def flat(pages: list[list[str]]) -> list[str]:
    return [name for page in pages for name in page]


def scripted(*answers: Answer) -> tuple[Api, ScriptedTransport]:
    transport = ScriptedTransport(list(answers))
    return Api(transport, VirtualClock(), retry=QUICK), transport


def test_a_list_comes_in_pages(lab: Lab) -> None:
    """Each page is one request, and no object is missing or comes twice."""
    pages = names(lab.api.pages(NAMESPACES, None, Metadata, limit=3))
    assert [len(page) for page in pages] == [3, 3, 2]
    assert sorted(flat(pages)) == ["kube-system", *(f"ns-{number}" for number in range(7))]
    assert len(lab.requests()) == 3


def test_pages_are_asked_for_as_they_are_used(lab: Lab) -> None:
    """Nothing is held: the next page is requested when the last one was dealt with."""
    pages = lab.api.pages(NAMESPACES, None, Metadata, limit=3)
    next(pages)
    assert len(lab.requests()) == 1


def test_a_list_is_selected_on_the_server(lab: Lab) -> None:
    """A label selector comes to the server as it was written."""
    [page] = names(lab.api.pages(NAMESPACES, None, Metadata, labels="odd in (1),odd!=0"))
    assert page == ["ns-1", "ns-3", "ns-5"]


def test_an_empty_list_has_no_pages(lab: Lab) -> None:
    """Nothing is not an empty page."""
    assert list(lab.api.pages(PODS, "ns-1", Pod)) == []


def test_a_list_of_metadata_carries_nothing_else(lab: Lab) -> None:
    """The server sends PartialObjectMetadata, so a list costs a fraction."""
    [page] = lab.api.metadata_pages(DEPLOYMENTS, None)
    assert page[0].name == "web"
    assert page[0].generation == 1
    transport = ScriptedTransport([reply(200, b'{"metadata": {}, "items": null}')])
    assert list(Api(transport, VirtualClock()).metadata_pages(PODS, None)) == []
    assert "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1" in transport.sent[0].headers["Accept"]


def test_an_expired_token_goes_on_where_it_was(lab: Lab) -> None:
    """Five minutes after a page, the rest of the list still comes, each object once."""
    pages = lab.api.pages(NAMESPACES, None, Metadata, limit=3)
    first = next(pages)
    scenarios.namespace(lab.cluster, "ns-8")
    lab.clock.advance(600)
    scenarios.namespace(lab.cluster, "ns-9")
    lab.requests()
    everything = [one.metadata.name for one in first] + flat(names(pages))
    assert everything == ["kube-system", *(f"ns-{n}" for n in (0, 1, 2, 3, 4, 5, 6, 8, 9))]
    assert [one.status for one in lab.requests()] == [410, 200, 200, 200]


def test_an_expired_token_without_another_starts_again(lab: Lab) -> None:
    """Then objects come twice, and none is missing."""
    lab.fault(Rule(do="expired", count=1))
    pages = names(lab.api.pages(NAMESPACES, None, Metadata, limit=3))
    assert [len(page) for page in pages] == [3, 3, 3, 2]
    assert pages[0] == pages[1]


def test_a_list_that_always_expires_ends(lab: Lab) -> None:
    """A list can't go round for ever."""
    lab.fault(Rule(do="expired"))
    with pytest.raises(Expired):
        list(lab.api.pages(NAMESPACES, None, Metadata, limit=3))


def test_counting_costs_one_small_request(lab: Lab) -> None:
    """The number of objects is known without reading them."""
    assert lab.api.count(NAMESPACES) == 8
    assert lab.api.count(PODS) == 2
    assert lab.api.count(CONFIG_MAPS) == 0
    assert len(lab.requests()) == 3


def test_a_server_that_does_not_count_is_believed() -> None:
    """Without remainingItemCount nothing is made up."""
    item = {"metadata": {"name": "a", "creationTimestamp": "2026-01-05T09:00:00Z"}}
    body = {"metadata": {"continue": "more"}, "items": [item]}
    api, _ = scripted(reply(200, json.dumps(body).encode()))
    assert api.count(PODS) is None


@pytest.mark.parametrize("namespace", ["shop", "a/b", "a b", "ü?x=1"])
def test_names_are_quoted_in_paths(namespace: str) -> None:
    """No name can change which path is asked for."""
    api, transport = scripted(reply(404))
    with pytest.raises(NotFound):
        api.get(PODS, namespace, "web", Pod)
    assert transport.sent[0].path.count("/") == 6
    assert "?" not in transport.sent[0].path


PASSING: list[Answer] = [
    NotSent("refused"),
    Unanswered("lost"),
    reply(500),
    reply(503, retry_after="0"),
    reply(429, retry_after="0"),
    reply(429),
    reply(200, b"not json"),
    reply(200, b'{"metadata": {}}'),
]


@pytest.mark.parametrize("failure", PASSING)
def test_reads_are_asked_again_after_what_may_pass(failure: Answer) -> None:
    """A read survives two failures of any passing kind."""
    api, transport = scripted(failure, failure, reply(200, POD))
    assert api.get(PODS, "shop", "web", Pod).metadata.name == "web"
    assert len(transport.sent) == 3


@pytest.mark.parametrize("failure", PASSING)
def test_reads_give_up_in_the_end(failure: Answer) -> None:
    """What never passes is raised as it came, after as many attempts as are allowed."""
    api, transport = scripted(*[failure] * 3)
    with pytest.raises((NotSent, Unanswered, ServerFault, TooManyRequests)):
        api.get(PODS, "shop", "web", Pod)
    assert len(transport.sent) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422])
def test_reads_that_were_answered_are_not_asked_again(status: int) -> None:
    """An answer that will stay the same is taken as it is."""
    api, transport = scripted(reply(status))
    with pytest.raises(Answered):
        api.get(PODS, "shop", "web", Pod)
    assert len(transport.sent) == 1


def test_a_retry_after_is_waited_for_at_the_pace_of_the_clock() -> None:
    """An hour of a clock that runs a million times as fast is over at once."""
    hurried = RetryPolicy(attempts=3, wait_initial=3600, wait_max=3600, pace=1e-6)
    transport = ScriptedTransport([reply(429, retry_after="3600"), reply(503), reply(200, POD)])
    api = Api(transport, VirtualClock(), retry=hurried)
    assert api.get(PODS, "shop", "web", Pod).metadata.name == "web"
    assert len(transport.sent) == 3


def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    """A server that asks for an hour gets an error instead of a thread."""
    api, transport = scripted(reply(429, retry_after="3600"))
    with pytest.raises(TooManyRequests):
        api.get(PODS, "shop", "web", Pod)
    assert len(transport.sent) == 1


def test_each_page_has_its_own_retries() -> None:
    """A long list is not lost to one bad moment on a late page."""
    first = {
        "metadata": {"continue": "more"},
        "items": [{"metadata": {"name": "a", "creationTimestamp": "2026-01-05T09:00:00Z"}}],
    }
    api, transport = scripted(
        reply(200, json.dumps(first).encode()),
        reply(503),
        reply(503),
        reply(200, b'{"metadata": {}, "items": []}'),
    )
    assert names(api.pages(NODES, None, Metadata)) == [["a"]]
    assert [("continue", "more") in sent.query for sent in transport.sent] == [False] + [True] * 3


WRITES = {
    "create": lambda api: api.create(PODS, "shop", {}, Pod),
    "patch": lambda api: api.patch(PODS, "shop", "web", {}, Pod),
    "delete": lambda api: api.delete(PODS, "shop", "web", {}),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("failure", PASSING[:6])
def test_writes_are_sent_once(write: str, failure: Answer) -> None:
    """What may have changed the world is never sent twice, whatever came back."""
    api, transport = scripted(failure, reply(200, POD))
    with pytest.raises(CallFailed):
        WRITES[write](api)
    assert len(transport.sent) == 1


@pytest.mark.parametrize("body", [b"", b"not json", b'{"kind": "Status"}'])
def test_a_write_whose_answer_makes_no_sense_may_have_happened(body: bytes) -> None:
    """Only an answer that can be read counts as one."""
    api, _ = scripted(reply(200, body))
    with pytest.raises(Unanswered):
        api.patch(PODS, "shop", "web", {}, Pod)


@pytest.mark.parametrize("body", [b"", b"not json", b'{"kind": "Status"}', POD])
def test_a_deletion_is_done_whatever_its_body_is(body: bytes) -> None:
    """A 2xx to a deletion is a deletion: the body may be a pod, a Status, or cut off."""
    api, _ = scripted(reply(200, body))
    api.delete(PODS, "shop", "web", {})


@pytest.mark.parametrize(
    ("timeout", "bound"), [(None, "10s"), (7.9, "7s"), (1.0, "1s"), (0.2, "1s"), (-3.0, "1s")]
)
def test_writes_are_bounded_on_the_server_too(timeout: float | None, bound: str) -> None:
    """A server that answers late gives up by itself, before we do."""
    api, transport = scripted(reply(200, POD))
    api.patch(PODS, "shop", "web", {}, Pod, timeout=timeout)
    [sent] = transport.sent
    assert sent.query == [("timeout", bound)]
    assert sent.timeout == float(bound.removesuffix("s")) + 1.0


def test_the_seed_is_the_clusters_own(lab: Lab) -> None:
    """Every process of one cluster has the same seed without configuring one."""
    cluster: ClusterPort = lab.api
    uid = lab.cluster.all("namespaces")[0]["metadata"]["uid"]
    assert cluster.seed() == uid


def test_retries_are_silent(capfd: pytest.CaptureFixture[str]) -> None:
    """A command's output is its own: a read that was asked again prints nothing."""
    api, _ = scripted(reply(503), reply(503), reply(200, POD))
    api.get(PODS, "shop", "web", Pod)
    assert capfd.readouterr() == ("", "")


def test_the_skew_is_that_of_the_newest_answer(lab: Lab) -> None:
    """A cluster on the same clock is not ahead of it by a second."""
    assert lab.api.skew() is None
    lab.api.seed()
    skew = lab.api.skew()
    assert skew is not None
    assert abs(skew) <= 0.5


def test_without_retries_nothing_waits() -> None:
    """With one attempt a failure comes back at once, on any clock, without a thread."""
    threads = threading.active_count()
    api = Api(ScriptedTransport([reply(503)]), VirtualClock(), retry=RetryPolicy(attempts=1))
    with pytest.raises(ServerFault):
        api.get(PODS, "shop", "web", Pod)
    assert threading.active_count() == threads
