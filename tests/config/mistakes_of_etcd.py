"""Every single mistake that can be made in a declaration of etcd."""

from __future__ import annotations

from tests.config.mistakes import Mistake

M, E = "etcd[0]", "etcd[1]"
MISTAKES = (
    Mistake("main-name", {"main": "  - name: Main"}, f"{M}.name", "write main"),
    Mistake("endpoint", {"main.first": "      - 10.0.0.1:2379"}, f"{M}.endpoints[0]", "scheme"),
    Mistake("endpoint-2", {"main.second": "      - 7"}, f"{M}.endpoints[1]", "the number 7"),
    Mistake("ca", {"main.ca": "      ca: ca.crt"}, f"{M}.tls.ca", "no absolute path"),
    Mistake("cert", {"main.cert": "      cert: c"}, f"{M}.tls.cert", "no absolute path"),
    Mistake("key", {"main.key": "      key: k"}, f"{M}.tls.key", "no absolute path"),
    Mistake("server", {"main.server": "      serverName: a b"}, f"{M}.tls.serverName", "no host"),
    Mistake("tls-key", {"main.server": "      insecure: true"}, f"{M}.tls.insecure", "unknown key"),
    Mistake("age", {"main.age": "      maxAge: 0s"}, f"{M}.backup.maxAge", "too short"),
    Mistake("no-age", {"main.age": ""}, f"{M}.backup.maxAge", "missing", line="main.backup"),
    Mistake(
        "prometheus",
        {"main.prometheus": "      prometheus: prometheus:9090"},
        f"{M}.backup.prometheus",
        "with the scheme",
    ),
    Mistake("query", {"main.query": '      query: " "'}, f"{M}.backup.query", "empty"),
    Mistake(
        "file",
        {"main.file": "      file: backups"},
        f"{M}.backup.file",
        "no absolute path",
        unless=(
            "no-query",
            "no-prometheus",
        ),
    ),
    Mistake("unknown", {"main.more": "    snapshots: 1h"}, f"{M}.snapshots", "unknown key"),
    Mistake(
        "snapshot", {"main.snapshot": "    snapshotCheck: 1"}, f"{M}.snapshotCheck", "duration"
    ),
    Mistake("pods-ns", {"events.namespace": "      namespace: E"}, f"{E}.pods.namespace", "no"),
    Mistake("no-labels", {"events.labels": ""}, f"{E}.pods.labels", "missing", line="events.pods"),
    Mistake("pods-port", {"events.port": "      port: 0"}, f"{E}.pods.port", "at least 1"),
    Mistake("scheme", {"events.scheme": "      scheme: tcp"}, f"{E}.pods.scheme", "https or http"),
    Mistake(
        "both-places",
        {"main.pods": "    pods: {namespace: main, labels: app=main}"},
        M,
        "several of endpoints and pods",
        line="main",
    ),
    Mistake(
        "both-elsewhere",
        {"events.endpoints": "    endpoints: [https://10.0.1.1:2379]"},
        E,
        "several of endpoints and pods",
        line="events",
    ),
    Mistake("nowhere", {"logs.pods": ""}, "etcd[2]", "none of endpoints and pods", line="logs"),
    Mistake(
        "no-endpoints",
        {"main.endpoints": "", "main.first": "", "main.second": ""},
        M,
        "none of endpoints and pods",
        line="main",
        unless=("both-places",),
    ),
    Mistake(
        "same-name", {"events": "  - name: main"}, f"{E}.name", "already", unless=("main-name",)
    ),
    Mistake(
        "same-endpoint",
        {
            "events.endpoints": "    endpoints: ['https://10.0.0.2:2379']",
            "events.pods": "",
            "events.namespace": "",
            "events.labels": "",
            "events.port": "",
            "events.scheme": "",
        },
        f"{E}.endpoints[0]",
        "is already etcd[0].endpoints[1]",
        unless=("endpoint-2", "no-endpoints", "http", "twice"),
    ),
    Mistake(
        "twice",
        {"main.second": "      - https://10.0.0.1:2379/"},
        f"{M}.endpoints[1]",
        "is already",
        line="main.second",
        unless=("endpoint",),
    ),
    Mistake("http", {"main.second": "      - http://10.0.0.2:2379"}, f"{M}.endpoints[1]", "tls"),
    Mistake(
        "same-pods",
        {"logs.pods": "    pods: {namespace: etcd, labels: app=events, port: 2381}"},
        "etcd[2].pods",
        "already what etcd[1] has",
        unless=("pods-ns", "no-labels", "pods-port", "same-endpoint", "labels"),
    ),
    Mistake("labels", {"events.labels": '      labels: ""'}, f"{E}.pods.labels", "every pod"),
    Mistake(
        "no-key", {"main.key": ""}, f"{M}.tls.key", "missing", line="main.tls", unless=("no-cert",)
    ),
    Mistake("no-cert", {"main.cert": ""}, f"{M}.tls.cert", "missing", line="main.tls"),
    Mistake(
        "tls-http",
        {"events.scheme": "      scheme: http", "events.tls": "    tls: {ca: /ca.crt}"},
        f"{E}.tls",
        "goes with https alone",
        line="events.tls",
    ),
    Mistake(
        "both-backups",
        {"events.backup": "    backup: {maxAge: 1d, file: /b, query: up}"},
        f"{E}.backup",
        "both of",
    ),
    Mistake(
        "no-backup",
        {"events.backup": "    backup: {maxAge: 1d}"},
        f"{E}.backup",
        "none of prometheus",
    ),
    Mistake(
        "no-query",
        {"main.query": ""},
        f"{M}.backup.query",
        "missing",
        line="main.backup",
        unless=("no-prometheus",),
    ),
    Mistake(
        "no-prometheus",
        {"main.prometheus": ""},
        f"{M}.backup.prometheus",
        "missing",
        line="main.backup",
    ),
    Mistake("often", {"main.snapshot": "    snapshotCheck: 5s"}, f"{M}.snapshotCheck", "too often"),
    Mistake("namespaced", {"namespaces": "namespaces: [shop, etcd]"}, "etcd", "nodes", line="etcd"),
    Mistake("user", {"main.user": '      username: ""'}, f"{M}.auth.username", "empty"),
    Mistake(
        "no-user",
        {"main.user": ""},
        f"{M}.auth.username",
        "missing",
        line="main.auth",
        unless=("no-password",),
    ),
    Mistake(
        "password",
        {"main.password": "      passwordFile: p"},
        f"{M}.auth.passwordFile",
        "not shown",
    ),
    Mistake(
        "no-password",
        {"main.password": ""},
        f"{M}.auth.passwordFile",
        "missing",
        line="main.auth",
    ),
    Mistake(
        "token",
        {"main.token": "      bearerTokenFile: t"},
        f"{M}.backup.bearerTokenFile",
        "not shown",
    ),
    Mistake(
        "trust", {"main.trust": "      tls: {ca: c}"}, f"{M}.backup.tls.ca", "no absolute path"
    ),
    Mistake(
        "token-of-file",
        {"events.backup": "    backup: {maxAge: 24h, file: /backups, bearerTokenFile: /token}"},
        f"{E}.backup.bearerTokenFile",
        "goes with prometheus alone",
    ),
    Mistake(
        "trust-by-http",
        {"main.prometheus": "      prometheus: http://prometheus:9090"},
        f"{M}.backup.tls",
        "goes with https alone",
        line="main.trust",
    ),
)
