"""An explanation as programs read it: what ``chaosd explain --output json`` and the API answer."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.model import Reasons, TargetKind


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


class Explanation(Struct, frozen=True, rename="camel"):
    """Each policy that could be about ``target`` (None: about anything); ``etcd`` are the declared
    clusters that it concerns (None: all)."""

    target: str | None
    policies: tuple[PolicyAnswer, ...]
    etcd: tuple[EtcdAnswer, ...] = ()
