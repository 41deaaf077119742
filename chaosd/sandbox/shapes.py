"""The types of the fields that somebody here reads, checked before an object is let in."""

from __future__ import annotations

from typing import Any

import msgspec

from chaosd.sandbox.errors import bad_request
from chaosd.sandbox.objects import Json
from chaosd.sandbox.resources import Resource


class _Owner(msgspec.Struct):
    apiVersion: str  # noqa: N815 - as Kubernetes writes it
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class _Meta(msgspec.Struct, rename="camel"):
    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    uid: str | None = None
    resource_version: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: list[str] | None = None
    owner_references: list[_Owner] | None = None


class _Template(msgspec.Struct):
    metadata: _Meta | None = None
    spec: Json | None = None


class _Spec(msgspec.Struct, rename="camel"):
    replicas: int | None = None
    min_ready_seconds: int | None = None
    selector: dict[str, Any] | None = None
    template: _Template | None = None
    containers: list[Json] | None = None
    taints: list[Json] | None = None


class _Shape(msgspec.Struct):
    metadata: _Meta | None = None
    spec: _Spec | None = None
    status: Json | None = None
    data: dict[str, str] | None = None


def check_shape(resource: Resource, item: Json) -> None:
    """Refuse fields of the wrong type, as far as somebody here reads them. Raises the 400."""
    checked = {"metadata": item.get("metadata")} if resource.custom else item
    try:
        msgspec.convert(checked, _Shape)
    except msgspec.ValidationError as error:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a '
            f"{resource.kind}: {error}"
        ) from error
