"""One API server, simulated or real, and short ways to talk to it over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from chaosd.kube.api import Api
from chaosd.kube.official import OfficialTransport
from chaosd.kube.reads import KubeReads
from chaosd.kube.retry import NO_RETRIES
from chaosd.kube.signin import SignIn
from tests.contract.manifests import Json
from tests.support.machine import MachineClock
from tests.support.waiting import until

JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
TIMEOUT = 30.0


@dataclass(frozen=True)
class Answer:
    """What came back. ``json`` is None where the body is no JSON."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The decoded body."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return None

    @property
    def refusal(self) -> tuple[int, str, str]:
        """(code, reason, message) of an answer that is a Status of a failure."""
        status = self.json
        assert status["kind"] == "Status", status
        assert status["apiVersion"] == "v1"
        assert status["status"] == "Failure", status
        assert status["code"] == self.status
        return self.status, status.get("reason", ""), status.get("message", "")


class Caller:
    """Somebody who talks to the API server: what a kubeconfig says."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.transport = OfficialTransport(SignIn(str(kubeconfig), environ={}))
        self.api = Api(self.transport, MachineClock(), retry=NO_RETRIES, timeout=TIMEOUT)
        self.reads = KubeReads(self.api)

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        kind: str = JSON,
        accept: str = JSON,
        **query: str,
    ) -> Answer:
        """One request. A ``body`` that is no bytes becomes JSON; ``kind`` is its media type."""
        headers = {"Accept": accept}
        content = None
        if body is not None:
            headers["Content-Type"] = kind
            content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        pairs = [("continue" if key == "token" else key, text) for key, text in query.items()]
        reply = self.transport.send(method, path, pairs, headers, content, TIMEOUT)
        return Answer(reply.status, reply.headers, reply.body)

    def ok(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        kind: str = JSON,
        accept: str = JSON,
        **query: str,
    ) -> Any:
        """The decoded body of a request that must succeed."""
        answer = self.call(method, path, body, kind=kind, accept=accept, **query)
        assert answer.status < 300, answer.body
        return answer.json

    def close(self) -> None:
        """Close idle connections."""
        self.transport.close()


@dataclass(repr=False)
class Site:
    """A cluster: who may do everything there, who is nobody, and what a test can do to it.

    ``expire`` makes continue tokens and old resourceVersions expire. ``without(verb, resource)`` is
    a context with somebody who may do all with that resource but this. ``prepared`` waits until
    pods can be made in a new namespace.
    """

    name: str
    admin: Caller
    anonymous: Caller
    stranger: Caller
    expire: Callable[[], None]
    without: Callable[[str, str], AbstractContextManager[Caller]]
    prepared: Callable[[str], None] = field(default=lambda _: None)
    _number: int = 0

    def namespace(self, **labels: str) -> Place:
        """A namespace of one's own."""
        self._number += 1
        name = f"c{self._number}-{os.urandom(3).hex()}"
        meta = {"name": name, "labels": labels}
        self.admin.ok("POST", "/api/v1/namespaces", {"metadata": meta})
        self.prepared(name)
        return Place(self, name)


@dataclass(frozen=True)
class Place:
    """One namespace of a site."""

    site: Site
    name: str

    @property
    def admin(self) -> Caller:
        """Who may do everything."""
        return self.site.admin

    @property
    def reads(self) -> KubeReads:
        """The reads of :attr:`admin`."""
        return self.site.admin.reads

    def path(self, plural: str, name: str = "", subresource: str = "") -> str:
        """The URL path of a kind in this namespace, of one object, or of its subresource."""
        root = f"/apis/{_GROUPS[plural]}" if plural in _GROUPS else "/api/v1"
        parts = [root, "namespaces", self.name, plural, name, subresource]
        return "/".join(part for part in parts if part)

    def make(self, plural: str, manifest: Json) -> Json:
        """Create an object."""
        made: Json = self.admin.ok("POST", self.path(plural), manifest)
        return made

    def get(self, plural: str, name: str) -> Json | None:
        """One object; None when there is none."""
        answer = self.admin.call("GET", self.path(plural, name))
        if answer.status == 404:
            return None
        assert answer.status == 200, answer.body
        found: Json = answer.json
        return found

    def patch(self, plural: str, name: str, body: Json, sub: str = "", kind: str = MERGE) -> Json:
        """Patch an object, and return it as it is then."""
        patched: Json = self.admin.ok("PATCH", self.path(plural, name, sub), body, kind=kind)
        return patched

    def pods(self, app: str = "web") -> list[Json]:
        """The pods labelled app=APP that are not on their way out."""
        found = self.admin.ok("GET", self.path("pods"), labelSelector=f"app={app}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def pod(self, app: str = "web") -> Json:
        """One of them."""
        return self.pods(app)[0]

    def workload(self, plural: str, manifest: Json) -> Json:
        """Create a workload with replicas, and wait until all of them are Ready."""
        name, wanted = manifest["metadata"]["name"], manifest["spec"].get("replicas", 1)
        self.make(plural, manifest)

        def whole() -> Json:
            return until(lambda: self._whole(plural, name, wanted), lambda: self.get(plural, name))

        try:
            return whole()
        except AssertionError:
            # kwok, in place of kubelets, loses a pod now and then: let another one come.
            for pod in self.pods(name):
                states = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
                if states.get("Ready") != "True":
                    self.admin.ok("DELETE", self.path("pods", pod["metadata"]["name"]))
            return whole()

    def _whole(self, plural: str, name: str, wanted: int) -> Json | None:
        item = self.get(plural, name)
        status = (item or {}).get("status", {})
        fields = ("replicas", "readyReplicas", "availableReplicas")
        if item is None or any(status.get(field, 0) != wanted for field in fields):
            return None
        return item if status.get("observedGeneration") == item["metadata"]["generation"] else None

    def budget(self, manifest: Json, healthy: int) -> Json:
        """Create a PodDisruptionBudget, and wait until its controller has seen so many pods."""
        name = manifest["metadata"]["name"]
        self.make("poddisruptionbudgets", manifest)
        return self.budget_when(name, currentHealthy=healthy)

    def budget_when(self, name: str, **status: object) -> Json:
        """Wait until a budget's status says this of its newest generation."""

        def ask() -> Json | None:
            item = self.get("poddisruptionbudgets", name)
            assert item is not None
            found: Json = item.get("status", {})
            fresh = found.get("observedGeneration") == item["metadata"]["generation"]
            fits = all(found.get(key) == value for key, value in status.items())
            return found if fresh and fits else None

        return until(ask, lambda: (status, self.get("poddisruptionbudgets", name)))

    def evict(self, name: str, options: Json | None = None, **query: str) -> Answer:
        """Evict a pod."""
        body: Json = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": self.name},
        }
        if options is not None:
            body["deleteOptions"] = options
        return self.admin.call("POST", self.path("pods", name, "eviction"), body, **query)

    def held(self, pod: Json) -> Json:
        """The pod with a finalizer, so that it can't go while it is looked at."""
        name = pod["metadata"]["name"]
        return self.patch("pods", name, {"metadata": {"finalizers": ["chaosd.io/look"]}})

    def release(self, name: str) -> None:
        """Let a held pod go."""
        self.admin.call(
            "PATCH", self.path("pods", name), {"metadata": {"finalizers": None}}, kind=MERGE
        )


_GROUPS = {
    "deployments": "apps/v1",
    "replicasets": "apps/v1",
    "statefulsets": "apps/v1",
    "daemonsets": "apps/v1",
    "jobs": "batch/v1",
    "cronjobs": "batch/v1",
    "leases": "coordination.k8s.io/v1",
    "poddisruptionbudgets": "policy/v1",
}
