"""An explanation as programs read it: what ``chaosd explain --output json`` and the API answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.model import Reasons, TargetKind, WorkloadKey


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


class EtcdPart(Struct, frozen=True, rename="camel"):
    """A declared etcd cluster that the target is part of, and by which ``members`` (their names, or
    ids where these are no names of their own); none when it is declared to be, and is no member
    that is known now. ``says`` puts that in words."""

    cluster: str
    members: tuple[str, ...]
    says: str


class Explanation(Struct, frozen=True, rename="camel"):
    """Each policy that could be about ``target`` (None: about anything); ``etcd`` are the declared
    clusters that it concerns (None: all), ``part_of`` those that a pod, workload or node is part
    of."""

    target: str | None
    policies: tuple[PolicyAnswer, ...]
    etcd: tuple[EtcdAnswer, ...] = ()
    part_of: tuple[EtcdPart, ...] = ()


def etcd_part(key: WorkloadKey, pod: str, cluster: str, members: Sequence[str]) -> EtcdPart:
    """How a workload, its ``pod`` ("" for all of them) or a node is part of a cluster."""
    who = f"{key.namespace}/{pod}" if pod else str(key)
    some = f"member{'' if len(members) == 1 else 's'} {', '.join(members)}"
    if not members:
        says = f"{who} may be part of etcd cluster {cluster}, and is no member that is known now"
    elif pod:
        says = f"{who} is {some} of etcd cluster {cluster}"
    elif key.target is TargetKind.NODE:
        says = f"{who} hosts {some} of etcd cluster {cluster}"
    else:
        says = f"{who} runs {some} of etcd cluster {cluster}"
    return EtcdPart(cluster, tuple(members), says)
