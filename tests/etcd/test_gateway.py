"""The gateway over HTTP, against a stand-in that answers as etcd does, and worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.calls import Answered, CallFailed, Forbidden, NotSent, ServerFault, Unanswered
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.quorum import Member
from chaosd.etcd.gateway import HttpGateway
from chaosd.targets.etcd_gateway import Gateway
from tests.etcd.stub import (
    ALARMS,
    BRIEF,
    HEADER,
    LEADER,
    LEARNER,
    LEARNER_REFUSES,
    MEMBER,
    MEMBERS,
    NOT_LEADER,
    STATUS,
    Etcd,
    Pieces,
    Stub,
    http,
)

CLUSTER = EtcdCluster("main")
PATIENT = 60.0
NOSPACE = {"memberID": "1429875138487031183", "alarm": "NOSPACE"}


@contextmanager
def asking(**answers: Pieces) -> Iterator[tuple[HttpGateway, Stub]]:
    """A gateway, and a member that answers so."""
    with Stub(Etcd(**answers)) as stub, closing(HttpGateway()) as gateway:
        yield gateway, stub


def test_it_is_what_the_target_asks_for() -> None:
    """The adapter fits the protocol, also for the type checker."""
    gateway: Gateway = HttpGateway()
    assert gateway is not None


def test_a_member_tells_of_itself_and_of_the_others() -> None:
    """Ids are hexadecimal, numbers are numbers, what is left out is zero, learners are marked."""
    with asking() as (gateway, stub):
        looked = gateway.look(CLUSTER, stub.url, PATIENT)
    assert looked.member == Member(
        id=MEMBER,
        name="main-0",
        endpoint=stub.url,
        peer_urls=("http://127.0.0.1:30232",),
        client_urls=("http://127.0.0.1:26717",),
        leader=LEADER,
        cluster_id="156c3fba6fc6704a",
        known=(MEMBER, LEADER, f"{LEARNER} (learner)"),
        term=2,
        applied=25,
        version="3.6.8",
        size=1941504,
        in_use=1843200,
    )
    assert looked.member.healthy
    assert [one.id for one in looked.listed] == [MEMBER, LEADER, LEARNER]
    assert [one.learner for one in looked.listed] == [False, False, True]
    assert looked.listed[1].name == "main-1"
    assert looked.listed[1].peer_urls == ("http://127.0.0.1:22922",)


def test_one_look_takes_one_connection_and_the_next_takes_it_again() -> None:
    """Connections are kept, and nothing is asked twice."""
    with asking() as (gateway, stub):
        gateway.look(CLUSTER, stub.url, PATIENT)
        gateway.read(CLUSTER, stub.url, PATIENT)
    assert [request.path.partition("?")[0] for request in stub.requests] == [
        "/v3/maintenance/status",
        "/v3/cluster/member/list",
        "/health",
        "/v3/maintenance/alarm",
        "/health",
    ]
    assert stub.connections == 1


def test_an_alarm_is_told_as_an_alarm() -> None:
    """The read leaves alarms out, which come by their own; each with the member it is about."""
    other = {"memberID": "8598423449531376191", "alarm": "CORRUPT"}
    gone = {"memberID": "255", "alarm": "NOSPACE"}
    learner = {"memberID": "17402712751320838158", "alarm": 7}
    with asking(alarm=http({**ALARMS, "alarms": [NOSPACE, other, gone, learner]})) as (
        gateway,
        stub,
    ):
        member = gateway.look(CLUSTER, stub.url, PATIENT).member
    assert member.alarms == (f"7 of {LEARNER}", "NOSPACE", "NOSPACE of ff")
    assert member.healthy
    assert "exclude=NOSPACE" in stub.requests[2].path


def test_a_member_without_a_leader_is_not_healthy_and_asked_for_no_alarms() -> None:
    """Alarms would come through raft, which waits; what the status says of them is in the words."""
    status: dict[str, Any] = {**STATUS, "errors": ["etcdserver: no leader", "alarm:NOSPACE "]}
    del status["leader"]
    health = http({"health": "false", "reason": "RAFT NO LEADER"}, 503)
    with asking(status=http(status), health=health) as (gateway, stub):
        member = gateway.look(CLUSTER, stub.url, PATIENT).member
        with pytest.raises(ServerFault, match="no linearizable read: RAFT NO LEADER"):
            gateway.read(CLUSTER, stub.url, PATIENT)
        assert gateway.leader(CLUSTER, stub.url, PATIENT) == ""
    assert member.leader == ""
    assert "RAFT NO LEADER" in member.error
    assert member.error.endswith("alarm:NOSPACE ")
    assert all("alarm" not in request.path for request in stub.requests)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"health": b""}, "no linearizable read: "),
        ({"health": http({"health": "false"}, 503)}, "not healthy"),
        ({"health": http({"health": "true"}, 503)}, "not healthy"),
        ({"health": http(b"<html>", 503)}, "not one of etcd"),
        ({"alarm": http({"code": 14, "message": "etcdserver: request timed out"}, 503)}, "alarms"),
        ({"alarm": b""}, "its alarms can't be read"),
    ],
)
def test_one_that_answers_but_not_all_is_not_healthy(answers: dict[str, bytes], words: str) -> None:
    """What was found is told, and the rest is why it isn't healthy."""
    with asking(**answers) as (gateway, stub):
        member = gateway.look(CLUSTER, stub.url, PATIENT).member
    assert member.id == MEMBER
    assert words in member.error


def test_a_read_without_an_answer_leaves_a_member_that_is_not_healthy() -> None:
    """A member that has just lost its quorum lets reads wait."""
    with Stub(Etcd()) as stub, closing(HttpGateway()) as gateway:

        def hang() -> Iterator[bytes]:
            stub.stopping.wait()
            yield b""

        stub.answer = Etcd(health=hang())
        member = gateway.look(CLUSTER, stub.url, BRIEF).member
    assert "no whole answer in time" in member.error


def test_a_learner_is_known_by_its_status_alone() -> None:
    """It refuses to list members and alarms, and is not asked for them."""
    refused = http(LEARNER_REFUSES, 400)
    learner = http({**STATUS, "isLearner": True})
    with asking(status=learner, list=refused, alarm=refused) as (gateway, stub):
        looked = gateway.look(CLUSTER, stub.url, PATIENT)
    assert looked.member.learner
    assert looked.member.healthy
    assert (looked.member.known, looked.listed) == ((), ())
    assert len(stub.requests) == 2


def test_a_member_that_was_removed_says_so() -> None:
    """It is in no list any more, not even in its own."""
    others = {**MEMBERS, "members": [MEMBERS["members"][1]]}  # type: ignore[index]
    with asking(list=http(others)) as (gateway, stub):
        assert "not in its own" in gateway.look(CLUSTER, stub.url, PATIENT).member.error


@pytest.mark.parametrize("key", ["member_id", "cluster_id"])
def test_two_members_behind_one_address_are_found_out(key: str) -> None:
    """Through a load balancer each answer is another member's: nothing of it counts."""
    other = http({**MEMBERS, "header": {**HEADER, key: "7"}})
    with (
        asking(list=other) as (gateway, stub),
        pytest.raises(Unanswered, match="two members answer"),
    ):
        gateway.look(CLUSTER, stub.url, PATIENT)


@pytest.mark.parametrize(
    "status",
    [
        {**STATUS, "leader": 8598423449531376191},
        {**STATUS, "leader": "-1"},
        {**STATUS, "raftAppliedIndex": "1e3"},
        {**STATUS, "raftTerm": "2\n"},
        {**STATUS, "isLearner": "true"},
        {**STATUS, "header": {"member_id": ""}},
        {**STATUS, "header": {}},
        {key: value for key, value in STATUS.items() if key != "header"},
        {},
    ],
)
def test_what_is_no_status_is_refused(status: dict[str, Any]) -> None:
    """Nothing is guessed from another type, and nobody is taken for the member 0."""
    with asking(status=http(status)) as (gateway, stub), pytest.raises(Unanswered, match=stub.url):
        gateway.look(CLUSTER, stub.url, PATIENT)


def test_the_leader_is_moved_by_one_request_on_a_connection_of_its_own() -> None:
    """The target's id is decimal; a kept connection might be one that nobody hears."""
    with asking() as (gateway, stub):
        gateway.read(CLUSTER, stub.url, PATIENT)
        gateway.move_leader(CLUSTER, stub.url, LEADER, PATIENT)
        gateway.read(CLUSTER, stub.url, PATIENT)
    first, moved, last = stub.requests
    assert (moved.method, moved.path) == ("POST", "/v3/maintenance/transfer-leadership")
    assert json.loads(moved.body) == {"targetID": "8598423449531376191"}
    assert first.connection == last.connection != moved.connection


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", Unanswered),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{", b""], Unanswered),
        (http(b"<html>OK</html>"), Unanswered),
        (http(b"[]"), Unanswered),
        (http(b"", 302, Location="http://127.0.0.1:1/"), Unanswered),
        (http(b"", 307, Location="/elsewhere"), Unanswered),
        (http(b"<html>Not found</html>", 404), Unanswered),
        (http(b"Bad gateway", 502), Unanswered),
        (http({"code": 1, "message": "context canceled"}, 499), Unanswered),
        (http({"code": 2, "message": "etcdserver: request timed out"}, 500), ServerFault),
        (http({"code": 14, "message": "etcdserver: no leader"}, 503), ServerFault),
        (http({"code": 4, "message": "context deadline exceeded"}, 504), ServerFault),
        (http(NOT_LEADER, 400), Answered),
        (http({"error": "etcdserver: not leader", "code": 9}, 400), Answered),
        (http({"code": 9, "message": "etcdserver: bad leader transferee"}, 400), Answered),
        (http({"code": 7, "message": "etcdserver: permission denied"}, 403), Forbidden),
        (http({"code": 8, "message": "etcdserver: too many requests"}, 429), Answered),
    ],
)
def test_a_move_is_sent_once_and_only_etcd_says_that_nothing_happened(
    answer: Pieces, kind: type[CallFailed]
) -> None:
    """Whatever comes back: one request. What a proxy says may have happened."""
    with (
        asking(**{"transfer-leadership": answer}) as (gateway, stub),
        pytest.raises(kind) as failed,
    ):
        gateway.move_leader(CLUSTER, stub.url, LEADER, PATIENT)
    assert len(stub.requests) == 1
    assert stub.url in str(failed.value)
    if kind is Answered:
        assert not isinstance(failed.value, ServerFault)
        assert "etcdserver: " in str(failed.value)


def test_a_move_to_what_is_no_id_is_not_sent() -> None:
    """Nothing leaves the process."""
    with asking() as (gateway, stub), pytest.raises(NotSent, match="no id of a member"):
        gateway.move_leader(CLUSTER, stub.url, "main-1", PATIENT)
    assert stub.requests == []


def test_a_gateway_that_is_turned_off_is_told() -> None:
    """etcd without it has no such path."""
    with (
        asking(status=http(b"404 page not found\n", 404)) as (gateway, stub),
        pytest.raises(Unanswered, match="--enable-grpc-gateway"),
    ):
        gateway.leader(CLUSTER, stub.url, PATIENT)


@contextmanager
def answering() -> Iterator[tuple[Stub, list[Callable[[], CallFailed | None]]]]:
    """A stand-in, and every question to it; each gives what it raised."""
    with Stub(Etcd()) as stub, closing(HttpGateway()) as gateway:

        def tried(ask: Callable[[], object]) -> Callable[[], CallFailed | None]:
            def attempt() -> CallFailed | None:
                try:
                    ask()
                except CallFailed as failed:
                    return failed
                return None

            return attempt

        url = stub.url
        yield (
            stub,
            [
                tried(lambda: gateway.look(CLUSTER, url, PATIENT)),
                tried(lambda: gateway.read(CLUSTER, url, PATIENT)),
                tried(lambda: gateway.leader(CLUSTER, url, PATIENT)),
                tried(lambda: gateway.move_leader(CLUSTER, url, LEADER, PATIENT)),
                tried(lambda: gateway.check_snapshot(CLUSTER, url, PATIENT)),
            ],
        )


KEYS = st.sampled_from(
    "header members alarms leader errors health ID alarm memberID raftTerm isLearner result blob "
    "error message code member_id cluster_id".split()
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


def test_no_bytes_make_it_raise_anything_else() -> None:
    """Whatever is answered, as HTTP or not: CallFailed with the address, or an answer."""
    with answering() as (stub, asked):

        @settings(max_examples=40)
        @given(st.binary(max_size=300))
        def raw(content: bytes) -> None:
            stub.answer = [content, b""]
            check()

        @settings(max_examples=40)
        @given(st.binary(max_size=300), st.sampled_from([200, 204, 302, 400, 404, 499, 503]))
        def body(content: bytes, status: int) -> None:
            stub.answer = http(content, status)
            check()

        @settings(max_examples=40)
        @given(JSON)
        def document(content: object) -> None:
            stub.answer = http(json.dumps(content).encode())
            check()

        def check() -> None:
            for ask in asked:
                failed = ask()
                assert failed is None or stub.url in str(failed)

        raw()
        body()
        document()
