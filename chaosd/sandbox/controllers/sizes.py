"""How much CPU and memory pods request and nodes have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from chaosd.sandbox.objects import Json

NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True)
class Size:
    """CPUs and bytes."""

    cpu: Decimal = NOTHING
    memory: Decimal = NOTHING

    def __add__(self, other: Size) -> Size:
        return Size(self.cpu + other.cpu, self.memory + other.memory)

    def __sub__(self, other: Size) -> Size:
        return Size(self.cpu - other.cpu, self.memory - other.memory)

    def beyond(self, room: Size) -> str:
        """What of it is more than there is room for, in the scheduler's words; "" for nothing."""
        if self.cpu > room.cpu:
            return "Insufficient cpu"
        return "Insufficient memory" if self.memory > room.memory else ""


def requested(spec: Json) -> Size:
    """What a pod's containers request together (or its largest init container, if that is more)."""
    together = sum(_sizes(spec.get("containers")), Size())
    first = list(_sizes(spec.get("initContainers")))
    return Size(
        max([together.cpu, *(one.cpu for one in first)]),
        max([together.memory, *(one.memory for one in first)]),
    )


def size_of(quantities: Json | None) -> Size:
    """The CPU and memory of a list of resources."""
    found = quantities or {}
    return Size(_amount(found.get("cpu", "")), _amount(found.get("memory", "")))


def _sizes(containers: Iterable[Json] | None) -> Iterable[Size]:
    return (size_of((one.get("resources") or {}).get("requests")) for one in containers or ())


@lru_cache(maxsize=1024)
def _amount(text: Any) -> Decimal:
    if text in ("", None):
        return NOTHING
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415 - the whole client

    number: Decimal = parse_quantity(text)
    return number
