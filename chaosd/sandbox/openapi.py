"""As much of OpenAPI v3 as kubectl asks before it patches: which parameters a path takes."""

from __future__ import annotations

from chaosd.sandbox.objects import Json
from chaosd.sandbox.resources import Resource, Resources

_PARAMETERS = ("dryRun", "fieldManager", "fieldValidation")


def openapi_index(groups: list[tuple[str, str]]) -> Json:
    """`/openapi/v3`: where each group version's document is."""
    paths = [f"apis/{group}/{version}" if group else f"api/{version}" for group, version in groups]
    return {"paths": {path: {"serverRelativeURL": f"/openapi/v3/{path}"} for path in paths}}


def openapi_of(resources: Resources, group: str, version: str) -> Json:
    """The document of one group version: paths and parameters, no schemas."""
    paths: Json = {}
    for resource in resources:
        if (resource.group, resource.version) == (group, version):
            scope = "/namespaces/{namespace}" if resource.namespaced else ""
            base = f"{resource.root}{scope}/{resource.plural}"
            paths[base] = {"post": _operation(resource, "post")}
            paths[f"{base}/{{name}}"] = {
                verb: _operation(resource, verb) for verb in ("put", "patch", "delete")
            }
    return {
        "openapi": "3.0.0",
        "info": {"title": "chaosd sandbox", "version": "v1"},
        "paths": paths,
        "components": {"schemas": {}},
    }


def _operation(resource: Resource, action: str) -> Json:
    return {
        "parameters": [
            {"name": name, "in": "query", "schema": {"type": "string"}} for name in _PARAMETERS
        ],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {
            "group": resource.group,
            "version": resource.version,
            "kind": resource.kind,
        },
    }
