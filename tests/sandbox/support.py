"""A small cluster in virtual time, and short ways to talk to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chaosd.sandbox import Api, Cluster, Controllers, Faults, ManualClock, Response, scenarios
from chaosd.sandbox.objects import Json
from chaosd.sandbox.requests import Request

PODS = "/api/v1/namespaces/shop/pods"
CONFIG_MAPS = "/api/v1/namespaces/shop/configmaps"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/shop/leases"
PDBS = "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments"

MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


@dataclass
class World:
    """A cluster, its API and its controllers on one clock that only tests move."""

    clock: ManualClock
    cluster: Cluster
    api: Api
    controllers: Controllers

    def call(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """One request."""
        return self.api.handle(Request.of(method, url, body, headers))

    def ok(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The body of a request that must succeed."""
        response = self.call(method, url, body, headers)
        assert response.status < 300, response.body
        return response.json()

    def refused(
        self, method: str, url: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str, str]:
        """(code, reason, message) of a request that must not succeed."""
        response = self.call(method, url, body, headers)
        status = response.json()
        assert status["kind"] == "Status"
        assert status["status"] == "Failure"
        assert status["code"] == response.status
        return response.status, status.get("reason", ""), status["message"]

    def evict(self, name: str, **options: Any) -> Response:
        """Evict a pod of namespace shop; `options` are its deleteOptions."""
        body: Json = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": "shop"},
        }
        if options:
            body["deleteOptions"] = options
        return self.call("POST", f"{PODS}/{name}/eviction", body)

    def pods(self, app: str, ns: str = "shop") -> list[Json]:
        """The pods labelled app=APP."""
        pods = self.cluster.all("pods", ns)
        return [pod for pod in pods if pod["metadata"].get("labels", {}).get("app") == app]

    def pod(self, app: str = "web") -> Json:
        """The first of them."""
        return self.pods(app)[0]

    def budget(self, name: str = "web") -> Json:
        """The status of a PodDisruptionBudget."""
        found = self.cluster.get("poddisruptionbudgets.policy", "shop", name)
        assert found is not None
        status: Json = found["status"]
        return status

    def workload(self, resource: str, name: str) -> Json:
        """A workload of namespace shop."""
        found = self.cluster.get(resource, "shop", name)
        assert found is not None
        return found

    def pass_time(self, seconds: float) -> None:
        """Let time pass with the controllers at work."""
        scenarios.pass_time(self.controllers, self.clock, seconds)


def make_world(*, nodes: int = 3, faults: Faults | None = None) -> World:
    """Nodes, and namespace shop with nothing in it."""
    clock = ManualClock()
    cluster = Cluster(clock.now, seed=7)
    for number in range(nodes):
        scenarios.node(cluster, f"node-{number}", zone=f"zone-{number}")
    scenarios.namespace(cluster, "shop")
    api = Api(cluster, faults, sleep=clock.sleep)
    return World(clock, cluster, api, Controllers(cluster))


def shop(*, replicas: int = 4, min_available: int | str = 3) -> World:
    """Deployment shop/web, an hour old and Ready, under a PodDisruptionBudget."""
    world = make_world()
    with world.cluster.backdated(timedelta(hours=1)):
        scenarios.deployment(world.cluster, "shop", "web", replicas, opt_in=True)
        scenarios.pdb(world.cluster, "shop", "web", min_available=min_available)
        scenarios.settle(world.cluster)
    world.controllers.step()
    return world
