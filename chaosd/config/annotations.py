"""Questions about the types of keys."""

from __future__ import annotations

import types
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel


def inner(annotation: Any) -> Any:
    """The type that an optional key has when it is there."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next(one for one in get_args(annotation) if one is not type(None))
    return annotation


def is_list(annotation: Any) -> bool:
    """Whether a key holds a list."""
    return get_origin(inner(annotation)) is list


def group_of(annotation: Any) -> type[BaseModel] | None:
    """The group of keys that a key holds, itself or in a list; None for single values."""
    kind = get_args(inner(annotation))[0] if is_list(annotation) else inner(annotation)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
