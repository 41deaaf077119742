"""The rules by which the ledger changes: state x command -> new state, or a refusal with reasons.

Pure, and idempotent: a command that has taken effect already changes nothing, so that one whose
answer was lost can be given again. Commands of a daemon name its :class:`Writer` and are refused
once another process leads (a fencing token, as in M. Kleppmann, "How to do distributed locking").
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec
from msgspec import Struct

from chaosd.core.leaderless import EtcdCost
from chaosd.core.ledger import (
    Halt,
    Intent,
    LastKill,
    Leader,
    Ledger,
    Result,
    Step,
    StepState,
    Verdict,
    instant,
    workload_hash,
)
from chaosd.core.model import Code, Reason, Reasons


class Refusal(Struct, frozen=True):
    """A command that the ledger does not take, and why."""

    reasons: Reasons


class Writer(Struct, frozen=True):
    """The process that gives a command, by the term in which it leads."""

    holder: str
    term: int


_STEPS_KEPT = 10
Change = Callable[[Ledger], Ledger | Refusal]


def not_leading(ledger: Ledger, writer: Writer) -> Refusal | None:
    """The refusal for a writer that does not lead (any more)."""
    leader = ledger.leader
    if leader and leader.holder == writer.holder and leader.term == writer.term:
        return None
    other = f"{leader.holder} leads in term {leader.term}" if leader else "nobody leads"
    return Refusal((Reason(Code.NOT_LEADING, other),))


def lead(ledger: Ledger, holder: str, now: datetime) -> Ledger:
    """Begin a new term, which makes every older writer's commands be refused.

    Terms that only steps remember count too, as after a repair that lost the leader.
    """
    if ledger.leader and ledger.leader.holder == holder:
        return ledger
    terms = [step.term for intent in ledger.all_intents() for step in intent.steps]
    terms += [ledger.leader.term] if ledger.leader else []
    return msgspec.structs.replace(ledger, leader=Leader(holder, max(terms, default=0) + 1, now))


def reserve(ledger: Ledger, writer: Writer, intent: Intent) -> Ledger | Refusal:
    """Write an intent down before anything is done; a dry run's ends with that."""
    if refusal := not_leading(ledger, writer):
        return refusal
    known = ledger.find(intent.id)
    if known:
        return Refusal((Reason(Code.ALREADY_ATTEMPTED, intent.action_id),))
    held = {key: open_.id for open_ in ledger.intents.values() for key in open_.keys}
    taken = tuple(
        Reason(Code.LOCKED, f"{key} is held by intent {held[key]}")
        for key in intent.keys
        if key in held
    )
    if taken and not intent.dry_run:
        return Refusal(taken)
    if not intent.dry_run:
        return msgspec.structs.replace(ledger, intents={**ledger.intents, intent.id: intent})
    done = msgspec.structs.replace(
        intent,
        result=Result.DRY_RUN,
        settled_at=intent.reserved_at,
        closed_at=intent.reserved_at,
        locks=(),
        workloads=(),
        steps=(),
    )
    kills = ledger.last_dry_kills | {
        workload_hash(intent.workload): LastKill(_unix(intent.reserved_at), 0)
    }
    return msgspec.structs.replace(
        ledger, outcomes={**ledger.outcomes, intent.id: done}, last_dry_kills=kills
    )


def add_step(
    ledger: Ledger, writer: Writer, intent_id: str, step: Step, left: int | None = None
) -> Ledger | Refusal:
    """Reserve a later step of an open intent, whose earlier steps must all be settled.

    A workload that it takes a pod from is held by the intent from now on. Of steps that did
    nothing to the same victim only the newest is remembered, or a long drain would fill the
    ledger.
    """
    if refusal := not_leading(ledger, writer):
        return refusal
    intent = ledger.intents.get(intent_id)
    if not intent or intent.result is not None or intent.unsettled or intent.ended_by:
        return Refusal((Reason(Code.UNSETTLED_INTENT, intent_id),))
    if step.number != next_number(intent):
        return Refusal((Reason(Code.ALREADY_ATTEMPTED, f"step {step.number} of {intent_id}"),))
    for other in ledger.intents.values():
        if step.workload and other.id != intent_id and step.workload in other.keys:
            detail = f"{step.workload} is held by intent {other.id}"
            return Refusal((Reason(Code.LOCKED, detail),))
    steps = [old for old in intent.steps if not _superseded(old, step)]
    touched = dict.fromkeys((*intent.workloads, *([step.workload] if step.workload else ())))
    changed = msgspec.structs.replace(
        intent, steps=(*steps, step), workloads=tuple(touched), left=left
    )
    return put(ledger, changed)


def next_number(intent: Intent) -> int:
    """The number of the step that comes after those that ``intent`` has had."""
    return intent.steps[-1].number + 1 if intent.steps else 1


def settle_step(
    ledger: Ledger,
    writer: Writer | None,
    intent_id: str,
    number: int,
    state: StepState,
    detail: str,
    now: datetime,
) -> Ledger | Refusal:
    """Write down what a step did. ``writer`` None: settled after a fence, by whoever made it."""
    if writer and (refusal := not_leading(ledger, writer)):
        return refusal
    intent = ledger.intents.get(intent_id)
    step = intent.unsettled if intent else None
    if not intent or not step or step.number != number:
        return ledger
    done = msgspec.structs.replace(step, state=state, detail=detail, settled_at=now)
    return put(ledger, msgspec.structs.replace(intent, steps=(*intent.steps[:-1], done)))


def finish_strikes(
    ledger: Ledger, writer: Writer | None, intent_id: str, now: datetime, why: str = ""
) -> Ledger | Refusal:
    """No further step comes: the intent's result is known.

    ``why`` says why it ends before all is done; "" means that its last step made it complete. What
    is not complete is not held, but put back at once. A refused or failed intent is closed and
    gives its limits and locks back, once what it owes is put back.
    """
    if writer and (refusal := not_leading(ledger, writer)):
        return refusal
    intent = ledger.intents.get(intent_id)
    if not intent or intent.result is not None or intent.unsettled or not intent.steps:
        return ledger
    states = [step.state for step in intent.steps]
    last = intent.steps[-1]
    detail = why or last.detail
    if StepState.KILLED in states or (StepState.DONE in states and not why):
        hold = 0.0 if why else intent.hold
        ended = msgspec.structs.replace(
            intent, result=Result.KILLED, detail=detail, settled_at=now, hold=hold
        )
        at = LastKill(_unix(last.settled_at or now))
        kills = ledger.last_kills | {workload_hash(name): at for name in intent.struck}
        return msgspec.structs.replace(put(ledger, ended), last_kills=kills)
    failed = last.state is StepState.FAILED
    result = Result.FAILED if failed else Result.REFUSED
    ended = msgspec.structs.replace(intent, result=result, detail=detail, settled_at=now)
    return put(ledger, ended) if ended.owes_undo else close(ledger, ended, now)


def note_seen(
    ledger: Ledger, writer: Writer, intent_id: str, seen: str, left: int | None = None
) -> Ledger | Refusal:
    """Remember what was last observed of an open intent, for people."""
    if refusal := not_leading(ledger, writer):
        return refusal
    intent = ledger.intents.get(intent_id)
    if not intent or (intent.seen, intent.left) == (seen, left):
        return ledger
    return put(ledger, msgspec.structs.replace(intent, seen=seen, left=left))


def note_costs(ledger: Ledger, intent_id: str, costs: Mapping[str, EtcdCost]) -> Ledger:
    """Remember what an open intent cost etcd clusters, for its report: the most that was seen, by
    whoever saw it."""
    intent = ledger.intents.get(intent_id)
    if not intent or not costs:
        return ledger
    known = {
        name: max((cost, intent.etcd.get(name, cost)), key=lambda one: one.reads)
        for name, cost in costs.items()
    }
    return put(ledger, msgspec.structs.replace(intent, etcd={**intent.etcd, **known}))


def judge(
    ledger: Ledger, writer: Writer, intent_id: str, verdict: Verdict, now: datetime
) -> Ledger | Refusal:
    """Give the verdict on a killed intent.

    ``notRecovered`` leaves it open: it counts against ``concurrent`` until it heals, is closed or
    forgiven, and stays the verdict then.
    """
    if refusal := not_leading(ledger, writer):
        return refusal
    return _judged(ledger, intent_id, verdict, now)


def tell(ledger: Ledger, writer: Writer, intent_id: str, *, verdict: bool) -> Ledger | Refusal:
    """Note that this process reports the result (or the verdict), and nobody else does.

    What is not known yet can't be told, so that its report isn't lost.
    """
    if refusal := not_leading(ledger, writer):
        return refusal
    intent = ledger.find(intent_id)
    if not intent or not untold(intent, verdict=verdict):
        return ledger
    field = "verdict_told" if verdict else "told"
    return put(ledger, msgspec.structs.replace(intent, **{field: writer.holder}))


def halt(ledger: Ledger, stop: Halt, policy: str = "") -> Ledger:
    """Stop everything, or one policy; the first halt stays, so that its reason is not lost."""
    if policy:
        return msgspec.structs.replace(ledger, paused={policy: stop, **ledger.paused})
    return ledger if ledger.halt else msgspec.structs.replace(ledger, halt=stop)


def resume(ledger: Ledger, policy: str = "") -> Ledger:
    """Take a halt back."""
    if policy:
        left = {name: stop for name, stop in ledger.paused.items() if name != policy}
        return msgspec.structs.replace(ledger, paused=left)
    return msgspec.structs.replace(ledger, halt=None)


def forgive(ledger: Ledger, workload: str, who: str, now: datetime) -> Ledger | Refusal:
    """Close the intents on a workload that did not recover: a person says that it is fine.

    That is a verdict of its own, to be reported anew.
    """
    note = f"forgiven by {who}"
    mine = [intent for intent in ledger.all_intents() if intent.workload == workload]
    stuck = [
        intent
        for intent in mine
        if intent.closed_at is None
        and intent.result is Result.KILLED
        and intent.verdict is Verdict.NOT_RECOVERED
    ]
    held = next((intent for intent in stuck if intent.owes_undo), None)
    if held:
        detail = f"intent {held.id} still holds node {held.victim.name}: chaosd undo {held.id}"
        return Refusal((Reason(Code.LOCKED, detail),))
    if not stuck and any(intent.closed_at and intent.seen == note for intent in mine):
        return ledger
    if not stuck:
        known = ", ".join(sorted({i.workload for i in ledger.intents.values() if i.verdict}))
        detail = f"{workload} has nothing to forgive" + (f"; unrecovered: {known}" if known else "")
        return Refusal((Reason(Code.GONE, detail),))
    for intent in stuck:
        changed = _judged(ledger, intent.id, Verdict.FORGIVEN, now)
        done = msgspec.structs.replace(
            changed.outcomes[intent.id],
            verdict=Verdict.FORGIVEN,
            verdict_at=now,
            verdict_told="",
            seen=note,
        )
        ledger = put(changed, done)
    return ledger


def whole_again(kill: LastKill) -> datetime | None:
    """When a struck workload was whole again; None while it is not."""
    return instant(kill.at + kill.healed) if kill.healed >= 0 else None


def _judged(ledger: Ledger, intent_id: str, verdict: Verdict, now: datetime) -> Ledger:
    intent = ledger.intents.get(intent_id)
    if not intent or intent.result is not Result.KILLED:
        return ledger
    if intent.verdict is None:
        intent = msgspec.structs.replace(intent, verdict=verdict, verdict_at=now)
    if verdict is Verdict.NOT_RECOVERED or intent.owes_undo:
        return put(ledger, intent) if verdict is Verdict.NOT_RECOVERED else ledger
    healed: dict[str, LastKill] = {}
    for key in map(workload_hash, intent.struck):
        struck = ledger.last_kills.get(key) or LastKill(_unix(intent.settled_at or now))
        healed[key] = LastKill(struck.at, max(0, _unix(now) - struck.at))
    return close(
        msgspec.structs.replace(ledger, last_kills=ledger.last_kills | healed), intent, now
    )


def _superseded(old: Step, new: Step) -> bool:
    missed = old.state in (StepState.REFUSED, StepState.FAILED)
    return missed and old.victim.uid == new.victim.uid


def untold(intent: Intent, *, verdict: bool) -> bool:
    """Whether the result (or the verdict) is known and nobody has reported it."""
    if verdict:
        return intent.verdict is not None and not intent.verdict_told
    return intent.result is not None and not intent.told


def _unix(at: datetime) -> int:
    """Rounded up, so that nothing rests for too short."""
    return math.ceil(at.timestamp())


def put(ledger: Ledger, intent: Intent) -> Ledger:
    """The ledger with this state of an intent that it has."""
    if intent.id in ledger.outcomes:
        return msgspec.structs.replace(ledger, outcomes={**ledger.outcomes, intent.id: intent})
    return msgspec.structs.replace(ledger, intents={**ledger.intents, intent.id: intent})


def close(ledger: Ledger, intent: Intent, now: datetime) -> Ledger:
    """Put an intent among the outcomes: it holds nothing any more, and of many steps only the last
    ones are remembered."""
    closed = msgspec.structs.replace(
        intent, closed_at=now, locks=(), workloads=(), steps=intent.steps[-_STEPS_KEPT:]
    )
    still_open = {key: open_ for key, open_ in ledger.intents.items() if key != intent.id}
    return msgspec.structs.replace(
        ledger, intents=still_open, outcomes={**ledger.outcomes, intent.id: closed}
    )
