"""Reserve: examine a candidate in full, admit again, write the intent by compare-and-swap."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from chaosd.core.admission import admit
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import (
    Action,
    Candidate,
    Code,
    Configuration,
    Examined,
    Policy,
    Reason,
    Reasons,
    Undo,
)
from chaosd.core.schedule import intent_id
from chaosd.core.transitions import Refusal, finish_strikes, reserve, settle_step
from chaosd.core.window import strikeable_until
from chaosd.engine.book import LedgerUnusable, Page, too_large
from chaosd.engine.context import Context
from chaosd.engine.guards import object_to, with_locks
from chaosd.engine.rest import rest_of, rest_of_impact
from chaosd.ports import CallFailed, Conflict, Scope, ServerFault, Unanswered

STRIKE_WITHIN = timedelta(seconds=10)
_TRIES = 3
_BY_HELPER = (Action.CRASH, Action.REBOOT, Action.KILL)


class Trial(Struct, frozen=True):
    """What an attempt runs under: the configuration as it was when its slot began."""

    configuration: Configuration
    policy: Policy
    fingerprint: str
    action_id: str
    at: datetime
    seed: str
    struck: frozenset[str] = frozenset()

    def scope(self, now: datetime) -> Scope:
        """What its questions are asked under. No other intent than its own can come meanwhile, so
        the nodes that were struck when it began are all that are."""
        return Scope(self.configuration, self.policy, now, self.struck)


class Reserved(Struct, frozen=True):
    """The intent that was written, or why none was; ``final``: no other candidate would do."""

    intent: Intent | None = None
    reasons: Reasons = ()
    final: bool = False


class Reserver:
    """Writes intents for one process."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def reserve(self, trial: Trial, candidate: Candidate) -> Reserved:
        """Write the intent for one examined candidate, in three tries at most.

        On success the intent's id is in ``context.executing``; the caller takes it out.
        """
        context, strike_by = self._context, None
        key = intent_id(trial.action_id)
        for _ in range(_TRIES):
            scope = trial.scope(context.clock.now())
            examined = context.targets[trial.policy.target].examine(scope, candidate)
            guarded = object_to(context.guards, trial.configuration, examined.impact, scope.now)
            if against := examined.reasons + guarded.reasons:
                return Reserved(reasons=against)
            examined = with_locks(examined, guarded.locks)
            page = context.book.read()
            if reasons := self._admit(trial, page):
                return Reserved(reasons=reasons, final=True)
            if reasons := self._rest(page, trial, candidate, examined):
                return Reserved(reasons=reasons)
            strike_by = strike_by or self._strike_by(trial)
            if strike_by is None or context.clock.now() >= strike_by:
                late = Reason(Code.TOO_LATE, "there was no time left to strike")
                return Reserved(reasons=(late,), final=True)
            intent = self._intent(trial, candidate, examined, strike_by)
            context.executing.add(key)
            written: Reserved | None = None
            try:
                written = self._write(page, intent)
            finally:
                if written is None or written.intent is None:
                    context.executing.discard(key)
            if written is not None:
                return written
        contended = Reason(Code.LEDGER_CONTENDED, "others changed the ledger three times")
        return Reserved(reasons=(contended,), final=True)

    def _rest(self, page: Page, trial: Trial, candidate: Candidate, examined: Examined) -> Reasons:
        """The rest that is due to the candidate, and to every workload that would lose pods."""
        now, policy = self._context.clock.now(), trial.policy
        return (
            *rest_of(page.ledger, policy, candidate, now),
            *rest_of_impact(page.ledger, policy, candidate, examined.impact, now),
        )

    def _admit(self, trial: Trial, page: Page) -> Reasons:
        around = self._context.around(page, trial.fingerprint)
        return admit(
            page.ledger, trial.configuration, trial.policy, trial.action_id, trial.at, around
        )

    def _strike_by(self, trial: Trial) -> datetime | None:
        now, policy = self._context.clock.now(), trial.policy
        closes = strikeable_until(policy.windows, policy.deadline, now)
        return min(now + STRIKE_WITHIN, closes) if closes else None

    def _intent(
        self, trial: Trial, candidate: Candidate, examined: Examined, strike_by: datetime
    ) -> Intent:
        assert examined.victim is not None  # noqa: S101 - no reasons means a victim
        now, policy, writer = self._context.clock.now(), trial.policy, self._context.writer
        key = intent_id(trial.action_id)
        step = Step(
            1,
            examined.victim,
            writer.holder,
            writer.term,
            now,
            strike_by,
            action=examined.first,
        )
        held = examined.undoes
        return Intent(
            id=key,
            action_id=trial.action_id,
            policy=policy.name,
            target=policy.target,
            action=policy.action,
            workload=str(candidate.workload),
            victim=examined.victim,
            reserved_at=now,
            deadline=policy.deadline.total_seconds(),
            recover_by=now + policy.deadline,
            pdb=policy.pdb,
            grace_period_seconds=policy.grace_period_seconds,
            window_until=strikeable_until(policy.windows, policy.deadline, now),
            desired=examined.desired,
            locks=examined.impact.locks,
            dry_run=policy.dry_run,
            steps=(step,),
            workloads=tuple(w for w in examined.impact.workloads if w not in examined.impact.locks),
            undo=Undo(held.name, held.uid, key) if held else None,
            hold=policy.hold.total_seconds() if held else 0.0,
            helper=trial.configuration.helper if policy.action in _BY_HELPER else None,
            uids=dict(examined.uids),
        )

    def _write(self, page: Page, intent: Intent) -> Reserved | None:
        """Swap the intent in: what became of it, or None after a conflict."""
        context = self._context
        changed = reserve(page.ledger, context.writer, intent)
        if isinstance(changed, Refusal):
            return Reserved(reasons=changed.reasons, final=True)
        if too_large(changed):
            full = Reason(Code.LEDGER_FULL, "it would grow over 900 KiB")
            return Reserved(reasons=(full,), final=True)
        try:
            context.book.swap(page, changed)
        except Conflict:
            return None
        except (Unanswered, ServerFault) as error:
            if self._take_back(intent) and intent.dry_run:
                return Reserved(intent=intent)
            lost = Reason(Code.LEDGER_CONTENDED, f"the reservation had no answer: {error}")
            return Reserved(reasons=(lost,), final=True)
        context.report.stepped(intent, "reserved")
        return Reserved(intent=intent)

    def _take_back(self, intent: Intent) -> bool:
        """After a swap without an answer: swap once more, which makes a late one fail, and settle
        the intent as failed if it is there (a dry run's has ended and stays). What can't be settled
        is fenced later. Returns whether the ledger surely has the intent."""
        context = self._context
        for _ in range(_TRIES):
            try:
                page = context.book.read()
                ledger = settle_step(
                    page.ledger,
                    context.writer,
                    intent.id,
                    1,
                    StepState.FAILED,
                    "not sent: its reservation had no answer",
                    context.clock.now(),
                )
                if not isinstance(ledger, Refusal):
                    ledger = finish_strikes(ledger, context.writer, intent.id, context.clock.now())
                if isinstance(ledger, Refusal):
                    return False
                context.book.swap(page, ledger)
            except Conflict:
                continue
            except (CallFailed, LedgerUnusable) as error:
                context.report.failed("take back a reservation", error)
                continue
            return ledger.find(intent.id) is not None
        return False
