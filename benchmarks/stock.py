"""What fills a real API server's store: Deployments of five Ready pods, all of them eligible.

Each has a current ReplicaSet, ten old ones and a disruption budget, and is as heavy as an API
server sends it, managedFields included. Nothing of it ever changes: no controller runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from benchmarks import big_nodes, big_pods

Json = dict[str, Any]

CREATED = "2026-01-05T08:00:00Z"
PODS_EACH = 5
OLD_REPLICA_SETS = 10
_PODS_A_NODE = 10
_HASH = "pod-template-hash"


class OptIn(NamedTuple):
    """One way to opt in: what it is called, and its label (each way has one of its own)."""

    name: str
    label: str


BY_WORKLOAD = OptIn("by workload label", "by-workload.example.com/enabled")
BY_POD = OptIn("by pod label", "by-pod.example.com/enabled")
BY_NAMESPACE = OptIn("all, by namespace", "by-namespace.example.com/enabled")
WAYS = (BY_WORKLOAD, BY_POD, BY_NAMESPACE)
BY_NODE = OptIn("all nodes", "by-node.example.com/enabled")


class Stock(NamedTuple):
    """How many Deployments, in how many namespaces; ``opted_in`` is the share of those with the
    labels of BY_WORKLOAD and, the same ones, of BY_POD. Every namespace has that of BY_NAMESPACE,
    every node that of BY_NODE."""

    deployments: int
    namespaces: int = 50
    opted_in: float = 0.05

    @property
    def pods(self) -> int:
        """How many pods there are."""
        return self.deployments * PODS_EACH

    @property
    def some(self) -> int:
        """How many Deployments have the labels that not all have."""
        return round(self.deployments * self.opted_in)

    @property
    def replica_sets(self) -> int:
        """How many ReplicaSets there are."""
        return self.deployments * (OLD_REPLICA_SETS + 1)

    @property
    def nodes(self) -> int:
        """How many nodes carry the pods."""
        return -(-self.pods // _PODS_A_NODE)

    @property
    def total(self) -> int:
        """How many objects there are, each Deployment having one budget."""
        return 2 * self.deployments + self.replica_sets + self.pods + self.nodes + self.namespaces

    def objects(self) -> Iterator[tuple[str, Json]]:
        """Every object, with its key below etcd's ``/registry/``."""
        for number in range(self.namespaces):
            name = _team(number)
            yield f"namespaces/{name}", _namespace(name)
        for number in range(self.nodes):
            yield f"minions/node-{number}", _node(number)
        every = max(1, round(1 / self.opted_in))
        for number in range(self.deployments):
            home = _team(number % self.namespaces)
            yield from _App(number, home, number % every == 0, self.nodes).objects()


class _App(NamedTuple):
    """One Deployment with all that belongs to it."""

    number: int
    home: str
    opted_in: bool
    nodes: int

    @property
    def name(self) -> str:
        return f"service-{self.number}"

    def objects(self) -> Iterator[tuple[str, Json]]:
        deployment = self._deployment()
        yield self._key("deployments", deployment), deployment
        for age in range(OLD_REPLICA_SETS + 1):
            replica_set = self._replica_set(deployment, age)
            yield self._key("replicasets", replica_set), replica_set
            if age == 0:
                for at in range(PODS_EACH):
                    pod = self._pod(replica_set, at)
                    yield self._key("pods", pod), pod
        budget = self._budget()
        yield self._key("poddisruptionbudgets", budget), budget

    def _key(self, plural: str, item: Json) -> str:
        return f"{plural}/{self.home}/{item['metadata']['name']}"

    def _meta(self, kind: int, at: int, name: str, **more: Any) -> Json:
        return {
            "name": name,
            "namespace": self.home,
            "uid": f"{self.number:08x}-{kind:04x}-4000-8000-{at:012x}",
            "generation": 1,
            "creationTimestamp": CREATED,
            "managedFields": [
                big_pods.manager("kube-controller-manager"),
                big_pods.manager("kubelet", "status"),
            ],
            **more,
        }

    def _labels(self, hashed: str = "") -> dict[str, str]:
        labels = {"app.kubernetes.io/name": self.name, "app.kubernetes.io/version": "1.42.0"}
        if self.opted_in:
            labels[BY_POD.label] = "true"
        return {**labels, _HASH: hashed} if hashed else labels

    def _template(self, labels: Mapping[str, str]) -> Json:
        spec = big_pods.spec(self.number * PODS_EACH)
        for only_of_pods in ("nodeName", "tolerations", "priority", "enableServiceLinks"):
            del spec[only_of_pods]
        annotations = {"prometheus.io/scrape": "true", "checksum/config": "a" * 64}
        return {"metadata": {"labels": labels, "annotations": annotations}, "spec": spec}

    def _deployment(self) -> Json:
        labels = self._labels()
        labels.pop(BY_POD.label, None)
        if self.opted_in:
            labels[BY_WORKLOAD.label] = "true"
        annotations = {"deployment.kubernetes.io/revision": str(OLD_REPLICA_SETS + 1)}
        return {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": self._meta(1, 0, self.name, labels=labels, annotations=annotations),
            "spec": {
                "replicas": PODS_EACH,
                "selector": {"matchLabels": {"app.kubernetes.io/name": self.name}},
                "template": self._template(self._labels()),
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
                },
                "revisionHistoryLimit": OLD_REPLICA_SETS,
                "progressDeadlineSeconds": 600,
            },
            "status": {
                **_counts(PODS_EACH),
                "updatedReplicas": PODS_EACH,
                "conditions": [
                    {"type": kind, "status": "True", "reason": why, "lastTransitionTime": CREATED}
                    for kind, why in (
                        ("Available", "MinimumReplicasAvailable"),
                        ("Progressing", "NewReplicaSetAvailable"),
                    )
                ],
            },
        }

    def _replica_set(self, deployment: Json, age: int) -> Json:
        hashed = f"7d9f8c{age:04x}"
        labels, replicas = self._labels(hashed), 0 if age else PODS_EACH
        selected = {"app.kubernetes.io/name": self.name, _HASH: hashed}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": self._meta(
                *(2, age, f"{self.name}-{hashed}"),
                labels=labels,
                annotations={"deployment.kubernetes.io/desired-replicas": str(PODS_EACH)},
                ownerReferences=[_owned_by(deployment)],
            ),
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": selected},
                "template": self._template(labels),
            },
            "status": {**_counts(replicas), "fullyLabeledReplicas": replicas},
        }

    def _pod(self, replica_set: Json, at: int) -> Json:
        number = self.number * PODS_EACH + at
        generated = f"{replica_set['metadata']['name']}-"
        spec = big_pods.spec(number)
        spec["nodeName"] = f"node-{number % self.nodes}"
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": self._meta(
                *(3, at, f"{generated}{'bcdfg'[at] * 5}"),
                generateName=generated,
                labels=dict(replica_set["spec"]["template"]["metadata"]["labels"]),
                annotations=replica_set["spec"]["template"]["metadata"]["annotations"],
                ownerReferences=[_owned_by(replica_set)],
            ),
            "spec": spec,
            "status": big_pods.status(number),
        }

    def _budget(self) -> Json:
        return {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": self._meta(4, 0, self.name) | {"managedFields": []},
            "spec": {
                "minAvailable": PODS_EACH - 1,
                "selector": {"matchLabels": {"app.kubernetes.io/name": self.name}},
            },
            "status": {
                "observedGeneration": 1,
                "disruptionsAllowed": 1,
                "currentHealthy": PODS_EACH,
                "desiredHealthy": PODS_EACH - 1,
                "expectedPods": PODS_EACH,
            },
        }


def _owned_by(owner: Json) -> Json:
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _counts(replicas: int) -> Json:
    names = ("replicas", "readyReplicas", "availableReplicas") if replicas else ()
    return {"observedGeneration": 1, "replicas": replicas, **dict.fromkeys(names, replicas)}


def _team(number: int) -> str:
    return f"team-{number:03}"


def _namespace(name: str) -> Json:
    labels = {"kubernetes.io/metadata.name": name, BY_NAMESPACE.label: "true"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": name,
            "uid": f"{name}-uid",
            "creationTimestamp": CREATED,
            "labels": labels,
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }


def _node(number: int) -> Json:
    name = f"node-{number}"
    heard = {"lastHeartbeatTime": CREATED, "lastTransitionTime": CREATED}
    room = {"cpu": "64", "memory": "256Gi", "pods": "250"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": f"{name}-uid",
            "creationTimestamp": CREATED,
            "labels": {"kubernetes.io/hostname": name, BY_NODE.label: "true"},
            "managedFields": big_nodes.managed_fields(),
        },
        "status": {
            "allocatable": room,
            "capacity": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady", **heard}],
            "images": big_nodes.images(),
            "nodeInfo": big_nodes.info(number),
        },
    }
