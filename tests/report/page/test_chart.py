"""Recovery over time, as marks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.kills import KillRecord
from chaosd.core.ledger import Result, Verdict
from chaosd.core.model import Action, TargetKind
from chaosd.core.status_parts import State
from chaosd.report.page.chart import Shape, chart
from tests.report.scene import START

NONE = "none missed its deadline"


def record(
    ago: float, seconds: float | None = None, verdict: Verdict | None = None, **changes: object
) -> KillRecord:
    """A kill some seconds ago."""
    at = START - timedelta(seconds=ago)
    facts: dict[str, object] = {
        "intent": "0" * 20,
        "action_id": "web/*/x#0",
        "policy": "web",
        "target": TargetKind.POD,
        "action": Action.EVICT,
        "workload": "shop/Deployment/web",
        "victim": "shop/web-1",
        "at": at,
        "recover_by": at + timedelta(minutes=10),
        "dry_run": False,
        "state": None,
        "result": Result.KILLED,
        "detail": "",
        "verdict": verdict,
        "verdict_at": None,
        "seconds": seconds,
    }
    return KillRecord(**{**facts, **changes})  # type: ignore[arg-type]


def recovered(ago: float, seconds: float) -> KillRecord:
    return record(ago, seconds, Verdict.RECOVERED)


def test_nothing_to_plot() -> None:
    """Dry runs, refusals and what is only being struck have no recovery."""
    assert chart([], START) is None
    others = [
        record(5, dry_run=True, result=Result.DRY_RUN),
        record(5, result=Result.REFUSED),
        record(5, state=State.STRIKING, result=None),
        record(5, verdict=Verdict.CLOSED),
    ]
    assert chart(others, START) is None


def test_each_outcome_has_a_shape_of_its_own_and_words() -> None:
    """Not a colour alone; and the summary says it without the picture."""
    stuck = record(900, verdict=Verdict.NOT_RECOVERED, state=State.UNRECOVERED)
    still = record(4, state=State.RECOVERING)
    found = chart([still, recovered(60, 8), recovered(300, 30), stuck], START)
    assert found is not None
    assert [one.shape for one in found.marks] == [
        Shape.NOT_RECOVERED,
        Shape.RECOVERED,
        Shape.RECOVERED,
        Shape.RECOVERING,
    ]
    assert "recovered in 30 s" in found.marks[1].title
    assert found.summary == (
        "2 recovered, in 8.0 s and 30 s; 1 did not recover in time; 1 is recovering."
    )
    assert found.marks[0].y < found.marks[1].y < found.marks[2].y


@pytest.mark.parametrize(
    ("took", "missed", "still", "said"),
    [
        ([4.2], 0, 0, f"1 recovered, in 4.2 s; {NONE}."),
        ([4.2, 4.2], 0, 0, f"2 recovered, each in 4.2 s; {NONE}."),
        ([30, 4.2], 0, 2, f"2 recovered, in 4.2 s and 30 s; {NONE}; 2 are recovering."),
        ([4, 5, 6], 0, 0, f"3 recovered, half of them within 5.0 s, the slowest in 6.0 s; {NONE}."),
        ([4, 4, 4], 2, 0, "3 recovered, each in 4.0 s; 2 did not recover in time."),
        ([1, 4, 4], 1, 0, "3 recovered, the slowest in 4.0 s; 1 did not recover in time."),
        ([], 1, 0, "1 did not recover in time."),
        ([], 2, 1, "2 did not recover in time; 1 is recovering."),
        ([], 0, 1, "1 is recovering."),
    ],
)
def test_the_summary_fits_its_numbers(
    took: list[float], missed: int, still: int, said: str
) -> None:
    """One is no half of many, and what did not happen is not counted."""
    records = [recovered(60, one) for one in took]
    records += [record(900, verdict=Verdict.NOT_RECOVERED) for _ in range(missed)]
    records += [record(4, state=State.RECOVERING) for _ in range(still)]
    found = chart(records, START)
    assert found is not None
    assert found.summary == said


@given(
    st.lists(
        st.tuples(st.floats(0, 90_000), st.none() | st.floats(0, 100_000)), min_size=1, max_size=40
    )
)
def test_every_mark_lies_in_the_plot(kills: list[tuple[float, float | None]]) -> None:
    """However long ago and however slow; later ones to the right, slower ones higher."""
    records = [
        recovered(ago, took) if took is not None else record(ago, verdict=Verdict.NOT_RECOVERED)
        for ago, took in sorted(kills, key=lambda one: one[0])
    ]
    found = chart(records, START)
    assert found is not None
    assert all(0 <= one.x <= 100 and 0 <= one.y <= 100 for one in found.marks)
    assert [one.x for one in found.marks] == sorted(one.x for one in found.marks)
    assert all(0 <= tick.at <= 100 for tick in (*found.times, *found.heights))


def test_it_is_bounded() -> None:
    """A page stays small whatever the ledger holds."""
    found = chart([recovered(n, 5) for n in range(1000)], START)
    assert found is not None
    assert len(found.marks) == 400
