"""Objects to create: as small as an API server takes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
Labels = Mapping[str, str]
OPT_IN = {"chaosd.io/enabled": "true"}


def pod_template(app: str, *, labels: Labels | None = None, **spec: Any) -> Json:
    """The template of a pod labelled app=APP with one container; ``spec`` adds to its spec."""
    containers = [{"name": "main", "image": "registry.example/web:1"}]
    meta = {"labels": {"app": app, **(labels or {})}}
    return {"metadata": meta, "spec": {"containers": containers, **spec}}


def pod(name: str, *, labels: Labels | None = None, **spec: Any) -> Json:
    """A bare pod labelled app=NAME."""
    template = pod_template(name, labels=labels, **spec)
    template["metadata"]["name"] = name
    return {"apiVersion": "v1", "kind": "Pod", **template}


def deployment(
    name: str, replicas: int = 2, *, labels: Labels | None = None, **template: Any
) -> Json:
    """A Deployment whose pods are labelled app=NAME."""
    return _workload("apps/v1", "Deployment", name, labels, template, replicas=replicas)


def replica_set(name: str, replicas: int = 1) -> Json:
    """A bare ReplicaSet."""
    return _workload("apps/v1", "ReplicaSet", name, None, {}, replicas=replicas)


def stateful_set(name: str, replicas: int = 2, *, labels: Labels | None = None) -> Json:
    """A StatefulSet whose pods start in parallel."""
    more = {"replicas": replicas, "serviceName": name, "podManagementPolicy": "Parallel"}
    return _workload("apps/v1", "StatefulSet", name, labels, {}, **more)


def daemon_set(name: str) -> Json:
    """A DaemonSet."""
    return _workload("apps/v1", "DaemonSet", name, None, {})


def cron_job(name: str) -> Json:
    """A CronJob that is not due while tests run."""
    job = {"template": pod_template(name, restartPolicy="Never")}
    spec = {"schedule": "0 0 29 2 *", "jobTemplate": {"spec": job}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": name}, "spec": spec}


def job(name: str, *, owner: Json | None = None, **template: Any) -> Json:
    """A Job, of a CronJob if one is given."""
    spec = {"template": pod_template(name, restartPolicy="Never", **template)}
    meta: Json = {"name": name}
    if owner is not None:
        meta["ownerReferences"] = [owner_reference(owner, "batch/v1", "CronJob")]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def owner_reference(owner: Json, api_version: str, kind: str) -> Json:
    """That ``owner`` controls something."""
    meta = owner["metadata"]
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def budget(name: str, app: str = "web", **spec: Any) -> Json:
    """A PodDisruptionBudget over the pods labelled app=APP."""
    selector = {"matchLabels": {"app": app}}
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"selector": selector, **spec},
    }


def config_map(name: str, labels: Labels | None = None, **data: str) -> Json:
    """A ConfigMap."""
    meta = {"name": name, "labels": dict(labels or {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def lease(name: str, **spec: Any) -> Json:
    """A Lease."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name},
        "spec": spec,
    }


def _workload(
    api_version: str,
    kind: str,
    name: str,
    labels: Labels | None,
    template: Mapping[str, Any],
    **spec: Any,
) -> Json:
    selector = {"matchLabels": {"app": name}}
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name, "labels": dict(labels or {})},
        "spec": {"selector": selector, "template": pod_template(name, **template), **spec},
    }
