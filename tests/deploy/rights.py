"""What rendered roles and bindings grant to chaosd, right by right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import yaml

from chaosd.kube.permissions import Need
from tests.deploy.tools import Json

_RULE = re.compile(
    r"(?P<comment>(?:^ *#.*\n)+)?(?P<rule>^ *- apiGroups:.*\n(?:^ +\w+:.*\n)+)", re.MULTILINE
)


class Right(NamedTuple):
    """One verb on one resource. ``namespace`` None is the whole cluster, ``name`` "" any object."""

    namespace: str | None
    group: str
    resource: str
    name: str
    verb: str


def needed(needs: Iterable[Need]) -> set[Right]:
    """The rights that the table of permissions asks for."""
    return {
        Right(need.namespace, need.group, need.resource, need.name, verb)
        for need in needs
        for verb in need.verbs
    }


def granted(objects: list[Json], account: str, namespace: str) -> set[Right]:
    """What the bindings among ``objects`` grant to a ServiceAccount."""
    roles = {
        (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]): one
        for one in objects
        if one["kind"] in ("Role", "ClusterRole")
    }
    subject = {"kind": "ServiceAccount", "name": account, "namespace": namespace}
    found: set[Right] = set()
    for one in objects:
        if one["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
            continue
        assert one["subjects"] == [subject]
        place = one["metadata"].get("namespace")
        ref = one["roleRef"]
        home = place if ref["kind"] == "Role" else None
        found.update(_rights(roles.pop((ref["kind"], home, ref["name"])), place))
    assert not roles, "a role that nobody is bound to"
    return found


def _rights(role: Json, place: str | None) -> Iterator[Right]:
    for rule in role["rules"]:
        assert "*" not in str(rule)
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for name in rule.get("resourceNames", [""]):
                    for verb in rule["verbs"]:
                        yield Right(place, group, resource, name, verb)


def commented(text: str) -> Iterator[tuple[str, Json]]:
    """Each rule of rendered manifests, with the comment above it ("" where there is none)."""
    for match in _RULE.finditer(text):
        (rule,) = yaml.safe_load(match["rule"])
        comment = " ".join(line.strip(" #") for line in (match["comment"] or "").splitlines())
        yield comment, rule
