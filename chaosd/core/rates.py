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
    if MEAN_ANNOTATION not in annotations and GAP_ANNOTATION not in annotations:
        return Rate(str(workload), schedule.mean, schedule.min_gap)
    mean, mean_problem = _slower(annotations, MEAN_ANNOTATION, schedule.mean)
    gap, gap_problem = _slower(annotations, GAP_ANNOTATION, schedule.min_gap)
    if mean_problem or gap_problem:
        problems = "; ".join(problem for problem in (mean_problem, gap_problem) if problem)
        return Reason(Code.BAD_ANNOTATION, problems)
    return Rate(str(workload), mean, gap)


def annotation_reasons(
    policy: Policy, workload: WorkloadKey, annotations: Mapping[str, str]
) -> Reasons:
    """Why the annotations that may lower the rate can't be followed under ``policy``.

    They are read even where the schedule has no mean time, so that a typo is noticed. A gap that
    does not fit the mean in the policy's windows is refused: no process has both.
    """
    if MEAN_ANNOTATION not in annotations and GAP_ANNOTATION not in annotations:
        return ()
    schedule = policy.schedule
    if not isinstance(schedule, MeanTime):
        schedule = MeanTime(timedelta(0), timedelta(0))
    rate = rate_of(schedule, workload, annotations)
    if isinstance(rate, Reason):
        return (rate,)
    if schedule is not policy.schedule:
        return ()
    asked = MeanTime(rate.mean, rate.min_gap)
    problems = _problems(asked, policy.windows, policy.deadline, policy.cooldown)
    asked_text = f"a mean of {duration.render(rate.mean)} with a gap of "
    return tuple(
        Reason(Code.BAD_ANNOTATION, f"{asked_text}{duration.render(rate.min_gap)}: {problem}")
        for problem in problems
    )


# Many workloads carry the same annotations, and to judge a pair takes a walk through a week.
_problems = lru_cache(maxsize=256)(check_meantime)


def _slower(
    annotations: Mapping[str, str], name: str, least: timedelta
) -> tuple[timedelta, str | None]:
    """The annotation's value, or ``least`` where it is absent, and what is wrong with it."""
    text = annotations.get(name)
    if text is None:
        return least, None
    try:
        value = duration.parse(text)
    except ValueError as error:
        return least, f"{name}={text[:60]}: {error}"
    if value < least:
        policys = duration.render(least)
        return least, f"{name}={text}: shorter than the policy's {policys}, may only be longer"
    return value, None
