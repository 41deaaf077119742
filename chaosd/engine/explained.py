"""From what the explainer finds to what programs read."""

from __future__ import annotations

from collections.abc import Iterable

from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.explained import EtcdPart, Explanation, PodAnswer, PolicyAnswer, WorkloadAnswer
from chaosd.engine.explain import PolicyExplained, WorkloadJudged


def explanation(
    target: str,
    found: Iterable[PolicyExplained],
    etcd: Iterable[EtcdAnswer] = (),
    part_of: Iterable[EtcdPart] = (),
) -> Explanation:
    """What ``chaosd explain --output json`` and the API answer about a target ("": everything),
    with the etcd clusters that it concerns, and those that it is part of."""
    return Explanation(target or None, tuple(map(_policy, found)), tuple(etcd), tuple(part_of))


def _policy(one: PolicyExplained) -> PolicyAnswer:
    return PolicyAnswer(
        policy=one.policy,
        target=one.target,
        dry_run=one.dry_run,
        against=one.against,
        counts=one.counts,
        unread=one.unread or None,
        workloads=tuple(map(_workload, one.workloads)),
    )


def _workload(one: WorkloadJudged) -> WorkloadAnswer:
    pods = tuple(PodAnswer(pod.name, pod.reasons) for pod in one.pods)
    return WorkloadAnswer(one.name, not one.reasons, one.reasons, one.looked, one.victims, pods)
