"""The chart as Helm renders it: the configuration, the pod, every switch, and wrong values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from chaosd.config import load_text
from tests.deploy.tools import CHART, IMAGE, ROOT, Helm, Json, Refused

EXAMPLES = sorted((ROOT / "config").glob("*.yaml"))
ALWAYS_THERE = {
    "ServiceAccount",
    "ConfigMap",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "Deployment",
}


def kinds(helm: Helm, values: Json | None = None) -> set[str]:
    return {one["kind"] for one in helm.objects(values)}


def pod(helm: Helm, values: Json | None = None) -> Any:
    """The pod template's spec."""
    return helm.one("Deployment", values)["spec"]["template"]["spec"]


def written(helm: Helm, values: Json) -> str:
    """The configuration file that the pod reads."""
    text: str = helm.one("ConfigMap", values)["data"]["chaosd.yaml"]
    return text


def test_helm_has_nothing_to_complain_about(helm: Helm) -> None:
    """`helm lint --strict` is clean."""
    assert "1 chart(s) linted, 0 chart(s) failed" in helm.run("lint", "--strict", str(CHART))


# ---------------------------------------------------------------- the configuration


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("whole", [True, False], ids=["file", "values"])
def test_the_pod_reads_what_was_written(helm: Helm, path: Path, whole: bool) -> None:
    """An example means the same in a file, as `configFile`, and key by key as `config`."""
    text = path.read_text()
    values = {"configFile": text} if whole else {"config": yaml.safe_load(text)}
    assert load_text(written(helm, values), {}) == load_text(text, {})


def test_large_numbers_stay_whole_numbers(helm: Helm) -> None:
    """YAML by way of JSON must not turn 10000000 into 1e+07."""
    config = {"policies": [], "limits": {"perDay": 10_000_000}}
    assert yaml.safe_load(written(helm, {"config": config}))["limits"] == {"perDay": 10_000_000}


def test_the_first_configuration_is_a_dry_run(helm: Helm) -> None:
    """With nothing but an image the chart installs a valid dry run."""
    loaded = load_text(written(helm, {}), {})
    assert loaded.configuration is not None
    assert [one.dry_run for one in loaded.configuration.policies] == [True]


def test_a_file_that_is_no_yaml(helm: Helm) -> None:
    """It is refused before anything is installed."""
    with pytest.raises(Refused, match="not valid YAML"):
        helm.text({"configFile": "policies: ["})


# ---------------------------------------------------------------- the pod


def test_the_pod_is_restricted(helm: Helm) -> None:
    """What the Pod Security Standard `restricted` asks for, and a read-only root.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    spec = pod(helm)
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
    (container,) = pod(helm)["containers"]
    (mount,) = container["volumeMounts"]
    assert "subPath" not in mount
    assert container["args"][:2] == ["run", f"{mount['mountPath']}/chaosd.yaml"]


def test_the_pod_is_told_who_it_is_and_nothing_of_services(helm: Helm) -> None:
    """POD_NAME and POD_NAMESPACE come from Kubernetes; a Service `chaosd` adds no CHAOSD_PORT."""
    spec = pod(helm)
    (container,) = spec["containers"]
    assert {one["name"]: one["valueFrom"]["fieldRef"]["fieldPath"] for one in container["env"]} == {
        "POD_NAME": "metadata.name",
        "POD_NAMESPACE": "metadata.namespace",
    }
    assert spec["enableServiceLinks"] is False


def test_probes_ask_what_is_served(helm: Helm) -> None:
    """Health decides about restarts, readiness about traffic, both on the port that is opened."""
    (container,) = pod(helm, {"http": {"port": 9000}})["containers"]
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
    (container,) = pod(helm, {"http": {"host": "::"}})["containers"]
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
    (container,) = pod(helm, {"image": {"repository": IMAGE, **image}})["containers"]
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


# ---------------------------------------------------------------- switches


def test_what_is_always_there(helm: Helm) -> None:
    """Nothing else is made by default; and never the ledger, which outlives the chart."""
    objects = helm.objects()
    assert {one["kind"] for one in objects} == ALWAYS_THERE
    assert "chaosd-ledger" not in [one["metadata"]["name"] for one in objects]


@pytest.mark.parametrize(
    ("values", "more", "less"),
    [
        ({"networkPolicy": {"enabled": True}}, {"NetworkPolicy"}, set()),
        ({"podMonitor": {"enabled": True}}, {"PodMonitor"}, set()),
        ({"serviceMonitor": {"enabled": True}}, {"ServiceMonitor"}, set()),
        ({"prometheusRule": {"enabled": True}}, {"PrometheusRule"}, set()),
        ({"service": {"enabled": False}}, set(), {"Service"}),
        ({"serviceAccount": {"create": False, "name": "x"}}, set(), {"ServiceAccount"}),
    ],
    ids=lambda one: next(iter(one), "") if isinstance(one, dict) else "",
)
def test_a_switch(helm: Helm, values: Json, more: set[str], less: set[str]) -> None:
    """Each switch adds or removes its own object and touches no other."""
    assert kinds(helm, values) == (ALWAYS_THERE | more) - less


def test_the_cloud_identity(helm: Helm) -> None:
    """Annotations of the ServiceAccount arrive, and one that exists is used by its name."""
    role = {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/chaosd"}
    account = helm.one("ServiceAccount", {"serviceAccount": {"annotations": role}})
    assert account["metadata"]["annotations"] == role
    given = {"serviceAccount": {"create": False, "name": "there"}}
    assert pod(helm, given)["serviceAccountName"] == "there"
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        assert helm.one(kind, given)["subjects"][0]["name"] == "there"


@pytest.mark.parametrize("name", ["podMonitor", "serviceMonitor"])
def test_a_monitor_finds_the_pods(helm: Helm, name: str) -> None:
    """It selects the labels and the port that are there, and carries what Prometheus looks for."""
    values = {name: {"enabled": True, "labels": {"release": "prom"}, "interval": "1m"}}
    kind = name[0].upper() + name[1:]
    monitor = helm.one(kind, values)
    wanted = monitor["spec"]["selector"]["matchLabels"]
    source = helm.one("Service" if kind == "ServiceMonitor" else "Deployment", values)
    assert wanted.items() <= source["metadata"]["labels"].items()
    assert monitor["metadata"]["labels"]["release"] == "prom"
    (endpoint,) = monitor["spec"].get("podMetricsEndpoints") or monitor["spec"]["endpoints"]
    assert endpoint == {
        "port": "http",
        "path": "/metrics",
        "interval": "1m",
        "honorLabels": True,
    }


def test_the_alerts_survive_helm(helm: Helm) -> None:
    """Braces are Prometheus', and arrive as they are; labels are what it selects rules by."""
    rule = helm.one("PrometheusRule", {"prometheusRule": {"enabled": True, "labels": {"a": "b"}}})
    text = (ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text()
    assert rule["spec"] == yaml.safe_load(text)
    assert "{{ $labels.policy }}" in str(rule["spec"])
    assert rule["metadata"]["labels"]["a"] == "b"


@pytest.mark.parametrize("url", ["https://wiki.example/chaosd", "https://wiki.example/chaosd/"])
def test_runbooks_may_be_somewhere_else(helm: Helm, url: str) -> None:
    """Each alert then leads there."""
    rule = helm.one("PrometheusRule", {"prometheusRule": {"enabled": True, "runbookUrl": url}})
    found = {
        one["alert"]: one["annotations"]["runbook_url"]
        for group in rule["spec"]["groups"]
        for one in group["rules"]
        if "alert" in one
    }
    assert found
    assert found == {name: f"https://wiki.example/chaosd/{name}.md" for name in found}


def test_the_dashboard(helm: Helm) -> None:
    """A ConfigMap that the sidecar finds, with the dashboard as it is."""
    given = {"enabled": True, "labels": {"more": "x"}, "annotations": {"grafana_folder": "Chaos"}}
    maps = [one for one in helm.objects({"dashboard": given}) if one["kind"] == "ConfigMap"]
    (found,) = (one for one in maps if one["metadata"]["name"] == "chaosd-dashboard")
    text = (ROOT / "deploy" / "monitoring" / "dashboard.json").read_text()
    assert json.loads(found["data"]["chaosd.json"]) == json.loads(text)
    assert {"grafana_dashboard": "1", "more": "x"}.items() <= found["metadata"]["labels"].items()
    assert found["metadata"]["annotations"] == {"grafana_folder": "Chaos"}
    assert len(maps) == 2


def test_the_network_policy(helm: Helm) -> None:
    """In: the port alone, from whom was named. Out: the API server and DNS, and what was added."""
    peer = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
    more = {"ports": [{"port": 9090}]}
    given = {"enabled": True, "ingressFrom": [peer], "extraEgress": [more]}
    spec = helm.one("NetworkPolicy", {"networkPolicy": given})["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert spec["ingress"] == [{"ports": [{"port": "http", "protocol": "TCP"}], "from": [peer]}]
    ports = [one["port"] for rule in spec["egress"] for one in rule["ports"]]
    assert ports == [443, 6443, 53, 53, 9090]


ETCD: Json = {
    "policies": [],
    "etcd": [
        {"name": "a", "endpoints": ["https://10.0.0.1:2379", "https://[fd00::1]:12379/"]},
        {
            "name": "b",
            "pods": {"namespace": "etcd", "labels": "app=etcd", "port": 2381},
            "backup": {"maxAge": "1d", "prometheus": "http://prom.x:9090/y", "query": "up"},
        },
        {
            "name": "c",
            "pods": {"namespace": "etcd", "labels": "app=c"},
            "backup": {"maxAge": "1d", "prometheus": "https://prom.example.com/y:z", "query": "up"},
        },
        {
            "name": "d",
            "pods": {"namespace": "etcd", "labels": "app=d"},
            "backup": {"maxAge": "1d", "prometheus": "http://prom.example.com", "query": "up"},
        },
    ],
}


def test_the_network_policy_lets_out_to_etcd(helm: Helm) -> None:
    """Each client port of a declared cluster is open once, and that of its backups' Prometheus."""
    for values in ({"config": ETCD}, {"configFile": yaml.safe_dump(ETCD)}):
        spec = helm.one("NetworkPolicy", {"networkPolicy": {"enabled": True}, **values})["spec"]
        assert load_text(yaml.safe_dump(ETCD), {}).problems == ()
        ports = [one["port"] for one in spec["egress"][2]["ports"]]
        assert ports == [2379, 12379, 2381, 9090, 443, 80]
        assert len(spec["egress"]) == 3


def test_secrets_of_etcd(helm: Helm) -> None:
    """Each Secret is a folder of its own, read-only, whole (a subPath mount never changes)."""
    spec = pod(helm, {"etcdSecrets": ["main", "events"]})
    (container,) = spec["containers"]
    assert [one for one in container["volumeMounts"] if one["name"] != "config"] == [
        {"name": f"etcd-{name}", "mountPath": f"/etc/chaosd/etcd/{name}", "readOnly": True}
        for name in ("main", "events")
    ]
    assert [one for one in spec["volumes"] if one["name"] != "config"] == [
        {"name": f"etcd-{name}", "secret": {"secretName": name}} for name in ("main", "events")
    ]


# ---------------------------------------------------------------- wrong values


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"image": {"repository": ""}}, "image.repository is empty: build the image"),
        ({"replicas": 3}, "/replicas"),
        ({"replica": 1}, "'replica' not allowed"),
        ({"etcdSecrets": ["Main"]}, "/etcdSecrets/0"),
        ({"config": {"policies": [], "etcd": [{"name": "a"}]}}, "/config/etcd/0"),
        ({"config": {"policies": [], "dryrun": False}}, "'dryrun' not allowed"),
        ({"config": {"policies": [{"name": "web"}]}}, "'target', 'action', 'schedule'"),
        ({"config": {"policies": [], "surveyEvery": "5 minutes"}}, "/config/surveyEvery"),
        ({"config": {"policies": [], "surveyEvery": ""}}, "/config/surveyEvery"),
        (
            {"podMonitor": {"enabled": True}, "serviceMonitor": {"enabled": True}},
            "would read each metric twice",
        ),
        (
            {"serviceMonitor": {"enabled": True}, "service": {"enabled": False}},
            "serviceMonitor.enabled needs service.enabled",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_wrong_values_are_named(helm: Helm, values: Json, says: str) -> None:
    """Helm refuses, and its message says which value it is."""
    with pytest.raises(Refused) as refused:
        helm.text(values)
    assert says in str(refused.value)


# ---------------------------------------------------------------- notes


def notes(helm: Helm, config: Json) -> str:
    arguments = ("install", "chaosd", str(CHART), "--namespace", "chaosd", "--dry-run=client")
    return helm.run(*arguments, values={"config": config}).partition("NOTES:")[2]


def test_notes_of_a_dry_run(helm: Helm) -> None:
    """They say that nothing happens, what to label with which label, and how to go live."""
    said = notes(helm, {"policies": [], "optIn": {"label": "team/chaos", "value": "yes"}})
    assert "It is a dry run" in said
    assert "deployment/web team/chaos=yes" in said
    assert "chaosd explain" in said
    assert "Go live" in said


def test_notes_of_a_live_installation(helm: Helm) -> None:
    """They say so in capitals, and how to stop it."""
    policy = {"name": "web", "target": "pod", "action": "evict", "schedule": {"every": "1h"}}
    policies = [policy, {**policy, "name": "hard", "pdb": "bypass"}]
    said = notes(helm, {"dryRun": False, "windows": {"allow": "always"}, "policies": policies})
    assert "IT IS LIVE" in said
    assert "pdb: bypass" in said
    assert "chaosd halt" in said
    assert "Go live" not in said


@pytest.mark.parametrize("action", ["crash", "evict"])
def test_notes_of_whatever_is_live(helm: Helm, action: str) -> None:
    """A policy that crashes is as live as one that evicts."""
    policy = {"name": "web", "target": "pod", "action": action, "schedule": {"every": "1h"}}
    config = {"dryRun": False, "windows": {"allow": "always"}, "policies": [policy]}
    assert "IT IS LIVE" in notes(helm, {**config, "helper": {"namespace": "helpers"}})
