"""What is wrong with declared etcd clusters, and with policies about them, as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from chaosd.config.etcd import EtcdBackupSettings, EtcdSettings, Scheme
from chaosd.config.policies import PolicySettings
from chaosd.config.problems import KeyPath, shown
from chaosd.config.reading import nearest
from chaosd.config.validating import Draft
from chaosd.core.duration import render
from chaosd.core.model import Action, BudgetMode, MemberRole, TargetKind

_SHORTEST = timedelta(minutes=1)
_ONE_OF = "endpoints and pods: write exactly one of them"


def check_clusters(draft: Draft) -> None:
    """Report what is wrong with the declarations of etcd clusters."""
    _check_unique(draft, "name", ("name",), lambda one: one.name, "a name of its own")
    _check_endpoints(draft)
    if draft.settings.etcd and draft.settings.namespaces is not None:
        draft.report(
            ("etcd",),
            "nodes can't be read in namespaced mode, so nobody knows what goes down with a member:"
            " remove it, or remove the key namespaces",
        )
    for number, cluster in enumerate(draft.settings.etcd):
        path: KeyPath = ("etcd", number)
        _check_members(draft, path, cluster)
        _check_tls(draft, path, cluster)
        _check_backup(draft, path, cluster)
        often = cluster.snapshot_check
        if often is not None and often < _SHORTEST and draft.sound(*path, "snapshotCheck"):
            draft.report(
                (*path, "snapshotCheck"),
                f"{render(often)} is too often to read a whole database: write "
                f"{render(_SHORTEST)} or more, such as 24h",
            )
    parts = ("pods.namespace", "pods.labels", "pods.port")
    _check_unique(draft, "pods", parts, _pods, "labels that select its own pods alone")


def _pods(cluster: EtcdSettings) -> str | None:
    pods = cluster.pods
    return f"{pods.namespace}, {pods.labels.text}, {pods.port}" if pods else None


def _check_unique(
    draft: Draft,
    key: str,
    parts: tuple[str, ...],
    of: Callable[[EtcdSettings], str | None],
    write: str,
) -> None:
    """Report clusters of which the same is written at `key`, by `parts` of it."""
    first: dict[str, int] = {}
    for number, cluster in enumerate(draft.settings.etcd):
        text = of(cluster)
        if text is None or not all(draft.sound("etcd", number, *part.split(".")) for part in parts):
            continue
        if text in first:
            draft.report(
                ("etcd", number, key),
                f"{shown(text)} is already what etcd[{first[text]}] has: give each cluster {write}",
            )
        first.setdefault(text, number)


def _check_endpoints(draft: Draft) -> None:
    """Each endpoint is one member of one cluster."""
    first: dict[str, str] = {}
    for number, cluster in enumerate(draft.settings.etcd):
        for place, url in enumerate(cluster.endpoints):
            path: KeyPath = ("etcd", number, "endpoints", place)
            if not draft.sound(*path):
                continue
            if url in first:
                draft.report(
                    path, f"{url} is already {first[url]}: a member is written once, remove it here"
                )
            first.setdefault(url, f"etcd[{number}].endpoints[{place}]")


def _check_members(draft: Draft, path: KeyPath, cluster: EtcdSettings) -> None:
    if not draft.read(*path):
        return
    endpoints = _given(draft, (*path, "endpoints"), cluster.endpoints)
    pods = _given(draft, (*path, "pods"), cluster.pods)
    if endpoints and pods:
        draft.report(path, f"several of {_ONE_OF}")
    elif not endpoints and not pods:
        draft.report(path, f"none of {_ONE_OF}, such as endpoints: [https://10.0.0.1:2379]")
    if cluster.pods and not cluster.pods.labels and draft.sound(*path, "pods", "labels"):
        draft.report(
            (*path, "pods", "labels"),
            "empty, so every pod of the namespace would be taken for a member: write what all "
            "members have and nothing else, such as app.kubernetes.io/name=etcd",
        )


def _given(draft: Draft, path: KeyPath, value: object) -> bool:
    """Whether something is written there, be it something that can't be read."""
    return bool(value) or not draft.read(*path)


def _check_tls(draft: Draft, path: KeyPath, cluster: EtcdSettings) -> None:
    tls = cluster.tls
    if not _given(draft, (*path, "tls"), tls):
        return
    given = {
        key: tls is not None and _given(draft, (*path, "tls", key), getattr(tls, key))
        for key in ("cert", "key")
    }
    for missing, have in (("cert", "key"), ("key", "cert")):
        if given[have] and not given[missing]:
            draft.report(
                (*path, "tls", missing),
                f"missing, and {have} is no use without it: write {missing}: "
                f"/etc/chaosd/etcd/tls.{'crt' if missing == 'cert' else 'key'}, or remove {have}",
            )
    if tls is not None and cluster.pods and cluster.pods.scheme is Scheme.HTTP:
        draft.report((*path, "tls"), "goes with https alone: remove it, or write scheme: https")
    for number, url in enumerate(cluster.endpoints):
        where = (*path, "endpoints", number)
        if urlsplit(url).scheme == Scheme.HTTP and draft.sound(*where):
            draft.report(
                where,
                f"http, and tls is written: write {url.replace('http', 'https', 1)}, or remove tls",
            )


def _check_backup(draft: Draft, path: KeyPath, cluster: EtcdSettings) -> None:
    backup, where = cluster.backup, (*path, "backup")
    if backup is None:
        return
    prometheus, query, file = (
        _given(draft, (*where, key), getattr(backup, key))
        for key in ("prometheus", "query", "file")
    )
    asked = prometheus or query
    if asked == file:
        given = "both" if asked else "none"
        draft.report(
            where, f"{given} of prometheus (with query) and file: write exactly one of them"
        )
    elif not query and not file:
        draft.report(
            (*where, "query"),
            "missing: write what answers the age in seconds, such as "
            'query: "time() - max(etcd_backup_last_success_timestamp)"',
        )
    elif not prometheus and not file:
        draft.report(
            (*where, "prometheus"),
            "missing: write where the query is asked, such as "
            "prometheus: http://prometheus.monitoring:9090",
        )
    _check_prometheus(draft, where, backup, asked=asked)


def _check_prometheus(
    draft: Draft, where: KeyPath, backup: EtcdBackupSettings, *, asked: bool
) -> None:
    """Check the keys that say how Prometheus is asked."""
    for key, value in (("tls", backup.tls), ("bearerTokenFile", backup.bearer_token_file)):
        if value is not None and not asked:
            draft.report((*where, key), "goes with prometheus alone: remove it")
    url = backup.prometheus or ""
    if backup.tls is not None and url.startswith("http:"):
        draft.report(
            (*where, "tls"),
            f"goes with https alone: remove it, or write "
            f"prometheus: {url.replace('http', 'https', 1)}",
        )


# ------------------------------------------------------------------ policies


def strangers(policy: PolicySettings) -> Iterator[tuple[KeyPath, str]]:
    """Keys of a policy that mean nothing with, or only with, etcd; each with what to do."""
    if policy.target is not TargetKind.ETCD:
        for key, value in (("clusters", policy.clusters), ("member", policy.member)):
            if key in policy.model_fields_set and value:
                yield (key,), "goes with target: etcd alone: remove it"
        return
    for name, info in type(policy.select).model_fields.items():
        if name in policy.select.model_fields_set and getattr(policy.select, name):
            yield (
                ("select", info.alias or name),
                "members are chosen by clusters and member: remove it",
            )
    if policy.action is not Action.MOVE_LEADER:
        return
    if policy.member is not MemberRole.ANY:
        yield ("member",), "moveLeader always takes the leader: remove it, or write action: kill"
    if policy.grace_period_seconds is not None:
        yield (
            ("gracePeriodSeconds",),
            "moveLeader stops nothing: remove it, or write action: kill",
        )
    if policy.pdb is BudgetMode.BYPASS:
        yield (
            ("pdb",),
            "moveLeader takes no pod away, so no budget is asked: remove it, or write action: kill",
        )


def check_policy(draft: Draft, path: KeyPath, policy: PolicySettings) -> None:
    """Report what is wrong with the clusters that a policy names."""
    etcd = policy.target is TargetKind.ETCD and draft.sound(*path, "target")
    if not (etcd or not draft.read(*path, "target")):
        return
    known = _known(draft)
    if etcd and not _given(draft, (*path, "clusters"), policy.clusters):
        example = known[0] if known else "main"
        declare = "" if draft.settings.etcd else ", and declare it under etcd at the top"
        draft.report(
            (*path, "clusters"),
            f"missing: write which clusters may lose a member, clusters: [{example}]{declare}",
        )
    seen: set[str] = set()
    for number, name in enumerate(policy.clusters):
        where = (*path, "clusters", number)
        if not draft.sound(*where):
            continue
        if name in seen:
            draft.report(where, f"{shown(name)} is written twice: remove it here")
        elif name not in known and not _meant(draft, name):
            draft.report(where, _undeclared(name, known))
        seen.add(name)


def _known(draft: Draft) -> tuple[str, ...]:
    """The names of declared clusters, of those that could be read."""
    etcd = draft.settings.etcd
    return tuple(one.name for n, one in enumerate(etcd) if draft.read("etcd", n, "name"))


def _meant(draft: Draft, name: str) -> bool:
    """Whether a declared cluster whose name can't be read may be called that."""
    if not draft.read("etcd"):
        return True
    for number in range(len(draft.settings.etcd)):
        if draft.read("etcd", number, "name"):
            continue
        written = draft.written["etcd"][number]
        text = written.get("name") if isinstance(written, dict) else None
        if text is None or nearest(name, (str(text),)):
            return True
    return False


def _undeclared(name: str, known: tuple[str, ...]) -> str:
    near = nearest(name, known)
    if near:
        advice = f"write {near}"
    elif known:
        advice = f"write one of {', '.join(known)}, or declare it there"
    else:
        advice = f"declare it there, as in etcd: [{{name: {name}, endpoints: [https://...]}}]"
    return f"no cluster {shown(name)} is declared under etcd: {advice}"
