"""The seam to a cloud: what terminating a node's machine needs, one class for each cloud."""

from __future__ import annotations

from typing import Protocol

from chaosd.core.cloud import Machine


class Cloud(Protocol):
    """Machines by their provider ID (``spec.providerID`` of a node).

    Every method leaves the process, has a timeout of its own and raises
    :class:`~chaosd.ports.CallFailed`; nothing is sent twice.
    """

    def serves(self, provider_id: str) -> bool:
        """Whether machines with such an ID are this cloud's; sends nothing."""
        ...

    def objection(self, provider_id: str) -> str:
        """Why that machine can't be ended (no credentials, no right, it is protected), for people;
        "" when it can. It is asked before anything is done to its node."""
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
