"""Nodes with room, and pods that ask for it."""

from __future__ import annotations

from chaosd.core.capacity import Room
from chaosd.core.facts import NodeFacts, Placed, PodFacts, Resources, Taint, Toleration
from tests.core import subjects

GI = 2**30
NOBODY: frozenset[str] = frozenset()
EVERYTHING = Toleration(operator="Exists")
TEAM = Taint("team", "a", "NoSchedule")


def node(name: str = "n1", /, **changes: object) -> NodeFacts:
    """Four CPUs, 8 GiB, ten pods."""
    facts: dict[str, object] = {"allocatable": gives(4000)}
    return subjects.node(name=name, **{**facts, **changes})


def gives(cpu: int, memory: int = 8, pods: int = 10) -> Resources:
    """``cpu`` in thousandths, ``memory`` in GiB."""
    return Resources(cpu, memory * GI, pods)


def pod(number: int = 1, /, cpu: int = 1000, memory: int = 1, **changes: object) -> PodFacts:
    """``cpu`` in thousandths, ``memory`` in GiB."""
    return subjects.pod(number, requests=Resources(cpu, memory * GI, 1), **changes)


def placed(name: str = "n1", cpu: int = 0, memory: int = 0) -> Placed:
    return Placed(name, Resources(cpu, memory * GI))


def room(*nodes: NodeFacts, used: list[Placed] | None = None) -> Room:
    found = Room()
    found.add_nodes(nodes)
    found.add_pods(used or [])
    return found
