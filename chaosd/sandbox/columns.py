"""The columns that `kubectl get` shows for each kind."""

from __future__ import annotations

from chaosd.sandbox.cells import (
    Column,
    access_modes,
    address,
    age,
    ago,
    at,
    claim_of,
    containers,
    event_object,
    event_seen,
    event_source,
    job_completions,
    job_duration,
    job_status,
    node_roles,
    node_status,
    pod_ready,
    pod_reason,
    ratio,
    restarts,
    selector_text,
)

NAME = Column("Name", at("metadata.name"))
AGE = Column("Age", age)

WIDE = (
    Column(
        "Containers",
        lambda item, _: ",".join(one.get("name", "") for one in containers(item)),
        wide=True,
    ),
    Column(
        "Images",
        lambda item, _: ",".join(one.get("image", "") for one in containers(item)),
        wide=True,
    ),
)
SELECTOR = Column(
    "Selector",
    lambda item, _: selector_text((item.get("spec") or {}).get("selector")),
    wide=True,
)


def _number(name: str, path: str) -> Column:
    return Column(name, at(path, 0), "integer")


_POD = (
    NAME,
    Column("Ready", pod_ready),
    Column("Status", lambda pod, _: pod_reason(pod)),
    Column("Restarts", restarts),
    AGE,
    Column("IP", at("status.podIP", "<none>"), wide=True),
    Column("Node", at("spec.nodeName", "<none>"), wide=True),
    Column("Nominated Node", at("status.nominatedNodeName", "<none>"), wide=True),
    Column("Readiness Gates", lambda *_: "<none>", wide=True),
)

_NODE = (
    NAME,
    Column("Status", node_status),
    Column("Roles", node_roles),
    AGE,
    Column("Version", at("status.nodeInfo.kubeletVersion")),
    Column("Internal-IP", address("InternalIP"), wide=True),
    Column("External-IP", address("ExternalIP"), wide=True),
    Column("OS-Image", at("status.nodeInfo.osImage", "<unknown>"), wide=True),
    Column("Kernel-Version", at("status.nodeInfo.kernelVersion", "<unknown>"), wide=True),
    Column(
        "Container-Runtime", at("status.nodeInfo.containerRuntimeVersion", "<unknown>"), wide=True
    ),
)

_VOLUME = (
    NAME,
    Column("Capacity", at("spec.capacity.storage")),
    Column("Access Modes", access_modes),
    Column("Reclaim Policy", at("spec.persistentVolumeReclaimPolicy")),
    Column("Status", at("status.phase")),
    Column("Claim", claim_of),
    Column("StorageClass", at("spec.storageClassName")),
    Column("VolumeAttributesClass", at("spec.volumeAttributesClassName", "<unset>")),
    Column("Reason", at("status.reason")),
    AGE,
    Column("VolumeMode", at("spec.volumeMode", "<unset>"), wide=True),
)

_CLAIM = (
    NAME,
    Column("Status", at("status.phase")),
    Column("Volume", at("spec.volumeName")),
    Column("Capacity", at("status.capacity.storage")),
    Column("Access Modes", access_modes),
    Column("StorageClass", at("spec.storageClassName")),
    Column("VolumeAttributesClass", at("spec.volumeAttributesClassName", "<unset>")),
    AGE,
    Column("VolumeMode", at("spec.volumeMode", "<unset>"), wide=True),
)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": _POD,
    "nodes": _NODE,
    "persistentvolumeclaims": _CLAIM,
    "persistentvolumes": _VOLUME,
    "namespaces": (NAME, Column("Status", at("status.phase")), AGE),
    "configmaps": (
        NAME,
        Column(
            "Data",
            lambda item, _: len(item.get("data") or {}) + len(item.get("binaryData") or {}),
            "integer",
        ),
        AGE,
    ),
    "events": (
        Column("Last Seen", event_seen("lastTimestamp")),
        Column("Type", at("type")),
        Column("Reason", at("reason")),
        Column("Object", event_object),
        Column("Subobject", at("involvedObject.fieldPath"), wide=True),
        Column("Source", event_source, wide=True),
        Column("Message", lambda item, _: str(item.get("message") or "").strip()),
        Column("First Seen", event_seen("firstTimestamp"), wide=True),
        Column("Count", at("count", 1), wide=True),
        Column("Name", at("metadata.name"), wide=True),
    ),
    "leases.coordination.k8s.io": (NAME, Column("Holder", at("spec.holderIdentity")), AGE),
    "poddisruptionbudgets.policy": (
        NAME,
        Column("Min Available", lambda item, now: str(at("spec.minAvailable", "N/A")(item, now))),
        Column(
            "Max Unavailable", lambda item, now: str(at("spec.maxUnavailable", "N/A")(item, now))
        ),
        _number("Allowed Disruptions", "status.disruptionsAllowed"),
        AGE,
    ),
    "deployments.apps": (
        NAME,
        Column("Ready", ratio("status.readyReplicas", "spec.replicas")),
        _number("Up-to-date", "status.updatedReplicas"),
        _number("Available", "status.availableReplicas"),
        AGE,
        *WIDE,
        SELECTOR,
    ),
    "replicasets.apps": (
        NAME,
        _number("Desired", "spec.replicas"),
        _number("Current", "status.replicas"),
        _number("Ready", "status.readyReplicas"),
        AGE,
        *WIDE,
        SELECTOR,
    ),
    "statefulsets.apps": (
        NAME,
        Column("Ready", ratio("status.readyReplicas", "spec.replicas")),
        AGE,
        *WIDE,
    ),
    "daemonsets.apps": (
        NAME,
        _number("Desired", "status.desiredNumberScheduled"),
        _number("Current", "status.currentNumberScheduled"),
        _number("Ready", "status.numberReady"),
        _number("Up-to-date", "status.updatedNumberScheduled"),
        _number("Available", "status.numberAvailable"),
        Column(
            "Node Selector",
            lambda item, now: selector_text(
                {"matchLabels": at("spec.template.spec.nodeSelector", {})(item, now)}
            ),
        ),
        AGE,
        *WIDE,
        SELECTOR,
    ),
    "jobs.batch": (
        NAME,
        Column("Status", job_status),
        Column("Completions", job_completions),
        Column("Duration", job_duration),
        AGE,
        *WIDE,
        SELECTOR,
    ),
    "cronjobs.batch": (
        NAME,
        Column("Schedule", at("spec.schedule")),
        Column("Timezone", at("spec.timeZone", "<none>")),
        Column("Suspend", lambda item, now: str(at("spec.suspend", False)(item, now))),
        Column("Active", lambda item, now: len(at("status.active", ())(item, now)), "integer"),
        Column(
            "Last Schedule",
            lambda item, now: (
                ago(at("status.lastScheduleTime")(item, now), now)
                if at("status.lastScheduleTime")(item, now)
                else "<none>"
            ),
        ),
        AGE,
    ),
}
DEFAULT: tuple[Column, ...] = (NAME, AGE)
