"""A file without a mistake, and what a mistake in it is."""

from __future__ import annotations

from dataclasses import dataclass, field

# A line each, under a name by which a mistake puts another in its place; what is not written here
# is there for mistakes to write.
LINES = {
    "top": "timezone: Europe/Berlin",
    "concurrent": "limits: {concurrent: 5}",
    "namespaces": "",
    "seed": "seed: '7'",
    "etcd": "etcd:",
    "main": "  - name: main",
    "main.endpoints": "    endpoints:",
    "main.first": "      - https://10.0.0.1:2379",
    "main.second": "      - https://10.0.0.2:2379",
    "main.pods": "",
    "main.tls": "    tls:",
    "main.ca": "      ca: /tls/ca.crt",
    "main.cert": "      cert: /tls/tls.crt",
    "main.key": "      key: /tls/tls.key",
    "main.server": "      serverName: etcd.example.com",
    "main.auth": "    auth:",
    "main.user": "      username: root",
    "main.password": "      passwordFile: /etcd/password",
    "main.backup": "    backup:",
    "main.age": "      maxAge: 24h",
    "main.prometheus": "      prometheus: https://prometheus:9090",
    "main.query": "      query: up",
    "main.file": "",
    "main.token": "      bearerTokenFile: /token",
    "main.trust": "      tls: {ca: /ca.crt}",
    "main.snapshot": "    snapshotCheck: 24h",
    "main.more": "",
    "events": "  - name: events",
    "events.endpoints": "",
    "events.pods": "    pods:",
    "events.namespace": "      namespace: etcd",
    "events.labels": "      labels: app=events",
    "events.port": "      port: 2381",
    "events.scheme": "      scheme: https",
    "events.tls": "",
    "events.backup": "    backup: {maxAge: 24h, file: /backups}",
    "logs": "  - name: logs",
    "logs.pods": "    pods: {namespace: etcd, labels: app=logs}",
    "policies": "policies:",
    "kill": "  - name: kill",
    "kill.target": "    target: etcd",
    "kill.action": "    action: kill",
    "kill.schedule": "    schedule: {every: 1d}",
    "kill.clusters": "    clusters:",
    "kill.cluster": "      - main",
    "kill.other": "      - events",
    "kill.member": "    member: any",
    "kill.count": "    count: 1",
    "kill.grace": "    gracePeriodSeconds: 5",
    "kill.deadline": "    deadline: 10m",
    "kill.select": "    select:",
    "kill.select.names": '      names: ""',
    "kill.select.age": "",
    "kill.container": "",
    "kill.hold": "",
    "kill.node": "",
    "kill.windows": "    windows: {}",
    "move": "  - name: move",
    "move.target": "    target: etcd",
    "move.action": "    action: moveLeader",
    "move.schedule": "    schedule: {every: 1d}",
    "move.clusters": "    clusters: [main]",
    "move.member": "",
    "move.grace": "",
    "move.pdb": "",
    "pods": "  - name: pods",
    "pods.target": "    target: pod",
    "pods.action": "    action: evict",
    "pods.schedule": "    schedule: {every: 1d}",
    "pods.clusters": "",
    "pods.member": "",
    "pods.count": "",
    "pods.grace": "",
    "pods.select": "    select:",
    "pods.spaces": "      namespaces:",
    "pods.space": "        - shop",
    "pods.other": "        - etcd",
    "pods.kinds": "      kinds: [Deployment]",
    "pods.container": "",
    "pods.hold": "",
}


@dataclass(frozen=True, eq=False)
class Mistake:
    """What is written instead of which lines; the problem is told at ``line`` (the first of them
    if not said) as ``path`` and holds ``words``. ``unless`` are names of mistakes beside which it
    is none, or not to be known."""

    name: str
    lines: dict[str, str]
    path: str
    words: str
    line: str = ""
    unless: tuple[str, ...] = field(default=())
