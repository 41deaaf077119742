"""Whether a workload is whole again after one of its pods was struck."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chaosd.core.facts import PodFacts, Recovery, WorkloadFacts


def recovery(
    workload: WorkloadFacts | None,
    pods: Sequence[PodFacts],
    victim_uid: str,
    desired_then: int,
    now: datetime,
) -> Recovery:
    """How far ``workload`` is, by ``pods``, all that it owns (status lags).

    Whole: the victim is gone, and as many pods as are desired now are Ready for their
    minReadySeconds. Closed: nothing will come back, for the workload was deleted (None), is scaled
    to zero, is finished, or was a bare pod. ``desired_then`` stands in where the workload does not
    say what it desires.
    """
    raise NotImplementedError
