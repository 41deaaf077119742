"""The same API over real HTTP: answers, cut connections, watches, signing in."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import kubernetes.client
import kubernetes.config
import pytest

from chaosd.sandbox import AcceleratedClock, Cluster, SandboxServer, Timings, scenarios
from chaosd.sandbox.demo import demo
from chaosd.sandbox.objects import is_deleting, is_ready
from tests.sandbox.support import PODS

SPEED = 50.0
WATCH_NODES = "/api/v1/nodes?watch=true"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    clock = AcceleratedClock(speed=SPEED)
    with SandboxServer(demo(Cluster(clock.now, seed=3)), speed=SPEED) as running:
        yield running


@pytest.fixture
def client(server: SandboxServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=20) as opened:
        yield opened


def victim(client: httpx.Client, app: str = "web") -> str:
    listed = client.get(PODS, params={"labelSelector": f"app={app}"}).json()
    name: str = listed["items"][0]["metadata"]["name"]
    return name


def evict(client: httpx.Client, name: str) -> httpx.Response:
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    return client.post(f"{PODS}/{name}/eviction", json=body)


def events(response: httpx.Response) -> Iterator[dict[str, Any]]:
    for line in response.iter_lines():
        yield json.loads(line)


def test_a_kill_and_the_recovery(server: SandboxServer, client: httpx.Client) -> None:
    """Evict over HTTP; a watch sees the victim go and its replacement become Ready."""
    version = client.get(PODS).json()["metadata"]["resourceVersion"]
    name = victim(client)
    assert evict(client, name).status_code == 201
    params = {"watch": "true", "resourceVersion": version, "labelSelector": "app=web"}
    gone = ready = False
    with client.stream("GET", PODS, params=params) as stream:
        for event in events(stream):
            found = event["object"]["metadata"]["name"]
            if found == name:
                gone = event["type"] == "DELETED"
            elif event["object"]["status"]["phase"] == "Running":
                ready = is_ready(event["object"])
            if gone and ready:
                break
    assert [one.name for one in server.api.journal.removals] == [name]


def test_the_date_is_the_clusters(client: httpx.Client) -> None:
    """One Date header, from the accelerated clock, and none of the web server's own."""
    response = client.get("/version")
    assert len(response.headers.get_list("date")) == 1
    assert "server" not in response.headers
    before = parsedate_to_datetime(response.headers["date"])
    later = parsedate_to_datetime(client.get("/version").headers["date"])
    assert later >= before


@pytest.mark.parametrize(
    ("do", "when"), [("lost", "after"), ("lost", "before"), ("reset", "after")]
)
def test_a_cut_connection(server: SandboxServer, client: httpx.Client, do: str, when: str) -> None:
    """The client gets no answer; whether the pod is hit depends on when the line was cut."""
    name = victim(client)
    rule = {"do": do, "when": when, "verbs": ["create"], "path": "/eviction$", "count": 1}
    assert client.post("/sandbox/faults", json=[rule]).status_code == 200
    expected = httpx.ReadError if do == "reset" else httpx.RemoteProtocolError
    with pytest.raises(expected):
        evict(client, name)
    struck = [one["uid"] for one in client.get("/sandbox/removals").json()]
    assert len(struck) == (when == "after")
    assert client.get(PODS).status_code == 200  # the next connection is fine


def test_an_error_with_retry_after(client: httpx.Client) -> None:
    """429 as a client library sees it."""
    client.post("/sandbox/faults", json=[{"do": "status", "status": 429, "retry_after": 3}])
    response = client.get(PODS)
    assert (response.status_code, response.headers["retry-after"]) == (429, "3")
    client.delete("/sandbox/faults")
    assert client.get(PODS).status_code == 200


def test_a_delay_is_cut_by_the_timeout(client: httpx.Client) -> None:
    """The server answers 504 when `?timeout=` is over, on its own clock."""
    client.post("/sandbox/faults", json=[{"do": "delay", "seconds": 3600}])
    assert client.get(PODS, params={"timeout": "2s"}).status_code == 504


def test_stopping_does_not_wait_for_delays() -> None:
    """A request that hangs in a fault does not hold the server."""
    cluster = demo(Cluster(AcceleratedClock().now))
    with SandboxServer(cluster) as server, httpx.Client(base_url=server.url) as client:
        client.post("/sandbox/faults", json=[{"do": "delay", "seconds": 3600}])
        hanging = threading.Thread(target=lambda: client.get(PODS, timeout=60))
        hanging.start()
        while not any(struck for _, _, struck in server.api.faults.rules()):
            time.sleep(0.01)
        server.stop()
        hanging.join(timeout=30)
        assert not hanging.is_alive()


def test_a_watch_starts_with_what_is_there(client: httpx.Client) -> None:
    """Without a version every object is ADDED first; timeoutSeconds ends the stream."""
    with client.stream("GET", f"{WATCH_NODES}&timeoutSeconds=5") as stream:
        found = [(event["type"], event["object"]["kind"]) for event in events(stream)]
    assert found == [("ADDED", "Node")] * 3


def test_a_watch_from_a_version_has_no_gap(server: SandboxServer, client: httpx.Client) -> None:
    """Changes between the list and the watch are seen, each once."""
    version = client.get("/api/v1/nodes").json()["metadata"]["resourceVersion"]
    with server.cluster.edit("nodes", "", "node-1") as node:
        node["spec"]["unschedulable"] = True
    url = f"{WATCH_NODES}&resourceVersion={version}&fieldSelector=metadata.name%3Dnode-1"
    with client.stream("GET", url) as stream:
        lines = events(stream)
        assert next(lines)["type"] == "MODIFIED"
        server.cluster.remove("nodes", "", "node-1")
        last = next(lines)
    assert last["type"] == "DELETED"
    assert int(last["object"]["metadata"]["resourceVersion"]) > int(version)


def test_a_watch_follows_a_selector(server: SandboxServer, client: httpx.Client) -> None:
    """An object that starts to match is ADDED, one that stops to match is DELETED."""
    version = server.cluster.revision
    for value in ("yes", "no"):
        with server.cluster.edit("nodes", "", "node-1") as node:
            node["metadata"]["labels"]["picked"] = value
    url = f"{WATCH_NODES}&resourceVersion={version}&labelSelector=picked%3Dyes"
    with client.stream("GET", url) as stream:
        lines = events(stream)
        assert [next(lines)["type"] for _ in range(2)] == ["ADDED", "DELETED"]


def test_a_watch_from_the_forgotten_past(server: SandboxServer, client: httpx.Client) -> None:
    """410 inside the stream, as an ERROR event."""
    server.cluster.compact()
    with client.stream("GET", f"{WATCH_NODES}&resourceVersion=1") as stream:
        assert stream.status_code == 200
        event = next(events(stream))
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == (
        "ERROR",
        410,
        "Expired",
    )


@pytest.mark.parametrize(
    ("url", "code"),
    [
        (f"{WATCH_NODES}&resourceVersion=new", 500),
        (f"{WATCH_NODES}&labelSelector=a+b", 400),
        (f"{WATCH_NODES}&sendInitialEvents=true", 422),
        ("/api/v1/nonsense?watch=true", 404),
    ],
)
def test_watches_that_are_refused(client: httpx.Client, url: str, code: int) -> None:
    """With a plain answer instead of a stream."""
    response = client.get(url)
    assert (response.status_code, response.json()["kind"]) == (code, "Status")


def test_a_watch_can_meet_a_fault(server: SandboxServer, client: httpx.Client) -> None:
    """Watches are requests too."""
    client.post("/sandbox/faults", json=[{"do": "lost", "verbs": ["watch"], "count": 1}])
    with pytest.raises(httpx.RemoteProtocolError):
        client.get(WATCH_NODES)
    assert server.api.journal.requests[-1].verb == "watch"


def test_a_token_is_asked_for(tmp_path: Path) -> None:
    """403 without one; the kubeconfig carries it and only its owner can read it."""
    cluster = demo(Cluster(AcceleratedClock().now))
    with SandboxServer(cluster, token="let-me-in") as server:
        assert httpx.get(f"{server.url}{PODS}").status_code == 403
        path = server.kubeconfig(tmp_path / "config")
        assert path.stat().st_mode & 0o777 == 0o600
        assert json.loads(path.read_text())["users"][0]["user"] == {"token": "let-me-in"}
        headers = {"Authorization": "Bearer let-me-in"}
        assert httpx.get(f"{server.url}{PODS}", headers=headers).status_code == 200


def test_the_official_client_gets_along(
    server: SandboxServer, client: httpx.Client, tmp_path: Path
) -> None:
    """It signs in by the kubeconfig, lists, reads Status bodies, and deletes with preconditions."""
    path = server.kubeconfig(tmp_path / "config", namespace="shop")
    configuration = kubernetes.client.Configuration()
    kubernetes.config.load_kube_config(str(path), client_configuration=configuration)
    configuration.retries = False
    with kubernetes.client.ApiClient(configuration) as api:
        core: Any = kubernetes.client.CoreV1Api(api)
        pods = core.list_namespaced_pod("shop", limit=3, label_selector="app=web")
        assert len(pods.items) == 3
        name = victim(client)
        wrong = kubernetes.client.V1Preconditions(uid="x")
        options = kubernetes.client.V1DeleteOptions(preconditions=wrong)
        with pytest.raises(kubernetes.client.ApiException) as refused:
            core.delete_namespaced_pod(name, "shop", body=options)
        assert refused.value.status == 409
        raw = core.delete_namespaced_pod(name, "shop", _preload_content=False)
        assert raw.status == 200
        raw.read()
        api.rest_client.pool_manager.clear()
    pod = server.cluster.get("pods", "shop", name)
    assert pod is None or is_deleting(pod)


def test_many_clients_at_once(server: SandboxServer, client: httpx.Client) -> None:
    """Compare-and-swap from several threads: every counted write took place exactly once."""
    url = "/api/v1/namespaces/shop/configmaps"
    client.post(url, json={"metadata": {"name": "counter"}, "data": {"n": "0"}})

    def count() -> None:
        done = 0
        with httpx.Client(base_url=server.url, timeout=20) as own:
            while done < 10:
                item = own.get(f"{url}/counter").json()
                item["data"]["n"] = str(int(item["data"]["n"]) + 1)
                done += own.put(f"{url}/counter", json=item).status_code == 200

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.get(f"{url}/counter").json()["data"]["n"] == "40"


def test_a_taken_port_is_an_error() -> None:
    """OSError, at once."""
    cluster = Cluster(AcceleratedClock().now)
    with SandboxServer(cluster) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"):
            SandboxServer(cluster, port=port)


def test_a_server_without_controllers() -> None:
    """Nothing happens by itself."""
    cluster = Cluster(AcceleratedClock(speed=1000).now)
    with cluster.backdated(timedelta(hours=1)):
        scenarios.node(cluster, "node")
        scenarios.pod(cluster, "shop", "p")
    with SandboxServer(cluster, speed=1000, controllers=False, timings=Timings.instant()) as server:
        found = httpx.get(f"{server.url}{PODS}/p").json()
    assert found["status"]["phase"] == "Pending"
