"""From pods, nodes, namespaces and budgets as they are on the wire to the facts of core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chaosd.core.facts import (
    BudgetFacts,
    ContainerFacts,
    NamespaceFacts,
    NodeFacts,
    Owner,
    PodFacts,
    Taint,
)
from chaosd.core.selector import Selector, from_label_selector
from chaosd.kube.quantities import resources
from chaosd.kube.records import (
    Budget,
    Condition,
    Container,
    Node,
    ObjectMeta,
    Pod,
    PodSpec,
    PodStatus,
)
from chaosd.kube.records_nodes import WholePod

SIDECAR = "Always"


def pod_facts(pod: Pod | WholePod) -> PodFacts:
    """A pod, but for its containers' names and IDs, its size and its volumes."""
    ready = _condition(pod.status.conditions, "Ready")
    meta = pod.metadata
    return PodFacts(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        created=meta.creation_timestamp,
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        phase=pod.status.phase,
        ready=ready is not None and ready.status == "True",
        ready_since=ready.last_transition_time if ready is not None else None,
        deleting=meta.deletion_timestamp is not None,
        node=pod.spec.node_name,
        owner=_owner(meta),
        priority_class=pod.spec.priority_class_name,
        containers=tuple(_containers(pod.spec)),
        ips=_ips(pod.status),
        host_ip=pod.status.host_ip,
    )


def pod_metadata_facts(meta: ObjectMeta) -> PodFacts:
    """A pod as far as its metadata tells: what its spec and status say is left at the defaults."""
    return PodFacts(
        namespace=meta.namespace,
        name=meta.name,
        uid=meta.uid,
        resource_version=meta.resource_version,
        created=meta.creation_timestamp,
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        deleting=meta.deletion_timestamp is not None,
        owner=_owner(meta),
    )


def node_facts(node: Node) -> NodeFacts:
    """A node, in full."""
    ready = _condition(node.status.conditions, "Ready")
    meta, spec = node.metadata, node.spec
    return NodeFacts(
        name=meta.name,
        ready=ready is not None and ready.status == "True",
        labels=meta.labels or {},
        deleting=meta.deletion_timestamp is not None,
        uid=meta.uid,
        resource_version=meta.resource_version,
        created=meta.creation_timestamp,
        annotations=meta.annotations or {},
        unschedulable=spec.unschedulable,
        taints=tuple(Taint(one.key, one.value, one.effect) for one in spec.taints or ()),
        allocatable=resources(node.status.allocatable),
        boot_id=node.status.node_info.boot_id,
        provider_id=spec.provider_id,
        addresses=_addresses(one.address for one in node.status.addresses or ()),
    )


def namespace_facts(meta: ObjectMeta) -> NamespaceFacts:
    """A namespace."""
    return NamespaceFacts(meta.name, meta.labels or {})


def budget_facts(budget: Budget) -> BudgetFacts:
    """A budget. One whose selector can't be read is taken to cover every pod: doubt is a no."""
    try:
        selector = from_label_selector(budget.spec.selector)
    except ValueError:
        selector = Selector()
    status = budget.status
    return BudgetFacts(
        namespace=budget.metadata.namespace,
        name=budget.metadata.name,
        selector=selector,
        disruptions_allowed=status.disruptions_allowed,
        current_healthy=status.current_healthy,
        desired_healthy=status.desired_healthy,
        expected_pods=status.expected_pods,
        generation=budget.metadata.generation,
        observed_generation=status.observed_generation,
        disrupted_pods=frozenset(status.disrupted_pods or ()),
        unhealthy_pod_eviction_policy=budget.spec.unhealthy_pod_eviction_policy,
    )


def _ips(status: PodStatus) -> tuple[str, ...]:
    """The first of ``podIPs`` is ``podIP``, which servers without dual stack give alone."""
    return _addresses([status.pod_ip, *(one.ip for one in status.pod_ips or ())])


def _addresses(named: Iterable[str]) -> tuple[str, ...]:
    """Each once; a node may list an empty one."""
    return tuple(dict.fromkeys(one for one in named if one))


def _containers(spec: PodSpec) -> Iterator[ContainerFacts]:
    """Containers and sidecars, which are init containers that go on.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
    """
    for container in spec.containers or ():
        yield _container(container)
    for container in spec.init_containers or ():
        if container.restart_policy == SIDECAR:
            yield _container(container)


def _container(container: Container) -> ContainerFacts:
    return ContainerFacts(
        image=container.image,
        command=(*(container.command or ()), *(container.args or ())),
        ports=tuple(port.container_port for port in container.ports or ()),
    )


def _condition(conditions: tuple[Condition, ...] | None, kind: str) -> Condition | None:
    for condition in conditions or ():
        if condition.type == kind:
            return condition
    return None


def _owner(meta: ObjectMeta) -> Owner | None:
    owner = meta.controller
    return Owner(owner.kind, owner.name, owner.uid, owner.api_version) if owner else None
