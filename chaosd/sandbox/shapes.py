"""The types of the fields that somebody here reads, checked before an object is let in.

What passes can be worked on by every controller; unknown fields pass unread.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec

from chaosd.sandbox.errors import bad_request
from chaosd.sandbox.objects import Json
from chaosd.sandbox.resources import Resource

_Texts: TypeAlias = dict[str, str] | None
_Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0)] | None
_Share: TypeAlias = int | Annotated[str, msgspec.Meta(pattern=r"^[0-9]+%$")] | None
_Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]


_Quantity: TypeAlias = (
    int
    | float
    | Annotated[
        str,
        msgspec.Meta(pattern=r"^[+-]?(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$"),
    ]
)
_Quantities: TypeAlias = dict[str, _Quantity] | None


class _Fields(msgspec.Struct, rename="camel"):
    """The base of them all: JSON spells names in camel case."""


class _Owner(_Fields):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class _Meta(_Fields):
    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    labels: _Texts = None
    annotations: _Texts = None
    finalizers: list[str] | None = None
    owner_references: list[_Owner] | None = None


class _Expression(_Fields):
    key: str
    operator: str
    values: list[str] | None = None


class _Selector(_Fields):
    match_labels: _Texts = None
    match_expressions: list[_Expression] | None = None


class _Taint(_Fields):
    key: str
    effect: str
    value: str | None = None


class _MatchField(_Fields):
    key: str
    operator: str
    values: Annotated[list[str], msgspec.Meta(min_length=1)]


class _Term(_Fields):
    match_fields: list[_MatchField] | None = None


class _Required(_Fields):
    node_selector_terms: list[_Term] | None = None


class _NodeAffinity(_Fields):
    required_during_scheduling_ignored_during_execution: _Required | None = None


class _Affinity(_Fields):
    node_affinity: _NodeAffinity | None = None


class _Toleration(_Fields):
    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None


class _Resources(_Fields):
    requests: _Quantities = None
    limits: _Quantities = None


class _Container(_Fields):
    name: str
    image: str | None = None
    args: list[str] | None = None
    resources: _Resources | None = None


class _PodSpec(_Fields):
    containers: list[_Container] | None = None
    init_containers: list[_Container] | None = None
    restart_policy: str | None = None
    node_name: str | None = None
    node_selector: _Texts = None
    tolerations: list[_Toleration] | None = None
    affinity: _Affinity | None = None
    priority_class_name: str | None = None
    termination_grace_period_seconds: _Count = None


class _Template(_Fields):
    metadata: _Meta | None = None
    spec: _PodSpec | None = None


class _Rolling(_Fields):
    max_surge: _Share = None
    max_unavailable: _Share = None
    partition: _Count = None


class _Strategy(_Fields):
    type: str | None = None
    rolling_update: _Rolling | None = None


class _WorkloadSpec(_Fields):
    replicas: _Count = None
    min_ready_seconds: _Count = None
    selector: _Selector | None = None
    template: _Template | None = None
    strategy: _Strategy | None = None
    update_strategy: _Strategy | None = None
    parallelism: _Count = None
    completions: _Count = None
    backoff_limit: _Count = None


class _BudgetSpec(_Fields):
    selector: _Selector | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None
    unhealthy_pod_eviction_policy: str | None = None


class _NodeSpec(_Fields):
    taints: list[_Taint] | None = None
    unschedulable: bool | None = None


class _Condition(_Fields):
    type: str
    status: str
    last_transition_time: _Time | None = None


class _Address(_Fields):
    type: str
    address: str


class _Running(_Fields):
    started_at: _Time


class _State(_Fields):
    running: _Running | None = None
    waiting: Json | None = None
    terminated: Json | None = None


class _ContainerStatus(_Fields):
    name: str
    ready: bool | None = None
    restart_count: _Count = None
    state: _State | None = None


class _Status(_Fields):
    phase: str | None = None
    conditions: list[_Condition] | None = None
    container_statuses: list[_ContainerStatus] | None = None
    disrupted_pods: dict[str, _Time] | None = None
    start_time: _Time | None = None
    completion_time: _Time | None = None
    allocatable: _Quantities = None
    node_info: Json | None = None
    addresses: list[_Address] | None = None
    replicas: _Count = None
    ready_replicas: _Count = None
    available_replicas: _Count = None
    observed_generation: _Count = None
    current_healthy: _Count = None
    desired_healthy: _Count = None
    disruptions_allowed: _Count = None
    succeeded: _Count = None
    failed: _Count = None
    current_revision: str | None = None


class _Object(_Fields):
    metadata: _Meta | None = None
    status: _Status | None = None


class _Pod(_Object):
    spec: _PodSpec | None = None


class _Workload(_Object):
    spec: _WorkloadSpec | None = None


class _Budget(_Object):
    spec: _BudgetSpec | None = None


class _Node(_Object):
    spec: _NodeSpec | None = None


class _ClaimRef(_Fields):
    namespace: str | None = None
    name: str | None = None
    uid: str | None = None


class _VolumeSpec(_Fields):
    capacity: _Quantities = None
    access_modes: list[str] | None = None
    claim_ref: _ClaimRef | None = None


class _Volume(_Object):
    spec: _VolumeSpec | None = None


class _ConfigMap(_Fields):
    metadata: _Meta | None = None
    data: _Texts = None


class _Event(_Fields):
    metadata: _Meta | None = None
    involved_object: _Texts = None
    source: _Texts = None
    message: str | None = None
    first_timestamp: _Time | None = None
    last_timestamp: _Time | None = None
    event_time: _Time | None = None


_MicroTime: TypeAlias = (
    Annotated[
        str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$")
    ]
    | None
)


class _LeaseSpec(_Fields):
    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: _MicroTime = None
    renew_time: _MicroTime = None
    lease_transitions: int | None = None


class _Lease(_Fields):
    metadata: _Meta | None = None
    spec: _LeaseSpec | None = None


class _Other(_Fields):
    metadata: _Meta | None = None
    spec: Json | None = None


_SHAPES: dict[str, type[_Fields]] = {
    "pods": _Pod,
    "nodes": _Node,
    "configmaps": _ConfigMap,
    "persistentvolumes": _Volume,
    "persistentvolumeclaims": _Volume,
    "events": _Event,
    "leases.coordination.k8s.io": _Lease,
    "poddisruptionbudgets.policy": _Budget,
    "deployments.apps": _Workload,
    "replicasets.apps": _Workload,
    "statefulsets.apps": _Workload,
    "daemonsets.apps": _Workload,
    "jobs.batch": _Workload,
}


def check_shape(resource: Resource, item: Json) -> None:
    """Refuse fields of the wrong type. Raises the 400 that names the first of them."""
    checked = {"metadata": item.get("metadata")} if resource.custom else item
    try:
        msgspec.convert(checked, _SHAPES.get(resource.id, _Other))
    except msgspec.ValidationError as error:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: {error}"
        ) from error
