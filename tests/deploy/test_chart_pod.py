"""The chart's pod: how it is confined, what it mounts, and what values add to it."""

from __future__ import annotations

import pytest

from tests.deploy.tools import IMAGE, Helm, Json


def test_the_pod_is_restricted(helm: Helm) -> None:
    """What the Pod Security Standard `restricted` asks for, and a read-only root.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    spec = helm.pod()
    (container,) = spec["containers"]
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert [set(one) for one in spec["volumes"]] == [{"name", "configMap"}]


def test_the_configuration_is_mounted_as_a_folder(helm: Helm) -> None:
    """A subPath mount would never see a change, and the file is where `run` looks."""
    (container,) = helm.pod()["containers"]
    (mount,) = container["volumeMounts"]
    assert "subPath" not in mount
    assert container["args"][:2] == ["run", f"{mount['mountPath']}/chaosd.yaml"]


def test_secrets_of_etcd(helm: Helm) -> None:
    """Each Secret is a folder of its own, read-only, whole (a subPath mount never changes)."""
    spec = helm.pod({"etcdSecrets": ["main", "events"]})
    (container,) = spec["containers"]
    assert [one for one in container["volumeMounts"] if one["name"] != "config"] == [
        {"name": f"etcd-{name}", "mountPath": f"/etc/chaosd/etcd/{name}", "readOnly": True}
        for name in ("main", "events")
    ]
    assert [one for one in spec["volumes"] if one["name"] != "config"] == [
        {"name": f"etcd-{name}", "secret": {"secretName": name}} for name in ("main", "events")
    ]


def test_the_pod_is_told_who_it_is_and_nothing_of_services(helm: Helm) -> None:
    """POD_NAME and POD_NAMESPACE come from Kubernetes; a Service `chaosd` adds no CHAOSD_PORT."""
    spec = helm.pod()
    (container,) = spec["containers"]
    assert {one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"] for one in container["env"]} == {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
    }
    assert spec["enableServiceLinks"] is False


def test_probes_ask_what_is_served(helm: Helm) -> None:
    """Health decides about restarts, readiness about traffic, both on the port that is opened."""
    (container,) = helm.pod({"http": {"port": 9000}})["containers"]
    asked = {
        name: container[name]["httpGet"]
        for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {name: (one["path"], one["port"]) for name, one in asked.items()} == {
        "startupProbe": ("/healthz", "http"),
        "livenessProbe": ("/healthz", "http"),
        "readinessProbe": ("/readyz", "http"),
    }
    assert container["ports"] == [{"name": "http", "containerPort": 9000, "protocol": "TCP"}]
    assert container["args"][2] == "--listen=0.0.0.0:9000"


def test_ipv6(helm: Helm) -> None:
    """An IPv6 host is written in brackets."""
    (container,) = helm.pod({"http": {"host": "::"}})["containers"]
    assert container["args"][2] == "--listen=[::]:8080"


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ({}, f"{IMAGE}:0.1.0"),
        ({"tag": "7"}, f"{IMAGE}:7"),
        ({"digest": "sha256:" + 64 * "a"}, f"{IMAGE}:0.1.0@sha256:{64 * 'a'}"),
    ],
)
def test_the_image(helm: Helm, image: Json, name: str) -> None:
    """The tag is the chart's appVersion unless values say otherwise, and a digest pins it."""
    (container,) = helm.pod({"image": {"repository": IMAGE, **image}})["containers"]
    assert container["image"] == name


def test_what_can_be_added_to_the_pod(helm: Helm) -> None:
    """Each of these values arrives in the pod, beside what the chart itself writes."""
    volume = {"name": "tls", "secret": {"secretName": "etcd-tls"}}
    mount = {"name": "tls", "mountPath": "/tls", "readOnly": True}
    variable = {"name": "CHAOSD_DRY_RUN", "value": "true"}
    spread = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    affinity: Json = {"nodeAffinity": {}}
    values: Json = {
        "replicas": 2,
        "priorityClassName": "high",
        "imagePullSecrets": [{"name": "registry"}],
        "topologySpreadConstraints": [spread],
        "nodeSelector": {"pool": "infra"},
        "tolerations": [{"key": "infra", "operator": "Exists"}],
        "affinity": affinity,
        "podAnnotations": {"note": "yes"},
        "podLabels": {"team": "platform"},
        "extraEnv": [variable],
        "extraVolumes": [volume],
        "extraVolumeMounts": [mount],
        "runAsUser": None,
    }
    deployment = helm.one("Deployment", values)
    template = deployment["spec"]["template"]
    spec = template["spec"]
    (container,) = spec["containers"]
    assert deployment["spec"]["replicas"] == 2
    for key in ("priorityClassName", "imagePullSecrets", "topologySpreadConstraints"):
        assert spec[key] == values[key]
    for key in ("nodeSelector", "tolerations", "affinity"):
        assert spec[key] == values[key]
    assert template["metadata"]["annotations"] == {"note": "yes"}
    assert template["metadata"]["labels"]["team"] == "platform"
    assert variable in container["env"]
    assert len(container["env"]) == 3
    assert volume in spec["volumes"]
    assert mount in container["volumeMounts"]
    assert len(container["volumeMounts"]) == 2
    assert "runAsUser" not in spec["securityContext"]
    assert spec["securityContext"]["runAsNonRoot"] is True


def test_replicas_spread_over_nodes(helm: Helm) -> None:
    """Unless said otherwise, and only where it is possible."""
    deployment = helm.one("Deployment", {"replicas": 2})
    (spread,) = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "kubernetes.io/hostname"
    assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
    assert spread["labelSelector"] == deployment["spec"]["selector"]


def test_chaosd_can_be_found_by_its_name(helm: Helm) -> None:
    """Whatever the release and its objects are called, pods carry the label of the application."""
    labels = helm.one("Deployment", {"fullnameOverride": "other"})["spec"]["template"]["metadata"]
    assert labels["labels"]["app.kubernetes.io/name"] == "chaosd"
