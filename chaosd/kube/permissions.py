"""What chaosd must be allowed to do for a configuration, and what of it is missing.

:mod:`chaosd.kube.rights` is the one place where permissions are listed.
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct

from chaosd.core.model import Configuration
from chaosd.kube.api import Api
from chaosd.kube.resources import ACCESS_REVIEWS
from chaosd.kube.rights import TABLE, Row, Where

_DEFAULT = "default"


class Need(Struct, frozen=True):
    """One permission: verbs on one resource in one place.

    ``namespace`` None means the whole cluster. ``name`` is the only object that it is needed for.
    ``why`` is for people. Without a ``required`` one chaosd must not start.
    """

    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str
    namespace: str | None = None
    name: str = ""
    required: bool = True

    @property
    def rule(self) -> str:
        """The RBAC rule that grants it, as YAML."""
        names = f"\n  resourceNames: [{self.name}]" if self.name else ""
        group = self.group or '""'
        return (
            f"- apiGroups: [{group}]\n  resources: [{self.resource}]{names}"
            f"\n  verbs: [{', '.join(self.verbs)}]"
        )

    @property
    def place(self) -> str:
        """The kind of role that has to hold the rule."""
        return f"Role in namespace {self.namespace}" if self.namespace else "ClusterRole"


def needs(configuration: Configuration, namespace: str, *, in_cluster: bool) -> list[Need]:
    """All that ``configuration`` needs; ``namespace`` is chaosd's own.

    In namespaced mode nodes are not read, and of namespaces only those. Outside a cluster
    (``in_cluster`` False) there are no own pods to know.
    """
    merged: dict[tuple[str, str, str | None, str, bool], Need] = {}
    for row in TABLE:
        if row.where is Where.OWN and row.resource == "pods" and not in_cluster:
            continue
        wanted, why = _wanted(row, configuration)
        if not wanted:
            continue
        for place in _places(row.where, configuration, namespace):
            key = (row.group, row.resource, place, row.name, row.required)
            need = Need(row.group, row.resource, row.verbs, why, place, row.name, row.required)
            merged[key] = _joined(merged[key], need) if key in merged else need
    everywhere = [need for need in merged.values() if not need.namespace]
    narrowed = [_beside(everywhere, need) if need.namespace else need for need in merged.values()]
    return [need for need in narrowed if need.verbs]


def _beside(everywhere: Sequence[Need], need: Need) -> Need:
    """A need in one namespace without the verbs that are wanted everywhere anyway."""
    have = {
        verb
        for wider in everywhere
        if (wider.group, wider.resource) == (need.group, need.resource)
        and wider.name in ("", need.name)
        for verb in wider.verbs
    }
    left = tuple(verb for verb in need.verbs if verb not in have)
    return msgspec.structs.replace(need, verbs=left)


def missing(api: Api, wanted: Iterable[Need]) -> list[Need]:
    """What is not allowed, by a SelfSubjectAccessReview for each verb; raises CallFailed.

    Each need comes back with only those of its verbs that are missing.
    """
    found = []
    for need in wanted:
        verbs = tuple(verb for verb in need.verbs if not _allowed(api, need, verb))
        if verbs:
            found.append(msgspec.structs.replace(need, verbs=verbs))
    return found


class _Status(Struct):
    allowed: bool = False


class _Review(Struct):
    status: _Status


def _allowed(api: Api, need: Need, verb: str) -> bool:
    resource, _, subresource = need.resource.partition("/")
    attributes = {
        "verb": verb,
        "group": need.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": need.namespace or "",
        "name": need.name,
    }
    body = {
        "apiVersion": ACCESS_REVIEWS.api_version,
        "kind": ACCESS_REVIEWS.kind,
        "spec": {"resourceAttributes": {key: text for key, text in attributes.items() if text}},
    }
    return api.ask(ACCESS_REVIEWS, body, _Review).status.allowed


def _wanted(row: Row, configuration: Configuration) -> tuple[bool, str]:
    """Whether a row is needed, and what for."""
    if row.wanted_by is None:
        return row.wanted_in is None or row.wanted_in(configuration), row.why
    names = [policy.name for policy in configuration.policies if row.wanted_by(policy)]
    noun = "policy" if len(names) == 1 else "policies"
    return bool(names), f"{row.why}, for {noun} {', '.join(names)}"


def _places(where: Where, configuration: Configuration, namespace: str) -> Iterator[str | None]:
    if where is Where.OWN:
        yield namespace
    elif where is Where.HELPER:
        if configuration.helper is not None:
            yield configuration.helper.namespace
    elif configuration.namespaces is None:
        if where is not Where.NAMED:
            yield _DEFAULT if where is Where.DEFAULT else None
    elif where in (Where.READ, Where.NAMED):
        yield from configuration.namespaces


def _joined(one: Need, other: Need) -> Need:
    """Two needs on the same objects as one."""
    verbs = tuple(dict.fromkeys((*one.verbs, *other.verbs)))
    why = "; ".join(dict.fromkeys((one.why, other.why)))
    return msgspec.structs.replace(one, verbs=verbs, why=why)
