"""Tables: how the API server tells kubectl what to print (meta.k8s.io/v1 Table)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chaosd.sandbox.cells import Column
from chaosd.sandbox.columns import COLUMNS, DEFAULT
from chaosd.sandbox.lists import Page
from chaosd.sandbox.objects import Json
from chaosd.sandbox.requests import Request
from chaosd.sandbox.resources import Resource

META_VERSION = "meta.k8s.io/v1"


def table(
    request: Request,
    resource: Resource,
    page: Page,
    now: datetime,
    *,
    header: bool = True,
) -> Json:
    """The Table of a page. `includeObject` says what comes with each row (default: Metadata)."""
    columns = COLUMNS.get(resource.id, DEFAULT)
    include = request.param("includeObject", "Metadata")
    return {
        "kind": "Table",
        "apiVersion": META_VERSION,
        "metadata": page.metadata,
        "columnDefinitions": [_definition(column) for column in columns] if header else [],
        "rows": [_row(resource, item, columns, include, now) for item in page.items],
    }


def _definition(column: Column) -> Json:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": column.description or column.name,
        "priority": 1 if column.wide else 0,
    }


def _row(
    resource: Resource, item: Json, columns: tuple[Column, ...], include: str, now: datetime
) -> Json:
    cells: list[Any] = [column.cell(item, now) for column in columns]
    row: Json = {"cells": cells}
    if include == "Object":
        row["object"] = {"kind": resource.kind, "apiVersion": resource.api_version, **item}
    elif include != "None":
        row["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": META_VERSION,
            "metadata": item["metadata"],
        }
    return row
