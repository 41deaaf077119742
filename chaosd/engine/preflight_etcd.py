"""What a configuration means for each etcd cluster that it declares, in plain words."""

from __future__ import annotations

from collections.abc import Iterator

from chaosd.core.duration import render
from chaosd.core.etcd_model import EtcdCluster, MemberRole
from chaosd.core.model import Action, Configuration, Policy

_WHICH = {
    MemberRole.ANY: "any one of its members",
    MemberRole.LEADER: "its leader",
    MemberRole.FOLLOWER: "a follower",
}
_HTTP = "http://"


def etcd_words(configuration: Configuration) -> Iterator[str]:
    """For each declared cluster: where it is, who may strike its members, and what gates that."""
    for cluster in configuration.etcd:
        yield f"etcd {cluster.name} ({_where(cluster)}): whatever is struck, its quorum is kept."
        naming = [one for one in configuration.policies if cluster.name in one.clusters]
        for policy in naming:
            yield f"  Policy {policy.name}{_does(policy)}."
        if not naming:
            yield (
                "  No policy names it: a member goes down only with a pod or a node that a policy"
                " may strike anyway, and only if its guard allows it."
            )
        kills = any(policy.action is Action.KILL for policy in naming)
        if kills and configuration.helper is None:
            yield (
                "  There is no helper, so only members that are pods with a PersistentVolumeClaim"
                " can be killed: no static pods, no processes of nodes."
            )
        if gates := _gates(cluster):
            yield f"  No member is struck unless {gates}."
        if _in_the_clear(cluster):
            auth = cluster.auth
            also = f", and the password of {auth.username} is sent in the clear" if auth else ""
            what = "what they answer is not proven to be theirs"
            yield f"  Members are asked over http: {what}{also}."
        if (backup := cluster.backup) and backup.bearer_token_file and _plain(backup.prometheus):
            token = backup.bearer_token_file
            yield f"  Prometheus is asked over http: the token in {token} is sent in the clear."


def victims(policy: Policy) -> str:
    """What a policy for etcd strikes in each slot, such as ``one member of etcd main``."""
    if policy.action is Action.MOVE_LEADER:
        which = "the leader"
    elif policy.member is MemberRole.ANY:
        which = "one member"
    else:
        which = "the leader" if policy.member is MemberRole.LEADER else "one follower"
    if policy.count > 1:
        return f"{which} of each of {policy.count} clusters of {', '.join(policy.clusters)}"
    return f"{which} of etcd {' or '.join(policy.clusters)}"


def _where(cluster: EtcdCluster) -> str:
    if cluster.pods is None:
        return ", ".join(cluster.endpoints)
    pods = cluster.pods
    return f"pods {pods.labels.text} in namespace {pods.namespace}, {pods.scheme} port {pods.port}"


def _does(policy: Policy) -> str:
    dry = " is a dry run: it would" if policy.dry_run else " may"
    if policy.action is Action.MOVE_LEADER:
        return f"{dry} move its leader to a follower"
    return f"{dry} kill {_WHICH[policy.member]}"


def _gates(cluster: EtcdCluster) -> str:
    found = []
    if cluster.backup is not None:
        backup = cluster.backup
        source = backup.file or f"the answer of {backup.prometheus}"
        found.append(f"the newest backup, by {source}, is at most {render(backup.max_age)} old")
    if cluster.snapshot_check is not None:
        often = render(cluster.snapshot_check)
        found.append(f"a snapshot of it was read and found good within {often}")
    return " and ".join(found)


def _in_the_clear(cluster: EtcdCluster) -> bool:
    if cluster.pods is not None:
        return f"{cluster.pods.scheme}://" == _HTTP
    return any(_plain(one) for one in cluster.endpoints)


def _plain(url: str) -> bool:
    return url.startswith(_HTTP)
