"""The fields of API objects that chaosd needs, and no others: msgspec skips the rest unbuilt.

Defaults are what the API server means when it leaves a field out (it leaves out zero values).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field

Labels = dict[str, str]
LabelSelector = dict[str, Any]


class Record(Struct, rename="camel", frozen=True, gc=False):
    """A part of an API object as it is on the wire."""


class OwnerReference(Record, frozen=True, gc=False):
    """Who owns an object; at most one owner is the ``controller``."""

    kind: str
    name: str
    uid: str
    api_version: str = ""
    controller: bool | None = None


class ObjectMeta(Record, frozen=True, gc=False):
    """The metadata of a stored object."""

    name: str
    creation_timestamp: datetime
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    deletion_timestamp: datetime | None = None
    labels: Labels | None = None
    annotations: Labels | None = None
    owner_references: tuple[OwnerReference, ...] | None = None

    @property
    def controller(self) -> OwnerReference | None:
        """The owner that controls this object."""
        for owner in self.owner_references or ():
            if owner.controller:
                return owner
        return None


class Metadata(Record, frozen=True, gc=False):
    """PartialObjectMetadata, or any object of which only the metadata matters."""

    metadata: ObjectMeta


class Condition(Record, frozen=True, gc=False):
    """One condition of a status; ``status`` is ``True``, ``False`` or ``Unknown``."""

    type: str
    status: str = ""
    last_transition_time: datetime | None = None


class ContainerPort(Record, frozen=True, gc=False):
    """A port that a container says it listens on."""

    container_port: int = 0


class Container(Record, frozen=True, gc=False):
    """A container of a pod's spec."""

    image: str = ""
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    ports: tuple[ContainerPort, ...] | None = None
    restart_policy: str = ""


class PodSpec(Record, frozen=True, gc=False):
    """The spec of a pod."""

    containers: tuple[Container, ...] | None = None
    init_containers: tuple[Container, ...] | None = None
    node_name: str = ""
    priority_class_name: str = ""


class PodAddress(Record, frozen=True, gc=False):
    """One address of a pod."""

    ip: str = ""


class PodStatus(Record, frozen=True, gc=False):
    """The status of a pod."""

    phase: str = "Unknown"
    conditions: tuple[Condition, ...] | None = None
    pod_ip: str = field(default="", name="podIP")
    pod_ips: tuple[PodAddress, ...] | None = field(default=None, name="podIPs")
    host_ip: str = field(default="", name="hostIP")


class Pod(Record, frozen=True, gc=False):
    """core/v1 Pod."""

    metadata: ObjectMeta
    spec: PodSpec
    status: PodStatus = PodStatus()


class TemplateMeta(Record, frozen=True, gc=False):
    """The metadata of a pod template, which is no stored object."""

    labels: Labels | None = None
    annotations: Labels | None = None


class TemplateSpec(Record, frozen=True, gc=False):
    """The spec of a pod template, as far as workloads are judged by it."""

    priority_class_name: str = ""


class PodTemplate(Record, frozen=True, gc=False):
    """The template of a workload's pods."""

    metadata: TemplateMeta = TemplateMeta()
    spec: TemplateSpec = TemplateSpec()


class Quantities(Record, frozen=True, gc=False):
    """Amounts of resources as the API writes them (``100m``, ``2Gi``); "" for none."""

    cpu: str = ""
    memory: str = ""
    pods: str = ""


class NodeTaint(Record, frozen=True, gc=False):
    """A taint of a node."""

    key: str
    value: str = ""
    effect: str = ""


class NodeSpec(Record, frozen=True, gc=False):
    """The spec of a node."""

    unschedulable: bool = False
    taints: tuple[NodeTaint, ...] | None = None
    provider_id: str = field(default="", name="providerID")


class NodeInfo(Record, frozen=True, gc=False):
    """What the kubelet says of its machine."""

    boot_id: str = field(default="", name="bootID")


class NodeAddress(Record, frozen=True, gc=False):
    """An address of a node: an IP or a host name."""

    address: str = ""


class NodeStatus(Record, frozen=True, gc=False):
    """The status of a node."""

    addresses: tuple[NodeAddress, ...] | None = None
    conditions: tuple[Condition, ...] | None = None
    allocatable: Quantities | None = None
    node_info: NodeInfo = NodeInfo()


class Node(Record, frozen=True, gc=False):
    """core/v1 Node."""

    metadata: ObjectMeta
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class BudgetSpec(Record, frozen=True, gc=False):
    """The spec of a PodDisruptionBudget."""

    selector: LabelSelector | None = None
    unhealthy_pod_eviction_policy: str = ""


class BudgetStatus(Record, frozen=True, gc=False):
    """The status of a PodDisruptionBudget."""

    disruptions_allowed: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    expected_pods: int = 0
    observed_generation: int = 0
    disrupted_pods: Mapping[str, Any] | None = None


class Budget(Record, frozen=True, gc=False):
    """policy/v1 PodDisruptionBudget."""

    metadata: ObjectMeta
    spec: BudgetSpec = BudgetSpec()
    status: BudgetStatus = BudgetStatus()


class RollingUpdate(Record, frozen=True, gc=False):
    """How a StatefulSet is rolled out: pods below ``partition`` stay as they are."""

    partition: int | None = None


class UpdateStrategy(Record, frozen=True, gc=False):
    """The update strategy of a StatefulSet."""

    rolling_update: RollingUpdate | None = None


class ReplicatedSpec(Record, frozen=True, gc=False):
    """The spec of a Deployment, StatefulSet, ReplicaSet or DaemonSet (which has no replicas)."""

    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    replicas: int | None = None
    min_ready_seconds: int = 0


class ReplicatedStatus(Record, frozen=True, gc=False):
    """The status of a Deployment, StatefulSet or ReplicaSet."""

    observed_generation: int = 0
    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    available_replicas: int = 0
    current_revision: str = ""
    update_revision: str = ""


class Replicated(Record, frozen=True, gc=False):
    """apps/v1 Deployment or ReplicaSet."""

    metadata: ObjectMeta
    spec: ReplicatedSpec
    status: ReplicatedStatus = ReplicatedStatus()


class StatefulSpec(ReplicatedSpec, frozen=True, gc=False):
    """The spec of a StatefulSet."""

    update_strategy: UpdateStrategy = UpdateStrategy()


class StatefulSet(Record, frozen=True, gc=False):
    """apps/v1 StatefulSet."""

    metadata: ObjectMeta
    spec: StatefulSpec
    status: ReplicatedStatus = ReplicatedStatus()


class DaemonStatus(Record, frozen=True, gc=False):
    """The status of a DaemonSet."""

    observed_generation: int = 0
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    number_ready: int = 0
    updated_number_scheduled: int = 0
    number_available: int = 0


class DaemonSet(Record, frozen=True, gc=False):
    """apps/v1 DaemonSet."""

    metadata: ObjectMeta
    spec: ReplicatedSpec
    status: DaemonStatus = DaemonStatus()


class JobSpec(Record, frozen=True, gc=False):
    """The spec of a Job."""

    selector: LabelSelector | None = None
    template: PodTemplate = PodTemplate()
    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None


class JobStatus(Record, frozen=True, gc=False):
    """The status of a Job."""

    active: int = 0
    ready: int | None = None
    succeeded: int = 0
    conditions: tuple[Condition, ...] | None = None


class Job(Record, frozen=True, gc=False):
    """batch/v1 Job."""

    metadata: ObjectMeta
    spec: JobSpec
    status: JobStatus = JobStatus()


class JobTemplate(Record, frozen=True, gc=False):
    """The template of a CronJob's Jobs."""

    spec: JobSpec = JobSpec()


class CronJobSpec(Record, frozen=True, gc=False):
    """The spec of a CronJob."""

    job_template: JobTemplate = JobTemplate()
    suspend: bool | None = None


class CronJobStatus(Record, frozen=True, gc=False):
    """The status of a CronJob: references to its Jobs that run."""

    active: list[Any] | None = None


class CronJob(Record, frozen=True, gc=False):
    """batch/v1 CronJob."""

    metadata: ObjectMeta
    spec: CronJobSpec = CronJobSpec()
    status: CronJobStatus = CronJobStatus()
