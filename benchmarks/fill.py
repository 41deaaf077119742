"""Writing objects straight into etcd, as the API server keeps them; it reads JSON as its own form.

Through the API the same objects would take an hour.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import msgspec

from benchmarks import big_nodes, big_pods, stock
from benchmarks.stock import Stock

_AT_ONCE = 200
"""Objects in a transaction, of some 10 KB each."""
_PREFIX = "/registry/"


def fingerprint(wanted: Stock) -> str:
    """What a store holds: it differs when the objects do."""
    sources = (Path(module.__file__ or "").read_bytes() for module in (stock, big_pods, big_nodes))
    return hashlib.sha256(b"".join([*sources, repr(wanted).encode()])).hexdigest()


def fill(etcd: str, wanted: Stock, say: Callable[[str], None]) -> None:
    """Write every object to the etcd at this URL, and tell how far it is."""
    written, objects = 0, wanted.objects()
    with httpx.Client(base_url=etcd, timeout=120, trust_env=False) as client:
        while some := list(islice(objects, _AT_ONCE)):
            puts = [{"requestPut": _put(key, one)} for key, one in some]
            _post(client, "txn", {"success": puts})
            written += len(some)
            say(f"filling etcd once: {written:,} of {wanted.total:,} objects")


def forget(etcd: str, prefixes: Iterable[str]) -> None:
    """Remove what lies below these prefixes of ``/registry/``."""
    with httpx.Client(base_url=etcd, timeout=120, trust_env=False) as client:
        for prefix in prefixes:
            begin = f"{_PREFIX}{prefix}".encode()
            _post(client, "deleterange", {"key": _text(begin), "rangeEnd": _text(_after(begin))})


def _put(key: str, item: dict[str, Any]) -> dict[str, str]:
    return {"key": _text(f"{_PREFIX}{key}".encode()), "value": _text(msgspec.json.encode(item))}


def _post(client: httpx.Client, path: str, body: Any) -> None:
    client.post(f"/v3/kv/{path}", content=msgspec.json.encode(body)).raise_for_status()


def _text(content: bytes) -> str:
    return b64encode(content).decode()


def _after(prefix: bytes) -> bytes:
    """The end of a range that holds everything with this prefix."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
