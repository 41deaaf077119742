"""The official client's transport over real HTTP, against the sandbox's server and worse ones."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chaosd.core.model import Victim
from chaosd.kube.api import Api
from chaosd.kube.official import OfficialTransport
from chaosd.kube.reads import KubeReads
from chaosd.kube.records import Metadata
from chaosd.kube.resources import NAMESPACES, PODS
from chaosd.kube.retry import NO_RETRIES, RetryPolicy
from chaosd.kube.signin import SignIn
from chaosd.ports import (
    Forbidden,
    NotSent,
    ServerFault,
    TooManyRequests,
    Unanswered,
)
from chaosd.sandbox import Access, Cluster, Rule, SandboxServer, scenarios
from chaosd.sandbox import Api as SandboxApi
from chaosd.sandbox.kubeconfig import write_kubeconfig
from tests.support.ports import steady_ports

SECRET = "s3cr3t-t0k3n"
QUICK = RetryPolicy(attempts=3, deadline=10.0, wait_initial=0.001, wait_max=0.002, wait_jitter=0.0)


class RealClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        """Wall-clock time."""
        return datetime.now(UTC)

    def boot(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    cluster = Cluster(lambda: datetime.now(UTC), seed=1)
    with cluster.backdated(timedelta(days=1)):
        scenarios.namespace(cluster, "kube-system")
        scenarios.node(cluster, "node-a")
        scenarios.deployment(cluster, "shop", "web", 12)
        scenarios.settle(cluster)
    api = SandboxApi(cluster, access=Access(SECRET))
    with SandboxServer(cluster, api=api, controllers=False) as server:
        yield server


@pytest.fixture
def sandbox(server: SandboxServer) -> Iterator[SandboxApi]:
    server.api.faults.clear()
    server.api.journal.clear()
    yield server.api
    server.api.faults.clear()


def transport(path: Path) -> OfficialTransport:
    return OfficialTransport(SignIn(str(path), environ={}))


@pytest.fixture
def api(server: SandboxServer, tmp_path: Path) -> Iterator[Api]:
    one = transport(server.kubeconfig(tmp_path / "kubeconfig"))
    yield Api(one, RealClock(), retry=QUICK)
    one.close()


def pods(api: Api) -> list[Victim]:
    return [
        Victim(pod.namespace, pod.name, pod.uid, pod.resource_version)
        for page in KubeReads(api).pods("shop", "app=web")
        for pod in page
        if not pod.deleting
    ]


def test_reads_in_pages_over_http(api: Api, sandbox: SandboxApi) -> None:
    """The whole way through the official client works, selectors and all."""
    pages = list(api.pages(PODS, None, Metadata, labels="app in (web)", limit=5))
    assert [len(page) for page in pages] == [5, 5, 2]
    skew = api.skew()
    assert skew is not None
    assert abs(skew) < 3  # it is right to 2.5 s
    assert {one.user_agent for one in sandbox.journal.requests} == {"chaosd"}


def test_a_lost_answer_to_a_deletion_is_not_sent_again(api: Api, sandbox: SandboxApi) -> None:
    """The pod is gone, we do not know, and no replacement was taken too."""
    [victim, *rest] = pods(api)
    sandbox.journal.clear()
    sandbox.faults.add(Rule(do="lost", when="after", verbs=("delete",)))
    with pytest.raises(Unanswered):
        KubeReads(api).delete_pod(victim, None, 5.0)
    assert [one.method for one in sandbox.journal.requests] == ["DELETE"]
    assert [one.uid for one in sandbox.journal.removals] == [victim.uid]
    assert {one.uid for one in pods(api)} == {one.uid for one in rest}


@pytest.mark.parametrize("do", ["lost", "reset"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cut_connection_may_have_been_an_eviction(
    api: Api, sandbox: SandboxApi, do: str, when: str
) -> None:
    """Whether it took effect or not, it was sent once, and nobody claims to know."""
    victim = pods(api)[0]
    sandbox.journal.clear()
    sandbox.faults.add(
        Rule(do=do, when=when, verbs=("create",))  # type: ignore[arg-type]
    )
    with pytest.raises(Unanswered):
        KubeReads(api).evict(victim, None, 5.0)
    assert len(sandbox.journal.requests) == 1
    assert len(sandbox.journal.removals) == (when == "after")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_makes_no_write_go_twice(api: Api, sandbox: SandboxApi, status: int) -> None:
    """The official client alone would have sent it four times."""
    victim = pods(api)[0]
    sandbox.journal.clear()
    sandbox.faults.add(Rule(do="status", status=status, retry_after=1))
    with pytest.raises((TooManyRequests, ServerFault)):
        KubeReads(api).delete_pod(victim, None, 5.0)
    with pytest.raises((TooManyRequests, ServerFault)):
        KubeReads(api).evict(victim, None, 5.0)
    assert [one.method for one in sandbox.journal.requests] == ["DELETE", "POST"]


def test_reads_come_through_a_bad_moment(api: Api, sandbox: SandboxApi) -> None:
    """Two cut connections do not fail a read."""
    sandbox.faults.add(Rule(do="reset", verbs=("get",), count=2))
    assert api.get(NAMESPACES, None, "shop", Metadata).metadata.name == "shop"
    assert [one.status for one in sandbox.journal.requests] == [None, None, 200]


def test_a_server_that_gives_up_in_time_says_so(api: Api, sandbox: SandboxApi) -> None:
    """``?timeout=`` bounds a write on the server, which answers 504 before we hang up."""
    victim = pods(api)[0]
    sandbox.journal.clear()
    sandbox.faults.add(Rule(do="delay", seconds=30))
    with pytest.raises(ServerFault) as failed:
        KubeReads(api).evict(victim, None, 1.0)
    assert failed.value.status == 504


def test_a_wrong_token_is_forbidden_and_not_shown(
    server: SandboxServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is refused is told; what was sent to be let in is not, in no log either."""
    caplog.set_level(logging.DEBUG)
    path = write_kubeconfig(tmp_path / "config", server.url, token="wr0ng-t0k3n")
    one = Api(transport(path), RealClock(), retry=NO_RETRIES)
    with pytest.raises(Forbidden) as failed:
        one.seed()
    assert "wr0ng-t0k3n" not in f"{failed.value!r} {caplog.text}"


def test_a_refused_connection_was_not_sent(tmp_path: Path) -> None:
    """Nobody listens: the world is as it was."""
    [port] = steady_ports(1)
    path = write_kubeconfig(tmp_path / "config", f"http://127.0.0.1:{port}")
    with pytest.raises(NotSent, match="refused"):
        transport(path).send("DELETE", "/x", (), {}, None, 2.0)


def test_an_unknown_host_was_not_sent(tmp_path: Path) -> None:
    """A name that does not resolve never got a byte."""
    path = write_kubeconfig(tmp_path / "config", "http://chaosd.invalid")
    with pytest.raises(NotSent):
        transport(path).send("DELETE", "/x", (), {}, None, 5.0)


def test_no_sign_in_was_not_sent(tmp_path: Path) -> None:
    """A missing kubeconfig is a sentence."""
    with pytest.raises(NotSent, match="no cluster to talk to"):
        transport(tmp_path / "nothing").send("GET", "/x", (), {}, None, 2.0)


@contextmanager
def answering(*chunks: bytes, pause: float = 0.0) -> Iterator[str]:
    """A server that says these bytes to its first request, whatever it is, and then waits."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            for chunk in chunks:
                if done.wait(pause):
                    return
                try:
                    connection.sendall(chunk)
                except OSError:
                    return
            if pause:
                done.wait(10)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        done.set()
        thread.join()
        listener.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b"not HTTP at all\r\n\r\n"],
        [HEAD + b"Content-Length: 100\r\n\r\n{}"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"],
        [HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"],
        [b"HTTP/1.1 twohundred OK\r\n\r\n"],
    ],
)
def test_half_an_answer_is_none(tmp_path: Path, chunks: list[bytes]) -> None:
    """An answer that breaks off or is no HTTP leaves open what happened."""
    with answering(*chunks) as url:
        one = transport(write_kubeconfig(tmp_path / "config", url))
        with pytest.raises(Unanswered):
            one.send("DELETE", "/x", (), {}, None, 5.0)
        one.close()


@pytest.mark.parametrize(
    "chunks", [[], [HEAD], [HEAD + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 900]]
)
def test_no_answer_holds_us_past_the_timeout(tmp_path: Path, chunks: list[bytes]) -> None:
    """Neither silence nor a trickle: the timeout is for the whole answer."""
    with answering(*chunks, pause=0.05) as url:
        one = transport(write_kubeconfig(tmp_path / "config", url))
        with pytest.raises(Unanswered):
            one.send("DELETE", "/x", (), {}, None, 1.5)
        one.close()


def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """Nobody can send our requests, and our token, elsewhere."""
    head = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/y\r\n"
    with answering(head + b"Content-Length: 0\r\n\r\n") as url:
        one = transport(write_kubeconfig(tmp_path / "config", url, token=SECRET))
        assert one.send("DELETE", "/x", (), {}, None, 5.0).status == 307
        one.close()
