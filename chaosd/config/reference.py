"""The JSON schema and the reference page, both from the models."""

from __future__ import annotations

import inspect
import json
from datetime import timedelta
from enum import Enum
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from chaosd.config import prose
from chaosd.config.annotations import group_of, inner, is_list
from chaosd.config.environment import variables
from chaosd.config.problems import render_path
from chaosd.config.settings import Settings, groups
from chaosd.config.values import Shown
from chaosd.core.duration import render
from chaosd.core.selector import Selector


class _Generator(GenerateJsonSchema):
    """Defaults as they are written in YAML; no titles that only repeat the key."""

    def default_schema(self, schema: Any) -> JsonSchemaValue:
        if isinstance(schema.get("default"), BaseModel):  # its own keys say their defaults
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)

    def encode_default(self, dft: Any) -> Any:
        return super().encode_default(_plain(dft))

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a configuration file.

    It holds what a schema can say of each value; `load` knows more.
    """
    return schema_of(Settings, "chaosd configuration")


def schema_of(model: type[BaseModel], title: str) -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a model, under a title for people."""
    schema = model.model_json_schema(schema_generator=_Generator)
    for definition in schema["$defs"].values():
        del definition["title"]
    return {
        "$schema": _Generator.schema_dialect,
        **schema,
        "title": title,
    }


def markdown() -> str:
    """The reference page, docs/configuration.md."""
    parts = [prose.INTRODUCTION, _section("The file", "", Settings)]
    parts += [
        _section(prose.TITLES.get(path, f"`{path}`"), path, group) for path, group in groups()
    ]
    parts += [prose.GRAMMAR, _environment(), prose.RELOADING, _examples()]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _section(title: str, path: str, model: type[BaseModel]) -> str:
    rows = [
        f"| `{info.alias or name}` | {_type(info)} | {_unit(info)} | {_default(info)} "
        f"| {info.description} |"
        for name, info in model.model_fields.items()
    ]
    note = prose.NOTES.get(path, "")
    return "\n".join(
        (
            f"## {title}",
            "",
            inspect.cleandoc(model.__doc__ or ""),
            *(("", note) if note else ()),
            "",
            "| Key | Type | Unit | Default | Meaning |",
            "| --- | --- | --- | --- | --- |",
            *rows,
        )
    )


def _type(info: FieldInfo) -> str:
    group = group_of(info.annotation)
    if info.alias == "allow":
        return "list, or `always`"
    if group is not None:
        return "list" if is_list(info.annotation) else "map"
    if is_list(info.annotation):
        return f"list of {_shown(get_args(inner(info.annotation))[0])}s"
    kind = inner(info.annotation)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{one.value}`" for one in kind)
    return next((one.name for one in info.metadata if isinstance(one, Shown)), "") or _shown(kind)


def _shown(annotation: Any) -> str:
    """What the reference calls an annotated type."""
    found = (one.name for one in getattr(annotation, "__metadata__", ()) if isinstance(one, Shown))
    return next(found, "text")


def _unit(info: FieldInfo) -> str:
    extra = info.json_schema_extra
    if isinstance(extra, dict) and "unit" in extra:
        return str(extra["unit"])
    return "w d h m s" if _type(info) == "duration" else ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    if info.default_factory is not None:
        return "see there"
    if info.default is None:
        return "none"
    if isinstance(info.default, BaseModel):
        return "see below"
    text = json.dumps(_plain(info.default))
    if isinstance(info.default, list):
        text = text.replace('"', "")
    elif not isinstance(info.default, str) or isinstance(info.default, Enum):
        text = text.strip('"') or '""'
    return f"`{text}`"


def _plain(value: Any) -> Any:
    match value:
        case timedelta():
            return render(value)
        case Selector():
            return str(value.text)
        case Enum():
            return value.value
    return value


def _environment() -> str:
    rows = [f"| `{one.name}` | `{render_path(one.path)}` |" for one in variables().values()]
    table = "\n".join(("| Variable | Key |", "| --- | --- |", *rows))
    return f"{prose.ENVIRONMENT.strip()}\n\n{table}"


def _examples() -> str:
    rows = [f"- [{name}](../config/{name}): {what}" for name, what in prose.EXAMPLES.items()]
    return "\n".join(("## Examples", "", *rows))
