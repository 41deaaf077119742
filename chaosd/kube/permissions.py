"""What chaosd must be allowed to do for a configuration, and what of it is missing.

The table here is the one place where permissions are listed.
https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec
from msgspec import Struct

from chaosd.core.model import BudgetMode, Configuration, Policy
from chaosd.kube.api import Api
from chaosd.kube.documents import LEASE_NAME, LEDGER_NAME
from chaosd.kube.read_workloads import KINDS
from chaosd.kube.resources import ACCESS_REVIEWS

_APPS, _BATCH = "apps", "batch"


class Where(StrEnum):
    """Where a permission is needed."""

    OWN = "own"  # chaosd's own namespace
    READ = "read"  # all namespaces, or those of namespaced mode
    CLUSTER = "cluster"  # kinds that are in no namespace
    NAMED = "named"  # those of namespaced mode, and nothing without it


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


class _Row(Struct, frozen=True):
    """A line of the table: ``wanted_by`` says which policies need it; None, that chaosd does."""

    where: Where
    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str
    wanted_by: Callable[[Policy], bool] | None = None
    name: str = ""
    required: bool = True


def _kills(policy: Policy) -> bool:
    return not policy.dry_run


def _respects(policy: Policy) -> bool:
    return policy.pdb is BudgetMode.RESPECT


def _wants(*kinds: str) -> Callable[[Policy], bool]:
    return lambda policy: any(kind in policy.select.kinds for kind in kinds)


_TABLE = (
    _Row(Where.OWN, "", "configmaps", ("get", "patch"), "the ledger", name=LEDGER_NAME),
    _Row(Where.OWN, "", "configmaps", ("create",), "making the ledger at the first start"),
    _Row(Where.OWN, "coordination.k8s.io", "leases", ("get", "patch"), "leading", name=LEASE_NAME),
    _Row(Where.OWN, "coordination.k8s.io", "leases", ("create",), "making the lease at first"),
    _Row(Where.OWN, "", "pods", ("get",), "knowing chaosd's own pods, to spare them"),
    _Row(
        Where.OWN,
        "",
        "events",
        ("create",),
        "saying in an Event what is wrong with the configuration",
        required=False,
    ),
    _Row(Where.CLUSTER, "", "namespaces", ("get", "list"), "opt-in and veto by namespace"),
    _Row(Where.NAMED, "", "namespaces", ("get",), "veto by namespace"),
    _Row(Where.CLUSTER, "", "nodes", ("get",), "sparing pods on nodes that are not Ready"),
    _Row(Where.CLUSTER, "", "nodes", ("list",), "select.nodes", lambda one: bool(one.select.nodes)),
    _Row(Where.READ, "", "pods", ("get", "list"), "finding victims and seeing them recover"),
    _Row(
        Where.READ,
        "policy",
        "poddisruptionbudgets",
        ("list",),
        "asking disruption budgets (pdb: respect)",
        _respects,
    ),
    *(
        _Row(
            Where.READ,
            kind.resource.group,
            kind.resource.plural,
            ("get", "list"),
            f"kind {name}",
            _wants(name),
        )
        for name, kind in KINDS.items()
    ),
    _Row(
        Where.READ,
        _APPS,
        "replicasets",
        ("list",),
        "telling which pods are a Deployment's",
        _wants("Deployment"),
    ),
    _Row(
        Where.READ,
        _BATCH,
        "jobs",
        ("list",),
        "telling which pods are a CronJob's",
        _wants("CronJob", "Job"),
    ),
    _Row(
        Where.READ,
        "",
        "pods/eviction",
        ("create",),
        "killing within disruption budgets (pdb: respect)",
        lambda one: _kills(one) and _respects(one),
    ),
    _Row(
        Where.READ,
        "",
        "pods",
        ("delete",),
        "killing whatever disruption budgets say (pdb: bypass)",
        lambda one: _kills(one) and not _respects(one),
    ),
    _Row(
        Where.READ,
        "",
        "pods/status",
        ("patch",),
        "making late kills impossible after a lost answer",
        _kills,
    ),
    _Row(
        Where.READ,
        "",
        "events",
        ("create",),
        "showing in kubectl describe who killed a pod",
        required=False,
    ),
)


def needs(configuration: Configuration, namespace: str, *, in_cluster: bool) -> list[Need]:
    """All that ``configuration`` needs; ``namespace`` is chaosd's own.

    In namespaced mode nodes are not read, and of namespaces only those. Outside a cluster
    (``in_cluster`` False) there are no own pods to know.
    """
    merged: dict[tuple[str, str, str | None, str, bool], Need] = {}
    for row in _TABLE:
        if row.where is Where.OWN and row.resource == "pods" and not in_cluster:
            continue
        wanted, why = _wanted(row, configuration.policies)
        if not wanted:
            continue
        for place in _places(row.where, configuration, namespace):
            key = (row.group, row.resource, place, row.name, row.required)
            need = Need(row.group, row.resource, row.verbs, why, place, row.name, row.required)
            merged[key] = _joined(merged[key], need) if key in merged else need
    everywhere = {
        (n.group, n.resource, n.verbs, n.name) for n in merged.values() if not n.namespace
    }
    # What is wanted everywhere need not be asked for in one namespace again.
    return [
        need
        for need in merged.values()
        if not need.namespace
        or (need.group, need.resource, need.verbs, need.name) not in everywhere
    ]


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


def _wanted(row: _Row, policies: Sequence[Policy]) -> tuple[bool, str]:
    """Whether a row is needed, and what for."""
    if row.wanted_by is None:
        return True, row.why
    names = [policy.name for policy in policies if row.wanted_by(policy)]
    noun = "policy" if len(names) == 1 else "policies"
    return bool(names), f"{row.why}, for {noun} {', '.join(names)}"


def _places(where: Where, configuration: Configuration, namespace: str) -> Iterator[str | None]:
    if where is Where.OWN:
        yield namespace
    elif configuration.namespaces is None:
        if where is not Where.NAMED:
            yield None
    elif where in (Where.READ, Where.NAMED):
        yield from configuration.namespaces


def _joined(one: Need, other: Need) -> Need:
    """Two needs on the same objects as one."""
    verbs = tuple(dict.fromkeys((*one.verbs, *other.verbs)))
    why = "; ".join(dict.fromkeys((one.why, other.why)))
    return msgspec.structs.replace(one, verbs=verbs, why=why)
