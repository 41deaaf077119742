"""Validation and defaulting of objects before they are stored."""

from __future__ import annotations

import re
from typing import Any

from chaosd.sandbox.errors import ApiError, bad_request, invalid
from chaosd.sandbox.objects import Json
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.selectors import SelectorError, matches_labels, parse_label_selector
from chaosd.sandbox.shapes import check_shape

CONFIG_MAP_BYTES = 1_048_576
"""The most that the data of a ConfigMap may weigh."""

ANNOTATION_BYTES = 262_144

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character"
)
_SELECTING = frozenset(
    {"daemonsets.apps", "deployments.apps", "replicasets.apps", "statefulsets.apps"}
)
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}

Cause = tuple[str, str, str]


def check_identity(resource: Resource, item: Json, namespace: str, name: str) -> None:
    """Refuse a body of another kind, name or namespace than the URL says.

    Fills in the namespace. Raises the API error.
    """
    check_shape(resource, item)
    for field, wanted in (("apiVersion", resource.api_version), ("kind", resource.kind)):
        found = item.get(field)
        if found and found != wanted:
            raise bad_request(
                f"the {field} in the data ({found}) does not match the expected {field} ({wanted})"
            )
    meta = item["metadata"] = item.get("metadata") or {}
    if resource.namespaced:
        if meta.get("namespace") and meta["namespace"] != namespace:
            raise bad_request(
                "the namespace of the provided object does not match the namespace sent on the "
                "request"
            )
        meta["namespace"] = namespace
    else:
        meta.pop("namespace", None)
    if name:
        if meta.get("name") and meta["name"] != name:
            raise bad_request(
                f"the name of the object ({meta['name']}) does not match the name on the URL "
                f"({name})"
            )
        meta["name"] = name


def validate(resource: Resource, item: Json) -> None:
    """Refuse what the API server would refuse with 422, all mistakes at once."""
    causes = [*_metadata_causes(item["metadata"])]
    if resource.id == "configmaps":
        causes += _config_map_causes(item)
    elif resource.id in _SELECTING:
        causes += _workload_causes(item)
    elif resource.id == "poddisruptionbudgets.policy":
        causes += _budget_causes(item)
    elif resource.id == "leases.coordination.k8s.io":
        causes += _lease_causes(item)
    elif resource.id == "events":
        causes += _event_causes(item)
    elif resource.id == "nodes":
        causes += _node_causes(item)
    if causes:
        raise invalid(resource, item["metadata"].get("name", ""), causes)


def _metadata_causes(meta: Json) -> list[Cause]:
    causes: list[Cause] = []
    name = meta.get("name", "")
    if not name:
        causes.append(
            (
                "FieldValueRequired",
                "metadata.name",
                "Required value: name or generateName is required",
            )
        )
    elif len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        causes.append(
            ("FieldValueInvalid", "metadata.name", f'Invalid value: "{name}": {_SUBDOMAIN_RULE}')
        )
    for value in (meta.get("labels") or {}).values():
        if not isinstance(value, str) or len(value) > 63 or not _LABEL_VALUE.fullmatch(value):
            why = f'Invalid value: "{value}": {_LABEL_RULE}'
            causes.append(("FieldValueInvalid", "metadata.labels", why))
    weight = sum(
        len(key.encode()) + len(str(value).encode())
        for key, value in (meta.get("annotations") or {}).items()
    )
    if weight > ANNOTATION_BYTES:
        too_long = f"Too long: may not be more than {ANNOTATION_BYTES} bytes"
        causes.append(("FieldValueTooLong", "metadata.annotations", too_long))
    return causes


def _config_map_causes(item: Json) -> list[Cause]:
    weight = sum(len(str(value).encode()) for value in (item.get("data") or {}).values())
    weight += sum(len(str(value)) * 3 // 4 for value in (item.get("binaryData") or {}).values())
    if weight > CONFIG_MAP_BYTES:
        too_long = f"Too long: may not be more than {CONFIG_MAP_BYTES} bytes"
        return [("FieldValueTooLong", "[]", too_long)]
    return []


def _workload_causes(item: Json) -> list[Cause]:
    spec = item.get("spec") or {}
    selector = spec.get("selector")
    if not selector:
        return [("FieldValueRequired", "spec.selector", "Required value")]
    try:
        terms = parse_label_selector(selector) or ()
    except SelectorError as error:
        return [("FieldValueInvalid", "spec.selector", f"Invalid value: {error}")]
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not matches_labels(terms, labels):
        why = "Invalid value: `selector` does not match template `labels`"
        return [("FieldValueInvalid", "spec.template.metadata.labels", why)]
    return []


def _lease_causes(item: Json) -> list[Cause]:
    causes: list[Cause] = []
    spec = item.get("spec") or {}
    for field, least, words in (
        ("leaseDurationSeconds", 1, "greater than 0"),
        ("leaseTransitions", 0, "greater than or equal to 0"),
    ):
        value = spec.get(field)
        if value is not None and value < least:
            why = f"Invalid value: {value}: must be {words}"
            causes.append(("FieldValueInvalid", f"spec.{field}", why))
    return causes


def _event_causes(item: Json) -> list[Cause]:
    """An event lies in the namespace of its object, or in default where that is in none."""
    namespace = (item.get("involvedObject") or {}).get("namespace", "")
    if item["metadata"].get("namespace", "") == (namespace or "default"):
        return []
    why = f'Invalid value: "{namespace}": does not match event.namespace'
    return [("FieldValueInvalid", "involvedObject.namespace", why)]


def _node_causes(item: Json) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[tuple[str, str]] = set()
    for number, taint in enumerate((item.get("spec") or {}).get("taints") or ()):
        field = f"metadata.taints[{number}]"
        effect = taint["effect"]
        if effect not in _EFFECTS:
            supported = ", ".join(f'"{one}"' for one in _EFFECTS)
            why = f'Unsupported value: "{effect}": supported values: {supported}'
            causes.append(("FieldValueNotSupported", f"{field}.effect", why))
        if (taint["key"], effect) in seen:
            why = "taints must be unique by key and effect pair"
            causes.append(("FieldValueDuplicate", field, f"Duplicate value: {why}"))
        seen.add((taint["key"], effect))
    return causes


def _budget_causes(item: Json) -> list[Cause]:
    spec = item.get("spec") or {}
    causes: list[Cause] = []
    if "minAvailable" in spec and "maxUnavailable" in spec:
        why = "Invalid value: minAvailable and maxUnavailable cannot be both set"
        causes.append(("FieldValueInvalid", "spec", why))
    for field in ("minAvailable", "maxUnavailable"):
        value = spec.get(field)
        if isinstance(value, str) and not re.fullmatch(r"(100|[0-9]{1,2})%", value):
            why = f"Invalid value: \"{value}\": must be an integer or percentage (e.g '5%')"
            causes.append(("FieldValueInvalid", f"spec.{field}", why))
        elif isinstance(value, int) and value < 0:
            why = f"Invalid value: {value}: must be greater than or equal to 0"
            causes.append(("FieldValueInvalid", f"spec.{field}", why))
    return causes


def default(resource: Resource, item: Json) -> None:
    """Fill in, in place, the defaults of the API server that somebody here reads.

    The object has a name and a uid.
    """
    if resource.id == "namespaces":
        item.setdefault("spec", {"finalizers": ["kubernetes"]})
        item.setdefault("status", {"phase": "Active"})
        labels = item["metadata"].setdefault("labels", {})
        labels.setdefault("kubernetes.io/metadata.name", item["metadata"].get("name", ""))
    elif resource.id == "pods":
        default_pod_spec(item.setdefault("spec", {}))
        item.setdefault("status", {"phase": "Pending", "qosClass": "BestEffort"})
    elif resource.id in _VOLUME_DEFAULTS:
        item.setdefault("status", {"phase": "Pending"})
        spec = item.setdefault("spec", {})
        for field, value in _VOLUME_DEFAULTS[resource.id].items():
            spec.setdefault(field, value)
    elif resource.id in _FIRST_STATUS:
        item.setdefault("status", dict(_FIRST_STATUS[resource.id]))
    if resource.id in WORKLOAD_DEFAULTS:
        spec = item.setdefault("spec", {})
        for field, value in WORKLOAD_DEFAULTS[resource.id].items():
            spec.setdefault(field, value() if callable(value) else value)
        template = spec.setdefault("template", {})
        template.setdefault("metadata", {})
        default_pod_spec(template.setdefault("spec", {}))
        if resource.id == "jobs.batch" and not spec.get("manualSelector"):
            spec["selector"] = {
                "matchLabels": {"batch.kubernetes.io/controller-uid": item["metadata"]["uid"]}
            }


def default_pod_spec(spec: Json) -> None:
    """Defaults of a pod's spec, in place."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    for container in spec.setdefault("containers", []):
        container.setdefault("imagePullPolicy", "IfNotPresent")
        default_resources(container.setdefault("resources", {}))
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
    priority = _PRIORITIES.get(spec.get("priorityClassName", ""))
    if priority is not None:
        spec.setdefault("priority", priority)


def default_resources(resources: Json) -> None:
    """Write quantities as text, in place, and request what is limited."""
    for field in ("limits", "requests"):
        if resources.get(field):
            resources[field] = {name: str(text) for name, text in resources[field].items()}
    if resources.get("limits"):
        resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}


def _rolling_deployment() -> Json:
    return {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
    }


def _rolling_daemons() -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}


def _rolling_stateful() -> Json:
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}


_FIRST_STATUS: dict[str, dict[str, int]] = {
    "cronjobs.batch": {},
    "daemonsets.apps": dict.fromkeys(
        (
            "currentNumberScheduled",
            "numberMisscheduled",
            "desiredNumberScheduled",
            "numberReady",
        ),
        0,
    ),
    "deployments.apps": {},
    "jobs.batch": {},
    "poddisruptionbudgets.policy": dict.fromkeys(
        ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"), 0
    ),
    "replicasets.apps": {"replicas": 0},
    "statefulsets.apps": {"replicas": 0, "availableReplicas": 0},
}
"""What an object's status says before its controller has seen it."""
_VOLUME_DEFAULTS: dict[str, dict[str, Any]] = {
    "persistentvolumes": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
    "persistentvolumeclaims": {"volumeMode": "Filesystem"},
}
WORKLOAD_DEFAULTS: dict[str, dict[str, Any]] = {
    "deployments.apps": {
        "replicas": 1,
        "strategy": _rolling_deployment,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
    },
    "replicasets.apps": {"replicas": 1},
    "statefulsets.apps": {
        "replicas": 1,
        "serviceName": "",
        "podManagementPolicy": "OrderedReady",
        "updateStrategy": _rolling_stateful,
        "revisionHistoryLimit": 10,
    },
    "daemonsets.apps": {"updateStrategy": _rolling_daemons, "revisionHistoryLimit": 10},
    "jobs.batch": {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
    },
}


def missing_namespace(namespace: str) -> ApiError:
    """404 for a write into a namespace that is not there."""
    details = {"name": namespace, "kind": "namespaces"}
    return ApiError(404, "NotFound", f'namespaces "{namespace}" not found', details=details)
