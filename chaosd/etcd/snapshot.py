"""Whether a member gives a whole, sound snapshot of its database; nothing of it is kept.

etcd sends the database and then the SHA-256 of it, which `etcdctl snapshot restore` checks. The
database is a whole number of disk sectors, by which etcdctl tells that a hash follows.
(etcd: server/etcdserver/api/v3rpc/maintenance.go and client/v3/snapshot/v3_snapshot.go)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from chaosd.calls import CallFailed, Unanswered
from chaosd.core.etcd_answers import SnapshotChecked
from chaosd.core.etcd_model import EtcdTls
from chaosd.etcd.answers import UNREADABLE, error_of, short, without
from chaosd.etcd.deadline import Deadline
from chaosd.etcd.wire import LARGEST, Answer, Reply, Wire, place

_SECTOR = 512
_HASH = hashlib.sha256().digest_size
# etcd sends 32 KiB at a time, in base64.
_LONGEST_LINE = 1 << 20


class _Part(Struct):
    blob: bytes = b""


class _Failed(Struct):
    message: str = ""


class _Line(Struct):
    """What the gateway makes of each message of a stream: one of both."""

    result: _Part | None = None
    error: _Failed | None = None


_decoder = msgspec.json.Decoder(_Line)


def checked(
    wire: Wire, tls: EtcdTls, url: str, deadline: Deadline, authorization: str = ""
) -> SnapshotChecked:
    """Stream the snapshot at ``url`` and check its hash; memory does not grow with its size.

    CallFailed says what was wrong: it broke off, took too long, or is not what its hash says.
    """
    where = place(url)
    told, tail, size = hashlib.sha256(), b"", 0
    with wire.open(tls, url, b"{}", deadline, authorization=authorization) as answer:
        if answer.status != 200:
            reply = Reply(answer.status, _beginning(answer))
            raise error_of(without(reply, authorization), where)
        for blob in _blobs(answer, where, authorization):
            size += len(blob)
            tail += blob
            told.update(tail[:-_HASH])
            tail = tail[-_HASH:]
    size -= _HASH
    if size <= 0 or size % _SECTOR:
        raise CallFailed(f"{where}: the snapshot is cut off: no hash after {size + _HASH} bytes")
    if told.digest() != tail:
        raise CallFailed(f"{where}: the snapshot of {size} bytes is not what its hash says")
    return SnapshotChecked(size, deadline.passed)


def _blobs(answer: Answer, where: str, hidden: str) -> Iterator[bytes]:
    for line in _lines(answer, where):
        try:
            told = _decoder.decode(line)
        except UNREADABLE as error:
            words = short(str(error))
            raise Unanswered(f"{where}: what it sends is no snapshot: {words}") from None
        if told.error is not None:
            why = told.error.message
            why = why.replace(hidden, "[redacted]") if hidden else why
            raise Unanswered(f"{where}: the snapshot broke off: {short(why)}")
        if told.result is None:
            raise Unanswered(f"{where}: what it sends is no snapshot")
        yield told.result.blob


def _lines(answer: Answer, where: str) -> Iterator[bytes]:
    rest = b""
    for chunk in answer.chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line for line in whole if line)
        if len(rest) > _LONGEST_LINE:
            raise Unanswered(f"{where}: what it sends is no snapshot: a line without an end")
    if rest:
        yield rest


def _beginning(answer: Answer) -> bytes:
    content = bytearray()
    for chunk in answer.chunks:
        content += chunk
        if len(content) > LARGEST:
            break
    return bytes(content)
