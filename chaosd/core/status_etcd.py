"""What the watched etcd clusters mean for a status: whether a policy may take a member down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from chaosd.core.duration import render
from chaosd.core.etcd_answer import EtcdAnswer
from chaosd.core.etcd_model import ETCD
from chaosd.core.ledger import Intent, Verdict
from chaosd.core.model import Code, Policy, Reason, Reasons, TargetKind
from chaosd.core.words import verb

TELLS_FOR = timedelta(minutes=2)
"""How long a look at a cluster tells anything about now: it is looked at every 15 seconds."""


def with_open(answers: Iterable[EtcdAnswer], intents: Sequence[Intent]) -> tuple[EtcdAnswer, ...]:
    """The clusters, with what is open on each by the ledger: newer than any look at it."""
    return tuple(
        msgspec.structs.replace(
            one,
            under_way=tuple(_told(i) for i in intents if f"{ETCD}/{one.cluster}" in i.locks),
        )
        for one in answers
    )


def etcd_against(
    policy: Policy, answers: Iterable[EtcdAnswer], now: datetime, *, looks: bool
) -> tuple[Reasons, str]:
    """Why a policy of target etcd can take no member of any of its clusters down, and else why that
    isn't known, if it isn't: a single cluster that can miss one is enough.

    ``looks``: whether this process looks at the clusters at all. Policies of other targets hear
    nothing here.
    """
    if policy.target is not TargetKind.ETCD:
        return (), ""
    if not looks:
        return (), f"the members of etcd {', '.join(policy.clusters)} are not looked at from here"
    seen = {one.cluster: one for one in answers}
    against: list[Reason] = []
    doubts: list[str] = []
    for name in policy.clusters:
        one = seen.get(name)
        if one is None:
            doubts.append(f"etcd {name} has not been looked at yet")
            continue
        found = [Reason(Code.LOCKED, f"etcd {name}: {told}") for told in one.under_way]
        if now - one.at > TELLS_FOR:
            if not found:
                doubts.append(f"etcd {name} was last looked at {render(now - one.at)} ago")
        else:
            found += one.against
            if not found:
                return (), ""
        against += found
    if doubts:
        return (), "; ".join(doubts)
    return tuple(dict.fromkeys(against)), ""


def _told(intent: Intent) -> str:
    what = f"{verb(intent.action).one} by policy {intent.policy}, victim {intent.victim.path}"
    if intent.verdict is Verdict.NOT_RECOVERED:
        return f"has not recovered yet: {what}"
    return f"under way: {what}"
