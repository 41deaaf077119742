"""One workload that was named: for a slot of its own, and for a person who asks why."""

from __future__ import annotations

from chaosd.core.eligibility import Sift
from chaosd.core.facts import WorkloadFacts
from chaosd.core.model import Candidate, Code, Configuration, Reason, WorkloadKey
from chaosd.targets.family import carries_opt_in, family_of
from chaosd.targets.namespaces import may_read, namespace_labels, unread
from chaosd.targets.pod_survey import candidate_of, own_reasons
from chaosd.targets.reads import Reads


def single(
    reads: Reads,
    configuration: Configuration,
    sift: Sift,
    own: WorkloadKey | None,
    key: WorkloadKey,
) -> Candidate:
    """The candidate for one workload, whatever it opted in to, with all reasons against it.

    Reads the workload and its namespace; its pods only when neither has opted in, or when the kind
    is known by its pods only.
    """
    if not key.namespace:
        return gone(key, "it is no workload of pods, and the policy is for those")
    if not may_read(configuration, key.namespace):
        return Candidate(str(key), key, (unread(key.namespace),))
    namespace = namespace_labels(reads, configuration, key.namespace)
    if isinstance(namespace, Reason):
        return Candidate(str(key), key, (namespace,))
    workload = _read(reads, key)
    if workload is None:
        return gone(key)
    reasons = sift.reasons(workload, namespace)
    if any(reason.code is Code.NOT_OPTED_IN for reason in reasons):
        label = f"{sift.opt_in.label}={sift.opt_in.value}"
        if carries_opt_in(reads, workload, label):
            reasons = sift.reasons(workload, namespace, pods_opted_in=True)
    return candidate_of(workload, (*reasons, *own_reasons(key, own)))


def gone(key: WorkloadKey, detail: str = "there is no such workload") -> Candidate:
    """What is left of a workload that is not there."""
    return Candidate(str(key), key, (Reason(Code.GONE, detail),))


def _read(reads: Reads, key: WorkloadKey) -> WorkloadFacts | None:
    if key.kind in reads.kinds:
        return reads.workload(key)
    family = family_of(reads, key)
    return family.workload if family else None
