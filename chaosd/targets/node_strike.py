"""The taint that takes a node out of scheduling, the touch that makes a late one fail, and its end.

A node is never made ``unschedulable``: that has no owner, and a person's cordon looks the same.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chaosd.core.facts import NodeFacts
from chaosd.core.ledger import Intent, Result, Step, StepState
from chaosd.core.model import StepAction
from chaosd.ports import (
    Answered,
    Conflict,
    Fenced,
    Invalid,
    NotFound,
    NotSent,
    ServerFault,
    Struck,
    Undone,
)
from chaosd.targets.node_reads import NodeReads


def strike_taint(reads: NodeReads, intent: Intent, step: Step, timeout: float) -> Struck:
    """Taint the step's node, if it is still exactly what was chosen.

    Raises Unanswered and ServerFault when it may have happened.
    """
    try:
        reads.taint(step.victim, intent.id, timeout)
    except NotFound:
        return Struck(StepState.REFUSED, "the node is gone")
    except Conflict as error:
        return Struck(StepState.REFUSED, f"the node has changed: {error.message}")
    except ServerFault:
        raise
    except (Answered, NotSent) as error:
        return Struck(StepState.FAILED, str(error))
    return Struck(StepState.DONE)


def fence_taint(reads: NodeReads, intent: Intent, step: Step) -> Fenced:
    """Raise the resourceVersion of the step's node, which its taint must name, and see.

    Raises CallFailed when the node could not be touched: then nothing is known.
    """
    victim = step.victim
    try:
        node = reads.fence_node(victim, f"intent {intent.id}, step {step.number}")
    except NotFound:
        return Fenced(StepState.FAILED, "the node is gone")
    except (Conflict, Invalid):
        found = reads.node(victim.name)
        if found is not None and found.uid == victim.uid:
            raise
        return Fenced(StepState.FAILED, "the node is gone, another may have its name")
    if node.drained_by == intent.id:
        return Fenced(StepState.DONE, "the taint is there")
    return Fenced(StepState.FAILED, "there is no taint, and no late one can come now")


def put_back(reads: NodeReads, intent: Intent, now: datetime, *, early: bool) -> Undone:
    """Remove the taint that carries this intent, and no other, from that very node.

    It waits for the end of the hold; after a reboot, for the node to be back; after an end, for the
    node to be gone. ``early`` waits for nothing. Raises CallFailed.
    """
    owed = intent.undo
    if owed is None:
        return Undone(done=True)
    node = reads.node(owed.node)
    if node is None or node.uid != owed.uid:
        return Undone(done=True, detail=f"node {owed.node} is gone")
    there = node.drained_by == owed.value
    if there and not early and (waits := _waits(intent, node, now)):
        return Undone(done=False, detail=waits)
    try:
        reads.untaint(node, owed.value)  # and the mark of a fence, if one is left
    except (Conflict, NotFound):
        return Undone(done=False, detail=f"node {owed.node} changed meanwhile: tried again")
    now_what = "takes pods again" if there else "carries no taint of this intent"
    return Undone(done=True, detail=f"node {owed.node} {now_what}")


def _waits(intent: Intent, node: NodeFacts, now: datetime) -> str:
    """What the node is held for still; "" for nothing."""
    if intent.result is not Result.KILLED or intent.settled_at is None:
        return ""
    if was_ended(intent):
        return f"node {node.name} is ending"
    if before := booted(intent):
        back = node.ready and node.boot_id != before
        return "" if back else f"node {node.name} is starting anew"
    until = intent.settled_at + timedelta(seconds=intent.hold)
    return f"held until {until:%Y-%m-%dT%H:%M:%SZ}" if now < until else ""


def booted(intent: Intent) -> str:
    """The boot ID that the node had before its reboot; "" when it was not rebooted (it was refused,
    or the drain did not come to its end)."""
    struck = (step for step in intent.steps if _took(step, StepAction.REBOOT))
    return next((step.victim.identity for step in struck), "")


def was_ended(intent: Intent) -> bool:
    """Whether the node's machine was ended, not only drained for that."""
    return any(_took(step, StepAction.TERMINATE) for step in intent.steps)


def _took(step: Step, action: StepAction) -> bool:
    return step.action is action and step.state is StepState.KILLED
