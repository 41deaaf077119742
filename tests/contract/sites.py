"""The two sites: one behind the sandbox's HTTP server, one behind a real control plane."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from chaosd.sandbox import Access, Cluster, Denial, SandboxServer, Timings, scenarios
from chaosd.sandbox import Api as SandboxApi
from tests.contract.site import Caller, Site
from tests.real.control_plane import ControlPlane
from tests.real.kubeconfig import write_kubeconfig
from tests.support.waiting import until

NODES = ("node-a", "node-b", "node-c")
_TOKEN = "admin-of-the-sandbox"
_NO_STATUS = frozenset({"get", "list", "watch", "create", "update", "patch", "delete"})


@contextmanager
def sandbox_site(folder: Path) -> Iterator[Site]:
    """A sandbox whose pods are Ready at once."""
    cluster = Cluster(lambda: datetime.now(UTC), seed=11)
    for namespace in ("default", "kube-system"):
        scenarios.namespace(cluster, namespace)
    for name in NODES:
        scenarios.node(cluster, name, labels={"pool": name[-1]})
    access = Access(_TOKEN)
    server = SandboxServer(
        cluster, timings=Timings.instant(), api=SandboxApi(cluster, access=access)
    )

    def caller(token: str) -> Caller:
        path = folder / f"kubeconfig-{token or 'anonymous'}"
        return Caller(write_kubeconfig(path, server.url, token=token))

    @contextmanager
    def without(verb: str, resource: str) -> Iterator[Caller]:
        access.deny(Denial(verb, "", resource))
        try:
            yield admin
        finally:
            access.allow_all()

    with server:
        admin, anonymous, stranger = caller(_TOKEN), caller(""), caller("wrong")
        yield Site("sandbox", admin, anonymous, stranger, cluster.compact, without)
        for one in (admin, anonymous, stranger):
            one.close()


@contextmanager
def real_site(plane: ControlPlane, folder: Path) -> Iterator[Site]:
    """The same on a real control plane, with Roles where the sandbox has denials."""

    def caller(token: str) -> Caller:
        path = folder / f"kubeconfig-{os.urandom(4).hex()}"
        return Caller(write_kubeconfig(path, plane.url, token=token, ca=plane.ca))

    admin, anonymous, stranger = caller(plane.admin_token), caller(""), caller("wrong")

    @contextmanager
    def without(verb: str, resource: str) -> Iterator[Caller]:
        name = f"without-{verb}-{resource.replace('/', '-')}-{os.urandom(3).hex()}"
        root = "/apis/rbac.authorization.k8s.io/v1"
        group = "rbac.authorization.k8s.io"
        rule = {"apiGroups": [""], "resources": [resource], "verbs": sorted(_NO_STATUS - {verb})}
        role = {"metadata": {"name": name}, "rules": [rule]}
        admin.ok("POST", f"{root}/clusterroles", role)
        subject = {"kind": "User", "name": plane.VISITOR, "apiGroup": group}
        ref = {"kind": "ClusterRole", "name": name, "apiGroup": group}
        bound = {"metadata": {"name": name}, "roleRef": ref, "subjects": [subject]}
        admin.ok("POST", f"{root}/clusterrolebindings", bound)
        visitor = caller(plane.visitor_token)
        try:
            # The authorizer learns of Roles by a watch.
            until(lambda: _allowed(visitor, "get", resource))
            yield visitor
        finally:
            admin.ok("DELETE", f"{root}/clusterrolebindings/{name}")
            visitor.close()

    def prepared(namespace: str) -> None:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        until(lambda: admin.call("GET", path).status == 200)

    def expire() -> None:
        path = "/api/v1/namespaces/default/configmaps"
        before = admin.ok("GET", path)["metadata"]["resourceVersion"]
        # Whatever is written next makes it a version of the past.
        lease = {"metadata": {"name": f"past-{os.urandom(3).hex()}"}, "spec": {}}
        admin.ok("POST", "/apis/coordination.k8s.io/v1/namespaces/default/leases", lease)
        plane.compact()
        exact = {"resourceVersion": before, "resourceVersionMatch": "Exact"}
        until(lambda: admin.call("GET", path, **exact).status == 410)

    for name in NODES:
        if admin.call("GET", f"/api/v1/nodes/{name}").status == 404:
            plane.add_node(name, {"pool": name[-1]})
    yield Site("real", admin, anonymous, stranger, expire, without, prepared)
    for one in (admin, anonymous, stranger):
        one.close()


def _allowed(caller: Caller, verb: str, resource: str) -> bool:
    plural, _, sub = resource.partition("/")
    asked = {"verb": verb, "resource": plural, "subresource": sub}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    answer = caller.ok("POST", path, {"spec": {"resourceAttributes": asked}})
    return bool(answer["status"]["allowed"])
