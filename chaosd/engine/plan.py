"""Planning: a cursor over the pure slots, and the workloads that mean-time schedules need."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from chaosd.core.eligibility import rate_of
from chaosd.core.expectation import kill_intervals
from chaosd.core.model import Code, Configuration, Policy, TargetKind
from chaosd.core.preview import policy_slots
from chaosd.core.schedule import MeanTime, Rate, Slot
from chaosd.engine.context import Context
from chaosd.ports import CallFailed, Scope, Target

_RETRY = 5.0
_FOLLOWING = 2.0
_AHEAD = timedelta(seconds=20)

# What a workload can't outgrow by itself: its slots would never strike.
NOT_SELECTED = frozenset(
    {
        Code.NOT_OPTED_IN,
        Code.VETOED,
        Code.NAMESPACE_NOT_SELECTED,
        Code.SYSTEM_NAMESPACE,
        Code.KIND_NOT_SELECTED,
        Code.LABELS_NOT_SELECTED,
        Code.ANNOTATIONS_NOT_SELECTED,
        Code.NAME_NOT_SELECTED,
        Code.NODE_NOT_SELECTED,
        Code.BAD_ANNOTATION,
    }
)


class Planned(Struct, frozen=True):
    """Slots to run at their time; ``drop`` first forgets all that were planned before."""

    slots: tuple[Slot, ...]
    wake: datetime
    drop: bool = False


class Planner:
    """The actor that turns schedules into slots while this process leads.

    A policy whose workloads can't be surveyed holds up no other: it is asked again, and planned
    from where it was left behind.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._cursor: datetime | None = None
        self._behind: dict[str, datetime] = {}  # policies that are planned up to an earlier time
        self._fingerprint = ""
        self._rates: dict[str, list[Rate]] = {}
        self._ahead: tuple[Slot, ...] = ()  # planned up to the cursor, and not past yet

    def step(self) -> Planned:
        """The slots up to the next survey, planned from where the last step ended."""
        context = self._context
        loaded = context.loaded
        configuration = loaded.configuration
        if configuration is None or not context.leading or context.stopping:
            dropped, self._cursor = self._cursor is not None, None
            return Planned((), context.after(_FOLLOWING), drop=dropped)
        now = context.clock.now()
        drop = self._cursor is not None and self._fingerprint != loaded.fingerprint
        if self._cursor is None or drop:
            self._cursor, self._ahead = now, ()
            self._behind, self._rates = {}, {}
            self._fingerprint = loaded.fingerprint
        if self._cursor - now > _AHEAD and not self._behind:
            self._refresh(configuration, now)
            return Planned((), context.after(_FOLLOWING), drop=drop)
        try:
            seed = context.seed(configuration)
        except CallFailed as error:
            context.report.failed("read the seed", error)
            return Planned((), context.after(_RETRY), drop=drop)
        slots = self._plan(configuration, seed, now)
        self._ahead = (*(slot for slot in self._ahead if slot.at > now), *slots)
        self._show(configuration, seed, now, {})
        wake = context.after(_RETRY if self._behind else _FOLLOWING)
        return Planned(slots, wake, drop=drop)

    def _plan(self, configuration: Configuration, seed: str, now: datetime) -> tuple[Slot, ...]:
        """The slots of all policies that can be planned, up to the cursor, which goes on when it
        is near."""
        assert self._cursor is not None  # noqa: S101 - planning has begun
        begin = dict(self._behind)
        if self._cursor - now <= _AHEAD:
            begin = {policy.name: self._cursor for policy in configuration.policies} | begin
            self._cursor += configuration.survey_every
        self._behind = {}
        found: list[Slot] = []
        for policy in configuration.policies:
            if policy.name in begin:
                try:
                    self._survey(configuration, policy, now)
                except CallFailed as error:
                    self._context.report.failed(f"survey for policy {policy.name}", error)
                    self._behind[policy.name] = begin[policy.name]
                    continue
                only = msgspec.structs.replace(configuration, policies=(policy,))
                found += policy_slots(only, seed, self._rates, begin[policy.name], self._cursor)
        self._context.rates = dict(self._rates)
        self._context.kill_intervals = kill_intervals(configuration, self._rates, now)
        return tuple(sorted(found, key=lambda slot: (slot.at, slot.policy, slot.workload)))

    def _survey(self, configuration: Configuration, policy: Policy, now: datetime) -> None:
        """Learn the workloads of a mean-time policy; its funnel is reported."""
        counts: dict[str, Counter[str]] = {}
        only = msgspec.structs.replace(configuration, policies=(policy,))
        self._rates |= survey_rates(only, self._context.targets, now, counts)
        for name, found in counts.items():
            self._context.report.sifted(name, found)

    def _refresh(self, configuration: Configuration, now: datetime) -> None:
        """Show the slots after those that have passed."""
        shown = self._context.next_slots
        coming = {policy: at for policy, at in shown.items() if at > now}
        if len(coming) < len(shown):
            self._show(configuration, self._context.seed(configuration), now, coming)

    def _show(
        self,
        configuration: Configuration,
        seed: str,
        now: datetime,
        known: Mapping[str, datetime],
    ) -> None:
        """Show the next slots: those ``known``, else the planned ones, else what lies beyond them,
        which takes as long as planning it."""
        assert self._cursor is not None  # noqa: S101 - something is planned
        planned = {slot.policy: slot.at for slot in reversed(self._ahead) if slot.at > now}
        found = {**planned, **known}
        rest = tuple(one for one in configuration.policies if one.name not in found)
        beyond = msgspec.structs.replace(configuration, policies=rest)
        found |= next_slots(beyond, seed, self._rates, self._cursor)
        self._context.next_slots = found
        self._context.report.planned(found)


def next_slots(
    configuration: Configuration, seed: str, rates: Mapping[str, Sequence[Rate]], after: datetime
) -> dict[str, datetime]:
    """The next slot of each policy that has one soon.

    A policy's own schedule is looked at a year ahead; workloads' schedules a week, and only a few
    hundred workloads, since each of their days costs as much as planning it.
    """
    found: dict[str, datetime] = {}
    for policy in configuration.policies:
        own = rates.get(policy.name, ())
        mean = isinstance(policy.schedule, MeanTime)
        ahead = timedelta(days=366) if not mean else timedelta(days=7 if len(own) < 300 else 1)
        only = msgspec.structs.replace(configuration, policies=(policy,))
        first = next(policy_slots(only, seed, rates, after, after + ahead), None)
        if first is not None:
            found[policy.name] = first.at
    return found


def survey_rates(
    configuration: Configuration,
    targets: Mapping[TargetKind, Target],
    now: datetime,
    counts: dict[str, Counter[str]] | None = None,
) -> dict[str, list[Rate]]:
    """The workloads of each mean-time policy with their own rates; raises CallFailed.

    ``counts`` is given the candidates by reason code (``eligible`` for none) of each policy.
    """
    rates: dict[str, list[Rate]] = {}
    for policy in configuration.policies:
        if isinstance(policy.schedule, MeanTime):
            scope = Scope(configuration, policy, now)
            found: Counter[str] = Counter()
            rates[policy.name] = _rates(scope, policy.schedule, targets[policy.target], found)
            if counts is not None:
                counts[policy.name] = found
    return rates


def _rates(scope: Scope, schedule: MeanTime, target: Target, counts: Counter[str]) -> list[Rate]:
    found: dict[str, Rate] = {}
    for candidate in target.survey(scope, None):
        counts.update({str(reason.code) for reason in candidate.reasons} or {"eligible"})
        if any(reason.code in NOT_SELECTED for reason in candidate.reasons):
            continue
        rate = rate_of(schedule, candidate.workload, candidate.annotations)
        if isinstance(rate, Rate):
            found[rate.workload] = rate
    return [found[key] for key in sorted(found)]
