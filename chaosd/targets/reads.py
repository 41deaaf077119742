"""What targets ask of the cluster. ``chaosd.kube.reads`` answers it; tests may do so otherwise.

Every method leaves the process, has a timeout of its own and raises
:class:`~chaosd.ports.CallFailed`. Lists arrive in pages, so that nothing needs to be held; a list
that had to start again gives things twice. ``labels`` is the text of a label selector, "" for all;
a ``namespace`` of None means all namespaces.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from chaosd.core.facts import BudgetFacts, NamespaceFacts, NodeFacts, PodFacts, WorkloadFacts
from chaosd.core.model import Victim, WorkloadKey

WorkloadPages = Iterator[Sequence[WorkloadFacts]]
PodPages = Iterator[Sequence[PodFacts]]


class Reads(Protocol):
    """Facts about the cluster, and the three ways to touch a pod."""

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of workloads that can be listed and read."""
        ...

    def workloads(self, kind: str, namespace: str | None, labels: str) -> WorkloadPages:
        """The workloads of one of ``kinds`` that nothing inside apps and batch controls."""
        ...

    def workload(self, key: WorkloadKey) -> WorkloadFacts | None:
        """One of them; None when there is none, or when it is controlled inside apps and batch."""
        ...

    def count(self, kind: str) -> int | None:
        """How many of one of ``kinds``, or of kind Pod, there are in the whole cluster; None when
        that is not told."""
        ...

    def replica_sets(self, namespace: str, labels: str, owner_uid: str) -> frozenset[str]:
        """The UIDs of the ReplicaSets that a Deployment controls."""
        ...

    def jobs(self, namespace: str, owner_uid: str) -> Sequence[WorkloadFacts]:
        """The Jobs that a CronJob controls."""
        ...

    def job_owners(
        self, namespace: str | None
    ) -> Iterator[Sequence[tuple[WorkloadKey, WorkloadKey]]]:
        """Each Job that a CronJob controls, with that CronJob."""
        ...

    def pods(self, namespace: str, labels: str) -> PodPages:
        """Pods in full."""
        ...

    def pod_metadata(self, namespace: str | None, labels: str) -> PodPages:
        """Pods as far as their metadata tells: spec and status are at their defaults."""
        ...

    def pod(self, namespace: str, name: str) -> PodFacts | None:
        """One pod in full; None when there is none."""
        ...

    def namespaces(self, labels: str) -> Iterator[Sequence[NamespaceFacts]]:
        """Namespaces."""
        ...

    def namespace(self, name: str) -> NamespaceFacts | None:
        """One namespace; None when there is none."""
        ...

    def node(self, name: str) -> NodeFacts | None:
        """One node; None when there is none."""
        ...

    def node_names(self, labels: str) -> frozenset[str]:
        """The names of nodes."""
        ...

    def budgets(self, namespace: str) -> Sequence[BudgetFacts]:
        """The disruption budgets of a namespace."""
        ...

    def evict(self, victim: Victim, grace: int | None, timeout: float) -> None:
        """Evict that very pod, if it is still exactly as ``victim`` says; sent once.

        ``grace`` in seconds, None for the pod's own; ``timeout`` in seconds, on both sides.
        """
        ...

    def delete_pod(self, victim: Victim, grace: int | None, timeout: float) -> None:
        """As :meth:`evict`, whatever disruption budgets say."""
        ...

    def fence_pod(self, victim: Victim, mark: str) -> PodFacts:
        """Touch that very pod (by its UID) with ``mark``, so that a late strike finds it changed.

        Returns the pod as it is then. Sent again it does no harm. NotFound: it is gone; Conflict or
        Invalid: perhaps another pod has its name.
        """
        ...
