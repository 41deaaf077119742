"""Bodies in Kubernetes' protobuf form, as far as kubectl sends them.

kubectl's typed commands (create namespace, create deployment, drain, auth can-i) send no JSON.
The few messages below are read by their published field numbers (generated.proto of each group);
anything else is refused, never half read.
https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from chaosd.sandbox.objects import Json

MAGIC = b"k8s\x00"
MEDIA_TYPE = "application/vnd.kubernetes.protobuf"


@dataclass(frozen=True, slots=True)
class Field:
    """A field: its JSON name, and how to read it.

    `kind` is a message (its fields by number), or one of text, number, flag, map, skip.
    """

    name: str
    kind: Message | str
    many: bool = False


Message: TypeAlias = dict[int, Field]

META: Message = {
    1: Field("name", "text"),
    2: Field("generateName", "text"),
    3: Field("namespace", "text"),
    4: Field("", "skip"),
    5: Field("uid", "text"),
    6: Field("resourceVersion", "text"),
    7: Field("generation", "number"),
    8: Field("", "skip"),
    11: Field("labels", "map"),
    12: Field("annotations", "map"),
    14: Field("finalizers", "text", many=True),
}
_DELETE_OPTIONS: Message = {
    1: Field("gracePeriodSeconds", "number"),
    2: Field("preconditions", {1: Field("uid", "text"), 2: Field("resourceVersion", "text")}),
    3: Field("orphanDependents", "flag"),
    4: Field("propagationPolicy", "text"),
    5: Field("dryRun", "text", many=True),
}
_SELECTOR: Message = {
    1: Field("matchLabels", "map"),
    2: Field(
        "matchExpressions",
        {
            1: Field("key", "text"),
            2: Field("operator", "text"),
            3: Field("values", "text", many=True),
        },
        many=True,
    ),
}
_INT_OR_STRING: Message = {
    1: Field("type", "number"),
    2: Field("int", "number"),
    3: Field("text", "text"),
}
_REVIEW: Message = {
    1: Field(
        "resourceAttributes",
        {
            number: Field(name, "text")
            for number, name in enumerate(
                ("namespace", "verb", "group", "version", "resource", "subresource", "name"), 1
            )
        },
    ),
    2: Field("nonResourceAttributes", {1: Field("path", "text"), 2: Field("verb", "text")}),
}
_SKIP = Field("", "skip")
_CONTAINER: Message = {
    1: Field("name", "text"),
    2: Field("image", "text"),
    3: Field("command", "text", many=True),
    4: Field("args", "text", many=True),
    6: Field(
        "ports",
        {
            1: Field("name", "text"),
            3: Field("containerPort", "number"),
            4: Field("protocol", "text"),
        },
        many=True,
    ),
}
_TEMPLATE: Message = {
    1: Field("metadata", META),
    2: Field(
        "spec", {2: Field("containers", _CONTAINER, many=True), 3: Field("restartPolicy", "text")}
    ),
}
KINDS: dict[str, Message] = {
    "Namespace": {1: Field("metadata", META), 2: _SKIP, 3: _SKIP},
    "ConfigMap": {
        1: Field("metadata", META),
        2: Field("data", "map"),
        4: Field("immutable", "flag"),
    },
    "Eviction": {1: Field("metadata", META), 2: Field("deleteOptions", _DELETE_OPTIONS)},
    "DeleteOptions": _DELETE_OPTIONS,
    "Deployment": {
        1: Field("metadata", META),
        2: Field(
            "spec",
            {
                1: Field("replicas", "number"),
                2: Field("selector", _SELECTOR),
                3: Field("template", _TEMPLATE),
                4: Field("strategy", {1: Field("type", "text")}),
            },
        ),
        3: _SKIP,
    },
    "Job": {
        1: Field("metadata", META),
        2: Field(
            "spec",
            {
                1: Field("parallelism", "number"),
                2: Field("completions", "number"),
                6: Field("template", _TEMPLATE),
                7: Field("backoffLimit", "number"),
            },
        ),
        3: _SKIP,
    },
    "PodDisruptionBudget": {
        1: Field("metadata", META),
        2: Field(
            "spec",
            {
                1: Field("minAvailable", _INT_OR_STRING),
                2: Field("selector", _SELECTOR),
                3: Field("maxUnavailable", _INT_OR_STRING),
                4: Field("unhealthyPodEvictionPolicy", "text"),
            },
        ),
        3: _SKIP,
    },
    "SelfSubjectAccessReview": {
        1: Field("metadata", META),
        2: Field("spec", _REVIEW),
        3: _SKIP,
    },
}


class ProtobufError(ValueError):
    """A body that can't be read."""


def decode(body: bytes) -> Json:
    """The object in a protobuf body. Raises ProtobufError for kinds and fields not known here."""
    if not body.startswith(MAGIC):
        raise ProtobufError("the body does not start as Kubernetes' protobuf does")
    envelope = dict(_fields(body[len(MAGIC) :]))
    about = {number: _text(raw) for number, raw in _fields(_bytes(envelope.get(1, b"")))}
    api_version, kind = about.get(1, ""), about.get(2, "")
    if kind not in KINDS:
        raise ProtobufError(f"{kind} is read as JSON only; in protobuf: {', '.join(KINDS)}")
    found = _message(_bytes(envelope.get(2, b"")), KINDS[kind], kind)
    return {"kind": kind, "apiVersion": api_version, **found}


def _message(raw: bytes, message: Message, path: str) -> Json:
    found: Json = {}
    for number, value in _fields(raw):
        field = message.get(number)
        if field is None:
            if value in (0, b""):
                continue  # Go writes most fields that were never set
            raise ProtobufError(f"field {number} of {path} is not known here; send JSON")
        if field.kind == "skip":
            continue
        if field.kind == "map":
            entry = dict(_fields(_bytes(value)))
            found.setdefault(field.name, {})[_text(entry.get(1, b""))] = _text(entry.get(2, b""))
            continue
        read = _value(value, field, f"{path}.{field.name}")
        if read in ("", {}) and not field.many:
            continue  # the same
        if field.many:
            found.setdefault(field.name, []).append(read)
        else:
            found[field.name] = read
    return found


def _value(value: int | bytes, field: Field, path: str) -> Any:
    if field.kind is _INT_OR_STRING:
        either = _message(_bytes(value), _INT_OR_STRING, path)
        return either.get("text", "") if either.get("type") else either.get("int", 0)
    if isinstance(field.kind, dict):
        return _message(_bytes(value), field.kind, path)
    if field.kind == "text":
        return _text(value)
    if not isinstance(value, int):
        raise ProtobufError(f"{path} must be a number")
    if field.kind == "flag":
        return bool(value)
    return value - (1 << 64) if value >> 63 else value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ProtobufError("a number stands where a message is expected")
    return value


def _text(value: int | bytes) -> str:
    try:
        return _bytes(value).decode()
    except UnicodeDecodeError as error:
        raise ProtobufError("a text is not UTF-8") from error


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, at = _varint(raw, at)
            yield number, value
        elif wire == 2:
            size, at = _varint(raw, at)
            if at + size > len(raw):
                raise ProtobufError("the body is cut off")
            yield number, raw[at : at + size]
            at += size
        else:
            raise ProtobufError(f"wire type {wire} is not known here")


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise ProtobufError("the body is cut off")
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return number, at
