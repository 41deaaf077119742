"""The DaemonSet controller: one pod on each node that takes it."""

from __future__ import annotations

from datetime import datetime

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers.pods import delete_pod, make_pod, template_hash
from chaosd.sandbox.controllers.scheduler import tolerates, tolerates_all, wants
from chaosd.sandbox.objects import (
    Json,
    int_or_percent,
    is_deleting,
    is_finished,
    is_ready,
    labels_of,
    split_available,
    without_empty,
)

DAEMON_SETS = "daemonsets.apps"
REVISION_LABEL = "controller-revision-hash"
TOLERATIONS: list[Json] = [
    {"key": f"node.kubernetes.io/{name}", "operator": "Exists", "effect": effect}
    for name, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
]


def reconcile(cluster: Cluster, daemon_set: Json, now: datetime) -> datetime | None:
    """Bring one pod to each eligible node, take the others away, roll, write the status."""
    if is_deleting(daemon_set):
        return None
    revision = template_hash(daemon_set["spec"]["template"])
    nodes = [node for node in cluster.all("nodes") if _eligible(daemon_set, node)]
    names = {node["metadata"]["name"] for node in nodes}
    kept = {one["metadata"]["name"] for one in cluster.all("nodes") if _keeps(daemon_set, one)}
    for node, pods in _by_node(cluster, daemon_set).items():
        standing = [pod for pod in pods if not is_deleting(pod)]
        keep = 1 if node in kept else 0
        for pod in standing:
            if is_finished(pod) or keep == 0:
                delete_pod(cluster, pod)
            else:
                keep -= 1
    taken = _by_node(cluster, daemon_set)
    for node in sorted(names):
        if not any(not is_deleting(pod) for pod in taken.get(node, ())):
            _make(cluster, daemon_set, node, revision)
    _roll(cluster, daemon_set, revision, len(names))
    return _write_status(cluster, daemon_set, names, revision, now)


def _with_tolerations(spec: Json) -> list[Json]:
    own = list(spec.get("tolerations") or ())
    return own + [one for one in TOLERATIONS if one not in own]


def _eligible(daemon_set: Json, node: Json) -> bool:
    spec = daemon_set["spec"]["template"].get("spec") or {}
    pod = {"spec": {**spec, "tolerations": _with_tolerations(spec)}}
    return wants(pod["spec"], node) and tolerates_all(pod, node) and not is_deleting(node)


def _keeps(daemon_set: Json, node: Json) -> bool:
    """Whether a pod that is there may stay: a taint NoSchedule that came later sends none away."""
    spec = daemon_set["spec"]["template"].get("spec") or {}
    pod = {"spec": {**spec, "tolerations": _with_tolerations(spec)}}
    taints = (node.get("spec") or {}).get("taints") or ()
    executes = [taint for taint in taints if taint.get("effect") == "NoExecute"]
    stays = all(tolerates(pod, taint) for taint in executes)
    return wants(pod["spec"], node) and stays and not is_deleting(node)


def _node_of(pod: Json) -> str:
    """The node that a DaemonSet's pod is bound to, or made for."""
    spec = pod["spec"]
    if spec.get("nodeName"):
        return str(spec["nodeName"])
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(
        "requiredDuringSchedulingIgnoredDuringExecution"
    ) or {}
    for term in required.get("nodeSelectorTerms") or ():
        for field in term.get("matchFields") or ():
            return str(field["values"][0])
    return ""


def _by_node(cluster: Cluster, daemon_set: Json) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for pod in cluster.dependents_of(daemon_set["metadata"]["uid"], "pods"):
        found.setdefault(_node_of(pod), []).append(pod)
    return found


def _make(cluster: Cluster, daemon_set: Json, node: str, revision: str) -> None:
    spec = daemon_set["spec"]["template"].get("spec") or {}
    field = {"key": "metadata.name", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchFields": [field]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    generation = str(daemon_set["metadata"].get("generation", 1))
    make_pod(
        cluster,
        cluster.resources[DAEMON_SETS],
        daemon_set,
        labels={REVISION_LABEL: revision, "pod-template-generation": generation},
        spec={"affinity": affinity, "tolerations": _with_tolerations(spec)},
    )


def _roll(cluster: Cluster, daemon_set: Json, revision: str, wanted: int) -> None:
    """Replace outdated pods, as many at once as maxUnavailable lets be away."""
    strategy = daemon_set["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return
    allowed = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", 1)
    spare = max(1, int_or_percent(allowed, wanted, round_up=True))
    pods = [pod for found in _by_node(cluster, daemon_set).values() for pod in found]
    spare -= sum(1 for pod in pods if is_deleting(pod) or not is_ready(pod))
    for pod in sorted(pods, key=lambda pod: str(pod["metadata"]["name"])):
        if is_deleting(pod) or labels_of(pod).get(REVISION_LABEL) == revision:
            continue
        if spare <= 0 and is_ready(pod):
            return
        spare -= 1 if is_ready(pod) else 0
        delete_pod(cluster, pod)


def _write_status(
    cluster: Cluster, daemon_set: Json, names: set[str], revision: str, now: datetime
) -> datetime | None:
    by_node = {
        node: [pod for pod in pods if not is_deleting(pod)]
        for node, pods in _by_node(cluster, daemon_set).items()
    }
    standing = [pods[0] for node, pods in by_node.items() if pods and node in names]
    min_ready = daemon_set["spec"].get("minReadySeconds", 0)
    available, soonest = split_available(standing, min_ready, now)
    updated = [pod for pod in standing if labels_of(pod).get(REVISION_LABEL) == revision]
    copy = {**daemon_set}
    copy["status"] = {
        "currentNumberScheduled": len(standing),
        "numberMisscheduled": sum(1 for node in by_node if by_node[node] and node not in names),
        "desiredNumberScheduled": len(names),
        "numberReady": sum(1 for pod in standing if is_ready(pod)),
        **without_empty(
            {
                "observedGeneration": daemon_set["metadata"].get("generation", 1),
                "updatedNumberScheduled": len(updated),
                "numberAvailable": len(available),
                "numberUnavailable": len(names) - len(available),
            }
        ),
    }
    cluster.put(DAEMON_SETS, copy)
    return soonest
