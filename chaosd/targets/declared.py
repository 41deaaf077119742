"""Which pods are members of declared etcd clusters: what pod and node targets ask before they take
what looks like etcd for a stranger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from chaosd.core.facts import PodFacts
from chaosd.core.model import Configuration


class Members(Protocol):
    """Knows the members of declared clusters."""

    def declared_pods(
        self, configuration: Configuration, pods: Iterable[PodFacts], now: datetime
    ) -> frozenset[str]:
        """Which of ``pods`` (``namespace/name``) are members for sure; doubt is no. Never raises,
        and asks nobody where no pod looks like etcd."""
        ...


class _Nobody:
    def declared_pods(
        self,
        configuration: Configuration,  # noqa: ARG002 - the protocol's signature
        pods: Iterable[PodFacts],  # noqa: ARG002 - the protocol's signature
        now: datetime,  # noqa: ARG002 - the protocol's signature
    ) -> frozenset[str]:
        return frozenset()


NO_MEMBERS: Members = _Nobody()
"""No cluster can be asked: all that looks like etcd stays a stranger."""
