"""Annotations that lower a workload's rate, and those that can't be followed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.duration import render
from chaosd.core.model import Reason, WorkloadKey
from chaosd.core.rates import GAP_ANNOTATION, MEAN_ANNOTATION, annotation_reasons, rate_of
from chaosd.core.schedule import Every, MeanTime, Rate, Schedule
from tests.core.subjects import policy, sift, texts, workload

KEY = WorkloadKey("shop", "Deployment", "web")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
POLICYS = MeanTime(5 * DAY, 12 * HOUR)


def annotated(mean: str | None = None, gap: str | None = None) -> dict[str, str]:
    said = {MEAN_ANNOTATION: mean, GAP_ANNOTATION: gap}
    return {name: text for name, text in said.items() if text is not None}


@pytest.mark.parametrize(
    ("annotations", "mean", "gap"),
    [
        (annotated(), 5 * DAY, 12 * HOUR),
        ({"other.io/min-gap": "1h"}, 5 * DAY, 12 * HOUR),
        (annotated("10d"), 10 * DAY, 12 * HOUR),
        (annotated("5d"), 5 * DAY, 12 * HOUR),
        (annotated(gap="1d"), 5 * DAY, DAY),
        (annotated("2w", "2d"), 14 * DAY, 2 * DAY),
    ],
)
def test_annotations_that_lower_the_rate(
    annotations: dict[str, str], mean: timedelta, gap: timedelta
) -> None:
    """Longer means and gaps are followed; without any, the policy's hold."""
    assert rate_of(POLICYS, KEY, annotations) == Rate("shop/Deployment/web", mean, gap)
    assert annotation_reasons(policy(schedule=POLICYS), annotations) == ()


MEAN_TOO_SHORT = f"{MEAN_ANNOTATION}=1d: shorter than the policy's 5d, may only be longer"
GAP_TOO_SHORT = f"{GAP_ANNOTATION}=1h: shorter than the policy's 12h, may only be longer"


@pytest.mark.parametrize(
    ("annotations", "detail"),
    [
        (annotated("1d"), MEAN_TOO_SHORT),
        (annotated(gap="1h"), GAP_TOO_SHORT),
        (annotated("1d", "1h"), f"{MEAN_TOO_SHORT}; {GAP_TOO_SHORT}"),
        (annotated("10d", "1h"), GAP_TOO_SHORT),
        (annotated("soon"), f"{MEAN_ANNOTATION}=soon: not a duration: write one such as"),
        (annotated(""), f"{MEAN_ANNOTATION}=: empty: write a duration"),
        (annotated(gap="-1d"), f"{GAP_ANNOTATION}=-1d: a duration can't be negative"),
        (annotated(gap="0s"), f"{GAP_ANNOTATION}=0s: zero is too short"),
        (annotated("x" * 99), f"{MEAN_ANNOTATION}={'x' * 60}: not a duration"),
    ],
)
def test_annotations_that_are_bad(annotations: dict[str, str], detail: str) -> None:
    """A rate is never raised, and a typo excludes the workload instead of being ignored."""
    found = rate_of(POLICYS, KEY, annotations)
    assert isinstance(found, Reason)
    assert found.detail.startswith(detail)
    assert annotation_reasons(policy(schedule=POLICYS), annotations) == (found,)
    facts = workload(annotations=annotations)
    assert sift(schedule=POLICYS).reasons(facts, {}) == (found,)


def test_a_gap_that_does_not_fit_the_mean() -> None:
    """Nearly as long as the mean, it would leave no room for chance: what would do is said."""
    annotations = annotated(gap="118h")
    (found,) = annotation_reasons(policy(schedule=POLICYS), annotations)
    assert str(found).startswith("badAnnotation: annotations ask for a mean of 5d and a gap of ")
    assert "write meanTimeBetweenKills: " in found.detail
    assert sift(schedule=POLICYS).reasons(workload(annotations=annotations), {}) == (found,)
    assert annotation_reasons(policy(schedule=POLICYS), annotated("9d", "118h")) == ()


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        (annotated("1m", "1s"), []),
        (annotated("whenever"), [f"badAnnotation: {MEAN_ANNOTATION}=whenever: not a duration"]),
    ],
)
def test_without_a_mean_time_only_typos_count(
    annotations: dict[str, str], expected: list[str]
) -> None:
    """Other schedules have no rate that an annotation could raise."""
    schedule: Schedule = Every(HOUR)
    found = texts(annotation_reasons(policy(schedule=schedule), annotations))
    assert [text.partition(": write")[0] for text in found] == expected


SPANS = st.integers(1, 10**7).map(lambda seconds: timedelta(seconds=seconds))


@given(SPANS, SPANS, st.none() | SPANS, st.none() | SPANS)
def test_no_annotation_ever_raises_a_rate(
    mean: timedelta, gap: timedelta, own_mean: timedelta | None, own_gap: timedelta | None
) -> None:
    """Whatever stands there, the mean and the gap are at least the policy's, or it is a no."""
    annotations = annotated(
        render(own_mean) if own_mean else None, render(own_gap) if own_gap else None
    )
    found = rate_of(MeanTime(mean, gap), KEY, annotations)
    if (own_mean or mean) < mean or (own_gap or gap) < gap:
        assert isinstance(found, Reason)
    else:
        assert found == Rate(str(KEY), own_mean or mean, own_gap or gap)
