"""The table of permissions: what chaosd must be allowed to do, where, and for which policies."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from chaosd.core.model import Action, BudgetMode, Configuration, Policy, TargetKind
from chaosd.kube.documents import LEASE_NAME, LEDGER_NAME
from chaosd.kube.read_workloads import KINDS

_APPS, _BATCH = "apps", "batch"
_ON_EACH_NODE = "DaemonSet"
"""Its pods stay when a node is drained, so that none of them is lost and has to recover."""


class Where(StrEnum):
    """Where a permission is needed."""

    OWN = "own"  # chaosd's own namespace
    READ = "read"  # all namespaces, or those of namespaced mode
    CLUSTER = "cluster"  # kinds that are in no namespace
    NAMED = "named"  # those of namespaced mode, and nothing without it
    HELPER = "helper"  # where helper pods are made
    DEFAULT = "default"  # the namespace in which API servers are registered


class Row(Struct, frozen=True):
    """A line of the table: ``wanted_by`` says which policies need it, ``wanted_in`` in which
    configurations it is needed; without both chaosd always needs it."""

    where: Where
    group: str
    resource: str
    verbs: tuple[str, ...]
    why: str
    wanted_by: Callable[[Policy], bool] | None = None
    name: str = ""
    required: bool = True
    wanted_in: Callable[[Configuration], bool] | None = None


def _kills(policy: Policy) -> bool:
    return not policy.dry_run


def _respects(policy: Policy) -> bool:
    return policy.pdb is BudgetMode.RESPECT


def _of_nodes(policy: Policy) -> bool:
    return policy.target is TargetKind.NODE


def _of_etcd(policy: Policy) -> bool:
    return policy.target is TargetKind.ETCD


def _asks_budgets(policy: Policy) -> bool:
    """Whether pods may be evicted: who only leads is moved without one."""
    return _respects(policy) and policy.action is not Action.MOVE_LEADER


def _declares_etcd(configuration: Configuration) -> bool:
    return bool(configuration.etcd)


def _drains(policy: Policy) -> bool:
    """Whether pods are moved away from a node, behind a taint, before it is struck."""
    return _of_nodes(policy) and (_respects(policy) or policy.action is Action.DRAIN)


def _removes_pods(policy: Policy) -> bool:
    evicts = policy.action in (Action.EVICT, Action.KILL)
    return _kills(policy) and (evicts or _drains(policy))


def _helps(policy: Policy) -> bool:
    return _kills(policy) and policy.action in (Action.REBOOT, Action.CRASH, Action.KILL)


def _wants(*kinds: str) -> Callable[[Policy], bool]:
    return lambda policy: (
        policy.target is TargetKind.POD and any(kind in policy.select.kinds for kind in kinds)
    )


TABLE = (
    Row(Where.OWN, "", "configmaps", ("get", "patch"), "the ledger", name=LEDGER_NAME),
    Row(Where.OWN, "", "configmaps", ("create",), "making the ledger at the first start"),
    Row(Where.OWN, "coordination.k8s.io", "leases", ("get", "patch"), "leading", name=LEASE_NAME),
    Row(Where.OWN, "coordination.k8s.io", "leases", ("create",), "making the lease at first"),
    Row(Where.OWN, "", "pods", ("get",), "knowing chaosd's own pods, to spare them"),
    Row(
        Where.OWN,
        "",
        "events",
        ("create",),
        "saying in an Event what is wrong with the configuration",
        required=False,
    ),
    Row(Where.CLUSTER, "", "namespaces", ("get", "list"), "opt-in and veto by namespace"),
    Row(Where.NAMED, "", "namespaces", ("get",), "veto by namespace"),
    Row(Where.CLUSTER, "", "nodes", ("get",), "sparing pods on nodes that are not Ready"),
    Row(
        Where.CLUSTER,
        "",
        "nodes",
        ("list",),
        "select.nodes",
        lambda one: one.target is TargetKind.POD and bool(one.select.nodes),
    ),
    Row(
        Where.CLUSTER,
        "",
        "nodes",
        ("list",),
        "telling which nodes etcd members run on (etcd)",
        wanted_in=_declares_etcd,
    ),
    Row(
        Where.DEFAULT,
        "discovery.k8s.io",
        "endpointslices",
        ("list",),
        "seeing another API server before an etcd member beside one is struck (etcd)",
        wanted_in=_declares_etcd,
    ),
    Row(Where.CLUSTER, "", "nodes", ("list",), "finding nodes to strike (target: node)", _of_nodes),
    Row(
        Where.CLUSTER,
        "",
        "nodes",
        ("patch",),
        "the taint of a drain, and its end (also in dry runs, which end what was begun before)",
        _drains,
    ),
    Row(
        Where.CLUSTER,
        "",
        "persistentvolumes",
        ("list",),
        "sparing pods whose volumes live on their node (target: node)",
        _of_nodes,
    ),
    Row(Where.READ, "", "pods", ("get", "list"), "finding victims and seeing them recover"),
    Row(
        Where.READ,
        "policy",
        "poddisruptionbudgets",
        ("list",),
        "asking disruption budgets (pdb: respect)",
        _asks_budgets,
    ),
    *(
        Row(
            Where.READ,
            kind.resource.group,
            kind.resource.plural,
            ("get", "list"),
            f"kind {name}",
            _wants(name),
        )
        for name, kind in KINDS.items()
    ),
    *(
        Row(
            Where.READ,
            kind.resource.group,
            kind.resource.plural,
            ("list",) if name == _ON_EACH_NODE else ("get", "list"),
            "vetoes of what runs on nodes, and its recovery (target: node)",
            _of_nodes,
        )
        for name, kind in KINDS.items()
    ),
    *(
        Row(
            Where.READ,
            kind.resource.group,
            kind.resource.plural,
            ("get",),
            "veto by what owns an etcd member's pod, and whether it is whole (target: etcd)",
            _of_etcd,
        )
        for kind in KINDS.values()
        if kind.resource.group == _APPS
    ),
    Row(
        Where.READ,
        _APPS,
        "replicasets",
        ("list",),
        "telling which pods are a Deployment's",
        _wants("Deployment"),
    ),
    Row(
        Where.READ,
        _BATCH,
        "jobs",
        ("list",),
        "telling which pods are a CronJob's",
        _wants("CronJob", "Job"),
    ),
    Row(
        Where.READ,
        "",
        "pods/eviction",
        ("create",),
        "killing within disruption budgets (pdb: respect)",
        lambda one: _removes_pods(one) and _respects(one),
    ),
    Row(
        Where.READ,
        "",
        "pods",
        ("delete",),
        "killing whatever disruption budgets say (pdb: bypass)",
        lambda one: _removes_pods(one) and not _respects(one),
    ),
    Row(
        Where.READ,
        "",
        "pods/status",
        ("patch",),
        "making late kills impossible after a lost answer (with nodes also in dry runs, which end "
        "what was begun before)",
        lambda one: _removes_pods(one) or _drains(one),
    ),
    Row(
        Where.READ,
        "",
        "events",
        ("create",),
        "showing in kubectl describe who killed a pod",
        required=False,
    ),
    Row(
        Where.HELPER,
        "",
        "pods",
        ("create", "get", "delete"),
        "helper pods (action reboot, crash or kill)",
        _helps,
    ),
)
