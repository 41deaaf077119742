"""Values of another sort than their keys take, missing keys, and keys that nobody knows."""

from __future__ import annotations

from tests.config.mistakes import Mistake

M, E, L = "etcd[0]", "etcd[1]", "etcd[2]"
K, V, P = "policies[0]", "policies[1]", "policies[2]"
TLS = {"main.ca": "", "main.cert": "", "main.key": "", "main.server": ""}
BACKUP = dict.fromkeys(
    ("main.age", "main.prometheus", "main.query", "main.file", "main.token", "main.trust"), ""
)
PODS = dict.fromkeys(("events.namespace", "events.labels", "events.port", "events.scheme"), "")
NAMED = {"kill.cluster": "", "kill.other": ""}
CHOSEN = dict.fromkeys(("pods.spaces", "pods.space", "pods.other", "pods.kinds"), "")
MISTAKES = (
    Mistake(
        "type-of-top", {"concurrent": "limits: 5"}, "limits", "expected a map", unless=("too-many",)
    ),
    Mistake(
        "type-of-limit",
        {"concurrent": "limits: {concurrent: one, perDay: 9}"},
        "limits.concurrent",
        "whole number",
        unless=("too-many",),
    ),
    Mistake("type-of-seed", {"seed": "seed: [7]"}, "seed", "text"),
    Mistake(
        "type-of-endpoints",
        {
            "main.endpoints": "    endpoints: https://10.0.0.1:2379",
            "main.first": "",
            "main.second": "",
        },
        f"{M}.endpoints",
        "expected a list",
        unless=("same-endpoint",),
    ),
    Mistake("type-of-tls", {"main.tls": "    tls: /tls", **TLS}, f"{M}.tls", "expected a map"),
    Mistake(
        "type-of-auth",
        {"main.auth": "    auth: root", "main.user": "", "main.password": ""},
        f"{M}.auth",
        "a map",
    ),
    Mistake("type-of-backup", {"main.backup": "    backup: 24h", **BACKUP}, f"{M}.backup", "a map"),
    Mistake(
        "type-of-pods",
        {"events.pods": "    pods: app=events", **PODS},
        f"{E}.pods",
        "a map",
        unless=("same-pods",),
    ),
    Mistake(
        "type-of-port",
        {"logs.pods": "    pods: {namespace: etcd, labels: app=logs, port: x}"},
        f"{L}.pods.port",
        "whole",
    ),
    Mistake("type-of-count", {"kill.count": "    count: two"}, f"{K}.count", "whole number"),
    Mistake(
        "type-of-clusters",
        {"kill.clusters": "    clusters: main", **NAMED},
        f"{K}.clusters",
        "expected a list",
        unless=("many",),
    ),
    Mistake("type-of-schedule", {"kill.schedule": "    schedule: 1d"}, f"{K}.schedule", "a map"),
    Mistake(
        "type-of-windows",
        {"kill.windows": "    windows: {allow: never}"},
        f"{K}.windows.allow",
        "a list of rules or the word always",
    ),
    Mistake(
        "type-of-select", {"pods.select": "    select: shop", **CHOSEN}, f"{P}.select", "a map"
    ),
    Mistake("type-of-kinds", {"pods.kinds": "      kinds: Job"}, f"{P}.select.kinds", "a list"),
    Mistake(
        "type-of-jitter",
        {"pods.schedule": "    schedule: {every: 1h, jitter: x}"},
        f"{P}.schedule.jitter",
        "duration",
    ),
    Mistake(
        "type-of-cron",
        {"move.schedule": "    schedule: {cron: 0 1}"},
        f"{V}.schedule.cron",
        "five fields",
    ),
    Mistake("type-of-pdb", {"pods.hold": "    pdb: ignore"}, f"{P}.pdb", "respect or bypass"),
    Mistake("type-of-dry", {"kill.hold": "    dryRun: yes please"}, f"{K}.dryRun", "true or false"),
    Mistake(
        "no-target",
        {"kill.target": ""},
        f"{K}.target",
        "write target: pod",
        line="kill",
        unless=(
            "hold",
            "crash",
            "many",
            "no-action",
            "node",
            "container",
            "select",
            "no-clusters",
        ),
    ),
    Mistake(
        "no-action",
        {"kill.action": ""},
        f"{K}.action",
        "missing: write",
        line="kill",
        unless=("container", "hold"),
    ),
    Mistake("no-schedule", {"kill.schedule": ""}, f"{K}.schedule", "missing: write", line="kill"),
    Mistake(
        "no-move",
        {"move.action": ""},
        f"{V}.action",
        "kill or moveLeader",
        line="move",
        unless=(
            "move-grace",
            "follower",
            "move-pdb",
        ),
    ),
    Mistake("no-pod", {"pods.action": ""}, f"{P}.action", "write action: evict", line="pods"),
    Mistake("key-of-policy", {"pods.hold": "    dryrun: true"}, f"{P}.dryrun", "write dryRun"),
    Mistake(
        "key-of-select", {"pods.kinds": "      kind: [Job]"}, f"{P}.select.kind", "write kinds"
    ),
    Mistake("key-of-name", {"pods": "  - nam: pods"}, f"{P}.nam", "write name"),
    Mistake("key-of-etcd", {"main.more": "    member: 3"}, f"{M}.member", "unknown key"),
    Mistake(
        "key-of-endpoints",
        {"main.endpoints": "    endpoint:"},
        f"{M}.endpoint",
        "write endpoints",
        unless=(
            "endpoint",
            "endpoint-2",
            "twice",
            "same-endpoint",
            "http",
        ),
    ),
    Mistake(
        "key-of-limits",
        {"concurrent": "limits: {atOnce: 5}"},
        "limits.atOnce",
        "unknown key",
        unless=("many", "too-many"),
    ),
)
