"""Whether a pod may be the victim: every reason against it, its siblings included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chaosd.core.eligibility import Sift
from chaosd.core.facts import NodeFacts, PodFacts, WorkloadFacts
from chaosd.core.model import Reasons


def pod_reasons(
    sift: Sift,
    pod: PodFacts,
    workload: WorkloadFacts,
    namespace: Mapping[str, str] | None,
    node: NodeFacts | None,
) -> Reasons:
    """Every reason against ``pod`` itself.

    ``namespace`` is the namespace's labels, None when they could not be read. ``node`` None: there
    is no such node or it could not be read; only in namespaced mode is that no reason.
    """
    raise NotImplementedError


def siblings_reasons(sift: Sift, workload: WorkloadFacts, pods: Sequence[PodFacts]) -> Reasons:
    """Every reason why the workload is not whole, by its pods themselves: status lags.

    ``pods`` are all pods that it owns, at whatever remove, read in one list.
    """
    raise NotImplementedError
