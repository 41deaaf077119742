"""An OpenAPI 3.1 document made of the very types that are sent and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from chaosd.daemon.problems import PROBLEM_TYPE
from chaosd.daemon.queries import REF, schema_of

_ABOUT = (
    "What the page shows, as JSON: read-only, without authentication of its own. Instants are RFC "
    "3339 in UTC. New members may be added to answers; those that are here stay."
)


class Operation(NamedTuple):
    """A GET: its path, what may be asked, what is answered, and which problems there may be."""

    name: str
    summary: str
    query: type[Struct]
    answer: type[Struct]
    problems: Sequence[HTTPStatus]


def document(
    operations: Sequence[Operation], problem: type[Struct], version: str
) -> dict[str, Any]:
    """The whole document, as it is encoded."""
    answers = (*(one.answer for one in operations), problem)
    schemas, components = msgspec.json.schema_components(answers, ref_template=REF)
    paths = {}
    for one, schema in zip(operations, schemas, strict=False):
        parameters, more = _parameters(one.query)
        components |= more
        paths[f"/{one.name}"] = {
            "get": {
                "operationId": one.name,
                "summary": one.summary,
                "parameters": parameters,
                "responses": {
                    "200": _response("The answer.", "application/json", schema),
                    **{str(int(code)): _problem(code, schemas[-1]) for code in one.problems},
                },
            }
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "chaosd", "version": version, "description": _ABOUT},
        "servers": [{"url": ".", "description": "where this document is"}],
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items()))},
    }


def _parameters(query: type[Struct]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    found: list[dict[str, Any]] = []
    components: dict[str, Any] = {}
    for one in msgspec.structs.fields(query):
        schema, more = schema_of(one.type)
        components |= more
        words = schema.get("description", "")
        schema = {key: value for key, value in schema.items() if key != "description"}
        if not one.required and one.default is not None:
            schema["default"] = one.default
        found.append(
            {
                "name": one.encode_name,
                "in": "query",
                "required": one.required,
                "description": words,
                "schema": schema,
            }
        )
    return found, components


def _problem(code: HTTPStatus, schema: Mapping[str, Any]) -> dict[str, Any]:
    found = _response(f"{code.phrase}.", PROBLEM_TYPE, schema)
    if code in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        found["headers"] = {
            "Retry-After": {
                "description": "Seconds, where it is worth trying again.",
                "schema": {"type": "integer", "minimum": 1},
            }
        }
    return found


def _response(words: str, media_type: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": words, "content": {media_type: {"schema": schema}}}
