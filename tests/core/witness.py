"""A witness of what happens to a ledger: it forgets nothing, and says which promise was broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from chaosd.core.ledger import Halt, Intent, Ledger, Result, Step, StepState
from chaosd.core.limits import DAY, HOUR
from chaosd.core.model import Configuration, Limits, Policy

GIVEN_BACK = (Result.REFUSED, Result.FAILED)


class Witness:
    """Remembers every reservation, outcome, report and halt that a ledger ever held.

    ``gap`` is the least time between two kills of a workload.
    """

    def __init__(self, configuration: Configuration, gap: timedelta) -> None:
        self.configuration, self.gap = configuration, gap
        self.reserved: dict[str, Intent] = {}
        self.steps: dict[tuple[str, int], Step] = {}
        self.results: dict[str, Result] = {}
        self.closed: dict[str, datetime] = {}
        # What was told of each result, and of each verdict: being forgiven is one of its own.
        self.told: dict[tuple[str, str], str] = {}
        self.taken: dict[str, str] = {}
        self.halt: Halt | None = None
        self.term = 0

    # -------------------------------------------------------------- a reservation

    def reserve(self, before: Ledger, intent: Intent, at: datetime) -> None:
        """An intent was admitted and reserved."""
        assert intent.id not in self.reserved, "an id was reserved twice"
        assert self.halt is None, "reserved in spite of a halt"
        assert intent.policy not in before.paused, "reserved in spite of a pause"
        assert not before.unsettled(), "reserved while an outcome was unknown"
        policy = self.configuration.policy(intent.policy)
        assert policy is not None
        for kill, whole in self._kills_of(intent):
            assert at >= kill + self.gap, "struck within the gap"
            assert whole is None or at >= whole + policy.cooldown, "struck within the cooldown"
            assert whole is not None or intent.dry_run, "struck while it was not whole"
        self.reserved[intent.id] = intent

    def _kills_of(self, intent: Intent) -> Iterator[tuple[datetime, datetime | None]]:
        """When the workload was struck before, as real or as dry, and when it was whole again."""
        for one in self.reserved.values():
            if one.workload != intent.workload or one.dry_run != intent.dry_run:
                continue
            if one.dry_run:
                yield one.reserved_at, one.reserved_at
            elif self.results.get(one.id) is Result.KILLED:
                times = [
                    step.settled_at
                    for (key, _), step in self.steps.items()
                    if key == one.id and step.state is StepState.KILLED and step.settled_at
                ]
                yield max(times), self.closed.get(one.id)

    # -------------------------------------------------------------- any state

    def look(self, ledger: Ledger) -> None:
        """The ledger changed: compare it with all that was seen before, and remember it."""
        for one in ledger.all_intents():
            self._look_at(one)
        assert set(ledger.intents).isdisjoint(ledger.outcomes)
        lost = self.open() - set(ledger.intents)
        assert not lost, f"open intents were lost: {lost}"
        locks = Counter(lock for one in ledger.intents.values() for lock in one.locks)
        assert max(locks.values(), default=1) == 1, "two open intents hold a lock"
        self._look_at_reports(ledger)
        assert ledger.halt == self.halt, "another halt than the first, or none"
        term = ledger.leader.term if ledger.leader else 0
        assert term >= self.term, "terms went back"
        self.term = term

    def open(self) -> set[str]:
        """Ids of the intents that nobody has closed."""
        return {key for key, one in self.reserved.items() if not one.dry_run} - set(self.closed)

    def _look_at(self, one: Intent) -> None:
        assert one.id in self.reserved, "an intent that nobody reserved"
        for step in one.steps:
            if step.state is not StepState.RESERVED:
                assert self.steps.setdefault((one.id, step.number), step) == step, "step changed"
            else:
                assert (one.id, step.number) not in self.steps, "a settled step was reopened"
                assert step is one.steps[-1]
        if one.result is not None:
            assert self.results.setdefault(one.id, one.result) == one.result, "result changed"
        if one.closed_at is not None:
            assert one.result is not None, "closed without a result"
            assert one.unsettled is None, "closed with an unknown outcome"
            assert self.closed.setdefault(one.id, one.closed_at) == one.closed_at

    def _look_at_reports(self, ledger: Ledger) -> None:
        for one in ledger.all_intents():
            for known, teller in (
                (one.result, one.told),
                (one.verdict, one.verdict_told),
            ):
                assert not teller or known is not None, "told before it was known"
                if known is not None:
                    before = self.told.get((one.id, known), "")
                    assert before in ("", teller), "told twice"
                    self.told[one.id, known] = teller
        for (key, _), teller in self.told.items():
            assert teller or ledger.find(key), "a report was lost"

    # -------------------------------------------------------------- limits

    def check_limits(self) -> None:
        """No hour, day or moment ever held more than its limit, of real kills or of dry runs."""
        whose: list[tuple[Limits, tuple[Policy, ...]]]
        whose = [(self.configuration.limits, self.configuration.policies)]
        whose += [(one.limits, (one,)) for one in self.configuration.policies]
        for limits, policies in whose:
            names = {one.name for one in policies}
            for dry_run in (False, True):
                counted = [
                    one
                    for one in self.reserved.values()
                    if one.policy in names
                    and one.dry_run is dry_run
                    and self.results.get(one.id) not in GIVEN_BACK
                ]
                self._check(limits, counted)

    def _check(self, limits: Limits, counted: list[Intent]) -> None:
        for last in counted:
            for span, most in ((HOUR, limits.per_hour), (DAY, limits.per_day)):
                within = sum(
                    timedelta(0) <= last.reserved_at - one.reserved_at < span for one in counted
                )
                assert most is None or within <= most, f"{within} within {span}"
        at_once = sum(one.id in self.open() for one in counted)
        assert limits.concurrent is None or at_once <= limits.concurrent, f"{at_once} at once"
