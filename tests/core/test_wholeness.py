"""When a workload's own status says that it is whole, for every kind."""

from __future__ import annotations

import pytest

from chaosd.core.facts import job_desired
from chaosd.core.wholeness import whole_reasons
from tests.core.subjects import custom, texts, workload

REVISIONS = {"current_revision": "web-1", "update_revision": "web-2"}
SAME = {"current_revision": "web-2", "update_revision": "web-2"}


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        ("Deployment", {}, []),
        ("Deployment", {"observed_generation": 3}, ["statusStale: its status is of generation 3"]),
        ("Deployment", {"ready": 2}, ["notAllReady: 2 of 3 replicas Ready"]),
        ("Deployment", {"ready": 2, "replicas": 2}, ["notAllReady: 2 of 3 replicas Ready"]),
        ("Deployment", {"updated": 1}, ["rollout: 1 of 3 replicas are updated"]),
        ("Deployment", {"replicas": 4, "ready": 4}, ["rollout: 4 pods where 3 are desired"]),
        ("Deployment", {"replicas": 4, "ready": 3}, ["rollout: 4 pods where 3 are desired"]),
        ("Deployment", {"deleting": True}, ["terminating: it is being deleted"]),
        (
            "Deployment",
            {"desired": 0, "replicas": 0, "ready": 0, "updated": 0},
            ["tooFewReplicas: it is scaled to zero"],
        ),
        (
            "Deployment",
            {"min_ready_seconds": 30, "available": 2},
            ["notAllReady: 2 of 3 replicas Ready for 30 s (minReadySeconds)"],
        ),
        ("Deployment", {"min_ready_seconds": 30}, []),
        ("Deployment", {"min_ready_seconds": 0, "available": 0}, []),
        ("StatefulSet", SAME, []),
        ("StatefulSet", {**REVISIONS, "updated": 1}, ["rollout: 1 of 3 replicas are updated"]),
        ("StatefulSet", {**REVISIONS, "updated": 1, "partition": 2}, []),
        (
            "StatefulSet",
            {**REVISIONS, "updated": 0, "partition": 2},
            ["rollout: 0 of 3 replicas are updated"],
        ),
        ("StatefulSet", {**REVISIONS, "updated": 3}, []),
        ("StatefulSet", {**SAME, "updated": 0}, []),
        ("DaemonSet", {}, []),
        ("DaemonSet", {"updated": 2}, ["rollout: 2 of 3 replicas are updated"]),
        ("DaemonSet", {"ready": 2}, ["notAllReady: 2 of 3 replicas Ready"]),
        ("ReplicaSet", {"updated": None}, []),
        ("Job", {"observed_generation": None, "updated": None}, []),
        ("Job", {"observed_generation": None, "ready": 1}, ["notAllReady: 1 of 3 replicas Ready"]),
        ("Job", {"finished": True}, ["finished: it has finished"]),
        ("Job", {"suspended": True}, ["tooFewReplicas: it is suspended"]),
        (
            "Job",
            {"finished": True, "desired": 0, "replicas": 0, "ready": 0, "updated": None},
            ["finished: it has finished"],
        ),
        ("CronJob", {"finished": True}, ["finished: no Job of it is active"]),
        ("CronJob", {"suspended": True}, []),
        ("Pod", {"desired": 1, "replicas": 1, "ready": 1, "updated": None}, []),
        (
            "Pod",
            {"desired": 1, "replicas": 1, "ready": 0, "updated": None},
            ["notAllReady: 0 of 1 replicas Ready"],
        ),
        (
            "Deployment",
            {"observed_generation": 3, "ready": 1, "updated": 2, "deleting": True},
            [
                "terminating: it is being deleted",
                "statusStale: its status is of generation 3",
                "rollout: 2 of 3 replicas are updated",
                "notAllReady: 1 of 3 replicas Ready",
            ],
        ),
    ],
)
def test_whole(kind: str, changes: dict[str, object], expected: list[str]) -> None:
    """Every figure must be right, and each that is not is told with its numbers."""
    found = texts(whole_reasons(workload(kind, **changes)))
    assert len(found) == len(expected)
    assert [
        text for text, start in zip(found, expected, strict=True) if text[: len(start)] != start
    ] == []


def test_own_kinds_are_left_to_their_pods() -> None:
    """A kind whose status nobody can read is neither whole nor broken by itself."""
    assert whole_reasons(custom()) == ()
    assert texts(whole_reasons(custom(deleting=True))) == ["terminating: it is being deleted"]


@pytest.mark.parametrize(
    ("parallelism", "completions", "succeeded", "active", "desired"),
    [
        (1, 1, 0, 1, 1),
        (3, 10, 0, 3, 3),
        (3, 10, 8, 2, 2),
        (3, 10, 10, 0, 0),
        (3, 2, 3, 0, 0),
        (0, 5, 0, 0, 0),
        (3, None, 0, 3, 3),
        (3, None, 0, 1, 3),
        (3, None, 1, 2, 2),
        (2, None, 1, 3, 2),
    ],
)
def test_how_many_pods_a_job_desires(
    parallelism: int, completions: int | None, succeeded: int, active: int, desired: int
) -> None:
    """Never more than the completions left; a work queue gets no new pods after a success."""
    assert job_desired(parallelism, completions, succeeded, active) == desired
