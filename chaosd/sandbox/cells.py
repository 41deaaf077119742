"""What stands in one cell of a `kubectl get`, as the API server computes it."""

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


def age(item: Json, now: datetime) -> str:
    """How long ago the object was created."""
    return ago(item["metadata"].get("creationTimestamp"), now)


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


def containers(item: Json) -> list[Json]:
    """The containers in a workload's template."""
    template = ((item.get("spec") or {}).get("template") or {}).get("spec") or {}
    return list(template.get("containers") or ())


def ratio(have: str, want: str) -> Cell:
    """A cell like 2/3 from two fields."""

    left, right = at(have, 0), at(want, 0)
    return lambda item, now: f"{left(item, now)}/{right(item, now)}"


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


def pod_ready(pod: Json, _: datetime) -> str:
    """Ready containers of all containers."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    total = len((pod.get("spec") or {}).get("containers") or ())
    return f"{sum(1 for one in statuses if one.get('ready'))}/{total}"


def restarts(pod: Json, _: datetime) -> str:
    """Restarts of all containers together."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return str(sum(one.get("restartCount", 0) for one in statuses))


# --- nodes


def node_status(node: Json, _: datetime) -> str:
    """Readiness, and whether the node is cordoned."""
    words = ["Ready" if condition_is(node, "Ready") else "NotReady"]
    if (node.get("spec") or {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def node_roles(node: Json, _: datetime) -> str:
    """The roles in the labels node-role.kubernetes.io/ROLE."""
    prefix = "node-role.kubernetes.io/"
    roles = sorted(key[len(prefix) :] for key in labels_of(node) if key.startswith(prefix))
    return ",".join(filter(None, roles)) or "<none>"


def address(kind: str) -> Cell:
    """A cell with a node's address of a kind (InternalIP, ExternalIP)."""

    def cell(node: Json, _: datetime) -> str:
        for address in (node.get("status") or {}).get("addresses") or ():
            if address.get("type") == kind:
                return str(address["address"])
        return "<none>"

    return cell


# --- volumes

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX"}


def access_modes(item: Json, _: datetime) -> str:
    """How a volume may be mounted, in short."""
    modes = (item.get("spec") or {}).get("accessModes") or ()
    return ",".join(_MODES.get(mode, "RWOP") for mode in modes)


def claim_of(volume: Json, _: datetime) -> str:
    """The claim that a volume is bound to, as namespace/name."""
    ref = (volume.get("spec") or {}).get("claimRef")
    return f"{ref.get('namespace', '')}/{ref.get('name', '')}" if ref else ""


# --- jobs and events


def job_status(job: Json, _: datetime) -> str:
    """Complete, Failed, Suspended, Terminating or Running."""
    for kind in ("Complete", "Failed", "Suspended"):
        if condition_is(job, kind):
            return kind
    return "Terminating" if is_deleting(job) else "Running"


def job_duration(job: Json, now: datetime) -> str:
    """From its start to its completion, or to now."""
    status = job.get("status") or {}
    if not status.get("startTime"):
        return ""
    end = parse_time(status["completionTime"]) if status.get("completionTime") else now
    return human(end - parse_time(status["startTime"]))


def job_completions(job: Json, _: datetime) -> str:
    """Pods that succeeded of those wanted."""
    done = (job.get("status") or {}).get("succeeded", 0)
    return f"{done}/{(job.get('spec') or {}).get('completions', 1)}"


def event_seen(field: str) -> Cell:
    """A cell with the age of a timestamp of an Event."""

    def cell(event: Json, now: datetime) -> str:
        seen = event.get(field) or event.get("eventTime")
        return ago(seen or event["metadata"].get("creationTimestamp"), now)

    return cell


def event_object(event: Json, _: datetime) -> str:
    """What the Event is about, as kind/name."""
    about = event.get("involvedObject") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def event_source(event: Json, _: datetime) -> str:
    """Who wrote the Event."""
    source = event.get("source") or {}
    component = source.get("component") or event.get("reportingComponent") or ""
    return f"{component}, {source['host']}" if source.get("host") else str(component)
