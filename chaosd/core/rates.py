"""A workload's own rate: its annotations may ask for fewer kills than the policy, never more."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache

from chaosd.core import duration
from chaosd.core.model import Code, Policy, Reason, Reasons, WorkloadKey
from chaosd.core.schedule import MeanTime, Rate, check_meantime

MEAN_ANNOTATION = "chaosd.io/mean-time-between-kills"
GAP_ANNOTATION = "chaosd.io/min-gap"


def rate_of(
    schedule: MeanTime, workload: WorkloadKey, annotations: Mapping[str, str]
) -> Rate | Reason:
    """The rate of one workload: the policy's, or the lower one that its annotations ask for.

    Gives the reason why its annotations can't be followed, if they can't.
    """
    asked, problem = _asked(schedule, annotations)
    if problem:
        return Reason(Code.BAD_ANNOTATION, problem)
    return Rate(str(workload), asked.mean, asked.min_gap)


def annotation_reasons(policy: Policy, annotations: Mapping[str, str]) -> Reasons:
    """Why the annotations that may lower the rate can't be followed under ``policy``.

    They are read even where the schedule has no mean time, so that a typo is noticed. A gap that
    does not fit the mean in the policy's windows is refused: no process has both.
    """
    if MEAN_ANNOTATION not in annotations and GAP_ANNOTATION not in annotations:
        return ()
    schedule = policy.schedule
    asked, problem = _asked(schedule if isinstance(schedule, MeanTime) else _ANY, annotations)
    if problem:
        return (Reason(Code.BAD_ANNOTATION, problem),)
    if not isinstance(schedule, MeanTime):
        return ()
    asks = (
        f"annotations ask for a mean of {duration.render(asked.mean)}"
        f" and a gap of {duration.render(asked.min_gap)}"
    )
    return tuple(
        Reason(Code.BAD_ANNOTATION, f"{asks}: {problem}")
        for problem in _misfits(asked, policy.windows, policy.deadline, policy.cooldown)
    )


_ANY = MeanTime(timedelta(0), timedelta(0))

# Many workloads carry the same annotations, and to judge a pair takes a walk through a week.
_misfits = lru_cache(maxsize=256)(check_meantime)


def _asked(schedule: MeanTime, annotations: Mapping[str, str]) -> tuple[MeanTime, str]:
    """What the annotations make of the policy's mean and gap, and what is wrong with them."""
    if MEAN_ANNOTATION not in annotations and GAP_ANNOTATION not in annotations:
        return schedule, ""
    mean, mean_problem = _slower(annotations, MEAN_ANNOTATION, schedule.mean)
    gap, gap_problem = _slower(annotations, GAP_ANNOTATION, schedule.min_gap)
    return MeanTime(mean, gap), "; ".join(filter(None, (mean_problem, gap_problem)))


def _slower(annotations: Mapping[str, str], name: str, least: timedelta) -> tuple[timedelta, str]:
    """The annotation's value, or ``least`` where it is absent, and what is wrong with it."""
    text = annotations.get(name)
    if text is None:
        return least, ""
    try:
        value = duration.parse(text)
    except ValueError as error:
        return least, f"{name}={text[:60]}: {error}"
    if value < least:
        policys = duration.render(least)
        return least, f"{name}={text}: shorter than the policy's {policys}, may only be longer"
    return value, ""
