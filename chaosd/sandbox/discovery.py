"""Everything that is served besides objects: health, version, discovery, OpenAPI, reviews."""

from __future__ import annotations

from typing import Any

import msgspec

from chaosd.sandbox.access import Access
from chaosd.sandbox.cluster import Cluster
from chaosd.sandbox.errors import ApiError, method_not_allowed
from chaosd.sandbox.objects import Json
from chaosd.sandbox.openapi import openapi_index, openapi_of
from chaosd.sandbox.requests import Request
from chaosd.sandbox.resources import VERBS, Resource

KUBERNETES_VERSION = "v1.36.3"
VERSION: Json = {
    "major": "1",
    "minor": "36",
    "gitVersion": KUBERNETES_VERSION,
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "chaosd/sandbox",
}
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_REVIEW_GROUP = ("authorization.k8s.io", "v1")


def discover(cluster: Cluster, access: Access, request: Request) -> tuple[int, bytes]:
    """The answer to a request that is not about a stored object. Raises the 404."""
    path = request.path.rstrip("/") or "/"
    if path == REVIEWS:
        if request.method != "POST":
            raise method_not_allowed()
        return 201, msgspec.json.encode(access.review(request.json_object()))
    if request.method not in ("GET", "HEAD"):
        raise _missing(request)
    if path in ("/healthz", "/livez", "/readyz"):
        return 200, b"ok"
    body = _document(cluster, path)
    if body is None:
        raise _missing(request)
    return 200, msgspec.json.encode(body)


def _document(cluster: Cluster, path: str) -> Any:
    groups = [*cluster.resources.group_versions(), _REVIEW_GROUP]
    if path == "/version":
        return VERSION
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(*found) for found in groups if found[0]],
        }
    if path == "/openapi/v3":
        return openapi_index(groups)
    for group, version in groups:
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        if group and path == f"/apis/{group}":
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, version)}
        if path == root:
            return _resource_list(cluster, group, version)
        if path == f"/openapi/v3{root}":
            return openapi_of(cluster.resources, group, version)
    if path == "/":
        return {
            "paths": ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]
        }
    return None


def _missing(request: Request) -> ApiError:
    message = f"the server could not find the requested resource ({request.path})"
    return ApiError(404, "NotFound", message, details={})


def _group(group: str, version: str) -> Json:
    found = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [found], "preferredVersion": found}


def _resource_list(cluster: Cluster, group: str, version: str) -> Json:
    listed: list[Json] = []
    for resource in cluster.resources:
        if (resource.group, resource.version) == (group, version):
            listed.extend(_entries(resource))
    if (group, version) == _REVIEW_GROUP:
        review = _entry("selfsubjectaccessreviews", "SelfSubjectAccessReview", ["create"])
        listed.append({**review, "namespaced": False, "singularName": "selfsubjectaccessreview"})
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": listed,
    }


def _entry(name: str, kind: str, verbs: list[str]) -> Json:
    return {"name": name, "singularName": "", "namespaced": True, "kind": kind, "verbs": verbs}


def _entries(resource: Resource) -> list[Json]:
    own = _entry(resource.plural, resource.kind, list(VERBS))
    own |= {"singularName": resource.singular, "namespaced": resource.namespaced}
    if resource.short_names:
        own["shortNames"] = list(resource.short_names)
    if resource.plural in _IN_ALL:
        own["categories"] = ["all"]
    entries = [own]
    changes = ["get", "patch", "update"]
    if resource.status:
        status = _entry(f"{resource.plural}/status", resource.kind, changes)
        entries.append({**status, "namespaced": resource.namespaced})
    if resource.scale:
        scale = _entry(f"{resource.plural}/scale", "Scale", changes)
        entries.append({**scale, "group": "autoscaling", "version": "v1"})
    if resource.id == "pods":
        eviction = _entry("pods/eviction", "Eviction", ["create"])
        entries.append({**eviction, "group": "policy", "version": "v1"})
    return entries


_IN_ALL = frozenset(
    {"pods", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs", "cronjobs"}
)
