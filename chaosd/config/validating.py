"""Values into settings: every one that can't be read is a mistake, the others are kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from chaosd.config.annotations import group_of, inner
from chaosd.config.policies import action_beside
from chaosd.config.problems import KeyPath, Places, Problem, found, shown
from chaosd.config.reading import nearest
from chaosd.config.settings import Layers, Settings, groups
from chaosd.config.values import Unread

Detail = Mapping[str, Any]
"""One error of pydantic: its type, loc, msg, input and ctx."""

_ROUNDS = 8
_BOOLEANS = {"yes": "true", "on": "true", "1": "true", "no": "false", "off": "false", "0": "false"}
_STOP = "; to strike nothing write halted: true"
_TOO_LOW = {
    ("limits", "perHour"): _STOP,
    ("limits", "perDay"): _STOP,
    ("limits", "concurrent"): _STOP,
    ("policies", "limits", "perHour"): "; to strike nothing write dryRun: true",
    ("policies", "limits", "perDay"): "; to strike nothing write dryRun: true",
    ("policies", "limits", "concurrent"): "; to strike nothing write dryRun: true",
    ("policies", "gracePeriodSeconds"): (
        "; 0 would be a force deletion, which frees the pod's name while its processes may still"
        " run; leave the key out for the pod's own"
    ),
}


@dataclass(slots=True)
class Draft:
    """Settings in which what could not be read has been replaced by something that can.

    ``bad`` says what; checks of what values mean leave these alone. ``told`` is where such a check
    found something; what is in there may be wrong besides. ``written`` are the plain values.
    """

    settings: Settings
    places: Places
    bad: set[KeyPath] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    written: Mapping[str, Any] = field(default_factory=dict)
    told: set[KeyPath] = field(default_factory=set)

    def sound(self, *path: str | int) -> bool:
        """Whether nothing is wrong with the value at `path`, in it, or in reading what holds it."""
        told = any(one[: len(path)] == path for one in self.told)
        return not told and not any(bad[: len(path)] == path[: len(bad)] for bad in self.bad)

    def read(self, *path: str | int) -> bool:
        """Whether the value at `path` could be read, though perhaps not everything in it."""
        return not any(bad == path[: len(bad)] for bad in self.bad)

    def report(self, path: KeyPath, message: str, near: KeyPath = ()) -> None:
        """Add a mistake; from now on the value at `path` is not sound.

        `near` lends its line when nothing at `path` or around it is written.
        """
        self.told.add(path)
        self.problems.append(self.places.problem(path, message, near))


def draft(layers: Layers, places: Places) -> Draft | tuple[Problem, ...]:
    """Read `layers` into settings; only problems when not even that can be done."""
    bad: set[KeyPath] = set()
    problems: list[Problem] = []
    written: dict[str, Any] = {}
    for _ in range(_ROUNDS):
        try:
            settings = Settings.of(layers)
            return Draft(settings, places, bad, problems, written or layers.merged)
        except ValidationError as error:
            written = written or layers.merged
            details = error.errors(include_url=False, include_context=True)
            mistakes = _mistakes(details, bad, layers.merged)
            problems += (places.problem(path, message) for path, message in mistakes)
            layers = Layers(deepcopy(layers.merged))
            for detail in details:
                _repair(layers.document, detail)
    return tuple(problems)


def _mistakes(
    details: Iterable[Detail], bad: set[KeyPath], values: dict[str, Any]
) -> list[tuple[KeyPath, str]]:
    """Say what is wrong with `values` at each path not yet known as `bad`, and add it there."""
    mistakes: list[tuple[KeyPath, str]] = []
    # Unknown keys first: one that is a known one mistyped explains why that is missing.
    for detail in sorted(details, key=lambda one: one["type"] != "extra_forbidden"):
        path = detail["loc"]
        if detail["type"] == "default_factory_not_called":
            continue  # a default that depends on others, of which one is wrong
        if any(path[:length] in bad for length in range(1, len(path) + 1)):
            continue
        bad.add(path)
        if detail["type"] == "extra_forbidden":
            near, advice = _meant(path)
            if near and near not in _below(values, path[:-1]):
                bad.add((*path[:-1], near))  # don't call it missing too
            mistakes.append((path, f"unknown key {shown(str(path[-1]))}: {advice}"))
        else:
            mistakes.append((path, _message(detail, path)))
    return mistakes


def _meant(path: KeyPath) -> tuple[str | None, str]:
    """The known key beside which an unknown one was mistyped, or None; and what to write."""
    key, group = str(path[-1]), _at(path[:-1])[0]
    for name, info in group.model_fields.items():
        child = group_of(info.annotation)
        if child and key in _keys(child):
            return info.alias or name, f"write it under {info.alias or name}"
    if near := nearest(key, _keys(group)):
        return near, f"write {near}"
    elsewhere = [f"under {where}" for where, other in groups() if key in _keys(other)]
    if key in _keys(Settings):
        elsewhere.insert(0, "at the top")
    if elsewhere:
        return None, f"write it {' or '.join(elsewhere)}"
    return None, f"known here are {', '.join(_keys(group))}"


def _message(detail: Detail, path: KeyPath) -> str:
    value, key = detail["input"], str(path[-1]) if path else ""
    group, info = _at(path)
    match detail["type"]:
        case "value_error":
            return str(detail["ctx"]["error"])
        case "missing":
            acts = path[0] == "policies" and key == "action"
            what = action_beside(value) if acts else f"{key}: {_example(info)}"
            return f"missing: write {what}"
        case "bool_type":
            meant = _BOOLEANS.get(str(value).lower())
            return f"expected true or false, {found(value)}" + (f": write {meant}" if meant else "")
        case "int_type":
            return f"expected a whole number such as 3, without quotes, {found(value)}"
        case "greater_than_equal" | "less_than_equal":
            return _out_of_range(detail["ctx"], value, path)
        case "list_type":
            if key == "allow":
                return f"expected a list of rules or the word always, {found(value)}"
            item = f": write [{value}]" if isinstance(value, str) and len(value) <= 80 else ""
            dash = ": put a dash before the first key of each item"
            return f"expected a list, {found(value)}{dash if isinstance(value, dict) else item}"
        case "model_type":
            what = found(value, secret=key == "auth")
            return f"expected a map with keys such as {', '.join(_keys(group)[:4])}, {what}"
        case "enum":
            known = [str(one.value) for one in inner(info.annotation)] if info else []
            near = nearest(str(value), tuple(known))
            advice = f": write {near}" if near else ""
            return f"expected {' or '.join(known)}, {found(value)}{advice}"
    return f"{detail['msg']}, {found(value)}"


def _out_of_range(bounds: Mapping[str, Any], value: object, path: KeyPath) -> str:
    if "le" in bounds:
        return f"expected at most {bounds['le']}, {found(value)}"
    names = tuple(part for part in path if isinstance(part, str))
    return f"expected at least {bounds['ge']}, {found(value)}{_TOO_LOW.get(names, '')}"


def _example(info: FieldInfo | None) -> str:
    example = info.examples[0] if info and info.examples else "..."
    return json.dumps(example).replace('"', "") if not isinstance(example, str) else example


def _keys(group: type[BaseModel]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in group.model_fields.items())


def _at(path: KeyPath) -> tuple[type[BaseModel], FieldInfo | None]:
    """The innermost group of keys on the way to `path`, and the field at its end."""
    group: type[BaseModel] = Settings
    info: FieldInfo | None = None
    for part in path:
        if isinstance(part, str):
            info = next((one for one in group.model_fields.values() if one.alias == part), None)
            group = (info and group_of(info.annotation)) or group
    return group, info


def _below(values: Any, path: KeyPath) -> Any:
    for part in path:
        values = values[part]
    return values


def _repair(values: dict[str, Any], detail: Detail) -> None:
    """Replace what can't be read, so that the rest can be looked at."""
    path = detail["loc"]
    info = _at(path)[1]
    holder = _below(values, path[:-1])
    if isinstance(holder, list):
        grouped = info is not None and group_of(info.annotation)
        holder[int(path[-1])] = {} if grouped else Unread()
    elif detail["type"] == "missing" and info is not None and info.examples:
        holder[path[-1]] = deepcopy(info.examples[0])
    else:
        holder.pop(path[-1], None)
