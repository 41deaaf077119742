"""Label and field selectors as the API server reads them.

Grammar: https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/ and
k8s.io/apimachinery/pkg/labels (`=`, `==`, `!=`, `in`, `notin`, `key`, `!key`, `>`, `<`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chaosd.sandbox.objects import Json, labels_of

Matches = Callable[[Json], bool]

_NAME = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_TOKEN = re.compile(r"\s*(==|!=|=|!|\(|\)|,|>|<|[^\s=!(),<>]+)")


class SelectorError(ValueError):
    """A selector that the API server would refuse with 400."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term of a label selector."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether these labels fulfil it."""
        value = labels.get(self.key)
        match self.operator:
            case "in":
                return value is not None and value in self.values
            case "notin":
                return value is None or value not in self.values
            case "exists":
                return value is not None
            case "absent":
                return value is None
        if value is None or not re.fullmatch(r"[+-]?\d+", value):
            return False
        bound = int(self.values[0])
        return int(value) > bound if self.operator == "gt" else int(value) < bound


def parse_labels(text: str) -> tuple[Requirement, ...]:
    """The terms of a label selector. Raises SelectorError."""
    tokens = _tokens(text)
    terms: list[Requirement] = []
    while tokens:
        terms.append(_term(tokens))
        if tokens and tokens.pop(0) != ",":
            raise SelectorError(
                f"unable to parse requirement: found {text!r}, expected: ',' or end"
            )
        if terms and text.rstrip().endswith(",") and not tokens:
            raise SelectorError("found '', expected: identifier after ','")
    return tuple(terms)


def _tokens(text: str) -> list[str]:
    found: list[str] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise SelectorError(f"unable to parse requirement: {text[at:]!r}")
        found.append(token.group(1))
        at = token.end()
    return found


def _term(tokens: list[str]) -> Requirement:
    negated = tokens[0] == "!"
    if negated:
        tokens.pop(0)
    key = _key(tokens.pop(0) if tokens else "")
    if negated:
        return Requirement(key, "absent")
    if not tokens or tokens[0] == ",":
        return Requirement(key, "exists")
    operator = tokens.pop(0)
    if operator in ("in", "notin"):
        return Requirement(key, operator, _values(tokens))
    if operator in ("=", "==", "!="):
        value = tokens.pop(0) if tokens and tokens[0] not in ",()" else ""
        return Requirement(key, "notin" if operator == "!=" else "in", (_value(value),))
    if operator in (">", "<"):
        value = tokens.pop(0) if tokens else ""
        if not re.fullmatch(r"[+-]?\d+", value):
            raise SelectorError(
                f"for 'Gt', 'Lt' operators, the value must be an integer: {value!r}"
            )
        return Requirement(key, "gt" if operator == ">" else "lt", (value,))
    raise SelectorError(
        f"unable to parse requirement: found '{operator}', expected: in, notin, =, ==, !=, gt, lt"
    )


def _values(tokens: list[str]) -> tuple[str, ...]:
    if not tokens or tokens.pop(0) != "(":
        raise SelectorError("unable to parse requirement: found '', expected: '('")
    values: list[str] = []
    pending = True
    while tokens:
        token = tokens.pop(0)
        if token == ")":
            if pending:
                values.append("")
            return tuple(values)
        if token == ",":
            if pending:
                values.append("")
            pending = True
        elif token in ("(", "=", "==", "!=", "!", "<", ">") or not pending:
            break
        else:
            values.append(_value(token))
            pending = False
    raise SelectorError("unable to parse requirement: found '', expected: ',' or ')'")


def _key(text: str) -> str:
    prefix, slash, name = text.rpartition("/")
    if not _NAME.fullmatch(name) or len(name) > 63:
        raise SelectorError(
            f'key: Invalid value: "{text}": name part must consist of alphanumeric characters, '
            "'-', '_' or '.', and must start and end with an alphanumeric character"
        )
    if slash and (not _PREFIX.fullmatch(prefix) or len(prefix) > 253):
        raise SelectorError(f'key: Invalid value: "{text}": prefix part must be a DNS subdomain')
    return text


def _value(text: str) -> str:
    if text and (not _NAME.fullmatch(text) or len(text) > 63):
        raise SelectorError(
            f'values[0]: Invalid value: "{text}": a valid label must be an empty string or consist '
            "of alphanumeric characters, '-', '_' or '.', and must start and end with an "
            "alphanumeric character"
        )
    return text


def matches_labels(terms: tuple[Requirement, ...], labels: Mapping[str, str]) -> bool:
    """Whether all terms hold."""
    return all(term.matches(labels) for term in terms)


def parse_label_selector(selector: Mapping[str, Any] | None) -> tuple[Requirement, ...] | None:
    """The terms of a LabelSelector object; None (match nothing) for a missing one."""
    if selector is None:
        return None
    names = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}
    terms = [
        Requirement(key, "in", (value,))
        for key, value in (selector.get("matchLabels") or {}).items()
    ]
    for item in selector.get("matchExpressions") or ():
        operator = names.get(item.get("operator", ""))
        if operator is None:
            raise SelectorError(f"{item.get('operator')!r} is not a valid label selector operator")
        terms.append(Requirement(item["key"], operator, tuple(item.get("values") or ())))
    return tuple(terms)


_COMMON_FIELDS = ("metadata.name", "metadata.namespace")
_FIELDS: dict[str, tuple[str, ...]] = {
    "pods": (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    "nodes": ("spec.unschedulable",),
    "namespaces": ("status.phase",),
    "jobs.batch": ("status.successful",),
    "replicasets.apps": ("status.replicas",),
    "events": (
        "involvedObject.kind",
        "involvedObject.namespace",
        "involvedObject.name",
        "involvedObject.uid",
        "involvedObject.apiVersion",
        "involvedObject.resourceVersion",
        "involvedObject.fieldPath",
        "reason",
        "reportingComponent",
        "source",
        "type",
    ),
}


def parse_fields(text: str, resource_id: str) -> tuple[tuple[str, str, bool], ...]:
    """(field, value, equal) of each term. Raises SelectorError for what the kind lacks."""
    terms: list[tuple[str, str, bool]] = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"\s*([^=!]+?)\s*(==|!=|=)(.*)", part)
        if found is None:
            raise SelectorError(f"invalid selector: '{text}'; can't understand '{part}'")
        field, operator, value = found.groups()
        if field not in (*_COMMON_FIELDS, *_FIELDS.get(resource_id, ())):
            raise SelectorError(f'field label not supported: "{field}"')
        terms.append((field, value.strip(), operator != "!="))
    return tuple(terms)


def field_value(item: Json, path: str) -> str:
    """A field as text, "" where it is not set."""
    if path == "source":
        path = "source.component"
    value: Any = item
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return "false" if path in ("spec.unschedulable", "spec.hostNetwork") else ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def compile_selectors(label_text: str, field_text: str, resource_id: str) -> Matches | None:
    """A predicate for both selectors, None when they select everything. Raises SelectorError."""
    labels = parse_labels(label_text)
    fields = parse_fields(field_text, resource_id)
    if not labels and not fields:
        return None

    def matches(item: Json) -> bool:
        return matches_labels(labels, labels_of(item)) and all(
            (field_value(item, field) == value) is equal for field, value, equal in fields
        )

    return matches
