"""Pages of pods as a busy API server sends them: 11 KB each, about half of it managedFields."""

from __future__ import annotations

import json
from typing import Any

CREATED = "2026-11-20T08:00:00Z"
CONDITIONS = ("Initialized", "Ready", "ContainersReady", "PodScheduled")
_IPS = ("f:hostIPs", "f:podIPs")
CONTAINERS, SETTINGS = 3, 9


def pod(number: int) -> dict[str, Any]:
    """One running pod of a Deployment, with the fields that real ones have."""
    name = f"service-{number // 5}-7d9f8c6b5-{number:05}"
    return {
        "metadata": {
            "name": name,
            "generateName": f"service-{number // 5}-7d9f8c6b5-",
            "namespace": f"team-{number % 50}",
            "uid": f"00000000-0000-4000-8000-{number:012}",
            "resourceVersion": str(1_000_000 + number),
            "creationTimestamp": CREATED,
            "labels": {
                "app.kubernetes.io/name": f"service-{number // 5}",
                "app.kubernetes.io/version": "1.42.0",
                "pod-template-hash": "7d9f8c6b5",
                "chaosd.io/enabled": "true",
            },
            "annotations": {"prometheus.io/scrape": "true", "checksum/config": "a" * 64},
            "ownerReferences": [
                {
                    "apiVersion": "apps/v1",
                    "kind": "ReplicaSet",
                    "name": f"service-{number // 5}-7d9f8c6b5",
                    "uid": f"00000000-0000-4000-9000-{number // 5:012}",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
            "managedFields": [manager("kube-controller-manager"), manager("kubelet", "status")],
        },
        "spec": spec(number),
        "status": status(number),
    }


def page(start: int, size: int) -> bytes:
    """A PodList of ``size`` pods as its bytes."""
    items = [pod(start + number) for number in range(size)]
    body = {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}}
    return json.dumps({**body, "items": items}, separators=(",", ":")).encode()


def manager(name: str, subresource: str = "") -> dict[str, Any]:
    """An entry of managedFields: who wrote which fields."""
    return {
        "manager": name,
        "operation": "Update",
        "apiVersion": "v1",
        "time": CREATED,
        "fieldsType": "FieldsV1",
        "fieldsV1": told_fields() if subresource else asked_fields(),
        **({"subresource": subresource} if subresource else {}),
    }


def asked_fields() -> dict[str, Any]:
    """The fields of what such a pod asks for, as FieldsV1."""
    env: dict[str, Any] = {
        f'k:{{"name":"SETTING_{n}"}}': {".": {}, "f:name": {}, "f:value": {}}
        for n in range(SETTINGS)
    }
    probe: dict[str, Any] = {
        "f:failureThreshold": {},
        "f:httpGet": {".": {}, "f:path": {}, "f:port": {}, "f:scheme": {}},
        "f:periodSeconds": {},
        "f:successThreshold": {},
        "f:timeoutSeconds": {},
    }
    container = {
        ".": {},
        "f:args": {},
        "f:env": {".": {}, **env},
        "f:image": {},
        "f:imagePullPolicy": {},
        "f:livenessProbe": probe,
        "f:name": {},
        "f:readinessProbe": probe,
        "f:terminationMessagePath": {},
        "f:terminationMessagePolicy": {},
        "f:resources": {".": {}, "f:limits": {".": {}, "f:cpu": {}, "f:memory": {}}},
        "f:volumeMounts": {".": {}, 'k:{"mountPath":"/etc/config"}': {".": {}, "f:name": {}}},
    }
    containers = {f'k:{{"name":"container-{n}"}}': container for n in range(CONTAINERS)}
    return {"f:spec": {"f:containers": containers, "f:dnsPolicy": {}, "f:restartPolicy": {}}}


def told_fields() -> dict[str, Any]:
    """The fields of what is told of it, as FieldsV1."""
    conditions: dict[str, Any] = {
        f'k:{{"type":"{kind}"}}': {
            ".": {},
            "f:lastProbeTime": {},
            "f:observedGeneration": {},
            "f:lastTransitionTime": {},
            "f:status": {},
            "f:type": {},
        }
        for kind in (*CONDITIONS, "PodReadyToStartContainers")
    }
    addresses: dict[str, Any] = {
        name: {".": {}, 'k:{"ip":"10.1.0.1"}': {".": {}, "f:ip": {}}} for name in _IPS
    }
    plain: dict[str, Any] = {
        key: {} for key in ("f:containerStatuses", "f:hostIP", "f:phase", "f:startTime")
    }
    return {"f:status": {"f:conditions": conditions, **addresses, **plain}}


def spec(number: int) -> dict[str, Any]:
    """What such a pod asks for."""
    probe = {
        "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    containers = [
        {
            "name": f"container-{n}",
            "image": f"registry.example.com/team/service-{number // 5}:1.42.0",
            "args": ["--config=/etc/config/config.yaml", "--log-level=info"],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
            "env": [{"name": f"SETTING_{k}", "value": f"value-{k}"} for k in range(SETTINGS)],
            "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}},
            "volumeMounts": [{"name": "config", "mountPath": "/etc/config"}],
            "livenessProbe": probe,
            "readinessProbe": probe,
            "imagePullPolicy": "IfNotPresent",
        }
        for n in range(CONTAINERS)
    ]
    return {
        "volumes": [
            {"name": "config", "configMap": {"name": "config", "defaultMode": 420}},
            {"name": "token", "projected": {"sources": [], "defaultMode": 420}},
        ],
        "containers": containers,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": "default",
        "nodeName": f"node-{number % 100}",
        "schedulerName": "default-scheduler",
        "tolerations": [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
        ],
        "priority": 0,
        "enableServiceLinks": True,
    }


def status(number: int) -> dict[str, Any]:
    """What is told of such a pod: it runs, and is Ready."""
    return {
        "phase": "Running",
        "conditions": [
            {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": CREATED}
            for kind in CONDITIONS
        ],
        "hostIP": "10.0.0.1",
        "podIP": f"10.1.{number // 250 % 250}.{number % 250}",
        "startTime": CREATED,
        "containerStatuses": [
            {
                "name": f"container-{n}",
                "state": {"running": {"startedAt": CREATED}},
                "lastState": {},
                "ready": True,
                "restartCount": 0,
                "image": "registry.example.com/team/service:1.42.0",
                "imageID": "registry.example.com/team/service@sha256:" + "b" * 64,
                "containerID": "containerd://" + "c" * 64,
                "started": True,
            }
            for n in range(CONTAINERS)
        ],
        "qosClass": "Burstable",
    }
