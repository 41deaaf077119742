"""The columns that `kubectl get` shows for each kind, as the API server computes them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaosd.sandbox.objects import Json, condition_is, is_deleting, labels_of, parse_time
from chaosd.sandbox.selectors import Requirement, parse_label_selector

Cell = Callable[[Json, datetime], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `wide` ones are shown by `-o wide` alone."""

    name: str
    cell: Cell
    type: str = "string"
    wide: bool = False
    description: str = ""


def human(span: timedelta) -> str:
    """A duration as kubectl writes ages (k8s.io/apimachinery/pkg/util/duration)."""
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{max(seconds, 0)}s" if seconds >= -1 else "<invalid>"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 10:
        return _pair(minutes, "m", seconds % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _pair(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _pair(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 8 * 365:
        return _pair(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _pair(big: int, big_unit: str, small: int, small_unit: str) -> str:
    return f"{big}{big_unit}{small}{small_unit}" if small else f"{big}{big_unit}"


def ago(text: str | None, now: datetime) -> str:
    """How long ago a timestamp is."""
    return human(now - parse_time(text)) if text else "<unknown>"


def at(path: str, missing: Any = "") -> Cell:
    """A cell that shows a field."""
    parts = path.split(".")

    def cell(item: Json, _: datetime) -> Any:
        value: Any = item
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        return missing if value is None else value

    return cell


def _age(item: Json, now: datetime) -> str:
    return ago(item["metadata"].get("creationTimestamp"), now)


NAME = Column("Name", at("metadata.name"))
AGE = Column("Age", _age)


def selector_text(selector: Any) -> str:
    """A LabelSelector object as text."""
    terms = parse_label_selector(selector)
    if not terms:
        return "<none>"
    return ",".join(sorted(_term_text(term) for term in terms))


def _term_text(term: Requirement) -> str:
    if term.operator == "exists":
        return term.key
    if term.operator == "absent":
        return f"!{term.key}"
    if term.operator == "in" and len(term.values) == 1:
        return f"{term.key}={term.values[0]}"
    return f"{term.key} {term.operator} ({','.join(sorted(term.values))})"


def _containers(item: Json) -> list[Json]:
    template = ((item.get("spec") or {}).get("template") or {}).get("spec") or {}
    return list(template.get("containers") or ())


WIDE = (
    Column(
        "Containers",
        lambda item, _: ",".join(one.get("name", "") for one in _containers(item)),
        wide=True,
    ),
    Column(
        "Images",
        lambda item, _: ",".join(one.get("image", "") for one in _containers(item)),
        wide=True,
    ),
)
SELECTOR = Column(
    "Selector",
    lambda item, _: selector_text((item.get("spec") or {}).get("selector")),
    wide=True,
)


def _ratio(have: str, want: str) -> Cell:
    left, right = at(have, 0), at(want, 0)
    return lambda item, now: f"{left(item, now)}/{right(item, now)}"


def _number(name: str, path: str) -> Column:
    return Column(name, at(path, 0), "integer")


# --- pods


def pod_reason(pod: Json) -> str:
    """The Status column of a pod."""
    status = pod.get("status") or {}
    reason = status.get("reason") or status.get("phase", "Unknown")
    for container in reversed(status.get("containerStatuses") or []):
        state = container.get("state") or {}
        for name in ("waiting", "terminated"):
            if (state.get(name) or {}).get("reason"):
                reason = state[name]["reason"]
    if is_deleting(pod):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(reason)


def _pod_ready(pod: Json, _: datetime) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    total = len((pod.get("spec") or {}).get("containers") or ())
    return f"{sum(1 for one in statuses if one.get('ready'))}/{total}"


def _restarts(pod: Json, _: datetime) -> str:
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return str(sum(one.get("restartCount", 0) for one in statuses))


_POD = (
    NAME,
    Column("Ready", _pod_ready),
    Column("Status", lambda pod, _: pod_reason(pod)),
    Column("Restarts", _restarts),
    AGE,
    Column("IP", at("status.podIP", "<none>"), wide=True),
    Column("Node", at("spec.nodeName", "<none>"), wide=True),
    Column("Nominated Node", at("status.nominatedNodeName", "<none>"), wide=True),
    Column("Readiness Gates", lambda *_: "<none>", wide=True),
)

# --- nodes


def _node_status(node: Json, _: datetime) -> str:
    words = ["Ready" if condition_is(node, "Ready") else "NotReady"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _node_roles(node: Json, _: datetime) -> str:
    prefix = "node-role.kubernetes.io/"
    roles = sorted(key[len(prefix) :] for key in labels_of(node) if key.startswith(prefix))
    return ",".join(filter(None, roles)) or "<none>"


def _address(kind: str) -> Cell:
    def cell(node: Json, _: datetime) -> str:
        for address in (node.get("status") or {}).get("addresses") or ():
            if address.get("type") == kind:
                return str(address["address"])
        return "<none>"

    return cell


_NODE = (
    NAME,
    Column("Status", _node_status),
    Column("Roles", _node_roles),
    AGE,
    Column("Version", at("status.nodeInfo.kubeletVersion")),
    Column("Internal-IP", _address("InternalIP"), wide=True),
    Column("External-IP", _address("ExternalIP"), wide=True),
    Column("OS-Image", at("status.nodeInfo.osImage", "<unknown>"), wide=True),
    Column("Kernel-Version", at("status.nodeInfo.kernelVersion", "<unknown>"), wide=True),
    Column(
        "Container-Runtime", at("status.nodeInfo.containerRuntimeVersion", "<unknown>"), wide=True
    ),
)

# --- jobs and events


def _job_status(job: Json, _: datetime) -> str:
    for kind in ("Complete", "Failed", "Suspended"):
        if condition_is(job, kind):
            return kind
    return "Terminating" if is_deleting(job) else "Running"


def _job_duration(job: Json, now: datetime) -> str:
    status = job.get("status") or {}
    if not status.get("startTime"):
        return ""
    end = parse_time(status["completionTime"]) if status.get("completionTime") else now
    return human(end - parse_time(status["startTime"]))


def _job_completions(job: Json, _: datetime) -> str:
    done = (job.get("status") or {}).get("succeeded", 0)
    return f"{done}/{(job.get('spec') or {}).get('completions', 1)}"


def _event_seen(field: str) -> Cell:
    def cell(event: Json, now: datetime) -> str:
        seen = event.get(field) or event.get("eventTime")
        return ago(seen or event["metadata"].get("creationTimestamp"), now)

    return cell


def _event_object(event: Json, _: datetime) -> str:
    about = event.get("involvedObject") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _event_source(event: Json, _: datetime) -> str:
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    return f"{component}, {source['host']}" if source.get("host") else str(component)


COLUMNS: dict[str, tuple[Column, ...]] = {
    "pods": _POD,
    "nodes": _NODE,
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
        Column("Last Seen", _event_seen("lastTimestamp")),
        Column("Type", at("type")),
        Column("Reason", at("reason")),
        Column("Object", _event_object),
        Column("Subobject", at("involvedObject.fieldPath"), wide=True),
        Column("Source", _event_source, wide=True),
        Column("Message", lambda item, _: str(item.get("message") or "").strip()),
        Column("First Seen", _event_seen("firstTimestamp"), wide=True),
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
        Column("Ready", _ratio("status.readyReplicas", "spec.replicas")),
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
        Column("Ready", _ratio("status.readyReplicas", "spec.replicas")),
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
        Column("Status", _job_status),
        Column("Completions", _job_completions),
        Column("Duration", _job_duration),
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
