"""Whether the member that was struck is back. The cluster around it is the guard's to judge."""

from __future__ import annotations

from datetime import datetime

from chaosd.core.etcd_match import has_host, host_of, is_called, port_of, runs
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.facts import PodFacts, Recovery
from chaosd.core.ledger import Intent
from chaosd.core.model import StepAction, Victim, WorkloadKey
from chaosd.core.quorum import Member, Picture, not_back
from chaosd.targets.etcd_clusters import EtcdClusters
from chaosd.targets.etcd_strike import cluster_of
from chaosd.targets.node_reads import NodeReads


def recovery_of(
    reads: NodeReads, clusters: EtcdClusters, intent: Intent, now: datetime
) -> Recovery:
    """Whether the victim of the intent's last step answers again and has caught up.

    A cluster that is not declared any more is closed: nobody can ask it. A victim that is no member
    any more has nothing to wait for. Raises CallFailed.
    """
    step = intent.steps[-1]
    cluster = cluster_of(clusters, intent)
    if cluster is None:
        known = clusters.learned
        name = WorkloadKey.parse(intent.workload).name
        gone = f"etcd {name} is not declared any more"
        detail = gone if known else "no configuration was read yet"
        return Recovery(whole=False, closed=known, desired=1, detail=detail)
    victim = step.victim
    # The pod is read before its member is asked: one that answers may still go, with the old pod.
    pod = reads.pod(victim.namespace, victim.name) if victim.kind == "Pod" else None
    waits = _waits(pod, step.action, victim)
    picture = clusters.state(cluster, now)
    if not picture.members:
        why = "; ".join(picture.problems) or "nobody answers"
        return Recovery(whole=False, desired=1, detail=waits or why)
    members = _members(reads, cluster, picture, step.action, victim, pod)
    against = waits or "; ".join(filter(None, (not_back(picture, one) for one in members)))
    well = f"{', '.join(map(str, members))} answers and has caught up"
    return Recovery(
        whole=not against,
        ready=0 if against else 1,
        desired=1,
        detail=against or (well if members else f"{victim} is no member any more"),
    )


def _members(
    reads: NodeReads,
    cluster: EtcdCluster,
    picture: Picture,
    action: StepAction,
    victim: Victim,
    pod: PodFacts | None,
) -> list[Member]:
    """The listed members that the victim may be; it is one, but for doubt."""
    if action is StepAction.MOVE_LEADER:
        return [member for member in picture.members if member.id == victim.uid]
    if action is StepAction.KILL_PROCESS:
        node = reads.node(victim.name)
        place = victim.container.rpartition(":")[2]
        return [
            member
            for member in picture.members
            if node is not None
            and any(
                has_host(node, host_of(url)) and str(port_of(url)) == place
                for url in member.peer_urls
            )
        ]
    return [
        member
        for member in picture.members
        if is_called(member, victim.namespace, victim.name)
        or (pod is not None and runs(cluster, member, pod))
    ]


def _waits(pod: PodFacts | None, action: StepAction, victim: Victim) -> str:
    """What the victim's pod has still to do; "" for nothing. A static pod that was made anew runs
    another container anyway."""
    if pod is None or pod.uid != victim.uid:
        return ""
    if action is not StepAction.CRASH:
        return f"{pod} is still there"
    now_as = next((one.id for one in pod.containers if one.name == victim.container), "")
    if now_as in ("", victim.identity):
        return f"container {victim.container} of {pod} has not restarted"
    return "" if pod.ready else f"{pod} is not Ready"
