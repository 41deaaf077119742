"""Building clusters: each function stores one thing, `settle` makes everything Ready at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Unpack

from chaosd.sandbox.clock import ManualClock
from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.controllers import Controllers, Timings
from chaosd.sandbox.controllers.timings import NEVER_READY
from chaosd.sandbox.objects import Json, owner_reference, set_condition, stamp
from chaosd.sandbox.prepare import default
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.templates import (
    Labels,
    TemplateOptions,
    WorkloadOptions,
    own_labels,
    pod_template,
    with_opt_in,
    workload_spec,
)


def settle(cluster: Cluster) -> None:
    """Run the controllers without delays until nothing changes: pods are bound and Ready."""
    controllers = Controllers(cluster, Timings.instant())
    controllers.step()
    controllers.close()


def pass_time(controllers: Controllers, clock: ManualClock, seconds: float) -> None:
    """Let virtual time pass, stepping the controllers whenever they want to be woken."""
    end = clock.now() + timedelta(seconds=seconds)
    while True:
        wake = controllers.step()
        if wake is None or wake > end:
            break
        clock.set(max(wake, clock.now()))
    clock.set(end)
    controllers.step()


def namespace(
    cluster: Cluster, name: str, *, labels: Labels = None, opt_in: bool | None = None
) -> Json:
    """A namespace, if it is not there yet."""
    found = cluster.get("namespaces", "", name)
    return found or _add(cluster, "namespaces", "", name, {}, with_opt_in(labels, opt_in))


def node(
    cluster: Cluster,
    name: str,
    *,
    zone: str = "zone-a",
    labels: Labels = None,
    taints: Iterable[Json] = (),
    pods: int = 110,
    provider_id: str = "",
    opt_in: bool | None = None,
) -> Json:
    """A Ready node with its own address, boot ID and zone."""
    number = len(cluster.keys("nodes")) + 1
    spec: Json = {"providerID": provider_id or f"sandbox:///{zone}/{name}"}
    if taints:
        spec["taints"] = list(taints)
    room = {"cpu": "8", "memory": "32Gi", "pods": str(pods)}
    item: Json = {
        "spec": spec,
        "status": {
            "capacity": room,
            "allocatable": room,
            "addresses": [
                {"type": "InternalIP", "address": f"10.0.{number // 250}.{number % 250 + 1}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": cluster.new_uid(),
                "containerRuntimeVersion": "sandbox://1",
                "kernelVersion": "6.12.0",
                "kubeletVersion": "v1.36.3",
                "machineID": cluster.new_uid().replace("-", ""),
                "operatingSystem": "linux",
                "osImage": "chaosd sandbox",
            },
        },
    }
    for kind in ("MemoryPressure", "DiskPressure", "PIDPressure"):
        _heartbeat(item, kind, "False", "KubeletHasSufficient", cluster)
    _heartbeat(item, "Ready", "True", "KubeletReady", cluster)
    own = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": "sandbox",
        "topology.kubernetes.io/zone": zone,
    }
    return _add(cluster, "nodes", "", name, item, with_opt_in({**own, **(labels or {})}, opt_in))


def _heartbeat(item: Json, kind: str, status: str, reason: str, cluster: Cluster) -> None:
    now = cluster.now()
    set_condition(item, kind, status, now, reason=reason, message="", lastHeartbeatTime=stamp(now))


def set_node_ready(cluster: Cluster, name: str, ready: bool) -> None:
    """Make a node Ready, or NotReady: its pods then lose their readiness and can't stop."""
    with cluster.edit("nodes", "", name) as item:
        reason = "KubeletReady" if ready else "NodeStatusUnknown"
        _heartbeat(item, "Ready", "True" if ready else "Unknown", reason, cluster)


def set_pod_ready(cluster: Cluster, ns: str, name: str, ready: bool) -> None:
    """Make a running pod Ready or not, now and (by an annotation) for good."""
    with cluster.edit("pods", ns, name) as pod:
        annotations = pod["metadata"].setdefault("annotations", {})
        annotations[NEVER_READY] = "false" if ready else "true"
        now = cluster.now()
        for kind in ("Ready", "ContainersReady"):
            set_condition(pod, kind, "True" if ready else "False", now)
        for one in pod["status"].get("containerStatuses") or ():
            one["ready"] = ready


def deployment(
    cluster: Cluster,
    ns: str,
    name: str,
    replicas: int = 1,
    **options: Unpack[WorkloadOptions],
) -> Json:
    """A Deployment whose pods are labelled app=NAME."""
    spec = {"replicas": replicas, **workload_spec(name, options)}
    item = {"spec": spec, "status": {}}
    return _add(cluster, "deployments.apps", ns, name, item, own_labels(options))


def replica_set(
    cluster: Cluster,
    ns: str,
    name: str,
    replicas: int = 1,
    **options: Unpack[WorkloadOptions],
) -> Json:
    """A bare ReplicaSet."""
    spec = {"replicas": replicas, **workload_spec(name, options)}
    item = {"spec": spec, "status": {"replicas": 0}}
    return _add(cluster, "replicasets.apps", ns, name, item, own_labels(options))


def stateful_set(
    cluster: Cluster,
    ns: str,
    name: str,
    replicas: int = 1,
    *,
    parallel: bool = False,
    **options: Unpack[WorkloadOptions],
) -> Json:
    """A StatefulSet."""
    spec = {
        "replicas": replicas,
        "serviceName": name,
        "podManagementPolicy": "Parallel" if parallel else "OrderedReady",
        **workload_spec(name, options),
    }
    item = {"spec": spec, "status": {"replicas": 0, "availableReplicas": 0}}
    return _add(cluster, "statefulsets.apps", ns, name, item, own_labels(options))


def daemon_set(
    cluster: Cluster,
    ns: str,
    name: str,
    **options: Unpack[WorkloadOptions],
) -> Json:
    """A DaemonSet."""
    item = {"spec": workload_spec(name, options), "status": {}}
    return _add(cluster, "daemonsets.apps", ns, name, item, own_labels(options))


def job(
    cluster: Cluster,
    ns: str,
    name: str,
    *,
    parallelism: int = 1,
    completions: int = 1,
    backoff_limit: int = 6,
    cron_job: Json | None = None,
    **options: Unpack[WorkloadOptions],
) -> Json:
    """A Job, owned by a CronJob if one is given. `run_seconds` says how long its pods run."""
    shape = pod_template(name, options)
    shape["spec"]["restartPolicy"] = "Never"
    spec = {
        "parallelism": parallelism,
        "completions": completions,
        "backoffLimit": backoff_limit,
        "template": shape,
    }
    item: Json = {"spec": spec, "status": {}}
    owners = [owner_reference("batch/v1", "CronJob", cron_job)] if cron_job else []
    return _add(cluster, "jobs.batch", ns, name, item, own_labels(options), owners)


def cron_job(
    cluster: Cluster,
    ns: str,
    name: str,
    schedule: str = "0 3 * * *",
    **options: Unpack[WorkloadOptions],
) -> Json:
    """A CronJob. Nobody runs it: make its Jobs with `job(..., cron_job=...)`."""
    job_spec = {"template": pod_template(name, options)}
    item = {"spec": {"schedule": schedule, "suspend": False, "jobTemplate": {"spec": job_spec}}}
    return _add(cluster, "cronjobs.batch", ns, name, item, own_labels(options))


def pdb(
    cluster: Cluster,
    ns: str,
    name: str,
    *,
    match: Mapping[str, str] | None = None,
    min_available: int | str | None = None,
    max_unavailable: int | str | None = None,
    unhealthy: str | None = None,
) -> Json:
    """A PodDisruptionBudget over the pods labelled `match` (default: app=NAME)."""
    spec: Json = {"selector": {"matchLabels": dict(match or {"app": name})}}
    if min_available is not None:
        spec["minAvailable"] = min_available
    if max_unavailable is not None:
        spec["maxUnavailable"] = max_unavailable
    if unhealthy is not None:
        spec["unhealthyPodEvictionPolicy"] = unhealthy
    status = {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0}
    return _add(cluster, "poddisruptionbudgets.policy", ns, name, {"spec": spec, "status": status})


def custom_kind(cluster: Cluster, kind: str = "Foo", group: str = "example.com") -> Resource:
    """Serve a kind of somebody's own (v1, namespaced); its plural is the kind in lower case + s."""
    return cluster.resources.add(Resource(group, "v1", f"{kind.lower()}s", kind, custom=True))


def custom(
    cluster: Cluster,
    resource: Resource,
    ns: str,
    name: str,
    *,
    spec: Json | None = None,
    labels: Labels = None,
    opt_in: bool | None = None,
) -> Json:
    """An object of a custom kind. No controller looks after it."""
    return _add(cluster, resource.id, ns, name, {"spec": spec or {}}, with_opt_in(labels, opt_in))


def pod(
    cluster: Cluster,
    ns: str,
    name: str,
    *,
    owner: tuple[Resource, Json] | None = None,
    node_name: str = "",
    **options: Unpack[TemplateOptions],
) -> Json:
    """A bare pod, or one of an owner's (resource, object). `settle` makes it Ready."""
    shape = pod_template(name, options)
    item: Json = {"spec": shape["spec"]}
    if node_name:
        item["spec"]["nodeName"] = node_name
    owners = []
    if owner is not None:
        resource, owning = owner
        owners = [owner_reference(resource.api_version, resource.kind, owning)]
    meta = shape["metadata"]
    return _add(cluster, "pods", ns, name, item, meta["labels"], owners, meta.get("annotations"))


def api_servers(cluster: Cluster, *addresses: str) -> Json:
    """The EndpointSlice in which ready API servers of these addresses keep themselves."""
    endpoints = [{"addresses": [ip], "conditions": {"ready": True}} for ip in addresses]
    item: Json = {"addressType": "IPv4", "endpoints": endpoints}
    labels = {"kubernetes.io/service-name": "kubernetes"}
    return _add(cluster, "endpointslices.discovery.k8s.io", "default", "kubernetes", item, labels)


def _add(
    cluster: Cluster,
    resource_id: str,
    ns: str,
    name: str,
    item: Json,
    labels: Labels = None,
    owners: list[Json] | None = None,
    annotations: Labels = None,
) -> Json:
    resource = cluster.resources[resource_id]
    if ns:
        namespace(cluster, ns)
    meta: Json = {"name": name, "uid": cluster.new_uid()}
    if ns:
        meta["namespace"] = ns
    if labels:
        meta["labels"] = dict(labels)
    if annotations:
        meta["annotations"] = dict(annotations)
    if owners:
        meta["ownerReferences"] = owners
    if resource.status and resource.generation:
        meta["generation"] = 1
    made: Json = {"metadata": meta, **item}
    default(resource, made)
    return cluster.add(resource_id, made)
