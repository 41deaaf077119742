"""An explanation as programs read it: what ``chaosd explain --output json`` and the API answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from chaosd.core.model import Reasons, TargetKind
from chaosd.engine.explain import PolicyExplained, WorkloadJudged


class PodAnswer(Struct, frozen=True, rename="camel"):
    """A pod, and what speaks against it besides what speaks against its workload."""

    pod: str
    reasons: Reasons


class WorkloadAnswer(Struct, frozen=True, rename="camel"):
    """A workload (or node), with all that speaks against it.

    ``victims`` are the pods (or the node) that could be struck at this moment, as far as was
    looked; ``looked``: whether its pods were looked at one by one.
    """

    workload: str
    eligible: bool
    reasons: Reasons
    looked: bool
    victims: tuple[str, ...]
    pods: tuple[PodAnswer, ...]

    @classmethod
    def of(cls, one: WorkloadJudged) -> WorkloadAnswer:
        """What the explainer found."""
        pods = tuple(PodAnswer(pod.name, pod.reasons) for pod in one.pods)
        return cls(one.name, not one.reasons, one.reasons, one.looked, one.victims, pods)


class PolicyAnswer(Struct, frozen=True, rename="camel"):
    """What a policy finds. ``against`` is why it may not strike at all now; ``counts`` the
    candidates by reason code (``eligible`` for none); ``unread`` why the rest is not known."""

    policy: str
    target: TargetKind
    dry_run: bool
    against: Reasons
    counts: Mapping[str, int]
    unread: str | None
    workloads: tuple[WorkloadAnswer, ...]

    @classmethod
    def of(cls, one: PolicyExplained) -> PolicyAnswer:
        """What the explainer found."""
        return cls(
            policy=one.policy,
            target=one.target,
            dry_run=one.dry_run,
            against=one.against,
            counts=one.counts,
            unread=one.unread or None,
            workloads=tuple(map(WorkloadAnswer.of, one.workloads)),
        )


class Explanation(Struct, frozen=True, rename="camel"):
    """Each policy that could be about ``target`` (None: about anything)."""

    target: str | None
    policies: tuple[PolicyAnswer, ...]

    @classmethod
    def of(cls, target: str, found: Iterable[PolicyExplained]) -> Explanation:
        """What the explainer found about a target ("": everything)."""
        return cls(target or None, tuple(map(PolicyAnswer.of, found)))
