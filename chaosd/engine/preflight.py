"""Before anything happens: what a configuration can do to this cluster, in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chaosd.core.duration import render
from chaosd.core.eligibility import rate_of
from chaosd.core.expectation import Expectation, expectation, together
from chaosd.core.model import (
    Action,
    BudgetMode,
    Code,
    Configuration,
    Limits,
    Policy,
    TargetKind,
)
from chaosd.core.rule import describe
from chaosd.core.schedule import Cron, Every, MeanTime, Rate
from chaosd.core.window import Always, Windows, opening
from chaosd.core.words import several, verb
from chaosd.engine.explain import ELIGIBLE
from chaosd.engine.plan import NOT_SELECTED
from chaosd.engine.preflight_etcd import etcd_words, victims
from chaosd.ports import Scope, Target

_NOUNS = {
    TargetKind.POD: ("workload", "opted in"),
    TargetKind.NODE: ("node", "opted in"),
    TargetKind.ETCD: ("etcd cluster", "it names"),
}
"""What each target's candidates are, and how they came to be."""


class PolicyOutlook(Struct, frozen=True, rename="camel"):
    """What one policy can do: ``workloads`` opted in and were looked at, ``eligible`` of them are
    candidates now (their pods and budgets are asked when one is drawn); ``counts`` has them by
    reason code. ``bypasses``: whether it kills past PodDisruptionBudgets."""

    policy: str
    dry_run: bool
    bypasses: bool
    workloads: int
    eligible: int
    counts: Mapping[str, int]
    expected: Expectation

    @property
    def a_week(self) -> float:
        """Kills (or dry runs) to expect in an ordinary week."""
        return self.expected.kills


class Outlook(Struct, frozen=True, rename="camel"):
    """What a configuration can do; ``says`` are the words for people."""

    policies: tuple[PolicyOutlook, ...]
    kills_a_week: float
    says: tuple[str, ...]


class Permission(Protocol):
    """A permission that is missing: what for, and the RBAC rule that grants it."""

    @property
    def resource(self) -> str:
        """As RBAC names it, like ``pods/eviction``."""
        ...

    @property
    def verbs(self) -> tuple[str, ...]:
        """What is not allowed."""
        ...

    @property
    def why(self) -> str:
        """What it is needed for."""
        ...

    @property
    def required(self) -> bool:
        """Whether chaosd refuses to start without it."""
        ...

    @property
    def rule(self) -> str:
        """The RBAC rule, as YAML."""
        ...

    @property
    def place(self) -> str:
        """The kind of role that has to hold the rule."""
        ...


def outlook(
    configuration: Configuration, targets: Mapping[TargetKind, Target], now: datetime
) -> Outlook:
    """Survey the cluster once for each policy and say what may come; raises CallFailed."""
    each = tuple(
        _look(configuration, policy, targets[policy.target], now)
        for policy in configuration.policies
    )
    live = [one.expected for one in each if not one.dry_run]
    total = together(configuration, live).kills
    return Outlook(each, total, tuple(_words(configuration, each, total, now)))


def permission_words(missing: Iterable[Permission]) -> list[str]:
    """One paragraph for each missing permission: what it is for, and the rule to add."""
    return [
        f"{'missing' if one.required else 'missing, chaosd does without'}: "
        f"{', '.join(one.verbs)} {one.resource}, for {one.why}; "
        f"add to a {one.place}:\n{one.rule}"
        for one in missing
    ]


def _look(
    configuration: Configuration, policy: Policy, target: Target, now: datetime
) -> PolicyOutlook:
    counts: Counter[str] = Counter()
    rates: dict[str, Rate] = {}
    seen: set[str] = set()
    choosable = 0
    for candidate in target.survey(Scope(configuration, policy, now), None):
        if candidate.key in seen:
            continue
        seen.add(candidate.key)
        codes = {reason.code for reason in candidate.reasons}
        counts.update({str(code) for code in codes} or {ELIGIBLE})
        if codes & NOT_SELECTED:
            continue
        choosable += 1
        if isinstance(policy.schedule, MeanTime):
            rate = rate_of(policy.schedule, candidate.workload, candidate.annotations)
            if isinstance(rate, Rate):
                rates[rate.workload] = rate
    # What is not whole now will be soon: in a week it counts.
    expected = expectation(policy, choosable, rates.values(), now)
    stranger = str(Code.NOT_OPTED_IN)  # nodes are all surveyed, opted in or not
    strangers = counts.pop(stranger, 0)
    return PolicyOutlook(
        policy=policy.name,
        dry_run=policy.dry_run,
        bypasses=policy.pdb is BudgetMode.BYPASS,
        workloads=len(seen) - strangers,
        eligible=counts[ELIGIBLE],
        counts=dict(counts),
        expected=expected,
    )


def _words(
    configuration: Configuration, each: Sequence[PolicyOutlook], total: float, now: datetime
) -> Iterable[str]:
    if not each:
        yield "There is no policy: nothing will ever be struck."
        yield from etcd_words(configuration)
        return
    if configuration.halted:
        yield "The configuration says halted: true, so nothing is struck until that is gone."
    live = [one for one in each if not one.dry_run]
    if not live:
        yield "Every policy is a dry run: nothing is touched, only written down and counted."
    else:
        policies = several(len(live), "live policy", "live policies")
        yield (
            f"Expect {_often(total, 'kill')} a week, by {policies}"
            f" under these limits for all together: {_limits(configuration.limits)}."
        )
    for one in each:
        policy = configuration.policy(one.policy)
        if policy is not None:
            yield _sentence(policy, one)
            yield f"  Open: {_windows(policy.windows, now)}."
    bypassing = [one.policy for one in live if one.bypasses]
    if bypassing:
        yield (
            f"PodDisruptionBudgets are BYPASSED by {', '.join(bypassing)}: "
            "pods are deleted whatever their budgets say."
        )
    elif live:
        yield "PodDisruptionBudgets are respected by every policy."
    yield from etcd_words(configuration)


def _sentence(policy: Policy, one: PolicyOutlook) -> str:
    does = f"would {_does(policy)}" if policy.dry_run else f"{_does(policy)}s"
    others = {code: n for code, n in one.counts.items() if code != ELIGIBLE}
    why = ", ".join(f"{code} {n}" for code, n in sorted(others.items()))
    not_now = f" (not the others: {why})" if why else ""
    noun, opted_in = _NOUNS[policy.target]
    found = (
        f"of {several(one.workloads, noun)} that {opted_in}, "
        f"{_choosable(policy, one.eligible)}{not_now}"
        if one.workloads
        else f"no {noun} {'was found' if policy.clusters else 'has opted in'}"
    )
    limits = policy.limits != Limits()
    own = f" within its own limits ({_limits(policy.limits)})" if limits else ""
    past = "past" if policy.pdb is BudgetMode.BYPASS else "within"
    budgets = "" if policy.action is Action.MOVE_LEADER else f", {past} PodDisruptionBudgets"
    dry = "DRY RUN: " if policy.dry_run else ""
    return (
        f"{policy.name}: {dry}{does} {_victims(policy)} {_schedule(policy)}{budgets}"
        f"{own}: {_often(one.a_week, 'dry run' if policy.dry_run else 'kill')} a week; {found}."
    )


def _does(policy: Policy) -> str:
    if policy.action is Action.EVICT:
        return "delete" if policy.pdb is BudgetMode.BYPASS else "evict"
    return verb(policy.action).do


def _victims(policy: Policy) -> str:
    if policy.target is TargetKind.ETCD:
        return victims(policy)
    if policy.target is TargetKind.NODE:
        return f"{policy.count} nodes" if policy.count > 1 else "one node"
    return "one pod" if policy.count == 1 else f"one pod of each of {policy.count} workloads"


def _schedule(policy: Policy) -> str:
    noun = _NOUNS[policy.target][0]
    match policy.schedule:
        case Every(every=every, jitter=jitter):
            late = f", up to {render(jitter)} late" if jitter else ""
            return f"every {render(every)}{late}"
        case Cron(expression=expression):
            return f"at cron {expression!r} ({policy.windows.zone})"
        case MeanTime(mean=mean, min_gap=gap):
            apart = f", at least {render(gap)} apart"
            each = "each " if policy.target is TargetKind.NODE else f"of each {noun} "
            return f"{each}every {render(mean)} on average{apart}"


def _windows(windows: Windows, now: datetime) -> str:
    layers = [
        ", ".join(describe(rule, windows.zone) for rule in layer)
        for layer in windows.allow
        if Always() not in layer
    ]
    allowed = " and ".join(dict.fromkeys(layers)) or "always"
    denied = ", ".join(describe(rule, windows.zone) for rule in windows.deny)
    state = opening(windows, now)
    change = f" until {state.next_change:%Y-%m-%dT%H:%M:%SZ}" if state.next_change else ""
    said = f"{allowed}; but not {denied}" if denied else allowed
    return f"{said} (now {'open' if state.open else 'closed'}{change})"


def _limits(limits: Limits) -> str:
    asked = (
        (limits.per_hour, "an hour"),
        (limits.per_day, "a day"),
        (limits.concurrent, "at once"),
    )
    return ", ".join(f"{n} {when}" for n, when in asked if n is not None) or "none"


def _choosable(policy: Policy, n: int) -> str:
    if policy.target is TargetKind.ETCD:  # the survey has asked no member
        return f"{n} may be drawn, and {'its' if n == 1 else 'their'} members are asked then"
    return f"{n} {'is a candidate' if n == 1 else 'are candidates'} now"


def _often(times: float, noun: str) -> str:
    number = _number(times)
    return f"{number} {noun if number == 'about 1' else f'{noun}s'}"


def _number(kills: float) -> str:
    if kills == 0:
        return "no"
    if kills < 0.1:
        return "fewer than 0.1"
    return f"about {kills:.1f}".removesuffix(".0") if kills < 10 else f"about {kills:.0f}"
