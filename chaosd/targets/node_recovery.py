"""Whether a struck node is back: the node (or its pool), and every workload that lost pods."""

from __future__ import annotations

from datetime import datetime

from chaosd.core.facts import NodeFacts, Recovery
from chaosd.core.ledger import Intent
from chaosd.core.model import WorkloadKey
from chaosd.core.nodes import in_service
from chaosd.core.recovery import recovery
from chaosd.targets.family import family_now
from chaosd.targets.node_reads import NodeReads
from chaosd.targets.node_strike import booted, was_ended

POOL_LOCK = "pool/"


def pool_lock(label: str, value: str) -> str:
    """The lock on a pool, which names it by its label selector; without a label, all nodes."""
    if not label:
        return POOL_LOCK
    return f"{POOL_LOCK}{label}={value}" if value else f"{POOL_LOCK}!{label}"


def recovered(reads: NodeReads, intent: Intent, now: datetime) -> Recovery:
    """How far the node, and then one workload after the other, are; the first that isn't whole
    tells.

    A node that was drained or rebooted must be Ready without our taint, one that was ended must be
    gone and its pool have as many Ready nodes as before. What was really done counts: a node whose
    end was refused after its drain was only drained. A workload that was deleted or scaled to
    zero meanwhile needs nothing any more.
    """
    judged = _pool(reads, intent) if was_ended(intent) else _node(reads, intent)
    if not judged.whole:
        return judged
    left = [name for name in (*intent.workloads, *intent.struck) if name != intent.workload]
    for name in dict.fromkeys(left):
        one = _workload(reads, WorkloadKey.parse(name), now)
        if not (one.whole or one.closed):
            detail = f"{judged.detail}; {name}: {one.detail}"
            return Recovery(whole=False, ready=one.ready, desired=one.desired, detail=detail)
    return judged


def _node(reads: NodeReads, intent: Intent) -> Recovery:
    node = reads.node(intent.victim.name)
    if node is None or node.uid != intent.victim.uid:
        return Recovery(whole=False, closed=True, detail=f"node {intent.victim.name} is gone")
    if node.drained_by:
        return Recovery(whole=False, desired=1, detail=f"node {node.name} carries a taint of ours")
    if node.boot_id and node.boot_id == booted(intent):
        return Recovery(whole=False, desired=1, detail=f"node {node.name} has not started anew")
    if not node.ready:
        return Recovery(whole=False, desired=1, detail=f"node {node.name} is not Ready")
    return Recovery(whole=True, ready=1, desired=1, detail=f"node {node.name} is Ready")


def _pool(reads: NodeReads, intent: Intent) -> Recovery:
    lock = next((lock for lock in intent.locks if lock.startswith(POOL_LOCK)), POOL_LOCK)
    selector = lock.removeprefix(POOL_LOCK)
    nodes: dict[str, NodeFacts] = {}
    for page in reads.nodes(selector):
        nodes.update((node.name, node) for node in page)
    there = nodes.get(intent.victim.name)
    # Control plane nodes without the label that names pools are a pool of their own.
    named = selector and not selector.startswith("!")
    ready = sum(in_service(node) for node in nodes.values() if named or not node.control_plane)
    detail = f"{ready} of {intent.desired} nodes of the pool Ready"
    gone = there is None or there.uid != intent.victim.uid
    if not gone:
        detail += f", node {intent.victim.name} is still there"
    whole = gone and ready >= intent.desired
    return Recovery(whole=whole, ready=ready, desired=intent.desired, detail=detail)


def _workload(reads: NodeReads, key: WorkloadKey, now: datetime) -> Recovery:
    family = family_now(reads, key)
    workload, pods = (family.workload, family.pods) if family else (None, ())
    return recovery(workload, pods, "", 0, now)
