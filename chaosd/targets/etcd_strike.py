"""The request by which an etcd leader hands over its role, and the look that tells whether it did.

Nothing can be touched to make a late one fail: what is known is who leads.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chaosd.core.draw import rank
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.ledger import Intent, Step, StepState
from chaosd.core.model import WorkloadKey
from chaosd.core.quorum import MOST_LAG, Member, Picture
from chaosd.ports import Answered, Fenced, NotSent, ServerFault, Struck
from chaosd.targets.etcd_clusters import EtcdClusters

MARGIN = timedelta(seconds=30)
"""How long after ``strike_by`` a request may still have its effect."""
_LEAST = 0.5


def cluster_of(clusters: EtcdClusters, intent: Intent) -> EtcdCluster | None:
    """The declared cluster that an intent is about; None when it is not declared (any more)."""
    return clusters.declared(WorkloadKey.parse(intent.workload).name)


def heir_of(picture: Picture, intent_id: str) -> Member | None:
    """The follower that the leader hands its role to: a healthy voter that has caught up, the one
    with the least lag, by a draw among those. None when there is none."""
    leader = picture.leader
    able = []
    for member in picture.voters:
        lag = picture.lag(member)
        if leader is not None and member.id != leader.id and lag is not None and lag <= MOST_LAG:
            able.append((lag, rank("", intent_id, member.id), member))
    return min(able, key=lambda one: one[:2])[2] if able else None


def strike_leader(clusters: EtcdClusters, intent: Intent, step: Step, timeout: float) -> Struck:
    """Tell the step's victim to hand its role to a follower, once, if it still leads.

    Raises Unanswered and ServerFault when it may have happened.
    """
    begun = clusters.boot()
    cluster = cluster_of(clusters, intent)
    if cluster is None:
        return Struck(StepState.FAILED, f"not sent: {intent.workload} is not declared")
    picture = clusters.leading(cluster, step.reserved_at)
    leader = picture.leader
    if leader is None or leader.id != step.victim.uid:
        who = f"{leader} leads" if leader is not None else "nobody is known to lead"
        return Struck(StepState.REFUSED, f"not sent: {who} now")
    heir = heir_of(picture, intent.id)
    if heir is None:
        return Struck(StepState.REFUSED, "not sent: no follower is healthy and has caught up")
    left = timeout - (clusters.boot() - begun)
    if left < _LEAST:
        return Struck(StepState.FAILED, "not sent: its time was up")
    try:
        clusters.gateway.move_leader(cluster, leader.endpoint, heir.id, left)
    except ServerFault:
        raise
    except Answered as error:
        return Struck(StepState.REFUSED, str(error))
    except NotSent as error:
        return Struck(StepState.FAILED, str(error))
    return Struck(StepState.KILLED, f"{leader} handed its role to {heir}")


def fence_leader(
    clusters: EtcdClusters, intent: Intent, step: Step, now: datetime, margin: timedelta = MARGIN
) -> Fenced:
    """Who leads now: another one means that it happened, whoever did it. The victim itself means
    that it did not, once no request can be on its way any more.

    Of a cluster that is not declared any more nobody can tell: then it is taken to have happened,
    which is the safe side.
    """
    late = now > step.strike_by + margin
    cluster = cluster_of(clusters, intent)
    if cluster is None:
        if not late:
            return Fenced(None)
        detail = f"nobody can ask {intent.workload} who leads: taken to have happened"
        return Fenced(StepState.KILLED, detail)
    leader = clusters.leading(cluster, now).leader
    if leader is None:
        return Fenced(None)
    if leader.id != step.victim.uid:
        return Fenced(StepState.KILLED, f"{leader} leads now")
    if late:
        return Fenced(StepState.FAILED, f"{leader} still leads")
    return Fenced(None)
