"""Large clusters, quickly: what benchmarks read."""

from __future__ import annotations

from dataclasses import dataclass

from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers.containers import container_status
from chaosd.sandbox.controllers.deployments import HASH_LABEL, REVISION
from chaosd.sandbox.controllers.pods import template_hash
from chaosd.sandbox.objects import Json, owner_reference, stamp
from chaosd.sandbox.prepare import default
from chaosd.sandbox.scenarios import namespace, node
from chaosd.sandbox.templates import pod_template


def bulk(
    cluster: Cluster,
    *,
    deployments: int = 2_000,
    pods_each: int = 5,
    namespaces: int = 20,
    nodes: int = 100,
    opted_in: float = 0.05,
    managed_fields: bool = False,
) -> None:
    """Fill a cluster with Deployments whose pods run and are Ready, and forget the history.

    `opted_in` is the share of Deployments that are labelled (pods and Deployment alike).
    `managed_fields` makes pods and Deployments as heavy as an API server sends them (about 11 KB
    a pod). The pods of a Deployment share their spec and status, so memory stays small.
    """
    for number in range(nodes):
        node(cluster, f"node-{number:04}", zone=f"zone-{'abc'[number % 3]}", pods=100_000)
    for number in range(namespaces):
        namespace(cluster, f"ns-{number:03}")
    fields = _managed_fields() if managed_fields else {}
    chosen = 0.0
    for number in range(deployments):
        chosen += opted_in
        opt_in = chosen >= 1
        chosen -= opt_in
        home = f"ns-{number % namespaces:03}"
        _deployment(cluster, _App(number, home, pods_each, nodes, opt_in, fields))
    cluster.compact()


@dataclass(frozen=True, slots=True)
class _App:
    """One Deployment of a large cluster."""

    number: int
    home: str
    pods: int
    nodes: int
    opt_in: bool
    fields: Json
    """More metadata: managedFields, or nothing."""

    @property
    def name(self) -> str:
        return f"app-{self.number:05}"


def _deployment(cluster: Cluster, app: _App) -> None:
    template = pod_template(app.name, {"pod_opt_in": True if app.opt_in else None})
    labels = dict(template["metadata"]["labels"])
    shape: Json = {
        "metadata": _meta(app, app.name, labels, None) | {"annotations": {REVISION: "1"}},
        "spec": {
            "replicas": app.pods,
            "selector": {"matchLabels": {"app": app.name}},
            "template": template,
        },
        "status": {"updatedReplicas": app.pods, **_counts(app.pods)},
    }
    default(cluster.resources["deployments.apps"], shape)
    deployment = cluster.add("deployments.apps", shape)
    hashed = template_hash(shape["spec"]["template"])
    owner = owner_reference("apps/v1", "Deployment", deployment)
    name, labels = f"{app.name}-{hashed}", {**labels, HASH_LABEL: hashed}
    spec = template["spec"]
    replica_set = cluster.add(
        "replicasets.apps",
        {
            "metadata": _meta(app, name, labels, owner) | {"annotations": {REVISION: "1"}},
            "spec": {
                "replicas": app.pods,
                "selector": {"matchLabels": {"app": app.name, HASH_LABEL: hashed}},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
            "status": {"fullyLabeledReplicas": app.pods, **_counts(app.pods)},
        },
    )
    owner = owner_reference("apps/v1", "ReplicaSet", replica_set)
    status = _running(cluster, spec)
    for at in range(app.pods):
        meta = _meta(app, f"{name}-{cluster.suffix()}", labels, owner)
        on = f"node-{(app.number * app.pods + at) % app.nodes:04}"
        pod = {"metadata": meta, "spec": {**spec, "nodeName": on}, "status": status}
        cluster.add("pods", pod)


def _meta(app: _App, name: str, labels: dict[str, str], owner: Json | None) -> Json:
    meta: Json = {"name": name, "namespace": app.home, "labels": labels, "generation": 1}
    if owner is not None:
        meta["ownerReferences"] = [owner]
    return meta | app.fields


def _counts(replicas: int) -> Json:
    names = ("replicas", "readyReplicas", "availableReplicas")
    return {"observedGeneration": 1, **dict.fromkeys(names, replicas)}


def _running(cluster: Cluster, spec: Json) -> Json:
    now = stamp(cluster.now())
    conditions = [
        {"type": kind, "status": "True", "lastTransitionTime": now}
        for kind in (
            "PodReadyToStartContainers",
            "Initialized",
            "Ready",
            "ContainersReady",
            "PodScheduled",
        )
    ]
    running = {"running": {"startedAt": now}}
    return {
        "phase": "Running",
        "conditions": conditions,
        "hostIP": "10.0.0.1",
        "podIP": "10.244.0.1",
        "startTime": now,
        "qosClass": "BestEffort",
        "containerStatuses": [container_status(one, running) for one in spec["containers"]],
    }


def _managed_fields() -> Json:
    """About 8 KB of the bookkeeping that an API server keeps about who wrote which field."""
    leaves: Json = {f"f:field-{number:03}": {"f:value": {}, "f:mode": {}} for number in range(95)}
    entries = [
        {
            "manager": manager,
            "operation": "Update",
            "apiVersion": "v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {}}, part: leaves},
        }
        for manager, part in (("kube-controller-manager", "f:spec"), ("kubelet", "f:status"))
    ]
    return {"managedFields": entries}
