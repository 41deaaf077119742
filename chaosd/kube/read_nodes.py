"""From pods and volumes on nodes as they are on the wire to the facts of core."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec

from chaosd.core.facts import ContainerFacts, Placed, PodFacts, Resources, Toleration
from chaosd.kube.quantities import amount
from chaosd.kube.read_pods import SIDECAR, pod_facts
from chaosd.kube.records import Quantities
from chaosd.kube.records_nodes import (
    ContainerStatus,
    EndpointSlice,
    NodeTerm,
    PersistentVolume,
    ResourceNeeds,
    SizedPod,
    WholeContainer,
    WholePod,
)

HOSTNAME = "kubernetes.io/hostname"
_NODE_NAME = "metadata.name"


def whole_pod_facts(pod: WholePod) -> PodFacts:
    """A pod with its containers' names and IDs, its size, and what ties it to its node."""
    spec = pod.spec
    volumes = spec.volumes or ()
    return msgspec.structs.replace(
        pod_facts(pod),
        containers=tuple(_containers(pod)),
        requests=requests_of(spec),
        node_selector=spec.node_selector or {},
        tolerations=tuple(
            Toleration(one.key, one.operator or "Equal", one.value, one.effect)
            for one in spec.tolerations or ()
        ),
        empty_dirs=tuple(
            one.name for one in volumes if one.empty_dir is not None and not one.empty_dir.medium
        ),
        host_paths=tuple(one.name for one in volumes if one.host_path is not None),
        claims=tuple(_claims(pod)),
    )


def placed_facts(pod: SizedPod) -> Placed:
    """Where a pod is and how big."""
    return Placed(pod.spec.node_name, requests_of(pod.spec))


class _SizedContainer(Protocol):
    @property
    def resources(self) -> ResourceNeeds | None: ...
    @property
    def restart_policy(self) -> str: ...


class _SizedSpec(Protocol):
    @property
    def containers(self) -> tuple[_SizedContainer, ...] | None: ...
    @property
    def init_containers(self) -> tuple[_SizedContainer, ...] | None: ...
    @property
    def overhead(self) -> Quantities | None: ...
    @property
    def resources(self) -> ResourceNeeds | None: ...


def requests_of(spec: _SizedSpec) -> Resources:
    """What the scheduler counts for a pod: all of its containers and sidecars together, or the
    largest init container with the sidecars started before it, whichever is more; what the pod as
    a whole requests instead, where it does; and its overhead.

    A resize under way, for which the scheduler takes the larger of old and new, is not seen.
    https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers
    https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/
    """
    cpu = memory = 0
    for container in spec.containers or ():
        one = container.resources
        if one is not None and one.requests is not None:
            cpu += amount(one.requests.cpu, 1000)
            memory += amount(one.requests.memory)
    if spec.init_containers:
        cpu, memory = _with_init(spec.init_containers, cpu, memory)
    whole = spec.resources.requests if spec.resources is not None else None
    if whole is not None:
        cpu = amount(whole.cpu, 1000) if whole.cpu else cpu
        memory = amount(whole.memory) if whole.memory else memory
    if spec.overhead is not None:
        cpu += amount(spec.overhead.cpu, 1000)
        memory += amount(spec.overhead.memory)
    return Resources(cpu, memory, 1)


def _with_init(containers: tuple[_SizedContainer, ...], cpu: int, memory: int) -> tuple[int, int]:
    beside_cpu = beside_memory = most_cpu = most_memory = 0
    for container in containers:
        own = (container.resources and container.resources.requests) or Quantities()
        own_cpu, own_memory = amount(own.cpu, 1000), amount(own.memory)
        if container.restart_policy == SIDECAR:
            cpu, memory = cpu + own_cpu, memory + own_memory
            beside_cpu, beside_memory = beside_cpu + own_cpu, beside_memory + own_memory
            own_cpu = own_memory = 0
        most_cpu = max(most_cpu, beside_cpu + own_cpu)
        most_memory = max(most_memory, beside_memory + own_memory)
    return max(cpu, most_cpu), max(memory, most_memory)


def local_claim(volume: PersistentVolume) -> str:
    """The claim (``namespace/name``) bound to a volume that lives on one node; "" for none.

    One of the terms of its node affinity suffices: where a part of it is on a host, it is local.
    https://kubernetes.io/docs/concepts/storage/persistent-volumes/#node-affinity
    """
    spec = volume.spec
    if spec.claim_ref is None:
        return ""
    required = spec.node_affinity.required if spec.node_affinity is not None else None
    terms = (required.node_selector_terms or ()) if required is not None else ()
    if spec.local is None and spec.host_path is None and not any(map(_names_a_host, terms)):
        return ""
    return f"{spec.claim_ref.namespace}/{spec.claim_ref.name}"


def ready_addresses(part: EndpointSlice) -> Iterator[str]:
    """The addresses of a slice's endpoints that are ready; one that doesn't say is.

    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions
    """
    for endpoint in part.endpoints or ():
        if endpoint.conditions.ready is not False:
            yield from endpoint.addresses or ()


def _names_a_host(term: NodeTerm) -> bool:
    return any(one.key == HOSTNAME for one in term.match_expressions or ()) or any(
        one.key == _NODE_NAME for one in term.match_fields or ()
    )


def _containers(pod: WholePod) -> Iterator[ContainerFacts]:
    """Containers, then sidecars, each with the ID of the one that runs, or how it ended."""
    status = pod.status
    known = (*(status.container_statuses or ()), *(status.init_container_statuses or ()))
    states = {one.name: one for one in known}
    for container in pod.spec.containers or ():
        yield _container(container, states.get(container.name))
    for container in pod.spec.init_containers or ():
        if container.restart_policy == SIDECAR:
            yield _container(container, states.get(container.name))


def _container(container: WholeContainer, status: ContainerStatus | None) -> ContainerFacts:
    running = status.container_id if status and status.state.running is not None else ""
    ended = status.state.terminated if status else None
    return ContainerFacts(
        image=container.image,
        command=(*(container.command or ()), *(container.args or ())),
        ports=tuple(port.container_port for port in container.ports or ()),
        name=container.name,
        id=running,
        exit_code=ended.exit_code if ended is not None else None,
        message=ended.message if ended is not None else "",
    )


def _claims(pod: WholePod) -> Iterator[str]:
    """The names of its claims; that of a generic ephemeral volume is made of pod and volume.

    https://kubernetes.io/docs/concepts/storage/ephemeral-volumes/#persistentvolumeclaim-naming
    """
    for volume in pod.spec.volumes or ():
        if volume.persistent_volume_claim is not None:
            yield volume.persistent_volume_claim.claim_name
        elif volume.ephemeral is not None:
            yield f"{pod.metadata.name}-{volume.name}"
