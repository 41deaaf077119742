"""Whether anything can ever happen: windows, deadlines and schedules over the year ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from chaosd.config import mapping
from chaosd.config.policies import PolicySettings
from chaosd.config.problems import KeyPath
from chaosd.config.validating import Draft
from chaosd.core.duration import render
from chaosd.core.interval import Interval
from chaosd.core.schedule import Cron, Every, MeanTime, Schedule, Slot, check_meantime, slots
from chaosd.core.window import Windows, open_intervals, strikeable_intervals

AHEAD = timedelta(days=366)
_SECOND = timedelta(seconds=1)


def check_times(draft: Draft, now: datetime) -> None:
    """Report windows that never open in the year after `now`, and policies that never fire."""
    if not (draft.sound("windows") and draft.sound("timezone")):
        _check_means_alone(draft)
        return
    windows = mapping.windows(draft.settings)
    if next(open_intervals(windows, now, now + AHEAD), None) is None:
        draft.report(
            ("windows",),
            "nothing is open in the year ahead: write an allow rule that no deny rule covers; to "
            "stop, write halted: true",
        )
        return
    for number, policy in enumerate(draft.settings.policies):
        _check_policy(draft, ("policies", number), policy, now)


def _check_policy(draft: Draft, path: KeyPath, policy: PolicySettings, now: datetime) -> None:
    if not draft.sound(*path, "windows"):
        return
    windows = mapping.windows(draft.settings, policy)
    if next(open_intervals(windows, now, now + AHEAD), None) is None:
        draft.report(
            (*path, "windows"),
            "with the global windows nothing is open in the year ahead: write windows that "
            "overlap with those; to stop the policy, write dryRun: true",
        )
        return
    if not draft.sound(*path, "deadline"):
        return
    strikeable = strikeable_intervals(windows, policy.deadline, now, now + AHEAD)
    first = next(strikeable, None)
    if first is None:
        draft.report((*path, "deadline"), _too_long(windows, policy.deadline, now))
        return
    if not draft.sound(*path, "schedule"):
        return
    schedule = mapping.schedule(policy)
    if isinstance(schedule, MeanTime):
        _check_mean(draft, path, policy, windows)
    elif _never_fires(draft, policy, schedule, windows, now):
        draft.report((*path, "schedule"), _missed(schedule, windows, policy.deadline, first))


def _check_mean(draft: Draft, path: KeyPath, policy: PolicySettings, windows: Windows) -> None:
    schedule = mapping.schedule(policy)
    if not isinstance(schedule, MeanTime) or not draft.sound(*path, "cooldown"):
        return
    where = (*path, "schedule", "minGap" if policy.schedule.min_gap else "meanTimeBetweenKills")
    for message in check_meantime(schedule, windows, policy.deadline, policy.cooldown):
        draft.report(where, message)


def _check_means_alone(draft: Draft) -> None:
    """Check mean times as if always open, when the windows themselves are wrong."""
    for number, policy in enumerate(draft.settings.policies):
        path: KeyPath = ("policies", number)
        if draft.sound(*path, "schedule") and draft.sound(*path, "deadline"):
            _check_mean(draft, path, policy, Windows("UTC"))


def _too_long(windows: Windows, deadline: timedelta, now: datetime) -> str:
    lengths = (end - start for start, end in open_intervals(windows, now, now + AHEAD))
    longest = render(max(lengths))
    return (
        f"{render(deadline)} is as long as the longest open window, {longest}, or longer, so the "
        f"policy never fires: write a deadline below {longest}, or longer windows"
    )


def _never_fires(
    draft: Draft,
    policy: PolicySettings,
    schedule: Schedule,
    windows: Windows,
    now: datetime,
) -> bool:
    """Whether a schedule has times in the year ahead, and none of them is strikeable.

    Without a seed of its own nobody knows here when an `every` comes; its name counts too.
    """
    seed = draft.settings.seed
    if isinstance(schedule, Every) and (seed is None or not draft.sound("seed")):
        return False

    def between(after: datetime, until: datetime) -> Iterator[Slot]:
        return slots(
            schedule,
            seed=seed or "",
            policy=policy.name,
            windows=windows,
            deadline=policy.deadline,
            workloads=(),
            after=after,
            until=until,
        )

    for start, end in strikeable_intervals(windows, policy.deadline, now, now + AHEAD):
        if next(between(start - _SECOND, end - _SECOND), None) is not None:
            return False
    return next(between(now, now + AHEAD), None) is not None


def _missed(schedule: Schedule, windows: Windows, deadline: timedelta, first: Interval) -> str:
    start, end = (at.astimezone(ZoneInfo(windows.zone)) for at in first)
    what = "cron" if isinstance(schedule, Cron) else "every (with this seed)"
    advice = (
        "write times inside"
        if isinstance(schedule, Cron)
        else "write a shorter one, or a cron expression with times inside"
    )
    return (
        f"no time of {what} in the year ahead lies in a window with the deadline "
        f"{render(deadline)} left, so the policy never fires: {advice}, for example between "
        f"{start:%a %Y-%m-%d %H:%M} and {end:%a %Y-%m-%d %H:%M} {windows.zone}"
    )
