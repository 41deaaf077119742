"""What the chart installs beside the pod: what is always there, and what each switch adds."""

from __future__ import annotations

import json

import pytest
import yaml

from chaosd.config import load_text
from tests.deploy.tools import ROOT, Helm, Json

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


def kinds(helm: Helm, values: Json | None = None) -> set[str]:
    return {one["kind"] for one in helm.objects(values)}


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
    assert helm.pod(given)["serviceAccountName"] == "there"
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        assert helm.one(kind, given)["subjects"][0]["name"] == "there"


# ---------------------------------------------------------------- monitoring


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


# ---------------------------------------------------------------- the network


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


def test_the_network_policy_lets_out_to_etcd(helm: Helm) -> None:
    """Each client port of a declared cluster is open once, and that of its backups' Prometheus."""
    for values in ({"config": ETCD}, {"configFile": yaml.safe_dump(ETCD)}):
        spec = helm.one("NetworkPolicy", {"networkPolicy": {"enabled": True}, **values})["spec"]
        assert load_text(yaml.safe_dump(ETCD), {}).problems == ()
        ports = [one["port"] for one in spec["egress"][2]["ports"]]
        assert ports == [2379, 12379, 2381, 9090, 443, 80]
        assert len(spec["egress"]) == 3
