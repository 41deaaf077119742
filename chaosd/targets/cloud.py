"""The seam to a cloud: what terminating a node's machine needs, one class for each cloud."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class Machine(StrEnum):
    """What a cloud says of a machine: ``going`` once its end has begun, ``gone`` when it has ended
    or nobody knows it any more."""

    RUNNING = "running"
    GOING = "going"
    GONE = "gone"


class Cloud(Protocol):
    """Machines by their provider ID (``spec.providerID`` of a node).

    Every method leaves the process, has a timeout of its own and raises
    :class:`~chaosd.ports.CallFailed`; nothing is sent twice.
    """

    def serves(self, provider_id: str) -> bool:
        """Whether machines with such an ID are this cloud's; sends nothing."""
        ...

    def terminate(self, provider_id: str, timeout: float) -> None:
        """End that machine for good; sent once. Unanswered: it may have been heard."""
        ...

    def machine(self, provider_id: str) -> Machine:
        """How that machine is now."""
        ...

    @property
    def settles_after(self) -> float:
        """Seconds after which a request that had no answer can't be heard any more."""
        ...
