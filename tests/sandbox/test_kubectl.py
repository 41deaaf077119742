"""The real kubectl works on the sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaosd.sandbox import AcceleratedClock, Cluster, SandboxServer, scenarios
from chaosd.sandbox.demo import demo
from chaosd.sandbox.objects import annotations_of, labels_of
from chaosd.sandbox.volumes import local_volume

Kubectl = Callable[..., str]
SPEED = 20.0


@pytest.fixture(scope="module")
def binary() -> str:
    found = shutil.which("kubectl")
    if found is None:
        message = "kubectl is not on PATH: nothing checks that it works on the sandbox"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    clock = AcceleratedClock(speed=SPEED)
    cluster = demo(Cluster(clock.now, seed=5))
    scenarios.job(cluster, "shop", "report", run_seconds=3600)
    with SandboxServer(cluster, speed=SPEED) as running:
        yield running


@pytest.fixture(scope="module")
def config(server: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return server.kubeconfig(tmp_path_factory.mktemp("kubectl") / "config", namespace="shop")


@pytest.fixture(scope="module")
def kubectl(binary: str, config: Path) -> Kubectl:
    cache = config.parent / "cache"

    def run(*arguments: str, fails: bool = False, stdin: str = "") -> str:
        done = subprocess.run(
            [binary, f"--kubeconfig={config}", f"--cache-dir={cache}", *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            input=stdin,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return run


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("pods", "NAME READY STATUS RESTARTS AGE"),
        ("deploy", "NAME READY UP-TO-DATE AVAILABLE AGE"),
        ("rs", "NAME DESIRED CURRENT READY AGE"),
        ("sts", "NAME READY AGE"),
        ("ds", "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE"),
        ("pdb", "NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE"),
        ("nodes", "NAME STATUS ROLES AGE VERSION"),
        ("ns", "NAME STATUS AGE"),
        ("jobs", "NAME STATUS COMPLETIONS DURATION AGE"),
    ],
)
def test_get_shows_real_columns(kubectl: Kubectl, kind: str, columns: str) -> None:
    """The headings that everybody knows."""
    heading = kubectl("get", kind, "--all-namespaces" if kind == "ds" else "-nshop").splitlines()[0]
    assert heading.removeprefix("NAMESPACE").split() == columns.split()


def test_get_in_other_forms(kubectl: Kubectl) -> None:
    """Wide, yaml, json, names, selectors, pages."""
    assert "node-" in kubectl("get", "pods", "-o", "wide", "-l", "app=cart")
    assert "kind: StatefulSet" in kubectl("get", "sts", "cart", "-o", "yaml")
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "4"
    names = kubectl("get", "pods", "-l", "app in (cart)", "-o", "name", "--chunk-size=2").split()
    assert names == ["pod/cart-0", "pod/cart-1", "pod/cart-2"]
    assert "NotFound" in kubectl("get", "pods", "nobody", fails=True)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("deploy/web", "4 desired | 4 updated | 4 total | 4 available"),
        ("pod/cart-0", "Controlled By:  StatefulSet/cart"),
        ("node/node-1", "Non-terminated Pods"),
        ("sts/cart", "3 desired | 3 total"),
        ("pdb/search", "Allowed disruptions:  0"),
        ("job/report", "1 Active"),
        ("ns/shop", "Active"),
    ],
)
def test_describe(kubectl: Kubectl, what: str, expected: str) -> None:
    """kubectl finds everything that it wants to tell."""
    assert expected in kubectl("describe", what)


def test_describe_shows_events(kubectl: Kubectl, server: SandboxServer) -> None:
    """An Event about a pod is shown with the pod: who killed it?"""
    pod = server.cluster.get("pods", "shop", "cart-2")
    assert pod is not None
    server.cluster.add(
        "events",
        {
            "metadata": {"name": "killed", "namespace": "shop"},
            "type": "Warning",
            "reason": "Killed",
            "message": "somebody did it",
            "source": {"component": "chaosd"},
            "firstTimestamp": pod["metadata"]["creationTimestamp"],
            "lastTimestamp": pod["metadata"]["creationTimestamp"],
            "count": 1,
            "involvedObject": {
                "kind": "Pod",
                "namespace": "shop",
                "name": "cart-2",
                "uid": pod["metadata"]["uid"],
            },
        },
    )
    assert "somebody did it" in kubectl("describe", "pod", "cart-2")
    assert "somebody did it" in kubectl("get", "events")


def test_changes(kubectl: Kubectl, server: SandboxServer) -> None:
    """Label, annotate, scale, cordon, uncordon: each takes effect."""
    cluster = server.cluster
    kubectl("label", "deploy/api", "chaosd.io/enabled=false", "--overwrite")
    kubectl("annotate", "deploy/api", "chaosd.io/min-gap=1d")
    found = cluster.get("deployments.apps", "shop", "api")
    assert found is not None
    assert labels_of(found)["chaosd.io/enabled"] == "false"
    assert annotations_of(found)["chaosd.io/min-gap"] == "1d"
    kubectl("label", "deploy/api", "chaosd.io/enabled-")
    kubectl("scale", "deploy/api", "--replicas=2")
    found = cluster.get("deployments.apps", "shop", "api")
    assert found is not None
    assert "chaosd.io/enabled" not in labels_of(found)
    assert found["spec"]["replicas"] == 2
    kubectl("cordon", "node-3")
    assert "SchedulingDisabled" in kubectl("get", "nodes", "node-3")
    kubectl("uncordon", "node-3")
    assert "SchedulingDisabled" not in kubectl("get", "nodes", "node-3")


def test_delete_waits_until_the_pod_is_gone(kubectl: Kubectl, server: SandboxServer) -> None:
    """kubectl's own watch sees the end."""
    # (No pod of a StatefulSet: kubectl misses the end when the name is back within milliseconds.)
    name = kubectl("get", "pods", "-l", "app=search", "-o", "jsonpath={.items[0].metadata.name}")
    assert "deleted" in kubectl("delete", "pod", name)
    assert server.cluster.get("pods", "shop", name) is None


def test_create_and_apply(kubectl: Kubectl) -> None:
    """Kinds by their commands, and a ConfigMap that is made, changed, left alone and deleted."""
    assert "created" in kubectl("create", "namespace", "fresh")
    kubectl("create", "deployment", "hello", "--image=any", "--replicas=2", "-n", "fresh")
    kubectl("create", "job", "once", "--image=any", "-n", "fresh", "--", "true")
    kubectl("create", "pdb", "hello", "--selector=app=hello", "--min-available=50%", "-n", "fresh")
    kubectl("wait", "--for=condition=Available", "deploy/hello", "-n", "fresh", "--timeout=30s")
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied}\ndata: {key: %s}\n"
    for value, word in (("one", "created"), ("two", "configured"), ("two", "unchanged")):
        assert word in kubectl("apply", "-n", "fresh", "-f", "-", stdin=manifest % value)
    shown = kubectl("get", "cm", "applied", "-n", "fresh", "-o", "jsonpath={.data.key}")
    assert shown == "two"
    assert "deleted" in kubectl("delete", "cm", "applied", "-n", "fresh")
    assert "deleted" in kubectl("delete", "namespace", "fresh")


def test_a_rollout(kubectl: Kubectl) -> None:
    """Restart, and wait for the end of the rollout and for a condition."""
    kubectl("rollout", "restart", "deploy/web")
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/web", "--timeout=50s")
    kubectl("wait", "--for=condition=Available", "deploy/web", "--timeout=20s")


def test_drain_and_permissions(kubectl: Kubectl) -> None:
    """The typed commands, which speak protobuf."""
    node = kubectl("get", "pod", "cart-1", "-o", "jsonpath={.spec.nodeName}")
    kubectl("drain", node, "--ignore-daemonsets", "--pod-selector=app=cart", "--timeout=40s")
    kubectl("uncordon", node)
    assert kubectl("auth", "can-i", "create", "pods/eviction").strip() == "yes"


def test_a_taint_of_a_drain(kubectl: Kubectl, server: SandboxServer) -> None:
    """kubectl sets, shows and removes it; the DaemonSet's pod stays, and a cordon is another
    thing."""
    agents = len(server.cluster.all("pods", "logging"))
    kubectl("taint", "node", "node-2", "chaosd.io/drain=intent-1:NoSchedule")
    shown = kubectl("describe", "node", "node-2")
    assert "Taints:             chaosd.io/drain=intent-1:NoSchedule" in shown
    assert "Unschedulable:      false" in shown
    assert "SchedulingDisabled" not in kubectl("get", "node", "node-2")
    pods = server.cluster.all("pods", "logging")
    assert len([pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]) == agents
    kubectl("taint", "node", "node-2", "chaosd.io/drain=intent-1:NoSchedule-")
    assert "Taints:             <none>" in kubectl("describe", "node", "node-2")


def test_volumes(kubectl: Kubectl, server: SandboxServer) -> None:
    """A volume of a node and its claim."""
    local_volume(server.cluster, "shop", "data", "node-1")
    row = kubectl("get", "pv").splitlines()[1].split()
    assert row[:7] == ["node-1-data", "10Gi", "RWO", "Retain", "Bound", "shop/data", "local"]
    assert kubectl("get", "pvc").splitlines()[1].split()[:3] == ["data", "Bound", "node-1-data"]
    assert "kubernetes.io/hostname in [node-1]" in kubectl("describe", "pv", "node-1-data")
    assert "Bound" in kubectl("describe", "pvc", "data")


def test_watching(binary: str, config: Path, kubectl: Kubectl) -> None:
    """`get -w` prints what is there, and then what changes."""
    command = [binary, f"--kubeconfig={config}", "get", "pods", "-l", "app=api", "-w"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
        name = watching.stdout.readline().split()[0]
        kubectl("delete", "pod", name, "--wait=false")
        for line in watching.stdout:
            if line.startswith(name) and "Terminating" in line:
                break
        else:
            pytest.fail("the watch ended without the deletion")
        watching.terminate()
