"""Every single mistake that can be made in policies about etcd, and some in others."""

from __future__ import annotations

from tests.config.mistakes import Mistake

K, V, P = "policies[0]", "policies[1]", "policies[2]"
MISTAKES = (
    Mistake("zone", {"top": "timezone: Nowhere"}, "timezone", "unknown time zone"),
    Mistake("target", {"kill.target": "    target: etdc"}, f"{K}.target", "write etcd"),
    Mistake("action", {"kill.action": "    action: kil"}, f"{K}.action", "write kill"),
    Mistake("member", {"kill.member": "    member: all"}, f"{K}.member", "any or leader"),
    Mistake("cluster", {"kill.cluster": "      - Main"}, f"{K}.clusters[0]", "write main"),
    Mistake("count", {"kill.count": "    count: 0"}, f"{K}.count", "at least 1"),
    Mistake("grace", {"kill.grace": "    gracePeriodSeconds: x"}, f"{K}.gracePeriodSeconds", "num"),
    Mistake("deadline", {"kill.deadline": "    deadline: ten"}, f"{K}.deadline", "duration"),
    Mistake("every", {"kill.schedule": "    schedule: {every: x}"}, f"{K}.schedule.every", "dura"),
    Mistake(
        "kind", {"pods.kinds": "      kinds: [pod, Job]"}, f"{P}.select.kinds[0]", "manifests, Pod"
    ),
    Mistake("glob", {"pods.space": "        - A"}, f"{P}.select.namespaces[0]", "namespace"),
    Mistake(
        "no-seed",
        {"seed": "", "namespaces": "namespaces: [shop, etcd]"},
        "seed",
        "missing",
        line="namespaces",
    ),
    Mistake("undeclared", {"kill.cluster": "      - zoo"}, f"{K}.clusters[0]", "no cluster 'zoo'"),
    Mistake("undeclared-2", {"kill.other": "      - moo"}, f"{K}.clusters[1]", "no cluster 'moo'"),
    Mistake(
        "cluster-twice",
        {"kill.other": "      - main"},
        f"{K}.clusters[1]",
        "twice",
        line="kill.other",
        unless=("cluster", "undeclared"),
    ),
    Mistake(
        "no-clusters",
        {"kill.clusters": "", "kill.cluster": "", "kill.other": ""},
        f"{K}.clusters",
        "missing",
        line="kill",
        unless=("target", "many"),
    ),
    Mistake(
        "select",
        {"kill.select.age": "      minAge: 1h"},
        f"{K}.select.minAge",
        "remove it",
        unless=("target",),
    ),
    Mistake(
        "container",
        {"kill.container": "    container: a"},
        f"{K}.container",
        "remove it",
        unless=("target", "action"),
    ),
    Mistake(
        "hold", {"kill.hold": "    hold: 1m"}, f"{K}.hold", "remove it", unless=("target", "action")
    ),
    Mistake(
        "node",
        {"kill.node": "    node: {minNodes: 1}"},
        f"{K}.node",
        "remove it",
        unless=("target",),
    ),
    Mistake(
        "many",
        {"kill.count": "    count: 3"},
        f"{K}.count",
        "the number of clusters",
        unless=("target",),
    ),
    Mistake("too-many", {"kill.count": "    count: 6"}, f"{K}.count", "limits.concurrent allows"),
    Mistake(
        "long-grace",
        {"kill.grace": "    gracePeriodSeconds: 600"},
        f"{K}.gracePeriodSeconds",
        "nothing of the deadline",
        unless=("deadline",),
    ),
    Mistake(
        "crash",
        {"kill.action": "    action: evict"},
        f"{K}.action",
        "nothing for target",
        unless=("target",),
    ),
    Mistake(
        "kinds-of-times",
        {"kill.schedule": '    schedule: {every: 1d, cron: "0 1 * * *"}'},
        f"{K}.schedule",
        "several of every",
    ),
    Mistake("follower", {"move.member": "    member: follower"}, f"{V}.member", "moveLeader"),
    Mistake(
        "move-grace",
        {"move.grace": "    gracePeriodSeconds: 5"},
        f"{V}.gracePeriodSeconds",
        "moveLeader stops nothing",
    ),
    Mistake("move-pdb", {"move.pdb": "    pdb: bypass"}, f"{V}.pdb", "moveLeader takes no pod"),
    Mistake("move-name", {"move": "  - name: kill"}, f"{V}.name", "already the name"),
    Mistake(
        "outside",
        {"namespaces": "namespaces: [shop]"},
        f"{P}.select.namespaces[1]",
        "outside of namespaces",
        line="pods.other",
    ),
    Mistake(
        "jitter",
        {"pods.schedule": "    schedule: {every: 1h, jitter: 2h}"},
        f"{P}.schedule.jitter",
        "below every",
    ),
    Mistake("pods-crash", {"pods.action": "    action: crash"}, f"{P}.action", "helper"),
    Mistake("pods-clusters", {"pods.clusters": "    clusters: [zoo]"}, f"{P}.clusters", "etcd al"),
    Mistake("pods-member", {"pods.member": "    member: leader"}, f"{P}.member", "etcd alone"),
)
