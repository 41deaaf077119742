"""Objects and lists as bytes, in the form that the Accept header asks for."""

from __future__ import annotations

from datetime import datetime

import msgspec

from chaosd.sandbox.errors import ApiError
from chaosd.sandbox.lists import Page
from chaosd.sandbox.objects import Json
from chaosd.sandbox.requests import Request
from chaosd.sandbox.resources import Resource
from chaosd.sandbox.tables import table
from chaosd.sandbox.verbs import with_kind

META_VERSION = "meta.k8s.io/v1"


def form_of(request: Request) -> str:
    """`Table`, `PartialObjectMetadata` or "" for plain JSON: the first served one in Accept.

    Raises the 406.
    """
    accept = request.header("accept")
    if not accept:
        return ""
    for option in accept.split(","):
        media, *parameters = (part.strip() for part in option.split(";"))
        if media not in ("application/json", "application/*", "*/*"):
            continue
        fields = dict(part.split("=", 1) for part in parameters if "=" in part)
        form = fields.get("as", "")
        if not form:
            return ""
        if (fields.get("g"), fields.get("v")) != ("meta.k8s.io", "v1"):
            continue
        if form in ("Table", "PartialObjectMetadata", "PartialObjectMetadataList"):
            return form.removesuffix("List")
    raise ApiError(
        406,
        "NotAcceptable",
        "only the following media types are accepted: application/json",
        details={},
    )


def render_object(request: Request, resource: Resource, item: Json, now: datetime) -> bytes:
    """One object."""
    form = form_of(request)
    if form == "Table":
        return msgspec.json.encode(table(request, resource, Page([item], {}), now))
    if form:
        return msgspec.json.encode(partial(item))
    return msgspec.json.encode(with_kind(resource, item))


def render_list(request: Request, resource: Resource, page: Page, now: datetime) -> bytes:
    """A list. Items of built-in kinds carry no kind of their own, as from an API server."""
    form = form_of(request)
    if form == "Table":
        return msgspec.json.encode(table(request, resource, page, now))
    if form:
        return msgspec.json.encode(
            {
                "kind": "PartialObjectMetadataList",
                "apiVersion": META_VERSION,
                "metadata": page.metadata,
                "items": [partial(item) for item in page.items],
            }
        )
    items = page.items
    if resource.custom:
        items = [with_kind(resource, item) for item in items]
    return msgspec.json.encode(
        {
            "kind": f"{resource.kind}List",
            "apiVersion": resource.api_version,
            "metadata": page.metadata,
            "items": items,
        }
    )


def partial(item: Json) -> Json:
    """A PartialObjectMetadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": META_VERSION,
        "metadata": item["metadata"],
    }
