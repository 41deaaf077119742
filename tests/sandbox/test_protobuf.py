"""Bodies that kubectl's typed commands send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.sandbox.protobuf import MAGIC, ProtobufError, decode
from tests.sandbox.support import PODS, make_world, shop


def varint(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


def field(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def body(api_version: str, kind: str, raw: bytes) -> bytes:
    return MAGIC + field(1, field(1, api_version) + field(2, kind)) + field(2, raw)


def entry(key: str, value: str) -> bytes:
    return field(1, key) + field(2, value)


META = field(1, "x") + field(2, "") + field(11, entry("a", "1")) + field(11, entry("b", "2"))


def test_a_config_map() -> None:
    """Names, maps with several entries; texts that were never set are left out."""
    raw = field(1, META) + field(2, entry("k", "v"))
    assert decode(body("v1", "ConfigMap", raw)) == {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}},
        "data": {"k": "v"},
    }


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (field(1, 0) + field(2, 3), {"minAvailable": 3}),
        (field(1, 1) + field(3, "50%"), {"minAvailable": "50%"}),
        (field(1, 0), {"minAvailable": 0}),
    ],
)
def test_a_number_or_a_percentage(raw: bytes, expected: dict[str, object]) -> None:
    """IntOrString of a PodDisruptionBudget."""
    found = decode(body("policy/v1", "PodDisruptionBudget", field(2, field(1, raw))))
    assert found["spec"] == expected


def test_unset_fields_are_passed_over() -> None:
    """Go writes fields that were never set; only set ones that are unknown are refused."""
    raw = field(1, META) + field(
        2, field(1, 2) + field(4, field(1, "")) + field(7, 0) + field(9, "")
    )
    found = decode(body("apps/v1", "Deployment", raw))
    assert found["spec"] == {"replicas": 2}


def test_an_eviction_over_the_api() -> None:
    """kubectl drain sends this: preconditions, grace and dry run are honoured."""
    world = shop()
    meta = world.pod()["metadata"]
    options = field(1, 7) + field(2, field(1, meta["uid"])) + field(5, "All")
    raw = field(1, field(1, meta["name"])) + field(2, options)
    url = f"{PODS}/{meta['name']}/eviction"
    revision = world.cluster.revision
    assert world.call("POST", url, body("policy/v1", "Eviction", raw)).status == 201
    assert world.cluster.revision == revision


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        MAGIC + b"\xff",
        body("v1", "Secret", b""),
        body("v1", "ConfigMap", field(1, 5)),
        body("v1", "ConfigMap", field(99, "x")),
        body("v1", "ConfigMap", field(99, 1)),
        body("apps/v1", "Deployment", field(2, field(3, field(2, field(1, "volume"))))),
        body("v1", "ConfigMap", field(1, field(1, b"\xff"))),
        body("v1", "ConfigMap", b"\x0a\x7f"),
        body("v1", "ConfigMap", b"\x0d1234"),
    ],
)
def test_what_can_not_be_read_is_refused(raw: bytes) -> None:
    """Other kinds, unknown fields, damage: never half a body."""
    with pytest.raises(ProtobufError):
        decode(raw)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    """No body ends in another exception."""
    for start in (MAGIC, body("v1", "ConfigMap", b"")):
        try:
            decode(start + raw)
        except ProtobufError:
            continue


def test_the_refusal_over_the_api() -> None:
    """415 that says what would be read."""
    code, reason, message = make_world().refused("POST", PODS, body("v1", "Pod", b""))
    assert (code, reason) == (415, "UnsupportedMediaType")
    assert message.startswith("Pod is read as JSON only")
