"""What targets ask of the cluster: facts about workloads, pods and nodes, and the strikes.

It fits ``chaosd.targets.reads.Reads`` (rooms beside each other don't import each other).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chaosd.core.facts import BudgetFacts, NamespaceFacts, NodeFacts, PodFacts, WorkloadFacts
from chaosd.core.model import Victim, WorkloadKey
from chaosd.kube.api import STRATEGIC, Api
from chaosd.kube.read_nodes import whole_pod_facts
from chaosd.kube.read_pods import (
    budget_facts,
    namespace_facts,
    node_facts,
    pod_facts,
    pod_metadata_facts,
)
from chaosd.kube.read_workloads import KINDS, is_topmost
from chaosd.kube.records import Budget, Job, Node, Pod
from chaosd.kube.records_nodes import WholePod
from chaosd.kube.resources import BUDGETS, JOBS, NAMESPACES, NODES, PODS, REPLICA_SETS
from chaosd.ports import Conflict, NotFound

FENCED = "chaosd.io/fenced"
"""The type of the pod condition by which a fence touches a pod."""


class KubeReads:
    """Reads facts through one Api. Every method raises CallFailed.

    Lists come in pages; when a list had to start again, things come twice.
    """

    kinds = frozenset(KINDS)

    def __init__(self, api: Api) -> None:
        self._api = api

    # ---- workloads

    def workloads(
        self, kind: str, namespace: str | None, labels: str
    ) -> Iterator[Sequence[WorkloadFacts]]:
        """The workloads of one of ``kinds`` that nothing inside apps and batch controls."""
        read = KINDS[kind]
        for page in self._api.pages(read.resource, namespace, read.record, labels=labels):
            yield [read.facts(item) for item in page if is_topmost(item.metadata)]

    def workload(self, key: WorkloadKey) -> WorkloadFacts | None:
        """One workload of one of ``kinds``; None when there is none, or when it is not topmost."""
        read = KINDS[key.kind]
        try:
            item = self._api.get(read.resource, key.namespace, key.name, read.record)
        except NotFound:
            return None
        return read.facts(item) if is_topmost(item.metadata) else None

    def count(self, kind: str) -> int | None:
        """How many of a kind (Pod too) there are in the cluster; None: the server does not say."""
        return self._api.count(PODS if kind == PODS.kind else KINDS[kind].resource)

    def replica_sets(self, namespace: str, labels: str, owner_uid: str) -> frozenset[str]:
        """The UIDs of the ReplicaSets that this Deployment controls."""
        return frozenset(
            meta.uid
            for page in self._api.metadata_pages(REPLICA_SETS, namespace, labels=labels)
            for meta in page
            if meta.controller and meta.controller.uid == owner_uid
        )

    def jobs(self, namespace: str, owner_uid: str) -> Sequence[WorkloadFacts]:
        """The Jobs that this CronJob controls."""
        found = {
            item.metadata.uid: KINDS[JOBS.kind].facts(item)
            for page in self._api.pages(JOBS, namespace, Job)
            for item in page
            if item.metadata.controller and item.metadata.controller.uid == owner_uid
        }
        return list(found.values())

    def job_owners(
        self, namespace: str | None
    ) -> Iterator[Sequence[tuple[WorkloadKey, WorkloadKey]]]:
        """Jobs that a CronJob controls, each with that CronJob."""
        for page in self._api.metadata_pages(JOBS, namespace):
            yield [
                (
                    WorkloadKey(meta.namespace, JOBS.kind, meta.name),
                    WorkloadKey(meta.namespace, meta.controller.kind, meta.controller.name),
                )
                for meta in page
                if meta.controller and not is_topmost(meta)
            ]

    # ---- pods

    def pods(self, namespace: str, labels: str) -> Iterator[Sequence[PodFacts]]:
        """Pods of one namespace, but for their containers' names and IDs, size and volumes."""
        for page in self._api.pages(PODS, namespace, Pod, labels=labels):
            yield [pod_facts(pod) for pod in page]

    def pod_metadata(self, namespace: str | None, labels: str) -> Iterator[Sequence[PodFacts]]:
        """Pods as far as their metadata tells; spec and status are left at their defaults."""
        for page in self._api.metadata_pages(PODS, namespace, labels=labels):
            yield [pod_metadata_facts(meta) for meta in page]

    def pod(self, namespace: str, name: str) -> PodFacts | None:
        """One pod; None when there is none."""
        try:
            return whole_pod_facts(self._api.get(PODS, namespace, name, WholePod))
        except NotFound:
            return None

    # ---- what pods depend on

    def namespaces(self, labels: str) -> Iterator[Sequence[NamespaceFacts]]:
        """Namespaces with their labels."""
        for page in self._api.metadata_pages(NAMESPACES, None, labels=labels):
            yield [namespace_facts(meta) for meta in page]

    def namespace(self, name: str) -> NamespaceFacts | None:
        """One namespace; None when there is none."""
        try:
            return namespace_facts(self._api.get_metadata(NAMESPACES, None, name))
        except NotFound:
            return None

    def node(self, name: str) -> NodeFacts | None:
        """One node; None when there is none."""
        try:
            return node_facts(self._api.get(NODES, None, name, Node))
        except NotFound:
            return None

    def node_names(self, labels: str) -> frozenset[str]:
        """The names of the nodes with these labels."""
        return frozenset(
            meta.name
            for page in self._api.metadata_pages(NODES, None, labels=labels)
            for meta in page
        )

    def budgets(self, namespace: str) -> Sequence[BudgetFacts]:
        """The disruption budgets of a namespace."""
        found = {
            item.metadata.uid: budget_facts(item)
            for page in self._api.pages(BUDGETS, namespace, Budget)
            for item in page
        }
        return list(found.values())

    # ---- strikes, each sent once

    def evict(self, victim: Victim, grace: int | None, timeout: float) -> None:
        """Evict that very pod through the Eviction API, which asks its disruption budgets.

        ``grace`` None leaves the pod its own grace period; ``timeout`` in seconds.
        """
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"namespace": victim.namespace, "name": victim.name},
            "deleteOptions": _delete_options(victim, grace),
        }
        self._api.create(
            PODS,
            victim.namespace,
            body,
            msgspec.Raw,
            of=victim.name,
            subresource="eviction",
            timeout=timeout,
        )

    def delete_pod(self, victim: Victim, grace: int | None, timeout: float) -> None:
        """Delete that very pod, whatever its disruption budgets say."""
        self._api.delete(
            PODS, victim.namespace, victim.name, _delete_options(victim, grace), timeout=timeout
        )

    def fence_pod(self, victim: Victim, mark: str) -> PodFacts:
        """Touch that very pod, so that whatever names its old resourceVersion fails from now on.

        Returns the pod as it is then. NotFound, Conflict or Invalid: it may be another pod.
        """
        body = {
            "metadata": {"uid": victim.uid},
            "status": {"conditions": [{"type": FENCED, "status": "True", "message": mark}]},
        }
        touched = self._api.patch(
            PODS,
            victim.namespace,
            victim.name,
            body,
            Pod,
            subresource="status",
            kind=STRATEGIC,
        )
        return pod_facts(touched)

    # ---- helper pods

    def make_pod(self, namespace: str, manifest: Mapping[str, Any], timeout: float) -> None:
        """Create a (helper) pod, once; Conflict: one of that name is there."""
        self._api.create(PODS, namespace, manifest, msgspec.Raw, timeout=timeout)

    def try_pod(self, namespace: str, manifest: Mapping[str, Any]) -> None:
        """Raise what :meth:`make_pod` would raise now; nothing is made."""
        dry_run = (("dryRun", "All"),)
        self._api.ask(PODS, manifest, msgspec.Raw, namespace=namespace, query=dry_run)

    def remove_pod(self, namespace: str, name: str, uid: str) -> None:
        """Delete that very (helper) pod, without waiting; one that is gone is as good.

        With its own grace: once it is gone, its kubelet has seen the end of it.
        """
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
        }
        try:
            self._api.delete(PODS, namespace, name, options)
        except (NotFound, Conflict):
            return  # a conflict: another pod has its name now


def _delete_options(victim: Victim, grace: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": victim.uid, "resourceVersion": victim.resource_version},
    }
    if grace is not None:
        options["gracePeriodSeconds"] = grace
    return options
