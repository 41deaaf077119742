"""Ending a node's machine through its cloud, and learning what became of it.

A request to a cloud can't be fenced: what had no answer stays unknown until the cloud tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from chaosd.core.cloud import Machine
from chaosd.core.ledger import Step, StepState
from chaosd.ports import Answered, CallFailed, Fenced, NotSent, ServerFault, Struck
from chaosd.targets.cloud import Cloud


def cloud_of(clouds: Sequence[Cloud], provider_id: str) -> Cloud | None:
    """The cloud whose machine this is; None: none that chaosd knows."""
    return next((cloud for cloud in clouds if cloud.serves(provider_id)), None)


def strike(clouds: Sequence[Cloud], step: Step, timeout: float) -> Struck:
    """End the machine of the step's node; Unanswered and ServerFault: it may have been heard."""
    cloud = cloud_of(clouds, step.victim.identity)
    if cloud is None:
        return Struck(StepState.FAILED, f"no cloud is known for {step.victim.identity!r}")
    try:
        cloud.terminate(step.victim.identity, timeout)
    except ServerFault:
        raise
    except (Answered, NotSent) as error:
        return Struck(StepState.FAILED, str(error))
    return Struck(StepState.KILLED)


def fence(
    clouds: Sequence[Cloud], step: Step, now: datetime, give_up_at: datetime | None = None
) -> Fenced:
    """What the cloud says of the machine: ending or gone means that it was heard.

    While it runs nothing is known, until a request that was sent in time can't be heard any more.
    A cloud that then still tells nothing at ``give_up_at`` (no credentials, no such cloud) would
    keep the intent open for ever, and everything else with it: the machine is taken to be ended,
    which is the safe side. Raises CallFailed.
    """
    late = give_up_at is not None and now >= give_up_at
    cloud = cloud_of(clouds, step.victim.identity)
    if cloud is None:
        silent = f"no cloud is known for {step.victim.identity!r}"
        return _unseen(silent) if late else Fenced(None, silent)
    heard_by = step.strike_by + timedelta(seconds=cloud.settles_after)
    try:
        machine = cloud.machine(step.victim.identity)
    except CallFailed as error:
        if not late or now < heard_by:
            raise
        return _unseen(str(error))
    if machine is not Machine.RUNNING:
        return Fenced(StepState.KILLED, f"the machine is {machine}")
    if now < heard_by:
        return Fenced(None, "the machine runs, and the request may still be heard")
    return Fenced(StepState.FAILED, "the machine runs on")


def _unseen(why: str) -> Fenced:
    return Fenced(StepState.KILLED, f"it can't be seen, and is taken to be ended: {why}")
