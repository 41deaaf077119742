"""The one request that takes a pod down, and the touch that makes a late one fail."""

from __future__ import annotations

from chaosd.core.facts import PodFacts
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import StepAction, Victim
from chaosd.ports import (
    Answered,
    Conflict,
    Fenced,
    Invalid,
    NotFound,
    NotSent,
    ServerFault,
    Struck,
    TooManyRequests,
)
from chaosd.targets.reads import Reads

_SEVERAL = "more than one PodDisruptionBudget"


def strike_pod(reads: Reads, intent: Intent, step: Step, timeout: float) -> Struck:
    """Evict or delete the step's victim (as its action says), if it is still what was chosen.

    A refusal (429, 404, 409, and the 500 for two budgets) and a request that was wrong, forbidden
    or never left are known outcomes. Raises Unanswered and ServerFault when it may have happened.
    """
    send = reads.delete_pod if step.action is StepAction.DELETE else reads.evict
    try:
        send(step.victim, intent.grace_period_seconds, timeout)
    except TooManyRequests as error:
        return Struck(StepState.REFUSED, "; ".join(error.causes) or str(error))
    except NotFound:
        return Struck(StepState.REFUSED, "the pod is gone")
    except Conflict as error:
        return Struck(StepState.REFUSED, f"the pod has changed: {error.message}")
    except ServerFault as error:
        if _SEVERAL in error.message:
            return Struck(StepState.REFUSED, error.message)
        raise
    except (Answered, NotSent) as error:
        return Struck(StepState.FAILED, str(error))
    return Struck(StepState.KILLED)


def fence_pod(reads: Reads, intent: Intent, step: Step) -> Fenced:
    """Raise the resourceVersion of the step's victim, which its strike must name, and see.

    The touched pod comes back with the answer, so nothing can happen between touch and look: a
    strike that landed before it shows, one that comes after it fails. The mark names the intent, so
    it changes the pod also where an earlier intent was fenced. Raises CallFailed when the victim
    could not be touched: then nothing is known.
    """
    victim = step.victim
    try:
        pod = reads.fence_pod(victim, f"intent {intent.id}, step {step.number}")
    except NotFound:
        return _seen(None, victim)
    except (Conflict, Invalid):
        found = reads.pod(victim.namespace, victim.name)
        if found is not None and found.uid == victim.uid:
            raise
        return _seen(found, victim)
    return _seen(pod, victim)


def _seen(pod: PodFacts | None, victim: Victim) -> Fenced:
    if pod is None:
        return Fenced(StepState.KILLED, "the pod is gone")
    if pod.uid != victim.uid:
        return Fenced(StepState.KILLED, "the pod is gone, another has its name")
    if pod.deleting:
        return Fenced(StepState.KILLED, "the pod is terminating")
    return Fenced(StepState.FAILED, "the pod is still there, and no late strike can hit it now")
