"""What values mean together: every mistake that none of them shows alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from chaosd.config.etcd_checks import check_clusters
from chaosd.config.fitting import check_fit, check_helper
from chaosd.config.groups import AlwaysRule, RuleSettings, WindowsSettings
from chaosd.config.policies import PolicySettings, ScheduleSettings
from chaosd.config.problems import KeyPath, shown
from chaosd.config.timing import check_times
from chaosd.config.validating import Draft
from chaosd.core.duration import render
from chaosd.core.holiday import check_holidays
from chaosd.core.model import TargetKind

_DAY = 86_400
_SCHEDULES = "every, cron and meanTimeBetweenKills"
_RULES = "weekly, dates and holidays"


def check(draft: Draft, now: datetime) -> None:
    """Report every mistake of `draft`, seen from `now`, to itself."""
    _check_rules(draft)
    _check_top(draft)
    _check_names(draft)
    check_helper(draft)
    check_clusters(draft)
    for number, policy in enumerate(draft.settings.policies):
        path: KeyPath = ("policies", number)
        _check_schedule(draft, path, policy.schedule)
        _check_policy(draft, path, policy)
        _check_namespaces(draft, path, policy)
        check_fit(draft, path, policy)
    check_times(draft, now)


# ------------------------------------------------------------------ windows


def _check_rules(draft: Draft) -> None:
    for path, rules in _rule_lists(draft):
        if path == ("windows", "allow") and not rules and draft.sound(*path):
            draft.report(
                path,
                "an empty list never opens: write rules or the word always; to stop, halted: true",
            )
        for number, rule in enumerate(rules):
            _check_rule(draft, (*path, number), rule)


def _rule_lists(draft: Draft) -> Iterator[tuple[KeyPath, list[RuleSettings]]]:
    groups: list[tuple[KeyPath, WindowsSettings]] = [((), draft.settings.windows)]
    groups += [(("policies", n), one.windows) for n, one in enumerate(draft.settings.policies)]
    for path, windows in groups:
        if windows.allow is not None:
            yield (*path, "windows", "allow"), windows.allow
        yield (*path, "windows", "deny"), windows.deny


def _check_rule(draft: Draft, path: KeyPath, rule: RuleSettings) -> None:
    if isinstance(rule, AlwaysRule):
        return
    kinds = {"weekly": rule.weekly, "dates": rule.dates, "holidays": rule.holidays}
    _check_one_of(draft, path, kinds, _RULES)
    weekly = rule.weekly if _sound(draft, (*path, "weekly"), "from", "to") else None
    if weekly and weekly.start == weekly.end % _DAY and weekly.end != _DAY:
        draft.report(
            (*path, "weekly", "to"),
            'the same time as from: write from: "00:00" and to: "24:00" for whole days',
        )
    dates = rule.dates if _sound(draft, (*path, "dates"), "first", "last") else None
    if dates and dates.first > dates.last:
        draft.report(
            (*path, "dates", "last"),
            f"{dates.last} is before first, {dates.first}: swap them, or mend the year",
        )
    known = _sound(draft, (*path, "holidays"), "country", "subdivision")
    if known and rule.holidays and rule.holidays.subdivision is not None:
        try:
            check_holidays(rule.holidays.country, rule.holidays.subdivision)
        except ValueError as error:
            draft.report((*path, "holidays", "subdivision"), str(error))


def _sound(draft: Draft, path: KeyPath, *keys: str) -> bool:
    return all(draft.sound(*path, key) for key in keys)


def _check_one_of(draft: Draft, path: KeyPath, kinds: Mapping[str, object], names: str) -> int:
    """Report a group without exactly one of ``kinds``; gives how many are written, be it as
    something that can't be read. Where a key is unknown, that may be the one that is missing."""
    if not draft.read(*path):
        return 0
    given = sum(value is not None or not draft.read(*path, key) for key, value in kinds.items())
    if given > 1 or (not given and draft.sound(*path)):
        how = "several" if given else "none"
        draft.report(path, f"{how} of {names}: write exactly one of them")
    return given


# ------------------------------------------------------------------ the whole


def _check_top(draft: Draft) -> None:
    settings = draft.settings
    live = [
        number
        for number, one in enumerate(settings.policies)
        if not one.dry_run and draft.sound("policies", number, "dryRun")
    ]
    if (
        not settings.dry_run
        and live
        and settings.windows.allow is None
        and draft.sound("windows", "allow")
        and draft.sound("dryRun")
    ):
        draft.report(
            ("windows", "allow"),
            f"missing in a live configuration (policies[{live[0]}] is no dry run): write when "
            "kills are allowed, such as "
            '[{weekly: {days: Mon-Fri, from: "09:00", to: "17:00"}}], or the word always',
            near=("dryRun",),
        )
    if settings.namespaces is None:
        return
    if not settings.namespaces and draft.sound("namespaces"):
        draft.report(
            ("namespaces",),
            "an empty list reads nothing: name namespaces, or leave the key out for all of them",
        )
    if settings.seed is None and draft.sound("seed"):
        draft.report(
            ("seed",),
            "missing in namespaced mode, where the UID of kube-system can't be read: write any "
            "text, such as the name of the cluster",
            near=("namespaces",),
        )


def _check_names(draft: Draft) -> None:
    first: dict[str, int] = {}
    for number, policy in enumerate(draft.settings.policies):
        path: KeyPath = ("policies", number, "name")
        if not draft.sound(*path):
            continue
        if policy.name in first:
            draft.report(
                path,
                f"{shown(policy.name)} is already the name of policies[{first[policy.name]}]: "
                "give each policy a name of its own",
            )
        first.setdefault(policy.name, number)


# ------------------------------------------------------------------ one policy


def _check_schedule(draft: Draft, path: KeyPath, given: ScheduleSettings) -> None:
    path = (*path, "schedule")
    kinds = {
        "every": given.every,
        "cron": given.cron,
        "meanTimeBetweenKills": given.mean_time_between_kills,
    }
    count = _check_one_of(draft, path, kinds, _SCHEDULES)
    if given.jitter is not None and draft.sound(*path, "jitter"):
        if count and given.every is None and draft.sound(*path, "every"):
            draft.report((*path, "jitter"), "goes with every alone: remove it")
        elif given.every is not None and given.jitter >= given.every:
            draft.report(
                (*path, "jitter"),
                f"{render(given.jitter)} is not below every, {render(given.every)}: "
                "write a shorter jitter",
            )
    if (
        given.min_gap is not None
        and given.mean_time_between_kills is None
        and draft.sound(*path, "minGap")
        and draft.sound(*path, "meanTimeBetweenKills")
    ):
        draft.report(
            (*path, "minGap"),
            "goes with meanTimeBetweenKills alone: remove it, and write cooldown in the policy",
        )


def _check_policy(draft: Draft, path: KeyPath, policy: PolicySettings) -> None:
    _check_count(draft, path, policy)
    if not policy.select.kinds and draft.sound(*path, "select", "kinds"):
        draft.report(
            (*path, "select", "kinds"),
            "an empty list selects nothing: name kinds, or leave the key out for "
            "[Deployment, StatefulSet]",
        )
    grace = policy.grace_period_seconds
    if (
        grace is not None
        and timedelta(seconds=min(grace, 10**9)) >= policy.deadline
        and draft.sound(*path, "gracePeriodSeconds")
        and draft.sound(*path, "deadline")
    ):
        draft.report(
            (*path, "gracePeriodSeconds"),
            f"{grace}s to stop leaves nothing of the deadline {render(policy.deadline)} to "
            "recover in: write a shorter grace period, or a longer deadline",
        )


def _check_count(draft: Draft, path: KeyPath, policy: PolicySettings) -> None:
    if policy.count == 1 or not draft.sound(*path, "count"):
        return
    if policy.schedule.mean_time_between_kills is not None and draft.sound(*path, "schedule"):
        draft.report(
            (*path, "count"),
            "a slot of meanTimeBetweenKills is for one workload: write count: 1, and a shorter "
            "mean time for more kills",
        )
        return
    bounds: list[tuple[KeyPath, int | None, str]] = [
        (("limits", "concurrent"), draft.settings.limits.concurrent, "limits.concurrent"),
        (
            (*path, "limits", "concurrent"),
            policy.limits.concurrent,
            "the policy's limits.concurrent",
        ),
    ]
    if policy.target is TargetKind.NODE and draft.sound(*path, "target"):
        most = policy.node.max_unavailable
        bounds.append(((*path, "node", "maxUnavailable"), most, "node.maxUnavailable"))
    if policy.target is TargetKind.ETCD and policy.clusters and draft.sound(*path, "target"):
        bounds.append(((*path, "clusters"), len(policy.clusters), "the number of clusters"))
    for where, concurrent, name in bounds:
        if concurrent is not None and policy.count > concurrent and draft.read(*where):
            draft.report(
                (*path, "count"),
                f"{policy.count} victims at once are more than {name} allows, {concurrent}: "
                f"write count: {concurrent} or less, or raise {name}",
            )
            return


def _check_namespaces(draft: Draft, path: KeyPath, policy: PolicySettings) -> None:
    """Check a policy in namespaced mode."""
    read = draft.settings.namespaces
    if read is None or not draft.sound("namespaces"):
        return
    if policy.select.nodes and draft.sound(*path, "select", "nodes"):
        draft.report(
            (*path, "select", "nodes"),
            "nodes can't be read in namespaced mode: remove it, or remove the key namespaces",
        )
    for number, glob in enumerate(policy.select.namespaces):
        where = (*path, "select", "namespaces", number)
        if draft.sound(*where) and not any(fnmatchcase(one, glob) for one in read):
            draft.report(
                where,
                f"{shown(glob)} is outside of namespaces, so nothing in it is read: remove it "
                "here, or add it there",
            )
