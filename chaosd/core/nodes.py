"""Whether a node may be struck: what its own object says, and what would be left of its fleet.

The reasons of the pods on it are in :mod:`chaosd.core.drain`, the room for them elsewhere in
:mod:`chaosd.core.capacity`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from chaosd.core.eligibility import VETO, age_reasons, unmet
from chaosd.core.facts import CONTROL_PLANE, DRAIN_TAINT, NodeFacts, Texts
from chaosd.core.model import Action, Code, Configuration, Policy, Reason, Reasons

ZONE = "topology.kubernetes.io/zone"
CONTROL_PLANE_POOL = "(control plane)"
DO_NOT_DISRUPT = "karpenter.sh/do-not-disrupt"

# By these somebody else says that a node is about to go: the cluster autoscaler, Karpenter (now and
# before v1), a person whose machine is dead, and clouds that take their machines back.
_GOING = (
    "ToBeDeletedByClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "node.kubernetes.io/out-of-service",
    "aws-node-termination-handler/",
    "cloud.google.com/impending-node-termination",
)
_FEW = 5


class NodeSift:
    """The rules of one policy at one instant for what a node says of itself.

    Raises:
        ValueError: ``select.names`` is no regular expression.
    """

    def __init__(self, configuration: Configuration, policy: Policy, now: datetime) -> None:
        self.policy = policy
        self.now = now
        self._opt_in = configuration.opt_in
        self._helper = configuration.helper is not None
        names = policy.select.names
        try:
            self._names = re.compile(names) if names else None
        except re.error as error:
            raise ValueError(f"names: {names!r} is no regex: {error}") from None

    def selected(self, node: NodeFacts) -> bool:
        """Whether the policy is about ``node`` at all: it opted in, without a veto, and meets
        ``select.nodes`` and ``select.names``. This is what :meth:`Fleet.add` asks for."""
        return not self.opt_in_reasons(node) and not self._selection(node)

    def reasons(self, node: NodeFacts) -> Reasons:
        """Every reason against ``node`` that its own object tells."""
        return (
            *self.opt_in_reasons(node),
            *self._selection(node),
            *age_reasons(node.created, self.now, self.policy.select.min_age),
            *_state_reasons(node),
            *self._action_reasons(node),
        )

    def opt_in_reasons(self, node: NodeFacts) -> Reasons:
        """Why the node's own label does not let anybody touch it, if it does not."""
        label, value = self._opt_in.label, self._opt_in.value
        said = node.labels.get(label)
        if said is not None and said.lower() == VETO:
            return (Reason(Code.VETOED, f"the node says {label}={said}"),)
        if said == value:
            return ()
        found = f" (found {label}={said})" if said is not None else ""
        detail = f"no {label}={value} on the node{found}"
        return (Reason(Code.NOT_OPTED_IN, detail),)

    def _selection(self, node: NodeFacts) -> Reasons:
        found = []
        if missing := unmet(self.policy.select.nodes, node.labels):
            found.append(Reason(Code.NODE_NOT_SELECTED, missing))
        if self._names and not self._names.search(node.name):
            detail = f"{node.name} does not match {self.policy.select.names}"
            found.append(Reason(Code.NAME_NOT_SELECTED, detail))
        return tuple(found)

    def _action_reasons(self, node: NodeFacts) -> Iterator[Reason]:
        action = self.policy.action
        if node.control_plane and action is Action.TERMINATE:
            detail = "a node of the control plane, which is never terminated"
            yield Reason(Code.CONTROL_PLANE, detail)
        elif node.control_plane and not self.policy.node.control_plane:
            detail = "a node of the control plane, spared unless node.controlPlane is true"
            yield Reason(Code.CONTROL_PLANE, detail)
        if action is Action.TERMINATE and not node.provider_id:
            detail = "no spec.providerID, so no cloud can be told which machine it is"
            yield Reason(Code.NO_PROVIDER, detail)
        if action is Action.REBOOT and not self._helper:
            detail = "a reboot takes a helper pod, and helper.namespace says none may be made"
            yield Reason(Code.NO_HELPER, detail)


class _Seen(Struct, frozen=True):
    """All that is kept of a node; nodes that are alike share one.

    ``healthy``: Ready and taking pods. ``bears``: so, and taking ordinary pods.
    """

    pool: str
    zone: str
    control_plane: bool
    healthy: bool
    bears: bool
    selected: bool


class Fleet:
    """What is away and what is left among all nodes of the cluster, for one policy.

    A node counts as left while it is :func:`in_service`; all others are away. Memory is a few words
    for each node.
    """

    def __init__(self, policy: Policy) -> None:
        self._rules = policy.node
        self._seen: dict[str, _Seen] = {}
        self._alike: dict[_Seen, _Seen] = {}
        self._pools: Counter[str] = Counter()
        self._zones: Counter[str] = Counter()
        self._control_planes = 0
        self._unavailable: set[str] = set()
        self._away: tuple[frozenset[str], frozenset[str], list[str]] | None = None

    def add(self, node: NodeFacts, selected: bool) -> None:
        """Count a node, whichever it is; added again, it counts once, as it is now."""
        before = self._seen.get(node.name)
        seen = self._look(node, selected)
        if before is not None:
            self._count(before, -1)
        self._count(seen, 1)
        self._seen[node.name] = seen
        if selected and not seen.healthy:
            self._unavailable.add(node.name)
        else:
            self._unavailable.discard(node.name)
        self._away = None

    def reasons(self, node: NodeFacts, ours: frozenset[str]) -> Reasons:
        """Every reason why ``node`` can't be missed, once all nodes are added.

        ``ours`` are the nodes that open intents hold: they count as away, whatever they look like.
        ``node`` itself never counts against itself.
        """
        names = ours | {node.name}
        gone = [seen for name in names if (seen := self._seen.get(name)) and seen.healthy]
        return (
            *self._away_reasons(node, ours),
            *self._pool_reasons(node, gone),
            *self._zone_reasons(node, gone),
            *self._control_plane_reasons(node, gone),
        )

    def pool_of(self, node: NodeFacts) -> str:
        """The name of the pool that ``node`` belongs to.

        The value of the label ``rules.pool``; "" without that label, which is a pool of its own,
        and for all nodes when the policy names no label. Control plane nodes without the label are
        a pool of theirs, :data:`CONTROL_PLANE_POOL`, which no label can name.
        """
        named = node.labels.get(self._rules.pool, "") if self._rules.pool else ""
        return CONTROL_PLANE_POOL if not named and node.control_plane else named

    def ready_in_pool(self, pool: str) -> int:
        """How many nodes of that pool are Ready and take pods."""
        return self._pools[pool]

    def _look(self, node: NodeFacts, selected: bool) -> _Seen:
        healthy = in_service(node)
        seen = _Seen(
            pool=self.pool_of(node),
            zone=node.labels.get(ZONE, ""),
            control_plane=node.control_plane,
            healthy=healthy,
            bears=healthy and not _reserved(node),
            selected=selected,
        )
        return self._alike.setdefault(seen, seen)

    def _count(self, seen: _Seen, by: int) -> None:
        if seen.healthy:
            self._pools[seen.pool] += by
            self._control_planes += by * seen.control_plane
        if seen.bears:
            self._zones[seen.zone] += by

    def _away_reasons(self, node: NodeFacts, ours: frozenset[str]) -> Iterator[Reason]:
        away, names = self._all_away(ours)
        count, most = len(names) - (node.name in away), self._rules.max_unavailable
        if count < most:
            return
        some = [name for name in names[: _FEW + 1] if name != node.name][:_FEW]
        told = listed([f"{name} (held by chaosd)" if name in ours else name for name in some])
        more = f" and {count - len(some)} more" if count > len(some) else ""
        detail = f"{count} of the selected nodes are away already"
        detail += f": {told}{more}" if some else ""
        yield Reason(Code.MAX_UNAVAILABLE, f"{detail}; node.maxUnavailable is {most}")

    def _all_away(self, ours: frozenset[str]) -> tuple[frozenset[str], list[str]]:
        """The selected nodes that are away, and the same in order; kept for the next question."""
        if self._away is None or self._away[0] != ours:
            held = {name for name in ours if name in self._seen and self._seen[name].selected}
            away = frozenset(self._unavailable | held)
            self._away = ours, away, sorted(away)
        return self._away[1:]

    def _pool_reasons(self, node: NodeFacts, gone: Sequence[_Seen]) -> Iterator[Reason]:
        pool, least = self.pool_of(node), self._rules.min_nodes
        left = self._pools[pool] - sum(seen.pool == pool for seen in gone)
        if left < least:
            where = f"in pool {pool}" if pool else "in its pool"
            detail = f"{left} Ready nodes would be left {where}, node.minNodes is {least}"
            yield Reason(Code.MIN_NODES, detail)

    def _zone_reasons(self, node: NodeFacts, gone: Sequence[_Seen]) -> Iterator[Reason]:
        zone = node.labels.get(ZONE, "")
        if not zone or self._rules.last_of_zone:
            return
        if self._zones[zone] - sum(seen.bears and seen.zone == zone for seen in gone) < 1:
            detail = f"no other Ready node would take pods in zone {zone}"
            yield Reason(Code.LAST_OF_ZONE, f"{detail}; node.lastOfZone allows that")

    def _control_plane_reasons(self, node: NodeFacts, gone: Sequence[_Seen]) -> Iterator[Reason]:
        if not node.control_plane:
            return
        if self._control_planes - sum(seen.control_plane for seen in gone) < 1:
            detail = "no other Ready node of the control plane would be left"
            yield Reason(Code.CONTROL_PLANE, detail)


def in_service(node: NodeFacts) -> bool:
    """Whether it is there for pods: Ready, not cordoned, not being deleted, and without a taint by
    which chaosd drains it or somebody else says that it is about to go."""
    if not node.ready or node.unschedulable or node.deleting:
        return False
    return not node.taints or not (_draining(node) or _going(node))


def do_not_disrupt(annotations: Texts) -> str:
    """The annotation by which a node or pod wants Karpenter to leave it alone, and us too; "" none.

    Only ``false`` is none: beside ``true``, Karpenter takes durations
    (https://karpenter.sh/preview/reference/annotations/), and what can't be read is a no.
    """
    said = annotations.get(DO_NOT_DISRUPT, "")
    return f"{DO_NOT_DISRUPT}: {said}" if said and said.lower() != VETO else ""


def listed(names: Sequence[str]) -> str:
    """The first few of many names, in their order."""
    some = ", ".join(names[:_FEW])
    return f"{some} and {len(names) - _FEW} more" if len(names) > _FEW else some


def _draining(node: NodeFacts) -> bool:
    """Whether it carries a drain taint of ours, whatever its value."""
    return any(taint.key == DRAIN_TAINT for taint in node.taints)


def _going(node: NodeFacts) -> str:
    """The taint by which somebody else says that it is about to go; "" for none."""
    return next((taint.key for taint in node.taints if taint.key.startswith(_GOING)), "")


def _reserved(node: NodeFacts) -> bool:
    """Whether it keeps ordinary pods off for the sake of the control plane."""
    return node.control_plane and any(
        taint.key in CONTROL_PLANE and taint.effect in ("NoSchedule", "NoExecute")
        for taint in node.taints
    )


def _state_reasons(node: NodeFacts) -> Iterator[Reason]:
    if not node.ready:
        yield Reason(Code.NODE_NOT_READY, "its Ready condition is not True")
    if node.deleting:
        yield Reason(Code.NODE_NOT_READY, "it is being deleted")
    if node.unschedulable:
        detail = f"somebody cordoned it; kubectl uncordon {node.name} when they are done"
        yield Reason(Code.UNSCHEDULABLE, detail)
    if taint := _going(node):
        yield Reason(Code.UNSCHEDULABLE, f"its taint {taint} says that it is about to go")
    if _draining(node):
        intent = f"for intent {node.drained_by}" if node.drained_by else "for no intent"
        detail = f"it carries the taint {DRAIN_TAINT} {intent}; chaosd undo takes it off"
        yield Reason(Code.LOCKED, detail)
    if said := do_not_disrupt(node.annotations):
        yield Reason(Code.DO_NOT_DISRUPT, f"the node says {said}")
