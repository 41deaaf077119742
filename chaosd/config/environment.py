"""Overrides by ``CHAOSD_*`` environment variables: ``CHAOSD_LIMITS__PER_HOUR=3``.

Kubernetes puts variables into every pod for each Service of its namespace. Those of a Service whose
name begins with ``chaosd`` begin with ``CHAOSD_`` too, and are no overrides. All other variables of
that name must be known: a mistyped override that is silently ignored could leave chaosd live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import BaseModel

from chaosd.config.annotations import group_of, inner, is_list
from chaosd.config.document import read
from chaosd.config.problems import KeyPath, Problem, found, shown
from chaosd.config.reading import nearest
from chaosd.config.settings import Settings

PREFIX = "CHAOSD_"
NESTED = "__"

# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_SERVICE_LINK = re.compile(
    r"CHAOSD_(?:[A-Z0-9_]+_)?"
    r"(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that overrides a key. `plain`: a text, taken as it is; others are read as YAML."""

    name: str
    path: KeyPath
    plain: bool
    group: bool


@dataclass(slots=True)
class Overrides:
    """What the environment says: values under the keys of the file, and what to call each."""

    values: dict[str, Any] = field(default_factory=dict)
    names: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    given: dict[str, str] = field(default_factory=dict)
    """The variables that these are read from, right or wrong, as they are."""


@cache
def variables() -> Mapping[str, Variable]:
    """All variables by name, in the order of the keys."""
    return {variable.name: variable for variable in _variables(Settings, PREFIX, ())}


def overrides(environ: Mapping[str, str]) -> Overrides:
    """Read the overrides out of `environ`. An empty variable counts as not set."""
    result = Overrides()
    for name, text in sorted(environ.items()):
        if _is_override(name.upper()) and text.strip():
            result.given[name] = text
    known = variables()
    found_known = []
    for name in result.given:
        if variable := known.get(name.upper()):
            found_known.append((name, variable))
        else:
            result.problems.append(Problem(name, None, _unknown(name.upper())))
    # Groups before what is in them, so that the more exact variable wins.
    for name, variable in sorted(found_known, key=lambda one: len(one[1].path)):
        _apply(result, name, variable)
    return result


def _is_override(name: str) -> bool:
    return name in variables() or (name.startswith(PREFIX) and not _SERVICE_LINK.fullmatch(name))


def _variables(model: type[BaseModel], prefix: str, path: KeyPath) -> Iterator[Variable]:
    for name, info in model.model_fields.items():
        here, variable = (*path, info.alias or name), f"{prefix}{name.upper()}"
        listed = is_list(info.annotation)
        group = None if listed else group_of(info.annotation)
        plain = not (listed or group or inner(info.annotation) in (bool, int))
        yield Variable(variable, here, plain=plain, group=group is not None)
        if group is not None:
            yield from _variables(group, f"{variable}{NESTED}", here)


def _apply(result: Overrides, name: str, variable: Variable) -> None:
    text = result.given[name]
    value: object = text
    if not variable.plain:
        document = read(text)
        result.problems += (Problem(name, None, one.message) for one in document.problems)
        if document.problems:
            return
        value = document.value
    if variable.group and not isinstance(value, dict):
        message = f"expected a map such as {{key: value}}, {found(value)}"
        result.problems.append(Problem(name, None, message))
        return
    *parents, last = variable.path
    target = result.values
    for parent in parents:
        target = target.setdefault(str(parent), {})
    if isinstance(value, dict):
        target.setdefault(str(last), {}).update(value)
    else:
        target[str(last)] = value
    for leaf in _leaves(value, variable.path):
        result.names[leaf] = ".".join((name, *map(str, leaf[len(variable.path) :])))


def _leaves(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _leaves(one, (*path, key))
    else:
        yield path


def _unknown(name: str) -> str:
    known = variables()
    parent = name.rpartition(NESTED)[0]
    while parent:
        if parent in known and not known[parent].group:
            return f"no setting: {parent} is set as a whole; set that, or write it in the file"
        parent = parent.rpartition(NESTED)[0]
    rests = tuple(one.removeprefix(PREFIX) for one in known)
    near = nearest(name.removeprefix(PREFIX), rests)
    advice = f"write {PREFIX}{near}" if near else f"known are {PREFIX}DRY_RUN and the like"
    return f"no setting is called {shown(name)}: {advice}, or unset it"
