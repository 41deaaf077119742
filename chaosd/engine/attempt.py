"""One attempt: admit, survey, sift, draw, then try the drawn candidates one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct

from chaosd.core.admission import MAX_LATE, admit
from chaosd.core.draw import lowest
from chaosd.core.ledger import Intent, Ledger
from chaosd.core.limits import frees_at
from chaosd.core.model import (
    EVERY_WORKLOAD,
    Candidate,
    Code,
    Reason,
    Reasons,
    WorkloadKey,
)
from chaosd.core.schedule import Slot
from chaosd.engine.book import LedgerUnusable
from chaosd.engine.context import Context
from chaosd.engine.reserve import Reserver, Trial
from chaosd.engine.rest import rest_of
from chaosd.engine.strike import Striker
from chaosd.ports import Answered, CallFailed, Forbidden, Scope

SKIPPED = "skipped"
UNKNOWN = "unknown"
BEGUN = "begun"
_DEPTH = 50
_NEXT_LOOK = 1.0
_PASSING = {Code.LIMIT_PER_HOUR, Code.LIMIT_PER_DAY, Code.UNSETTLED_INTENT}


class Ended(Struct, frozen=True):
    """How an attempt ended: ``killed``, ``refused``, ``failed``, ``dryRun``, ``begun`` (more
    steps are to come), ``unknown`` (open until it is known) or ``skipped`` (nothing was reserved),
    and why.

    ``again_at``: only what passes by itself stopped it, within the slot's lateness. That is a step
    of another action that is under way, or a rolling limit: a schedule at the very pace of its
    limit would else lose every second slot, each attempt being some milliseconds earlier in its
    slot than the reservation before it was.
    """

    result: str
    reasons: Reasons = ()
    intent: Intent | None = None
    again_at: datetime | None = None


class Left(Struct, frozen=True):
    """What a slot has still to do: these ordinals, on other workloads than it has chosen."""

    ordinals: Sequence[int]
    chosen: frozenset[str] = frozenset()


class Attempts:
    """Runs the attempts of one process, one at a time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._striker = Striker(context)
        self._reserver = Reserver(context)
        self._left: dict[str, Left] = {}

    def run_slot(self, slot: Slot) -> list[Ended]:
        """Every attempt of a slot: ``count`` ordinals, each on a workload of its own.

        Called again for a slot, it goes on with the attempts that had an ``again_at``.
        """
        configuration = self._context.loaded.configuration
        policy = configuration.policy(slot.policy) if configuration else None
        whole = Left(range(policy.count if policy else 1))
        left = self._left.pop(slot.action_id(0), whole)
        ended: list[Ended] = []
        chosen, again = set(left.chosen), []
        for ordinal in left.ordinals:
            one = self.run(slot, slot.action_id(ordinal), frozenset(chosen), may_wait=True)
            ended.append(one)
            chosen |= {one.intent.workload} if one.intent else set()
            again += [ordinal] if one.again_at else []
        if again:
            self._left = {slot.action_id(0): Left(again, frozenset(chosen))}
        return ended

    def run(
        self,
        slot: Slot,
        action_id: str,
        chosen: frozenset[str] = frozenset(),
        *,
        may_wait: bool = False,
    ) -> Ended:
        """One attempt; never raises for what the outside world does. ``chosen`` are workloads
        that this slot has had. With ``may_wait``, one that will be tried again has not ended, and
        nobody is told of it yet."""
        try:
            ended = self._run(slot, action_id, chosen)
        except LedgerUnusable as error:
            ended = _skipped(Reason(Code.LEDGER_UNREADABLE, str(error)))
        except CallFailed as error:
            ended = _skipped(unreadable(error))
        if may_wait and ended.again_at:
            return ended
        configuration = self._context.loaded.configuration
        policy = configuration.policy(slot.policy) if configuration else None
        self._context.report.attempted(
            slot.policy,
            str(policy.target) if policy else "",
            action_id,
            ended.result,
            ended.reasons,
        )
        return ended

    def _run(self, slot: Slot, action_id: str, chosen: frozenset[str]) -> Ended:
        context = self._context
        loaded = context.loaded
        configuration = loaded.configuration
        policy = configuration.policy(slot.policy) if configuration else None
        if not configuration or not policy:
            return _skipped(Reason(Code.CONFIGURATION_CHANGED, f"no policy {slot.policy} now"))
        page = context.book.read()
        if self._striker.settle_left_over(page.ledger):
            page = context.book.read()
        around = context.around(page, loaded.fingerprint)
        reasons = admit(page.ledger, configuration, policy, action_id, slot.at, around)
        if reasons:
            frees = frees_at(page.ledger, configuration.limits, policy, around.now)
            return Ended(SKIPPED, reasons, again_at=self._again(slot, reasons, frees))
        trial = Trial(
            configuration,
            policy,
            loaded.fingerprint,
            action_id,
            slot.at,
            context.seed(configuration),
            page.ledger.nodes_struck(),
        )
        counts: Counter[str] = Counter()
        stream = self._sift(trial, slot, page.ledger, chosen, counts)
        drawn = lowest(stream, trial.seed, action_id, _DEPTH)
        if slot.workload == EVERY_WORKLOAD:
            context.report.sifted(policy.name, counts)
        if not drawn:
            return _skipped(Reason(Code.NO_CANDIDATE, _funnel(counts)))
        return self._try(trial, slot, drawn)

    def _again(self, slot: Slot, reasons: Reasons, frees: datetime) -> datetime | None:
        """When the slot may be tried again, if nothing but time stands against it: a rolling limit
        that ``frees`` then, or the next step of an action that is under way."""
        codes = {reason.code for reason in reasons}
        if Code.UNSETTLED_INTENT in codes:
            frees = max(frees, self._context.after(_NEXT_LOOK))
        return frees if codes <= _PASSING and frees < slot.at + MAX_LATE else None

    def _sift(
        self,
        trial: Trial,
        slot: Slot,
        ledger: Ledger,
        chosen: frozenset[str],
        counts: Counter[str],
    ) -> Iterator[Candidate]:
        """Candidates against which nothing cheap speaks; counts all by reason."""
        scope = self._scope(trial)
        only = None if slot.workload == EVERY_WORKLOAD else WorkloadKey.parse(slot.workload)
        for candidate in self._context.targets[trial.policy.target].survey(scope, only):
            reasons = candidate.reasons or self._rest(trial, ledger, candidate, chosen)
            counts.update({str(reason.code) for reason in reasons} or {"eligible"})
            if not reasons:
                yield candidate

    def _rest(
        self, trial: Trial, ledger: Ledger, candidate: Candidate, chosen: frozenset[str]
    ) -> Reasons:
        workload = str(candidate.workload)
        if workload in chosen:
            return (Reason(Code.LOCKED, "this slot has struck it already"),)
        return rest_of(ledger, trial.policy, candidate, self._context.clock.now())

    def _try(self, trial: Trial, slot: Slot, drawn: list[Candidate]) -> Ended:
        """Go through the drawn workloads, and through each one's pods, until one passes."""
        target = self._context.targets[trial.policy.target]
        against: Reasons = ()
        for candidate in drawn:
            inside = target.expand(self._scope(trial), candidate)
            fit = [one for one in inside if not one.reasons]
            against += tuple(reason for one in inside for reason in one.reasons)[:1]
            for one in lowest(fit, trial.seed, trial.action_id, _DEPTH):
                outcome = self._reserver.reserve(trial, one)
                if outcome.intent is not None:
                    return self._strike(outcome.intent)
                if outcome.final:
                    again = self._again(slot, outcome.reasons, self._context.clock.now())
                    return Ended(SKIPPED, outcome.reasons, again_at=again)
                against += outcome.reasons[:1]
        return Ended(SKIPPED, (Reason(Code.NO_CANDIDATE, f"of {len(drawn)} drawn"), *against[:10]))

    def _strike(self, intent: Intent) -> Ended:
        try:
            if intent.dry_run:
                return Ended("dryRun", (), intent)
            settled = self._striker.strike(intent)
        finally:
            self._context.executing.discard(intent.id)
        if settled is None or settled.unsettled:
            return Ended(UNKNOWN, (), settled or intent)
        if settled.result is None:
            return Ended(BEGUN, (), settled)
        return Ended(str(settled.result), (), settled)

    def _scope(self, trial: Trial) -> Scope:
        return trial.scope(self._context.clock.now())


def unreadable(error: CallFailed) -> Reason:
    """The reason for a call that did not answer as it should."""
    if isinstance(error, Forbidden):
        return Reason(Code.FORBIDDEN, error.message)
    if isinstance(error, Answered):
        return Reason(Code.UNREADABLE, f"the API server answered {error}")
    return Reason(Code.UNREADABLE, str(error) or type(error).__name__)


def _skipped(*reasons: Reason) -> Ended:
    return Ended(SKIPPED, reasons)


def _funnel(counts: Counter[str]) -> str:
    if not counts:
        return "nothing has opted in"
    return ", ".join(f"{code} {n}" for code, n in sorted(counts.items()))
