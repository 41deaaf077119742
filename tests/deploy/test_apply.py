"""What the chart renders, applied to a real API server."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from chaosd.config import load_text
from chaosd.kube.api import Api
from chaosd.kube.official import OfficialTransport
from chaosd.kube.permissions import missing, needs
from chaosd.kube.signin import SignIn
from tests.deploy.test_rbac import CONFIGURATIONS
from tests.deploy.tools import ROOT, Helm, Json, lacks
from tests.real.control_plane import ControlPlane, binary, require_binaries
from tests.real.kubeconfig import write_kubeconfig
from tests.support.machine import MachineClock
from tests.support.waiting import until

OPERATOR = "github.com/prometheus-operator/prometheus-operator@v0.85.0"
OPERATOR_SUM = "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s="
MONITORS = ("podmonitors", "servicemonitors", "prometheusrules")

EVERYTHING: Json = {
    "replicas": 2,
    "image": {"repository": "chaosd", "digest": "sha256:" + 64 * "a"},
    "imagePullSecrets": [{"name": "registry"}],
    "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x"}},
    "service": {"annotations": {"note": "x"}},
    "networkPolicy": {
        "enabled": True,
        "ingressFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
        "extraEgress": [{"ports": [{"port": 9090, "protocol": "TCP"}]}],
    },
    "priorityClassName": "system-cluster-critical",
    "nodeSelector": {"pool": "infra"},
    "tolerations": [{"key": "infra", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "podAnnotations": {"note": "x"},
    "podLabels": {"team": "platform"},
    "extraEnv": [{"name": "CHAOSD_DRY_RUN", "value": "true"}],
    "etcdSecrets": ["etcd-client"],
    "config": {
        "policies": [],
        "etcd": [{"name": "main", "endpoints": ["https://10.0.0.1:2379"]}],
    },
    "extraVolumes": [{"name": "tls", "secret": {"secretName": "etcd-tls"}}],
    "extraVolumeMounts": [{"name": "tls", "mountPath": "/tls", "readOnly": True}],
}
NOTHING: Json = {
    "service": {"enabled": False},
    "serviceAccount": {"create": False, "name": "default"},
    "rbac": {"create": False},
    "runAsUser": None,
    "resources": {"requests": None, "limits": None},
}
VARIANTS: dict[str, Json] = {
    "defaults": {},
    "everything": EVERYTHING,
    "nothing": NOTHING,
    "pod monitor": {"podMonitor": {"enabled": True, "labels": {"release": "prom"}}},
    "service monitor": {"serviceMonitor": {"enabled": True, "labels": {"release": "prom"}}},
    "alerts": {"prometheusRule": {"enabled": True, "labels": {"release": "prom"}}},
    "dashboard": {"dashboard": {"enabled": True, "annotations": {"grafana_folder": "Chaos"}}},
    **{name: {"config": one} for name, one in CONFIGURATIONS.items()},
}


class Cluster:
    """kubectl on the control plane, as somebody who may do everything."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self._command = [str(binary("kubectl")), f"--kubeconfig={plane.kubeconfig}"]

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Call kubectl with something on its standard input."""
        command = [*self._command, *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    def apply(self, manifests: str, *arguments: str) -> None:
        """Apply with strict validation of fields; warnings, such as of Pod Security, are errors."""
        done = self.run("apply", "--validate=strict", "-f", "-", *arguments, given=manifests)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr

    def sign_in(self, account: str, folder: Path) -> SignIn:
        """Sign in as a ServiceAccount of chaosd's namespace, by a token of its own."""
        token = self.run("create", "token", account, "--namespace=chaosd")
        assert token.returncode == 0, token.stderr
        path = folder / "account.kubeconfig"
        write_kubeconfig(path, self.plane.url, token=token.stdout.strip(), ca=self.plane.ca)
        return SignIn(str(path), environ={})


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """A real API server with the namespaces, where restricted pods alone are admitted."""
    require_binaries()
    found = Cluster(request.getfixturevalue("control_plane"))
    levels = ("enforce", "warn")
    labels = {f"pod-security.kubernetes.io/{one}": "restricted" for one in levels}
    for name in ("chaosd", "shop", "team", "helpers"):
        namespace = {"apiVersion": "v1", "kind": "Namespace"}
        found.apply(yaml.safe_dump({**namespace, "metadata": {"name": name, "labels": labels}}))
    return found


@pytest.fixture(scope="module")
def monitors(cluster: Cluster) -> Iterator[None]:
    """The CRDs of the Prometheus operator, from its Go module."""
    if shutil.which("go") is None:
        lacks("GO IS MISSING, and with it the CRDs of the Prometheus operator")
    command = ["go", "mod", "download", "-json", OPERATOR]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    module = json.loads(done.stdout)
    assert module["Sum"] == OPERATOR_SUM
    folder = Path(module["Dir"], "example", "prometheus-operator-crd")
    for name in MONITORS:
        text = (folder / f"monitoring.coreos.com_{name}.yaml").read_text()
        cluster.apply(text, "--server-side")
        crd = f"crd/{name}.monitoring.coreos.com"
        # kubectl wait fails at once on a CRD that has no conditions yet.
        established = ("wait", "--for=condition=Established", crd, "--timeout=60s")
        until(partial(_succeeds, cluster, *established), crd)
    yield
    for name in MONITORS:
        cluster.run("delete", f"crd/{name}.monitoring.coreos.com")


def _succeeds(cluster: Cluster, *arguments: str) -> bool:
    return cluster.run(*arguments).returncode == 0


@pytest.mark.parametrize("name", VARIANTS)
def test_the_server_takes_what_is_rendered(
    cluster: Cluster, helm: Helm, request: pytest.FixtureRequest, name: str
) -> None:
    """Every field is known and valid, and the pod is restricted, with each switch on and off."""
    if name in ("pod monitor", "service monitor", "alerts"):
        request.getfixturevalue("monitors")
    cluster.apply(helm.text(VARIANTS[name]), "--dry-run=server")


@pytest.mark.parametrize("name", ["cluster.yaml", "namespaced.yaml"])
def test_the_server_takes_the_manifests(cluster: Cluster, name: str) -> None:
    """`kubectl apply -f deploy/manifests/...` works as it is."""
    text = (ROOT / "deploy" / "manifests" / name).read_text()
    cluster.apply(text, "--dry-run=server")


@pytest.mark.parametrize(
    "name",
    ["live", "live bypass", "every kind", "nodes", "namespaced", "reboot respect", "etcd and pods"],
)
def test_the_account_may_do_what_chaosd_needs(
    cluster: Cluster, helm: Helm, tmp_path: Path, name: str
) -> None:
    """Asked with the token of its own ServiceAccount, the API server allows nothing before the
    roles are there, and everything with them."""
    config = CONFIGURATIONS[name]
    account = name.replace(" ", "-")
    objects = helm.objects({"config": config, "fullnameOverride": account})
    cluster.apply(dump(one for one in objects if one["kind"] == "ServiceAccount"))
    loaded = load_text(yaml.safe_dump(config), {})
    assert loaded.configuration is not None
    wanted = needs(loaded.configuration, "chaosd", in_cluster=True)
    transport = OfficialTransport(cluster.sign_in(account, tmp_path))
    api = Api(transport, MachineClock())
    assert missing(api, wanted) == wanted
    cluster.apply(dump(one for one in objects if "Role" in one["kind"]))
    # The server hears of new roles by a watch of its own.
    until(lambda: missing(api, wanted) == [], lambda: missing(api, wanted))
    transport.close()


def dump(objects: Iterable[Json]) -> str:
    """Objects as kubectl takes them."""
    return yaml.safe_dump_all(objects)
