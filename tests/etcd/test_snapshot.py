"""A snapshot is streamed and checked: whole, broken off, changed, and no snapshot at all."""

from __future__ import annotations

import base64
import hashlib
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaosd.calls import CallFailed, Invalid, Unanswered
from chaosd.core.etcd_answers import SnapshotChecked
from chaosd.core.etcd_model import EtcdCluster, EtcdTls
from chaosd.etcd.deadline import Deadline
from chaosd.etcd.gateway import HttpGateway
from chaosd.etcd.snapshot import checked
from chaosd.etcd.wire import Wire
from tests.etcd.stub import BRIEF, Answers, Request, Stub, http
from tests.etcd.writings import WAYS

CLUSTER = EtcdCluster("main")
PATIENT = 60.0
BLOCK = 32 * 1024
DATABASE = Random(1).randbytes(3 * BLOCK + 4096)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def line(blob: bytes, left: int = 0) -> bytes:
    """One message of the stream, as etcd's gateway writes it."""
    told: dict[str, str] = {"blob": base64.b64encode(blob).decode(), "version": "3.6.0"}
    if left:
        told["remaining_bytes"] = str(left)
    return json.dumps({"result": told}).encode() + b"\n"


def lines(database: bytes, digest: bytes | None = None) -> list[bytes]:
    """All messages of a snapshot."""
    blobs = [database[at : at + BLOCK] for at in range(0, len(database), BLOCK)]
    told = hashlib.sha256(database).digest() if digest is None else digest
    return [*(line(blob, len(database)) for blob in blobs), line(told)]


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def streamed(content: list[bytes], end: bytes = END) -> list[bytes]:
    """As a chunked answer; without its ``end`` it breaks off."""
    return [HEAD, *(chunk(one) for one in content if one), end]


def check(answer: Answers, timeout: float = PATIENT) -> SnapshotChecked:
    with Stub(answer) as stub, closing(HttpGateway()) as gateway:
        return gateway.check_snapshot(CLUSTER, stub.url, timeout)


def test_a_whole_snapshot_is_good_and_its_size_is_told() -> None:
    """The size is the database's, without the hash."""
    with Stub(streamed(lines(DATABASE))) as stub, closing(HttpGateway()) as gateway:
        checked = gateway.check_snapshot(CLUSTER, stub.url, PATIENT)
        assert (stub.requests[0].method, stub.requests[0].body) == ("POST", b"{}")
        assert stub.requests[0].path == "/v3/maintenance/snapshot"
    assert checked.size == len(DATABASE)
    assert checked.seconds > 0


@settings(max_examples=25)
@given(st.lists(st.integers(1, 60_000), max_size=8), st.booleans())
def test_where_the_network_cuts_it_makes_no_difference(cuts: list[int], last_line: bool) -> None:
    """Lines come in any pieces, and the last may lack its end."""
    content = b"".join(lines(DATABASE[: 2 * BLOCK]))
    content = content if last_line else content[:-1]
    pieces, at = [], 0
    for cut in cuts:
        pieces.append(content[at : at + cut])
        at += cut
    pieces.append(content[at:])
    assert check(streamed(pieces)).size == 2 * BLOCK


@settings(max_examples=25)
@given(st.integers(0, 3), st.integers(0, BLOCK - 1), st.integers(1, 255))
def test_one_wrong_byte_is_found(block: int, at: int, change: int) -> None:
    """Wherever it is in the database."""
    at = min(block * BLOCK + at, len(DATABASE) - 1)
    changed = bytearray(DATABASE)
    changed[at] ^= change
    told = hashlib.sha256(DATABASE).digest()
    with pytest.raises(CallFailed, match="not what its hash says"):
        check(streamed(lines(bytes(changed), told)))


WHOLE = lines(DATABASE)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (streamed(WHOLE[:-1]), "cut off|not what"),
        (streamed(WHOLE[1:]), "not what its hash says"),
        (streamed([WHOLE[0], *WHOLE[2:]]), "not what its hash says"),
        (streamed([*WHOLE, line(b"more")]), "cut off"),
        (streamed(WHOLE[-1:]), "cut off: no hash after 32 bytes"),
        (streamed([]), "cut off: no hash after 0 bytes"),
        (streamed(lines(b"")), "cut off"),
        (streamed(lines(DATABASE[:700])), "cut off"),
        (streamed(WHOLE[:2], end=b""), "no whole HTTP answer"),
        (streamed([WHOLE[0][:1000]]), "what it sends is no snapshot"),
        (streamed([*WHOLE[:2], b'{"error":{"code":14,"message":"etcdserver: gone"}}\n']), "gone"),
        (streamed([b'{"error":{"grpc_code":14,"http_code":503,"message":"old"}}\n']), "old"),
        (streamed([b'{"result":{"blob":"not base64!"}}\n']), "no snapshot"),
        (streamed([b'{"result":{"blob":7}}\n']), "no snapshot"),
        (streamed([b"{}\n"]), "no snapshot"),
        (streamed([b"<html>Welcome</html>"]), "no snapshot"),
        (streamed([b"x" * 70_000 for _ in range(20)]), "a line without an end"),
        (http(b"<html>", 502), "it answers 502"),
        (http(b"", 302, Location="/"), "redirects"),
        (b"", "no whole HTTP answer"),
    ],
)
def test_what_is_no_good_snapshot_is_told(answer: Answers, words: str) -> None:
    """Each with what is wrong, and whose it is."""
    with pytest.raises(CallFailed, match=rf"http://127\.0\.0\.1:\d+: .*({words})"):
        check(answer)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_a_token_given_back_in_the_stream_is_not_shown(way: Callable[[str], str]) -> None:
    """However the member writes it."""
    token = "t0k/en&more"
    told = f'{{"error":{{"code":16,"message":{way(f"unknown: {token}")}}}}}\n'.encode()
    with Stub(streamed([told])) as stub, closing(Wire()) as wire:
        url = f"{stub.url}/v3/maintenance/snapshot"
        with pytest.raises(CallFailed) as failed:
            checked(wire, EtcdTls(), url, Deadline(PATIENT), token)
    assert token not in str(failed.value)
    assert "unknown: [redacted]" in str(failed.value)


def test_a_member_that_refuses_says_why() -> None:
    """In its own words."""
    refused = http({"code": 9, "message": "etcdserver: rpc not supported for learner"}, 400)
    with pytest.raises(Invalid, match="rpc not supported for learner"):
        check(refused)


def test_one_that_takes_too_long_is_given_up() -> None:
    """The time is for the whole of it."""

    def slow(request: Request) -> Iterator[bytes]:
        yield HEAD
        while not stub.stopping.wait(0.05):
            yield chunk(line(b"x" * 512))

    with (
        Stub(slow) as stub,
        closing(HttpGateway()) as gateway,
        pytest.raises(Unanswered, match="no whole answer in time"),
    ):
        gateway.check_snapshot(CLUSTER, stub.url, BRIEF)


def test_memory_does_not_grow_with_its_size() -> None:
    """A database of 64 MiB is never held: neither whole nor in large parts."""
    blocks = 2048
    block = b"\0" * BLOCK
    part = chunk(line(block, 1))
    told = hashlib.sha256()
    for _ in range(blocks):
        told.update(block)

    def large(request: Request) -> Iterator[bytes]:
        yield HEAD
        for _ in range(blocks):
            yield part
        yield chunk(line(told.digest())) + END

    tracemalloc.start()
    try:
        assert check(large).size == blocks * BLOCK
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
