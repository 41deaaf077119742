"""When a struck workload is whole again, and when nothing will come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.facts import ContainerFacts, Phase, PodFacts, Recovery, WorkloadFacts
from chaosd.core.model import Victim
from chaosd.core.recovery import crash_recovery, recovery
from tests.core.subjects import NOW, ago, custom, pod, workload

THREE = [pod(2), pod(3), pod(4)]


def seen(of: WorkloadFacts | None, pods: list[PodFacts], desired_then: int = 3) -> Recovery:
    return recovery(of, pods, "p-1", desired_then, NOW)


@pytest.mark.parametrize(
    ("pods", "whole", "ready", "detail"),
    [
        (THREE, True, 3, "3 of 3 pods Ready"),
        ([*THREE, pod(5)], True, 4, "4 of 3 pods Ready"),
        (THREE[:2], False, 2, "2 of 3 pods Ready"),
        ([*THREE[:2], pod(4, ready=False)], False, 2, "2 of 3 pods Ready"),
        ([*THREE[:2], pod(4, deleting=True)], False, 2, "2 of 3 pods Ready"),
        ([*THREE[:2], pod(4, phase=Phase.FAILED)], False, 2, "2 of 3 pods Ready"),
        ([*THREE, pod(5, deleting=True)], True, 3, "3 of 3 pods Ready"),
        (
            [pod(1, deleting=True), *THREE],
            False,
            3,
            "3 of 3 pods Ready, web-1 is still on its way out",
        ),
        ([pod(1), *THREE[:2]], False, 2, "2 of 3 pods Ready, web-1 is still there"),
        # A StatefulSet's pod comes back under its name, with a UID of its own.
        ([pod(1, uid="p-9"), *THREE[:2]], True, 3, "3 of 3 pods Ready"),
    ],
)
def test_by_pods(pods: list[PodFacts], whole: bool, ready: int, detail: str) -> None:
    """The victim is gone, and as many others as desired are Ready and stay."""
    assert seen(workload(), pods) == Recovery(whole, False, ready, 3, detail)


@pytest.mark.parametrize(
    ("changes", "whole"),
    [
        ({"ready_since": ago(seconds=30)}, True),
        ({"ready_since": ago(seconds=29)}, False),
        ({"ready_since": ago(seconds=-5)}, False),
        ({"ready_since": None}, False),
    ],
)
def test_ready_for_long_enough(changes: dict[str, object], whole: bool) -> None:
    """Ready counts from minReadySeconds on; a Ready of unknown age does not."""
    found = seen(workload(min_ready_seconds=30), [*THREE[:2], pod(4, **changes)])
    assert found.whole is whole
    assert found.detail == f"{3 if whole else 2} of 3 pods Ready for 30 s"


def test_without_min_ready_seconds_ready_is_enough() -> None:
    """A pod that became Ready just now, or nobody knows when, counts."""
    pods = [pod(2, ready_since=NOW), pod(3, ready_since=None), pod(4)]
    assert seen(workload(), pods).whole


def test_what_is_desired_now_counts() -> None:
    """Scaled down meanwhile, fewer are enough; scaled up, more are needed."""
    assert seen(workload(desired=2), THREE[:2]).whole
    assert not seen(workload(desired=4), THREE).whole


def test_own_kinds_are_held_to_what_they_had() -> None:
    """Where the workload does not say what it desires, it must have as many as before."""
    assert seen(custom(), THREE, desired_then=3).whole
    found = seen(custom(), THREE[:2], desired_then=3)
    assert (found.whole, found.closed, found.desired) == (False, False, 3)


@pytest.mark.parametrize(
    ("of", "detail"),
    [
        (None, "the workload was deleted"),
        (workload(deleting=True), "the workload is being deleted"),
        (workload(desired=0), "it was scaled to zero"),
        (workload("Job", finished=True), "the workload has finished"),
        (workload("CronJob", finished=True, desired=None), "the workload has finished"),
        (workload("Job", suspended=True), "the workload is suspended"),
        (workload("Pod", desired=1), "it was a bare pod, which nothing brings back"),
    ],
)
def test_closed(of: WorkloadFacts | None, detail: str) -> None:
    """Nobody waits for what can't come back."""
    found = seen(of, [])
    assert (found.whole, found.closed, found.detail) == (False, True, detail)


def test_a_bare_pod_is_open_until_it_is_gone() -> None:
    """Its end is all there is to see of it."""
    found = seen(workload("Pod", desired=1), [pod(1, deleting=True)])
    assert (found.whole, found.closed) == (False, False)


def test_a_suspended_cron_job_goes_on_with_its_active_jobs() -> None:
    """Suspending it only keeps new Jobs from starting."""
    assert seen(workload("CronJob", suspended=True, desired=1), [pod(2)]).whole


PODS = st.builds(
    lambda number, ready, deleting, seconds: pod(
        number, ready=ready, deleting=deleting, ready_since=ago(seconds=seconds)
    ),
    st.integers(1, 6),
    st.booleans(),
    st.booleans(),
    st.integers(0, 60),
)


@given(
    st.lists(PODS, max_size=6, unique_by=lambda one: one.uid),
    st.integers(1, 5),
    st.sampled_from([0, 30]),
)
def test_never_whole_with_the_victim_there_or_too_few(
    pods: list[PodFacts], desired: int, least: int
) -> None:
    """Whole exactly if the victim is gone and enough others serve."""
    serving = [
        one
        for one in pods
        if one.ready
        and not one.deleting
        and one.uid != "p-1"
        and one.ready_since is not None
        and (NOW - one.ready_since).total_seconds() >= least
    ]
    gone = all(one.uid != "p-1" for one in pods)
    found = seen(workload(desired=desired, min_ready_seconds=least), pods)
    assert found.whole is (gone and len(serving) >= desired)
    assert (found.ready, found.desired, found.closed) == (len(serving), desired, False)


# ---- after a crash, when the pod stays

CRASHED = Victim("shop", "web-1", "p-1", "1", "node-a", container="app", identity="c-1")


def crashed(container: str, **changes: Any) -> PodFacts:
    """The victim, with its container under that ID."""
    containers = (ContainerFacts(name="log", id="c-9"), ContainerFacts(name="app", id=container))
    return pod(1, containers=containers, **changes)


def seen_after(
    of: WorkloadFacts | None, victim: PodFacts | None, others: Sequence[PodFacts]
) -> Recovery:
    listed = [pod(1, ready=True)] if victim is not None else []
    return crash_recovery(of, [*listed, *others], victim, CRASHED, 3, NOW)


NOT_YET = "3 of 3 pods Ready, container app of web-1 has not restarted"


@pytest.mark.parametrize(
    ("victim", "others", "whole", "detail"),
    [
        (crashed("c-2"), THREE[:2], True, "3 of 3 pods Ready"),
        (crashed("c-1"), THREE[:2], False, NOT_YET),
        (crashed(""), THREE[:2], False, NOT_YET),
        (pod(1), THREE[:2], False, NOT_YET),
        (crashed("c-2", ready=False), THREE[:2], False, "2 of 3 pods Ready, web-1 is not"),
        (crashed("c-2", ready=False), THREE, False, "3 of 3 pods Ready, web-1 is not"),
        (crashed("c-2"), THREE[:1], False, "2 of 3 pods Ready"),
        # Somebody deleted it, or it ended for good: what replaces it counts.
        (None, THREE[:2], False, "2 of 3 pods Ready"),
        (None, THREE, True, "3 of 3 pods Ready"),
        (
            crashed("c-2", deleting=True),
            THREE,
            False,
            "3 of 3 pods Ready, web-1 is still on its way out",
        ),
        (crashed("", phase=Phase.FAILED), THREE[:2], False, "2 of 3 pods Ready"),
        (crashed("", phase=Phase.FAILED), THREE, True, "3 of 3 pods Ready"),
    ],
)
def test_after_a_crash(
    victim: PodFacts | None, others: list[PodFacts], whole: bool, detail: str
) -> None:
    """The container runs under another ID and its pod is Ready again, as many as are desired."""
    found = seen_after(workload(), victim, others)
    assert (found.whole, found.closed, found.detail) == (whole, False, detail)


def test_after_a_crash_ready_counts_from_min_ready_seconds_on() -> None:
    """Of the victim, too: its list may be older than the look at itself."""
    of = workload(min_ready_seconds=30)
    soon = seen_after(of, crashed("c-2", ready_since=ago(seconds=29)), THREE[:2])
    assert (soon.whole, soon.detail) == (False, "2 of 3 pods Ready for 30 s, web-1 is not")
    assert seen_after(of, crashed("c-2", ready_since=ago(seconds=30)), THREE[:2]).whole


@pytest.mark.parametrize(
    ("of", "detail"),
    [
        (None, "the workload was deleted"),
        (workload(desired=0), "it was scaled to zero"),
        (workload(deleting=True), "the workload is being deleted"),
    ],
)
def test_after_a_crash_nothing_may_come_back(of: WorkloadFacts | None, detail: str) -> None:
    """The same ends are told of a pod that stays."""
    found = seen_after(of, crashed("c-1"), THREE[:2])
    assert (found.whole, found.closed, found.detail) == (False, True, detail)
