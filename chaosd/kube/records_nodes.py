"""The fields of pods and volumes that work with nodes and single containers needs, and no others.

They are apart from :mod:`chaosd.kube.records` so that reading pods for pods' own sake stays cheap.
Defaults are what the API server means when it leaves a field out.
"""

from __future__ import annotations

from typing import Any

from msgspec import field

from chaosd.kube.records import (
    Container,
    Labels,
    ObjectMeta,
    PodSpec,
    PodStatus,
    Quantities,
    Record,
)


class ResourceNeeds(Record, frozen=True, gc=False):
    """The ``resources`` of a container or of a pod."""

    requests: Quantities | None = None


class Sized(Record, frozen=True, gc=False):
    """A container as far as its size matters."""

    resources: ResourceNeeds | None = None
    restart_policy: str = ""


class SizedSpec(Record, frozen=True, gc=False):
    """The spec of a pod as far as its size matters."""

    node_name: str = ""
    containers: tuple[Sized, ...] | None = None
    init_containers: tuple[Sized, ...] | None = None
    overhead: Quantities | None = None
    resources: ResourceNeeds | None = None


class SizedPod(Record, frozen=True, gc=False):
    """core/v1 Pod, where it is and how big."""

    spec: SizedSpec


class WholeContainer(Container, frozen=True, gc=False):
    """A container of a pod's spec, with its name and size."""

    name: str = ""
    resources: ResourceNeeds | None = None


class PodToleration(Record, frozen=True, gc=False):
    """A pod's toleration."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class EmptyDir(Record, frozen=True, gc=False):
    """An emptyDir; ``medium`` is "" for the node's disk."""

    medium: str = ""


class ClaimSource(Record, frozen=True, gc=False):
    """A volume that is a PersistentVolumeClaim."""

    claim_name: str = ""


class Volume(Record, frozen=True, gc=False):
    """A volume of a pod, as far as it may be lost with its node."""

    name: str = ""
    empty_dir: EmptyDir | None = None
    host_path: dict[str, Any] | None = None
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: dict[str, Any] | None = None


class WholeSpec(PodSpec, frozen=True, gc=False):
    """The spec of a pod, with what ties it to its node."""

    containers: tuple[WholeContainer, ...] | None = None
    init_containers: tuple[WholeContainer, ...] | None = None
    overhead: Quantities | None = None
    resources: ResourceNeeds | None = None
    node_selector: Labels | None = None
    tolerations: tuple[PodToleration, ...] | None = None
    volumes: tuple[Volume, ...] | None = None


class Terminated(Record, frozen=True, gc=False):
    """How a container ended."""

    exit_code: int = 0
    message: str = ""


class ContainerState(Record, frozen=True, gc=False):
    """What a container does: the one of these that is not None."""

    running: dict[str, Any] | None = None
    terminated: Terminated | None = None


class ContainerStatus(Record, frozen=True, gc=False):
    """The status of a container."""

    name: str
    container_id: str = field(default="", name="containerID")
    state: ContainerState = ContainerState()


class WholeStatus(PodStatus, frozen=True, gc=False):
    """The status of a pod, with its containers'."""

    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class WholePod(Record, frozen=True, gc=False):
    """core/v1 Pod with all that nodes and crashes ask about it."""

    metadata: ObjectMeta
    spec: WholeSpec
    status: WholeStatus = WholeStatus()


class EndpointConditions(Record, frozen=True, gc=False):
    """What is known of an endpoint; ``ready`` None is to be taken for true."""

    ready: bool | None = None


class Endpoint(Record, frozen=True, gc=False):
    """One place that serves a Service."""

    addresses: tuple[str, ...] | None = None
    conditions: EndpointConditions = EndpointConditions()


class EndpointSlice(Record, frozen=True, gc=False):
    """discovery.k8s.io/v1 EndpointSlice: some of the places that serve a Service."""

    endpoints: tuple[Endpoint, ...] | None = None


class NodeRequirement(Record, frozen=True, gc=False):
    """A requirement of a node selector."""

    key: str = ""


class NodeTerm(Record, frozen=True, gc=False):
    """A term of a node selector; its requirements hold together."""

    match_expressions: tuple[NodeRequirement, ...] | None = None
    match_fields: tuple[NodeRequirement, ...] | None = None


class NodeTerms(Record, frozen=True, gc=False):
    """A node selector: one of its terms must hold."""

    node_selector_terms: tuple[NodeTerm, ...] | None = None


class VolumeAffinity(Record, frozen=True, gc=False):
    """Which nodes can reach a volume."""

    required: NodeTerms | None = None


class ClaimRef(Record, frozen=True, gc=False):
    """The claim that a volume is bound to."""

    namespace: str = ""
    name: str = ""


class PersistentVolumeSpec(Record, frozen=True, gc=False):
    """The spec of a volume, as far as it tells where it lives and whose it is."""

    local: dict[str, Any] | None = None
    host_path: dict[str, Any] | None = None
    node_affinity: VolumeAffinity | None = None
    claim_ref: ClaimRef | None = None


class PersistentVolume(Record, frozen=True, gc=False):
    """core/v1 PersistentVolume."""

    spec: PersistentVolumeSpec = PersistentVolumeSpec()
