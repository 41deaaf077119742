"""Which object a URL names, and which Kubernetes verb a request is."""

from __future__ import annotations

from dataclasses import dataclass

from chaosd.sandbox.requests import Request
from chaosd.sandbox.resources import Resource, Resources


@dataclass(frozen=True, slots=True)
class Target:
    """What a path below /api or /apis names. `namespace` None: all of them, or cluster-scoped."""

    resource: Resource
    namespace: str | None = None
    name: str = ""
    subresource: str = ""

    @property
    def scope(self) -> str:
        """The namespace as part of a key, "" for cluster-scoped kinds."""
        return self.namespace or ""

    @property
    def full_resource(self) -> str:
        """`pods/eviction`: as RBAC rules name it."""
        sub = f"/{self.subresource}" if self.subresource else ""
        return f"{self.resource.plural}{sub}"


def find_target(path: str, resources: Resources) -> Target | None:
    """The target of a path, None when nothing is served there."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    if "" in rest:
        return None
    namespace: str | None = None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource = resources.at(group, version, rest[0])
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        return None
    if len(rest) > 1 and resource.namespaced and namespace is None:
        return None
    return Target(resource, namespace, *rest[1:])


def verb_of(request: Request, target: Target | None) -> str:
    """The verb that RBAC, and a fault rule, know the request by."""
    method = request.method.upper()
    if target is None:
        return method.lower()
    if method in ("GET", "HEAD"):
        if target.name:
            return "get"
        return "watch" if request.watching else "list"
    if method == "DELETE":
        return "delete" if target.name else "deletecollection"
    return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(method, method.lower())
