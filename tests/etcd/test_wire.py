"""One request over real sockets: bounded in time and size, sent once, and no surprises."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chaosd.calls import CallFailed, NotSent, Unanswered
from chaosd.core.etcd_model import EtcdTls
from chaosd.etcd.deadline import Deadline
from chaosd.etcd.wire import LARGEST, Wire, place
from tests.etcd.stub import BRIEF, Pieces, Request, Stub, http
from tests.etcd_members.authority import Authority, Tls
from tests.support.waiting import until

NO_TLS = EtcdTls()
PATIENT = 60.0


@pytest.fixture
def wire() -> Iterator[Wire]:
    with closing(Wire()) as wire:
        yield wire


def get(wire: Wire, url: str, timeout: float = PATIENT, tls: EtcdTls = NO_TLS) -> bytes:
    return wire.send(tls, f"{url}/health", None, Deadline(timeout)).body


def files(tls: Tls, server_name: str = "") -> EtcdTls:
    return EtcdTls(str(tls.ca), str(tls.cert), str(tls.key), server_name)


def forever(stub: Stub, first: bytes, again: bytes) -> Iterator[bytes]:
    """``first``, and then a little more every now and then, without an end."""
    yield first
    while not stub.stopping.wait(0.05):
        yield again


def test_a_request_is_told_from_a_reply() -> None:
    """POST with a body, GET without; the host as it was asked, without anything secret."""
    with Stub(http(b"abc", 418)) as stub, closing(Wire()) as wire:
        reply = wire.send(NO_TLS, f"{stub.url}/a?b=c", b"{}", Deadline(PATIENT))
        wire.send(NO_TLS, stub.url.replace("//", "//me:secret@"), None, Deadline(PATIENT))
    assert (reply.status, reply.body) == (418, b"abc")
    posted, got = stub.requests
    assert (posted.method, posted.path, posted.body) == ("POST", "/a?b=c", b"{}")
    assert (got.method, got.path) == ("GET", "/")
    assert posted.headers["host"] == got.headers["host"] == f"127.0.0.1:{stub.port}"
    assert "authorization" not in got.headers


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"", b""),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "headers", "body", "chunks", "interim"],
)
def test_who_drips_is_cut_off(wire: Wire, first: bytes, again: bytes) -> None:
    """The deadline is for all of it: this server would go on for ever."""
    with (
        Stub(lambda _: forever(stub, first, again)) as stub,
        pytest.raises(Unanswered, match=f"{stub.url}: no whole answer in time"),
    ):
        get(wire, stub.url, BRIEF)


def test_who_takes_a_connection_and_says_nothing_of_tls_is_cut_off(tmp_path: Path) -> None:
    """A frozen process: the kernel connects for it."""
    tls = Authority(tmp_path).issue("client")
    with socket.create_server(("127.0.0.1", 0)) as frozen, closing(Wire()) as wire:
        port = frozen.getsockname()[1]
        with pytest.raises(NotSent, match="no connection in time"):
            get(wire, f"https://127.0.0.1:{port}", 0.3, files(tls))
        with pytest.raises(Unanswered, match="in time"):
            get(wire, f"http://127.0.0.1:{port}", BRIEF)


def test_a_deadline_that_has_passed_sends_nothing(wire: Wire) -> None:
    """Also over a connection that is there."""
    with Stub(http()) as stub:
        with pytest.raises(NotSent):
            get(wire, stub.url, 0.0)
        get(wire, stub.url)
        with pytest.raises(CallFailed):
            get(wire, stub.url, 0.0)
    assert len(stub.requests) == 1


@pytest.mark.parametrize("told", [True, False])
def test_a_huge_answer_is_not_read(wire: Wire, told: bool) -> None:
    """Whether its length is told or not; one of the size that is allowed is read."""
    head = b"HTTP/1.1 200 OK\r\n" + (b"Content-Length: 99999999999\r\n" if told else b"")

    def huge(request: Request) -> Iterator[bytes]:
        yield head + b"\r\n"
        yield from itertools.repeat(b"x" * 65_536)

    with Stub(huge) as stub:
        with pytest.raises(Unanswered, match=f"more than {LARGEST} bytes"):
            get(wire, stub.url)
        stub.answer = http(b"x" * LARGEST)
        assert len(get(wire, stub.url)) == LARGEST


def test_a_redirect_is_an_answer(wire: Wire) -> None:
    """Nobody is sent elsewhere."""
    with Stub(http(b"", 301, Location="/other")) as stub:
        get(wire, stub.url)
        assert [request.path for request in stub.requests] == ["/health"]


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 two hundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"\x15\x03\x01\x00\x02\x02\x16",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told(wire: Wire, answer: bytes) -> None:
    """Other protocols, and answers that break off."""
    with Stub([answer, b""]) as stub, pytest.raises(Unanswered, match=stub.url):
        get(wire, stub.url)


def test_nobody_there_is_told(wire: Wire) -> None:
    """In the system's words, and as not sent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(NotSent, match=f"{url}: Connection refused"):
            get(wire, url)
    with pytest.raises(NotSent, match=r"http://no-such-host.invalid: "):
        get(wire, "http://no-such-host.invalid")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "member-0:2379",
        "ftp://127.0.0.1",
        "unix:///run/etcd.sock",
        "http://",
        "http://h:port",
        "http://[::1",
        "http://h:99999",
        "http://h\x00ost",
        "http://ex ample",
        "http://é.invalid:1",
        "http://h/é",
        f"http://{'a' * 70}.invalid",
        "http://a..b",
        "https://.:1",
    ],
)
def test_what_is_no_address_is_told(wire: Wire, url: str) -> None:
    """Nothing is sent, and nothing else is raised."""
    with pytest.raises(NotSent):
        get(wire, url)


def test_a_place_says_nothing_that_is_secret() -> None:
    """No user, no password, no path; brackets stay."""
    assert place("https://me:secret@host:1/path?token=x#y") == "https://host:1"
    assert place("http://[::1]:2379/x") == "http://[::1]:2379"


def test_a_connection_that_was_given_up_is_not_taken_again(wire: Wire) -> None:
    """A member that was restarted: the next request finds it."""
    with Stub([http(), b""]) as stub:
        for _ in range(3):
            get(wire, stub.url)
            until(lambda: stub.hung_up == stub.connections)
    assert [request.connection for request in stub.requests] == [1, 2, 3]


def test_threads_share_it() -> None:
    """Each gets the answer to its own request."""

    def echo(request: Request) -> Pieces:
        return http(request.path.encode())

    wrong: list[bytes] = []

    def many(wire: Wire, number: int) -> None:
        for turn in range(20):
            path = f"/{number}/{turn}"
            reply = wire.send(NO_TLS, f"{stub.url}{path}", None, Deadline(PATIENT))
            if reply.body != path.encode():
                wrong.append(reply.body)

    with Stub(echo) as stub, closing(Wire()) as wire:
        threads = [threading.Thread(target=many, args=(wire, number)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(stub.requests) == 120
    assert stub.connections <= 6


def test_ipv6_is_asked_as_such(wire: Wire) -> None:
    """The host keeps its brackets in the request."""
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        seen: list[bytes] = []

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                seen.append(connection.recv(65_536))
                connection.sendall(http(b"there"))

        thread = threading.Thread(target=serve)
        thread.start()
        port = server.getsockname()[1]
        assert get(wire, f"http://[::1]:{port}") == b"there"
        thread.join()
    assert f"Host: [::1]:{port}".encode() in seen[0]


# ---- TLS


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_it_shows_its_certificate_and_checks_theirs(authority: Authority, wire: Wire) -> None:
    """With the right files it works; each wrong one is told."""
    server, client = authority.issue("server"), authority.issue("client")
    foreign = Authority(client.ca.parent, "foreign").issue("stranger")
    with Stub(http(b"in"), tls=server, clients_of=client) as stub:
        assert get(wire, stub.url, tls=files(client)) == b"in"
        with pytest.raises(NotSent, match=f"{stub.url}: its certificate is not trusted: "):
            get(wire, stub.url, tls=files(foreign))
        with pytest.raises(NotSent, match="its certificate is not trusted"):
            get(wire, stub.url)
        with pytest.raises(Unanswered, match=r"it refuses our certificate: .*unknown ca"):
            get(wire, stub.url, tls=EtcdTls(str(client.ca), str(foreign.cert), str(foreign.key)))
        with pytest.raises(Unanswered, match=r"it refuses our certificate: .*required"):
            get(wire, stub.url, tls=EtcdTls(str(client.ca)))


def test_a_name_is_checked_and_another_can_be_asked_for(authority: Authority, wire: Wire) -> None:
    """The certificates are for localhost and 127.0.0.1."""
    client = authority.issue("client")
    with Stub(http(b"in"), tls=authority.issue("server")) as stub:
        assert get(wire, stub.url, tls=files(client, "localhost")) == b"in"
        with pytest.raises(NotSent, match=r"not valid for 'example.com'"):
            get(wire, stub.url, tls=files(client, "example.com"))
        with pytest.raises(NotSent):
            get(wire, stub.url, tls=files(client, ".bad name"))


def test_an_expired_server_is_refused(authority: Authority, wire: Wire) -> None:
    """However trusted its authority is."""
    client = files(authority.issue("client"))
    with (
        Stub(http(), tls=authority.issue("server", expired=True)) as stub,
        pytest.raises(NotSent, match="not trusted: certificate has expired"),
    ):
        get(wire, stub.url, tls=client)


def test_a_rotated_certificate_is_shown_from_the_next_request_on(
    authority: Authority, wire: Wire
) -> None:
    """Connections with the one before are given up, but for those in use."""
    client = authority.issue("client")
    go_on = threading.Event()

    def slow(request: Request) -> Pieces:
        if request.connection == 1:
            go_on.wait(PATIENT)
        return http(b"in")

    def asked(into: list[bytes]) -> Callable[[], None]:
        return lambda: into.append(get(wire, stub.url, tls=files(client)))

    with Stub(slow, tls=authority.issue("server"), clients_of=client) as stub:
        answers: list[bytes] = []
        before = threading.Thread(target=asked(answers))
        before.start()
        while not stub.requests:
            before.join(0.01)
        authority.issue("client")
        assert get(wire, stub.url, tls=files(client)) == b"in"
        go_on.set()
        before.join()
        assert get(wire, stub.url, tls=files(client)) == b"in"
    assert answers == [b"in"]
    assert [request.connection for request in stub.requests] == [1, 2, 2]
