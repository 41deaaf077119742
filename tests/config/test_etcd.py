"""What declared etcd clusters, and policies about them, become."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from chaosd.config import json_schema, load_text
from chaosd.config.addresses import base_url, endpoint
from chaosd.core.duration import render
from chaosd.core.etcd_model import EtcdAuth, EtcdBackup, EtcdCluster, EtcdPods, EtcdTls, MemberRole
from chaosd.core.model import Action, BudgetMode, Configuration, Policy, TargetKind
from chaosd.core.selector import Selector

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SCHEMA = Draft202012Validator(json_schema())
WHOLE = """
etcd:
  - name: main
    endpoints: ["https://10.0.0.1:2379", "https://[fd00::1]:2379", "https://ETCD-3.example.com:2379/"]
    tls: {ca: /tls/ca.crt, cert: /tls/tls.crt, key: /tls/tls.key, serverName: etcd.example.com}
    auth: {username: root, passwordFile: /etc/chaosd/etcd/main/password}
    backup:
      maxAge: 24h
      prometheus: https://prometheus.monitoring:9090/prom/
      tls: {ca: /tls/prometheus.crt}
      bearerTokenFile: /tls/token
      query: "time() - max(etcd_backup_last_success_timestamp)"
    snapshotCheck: 1m
  - name: events
    pods: {namespace: etcd, labels: "app=etcd,role!=proxy", port: 2381, scheme: http}
    backup: {maxAge: 1w, file: /backups}
policies:
  - name: kill
    target: etcd
    action: kill
    clusters: [events, main]
    member: leader
    schedule: {every: 1d}
    gracePeriodSeconds: 5
    pdb: bypass
  - {name: move, target: etcd, action: moveLeader, clusters: [main], schedule: {every: 1d}}
"""


def loaded(text: str, **environ: str) -> Configuration:
    found = load_text(text, environ, NOW)
    assert found.configuration is not None, found.problems
    return found.configuration


def test_every_key_of_a_cluster_is_mapped() -> None:
    """Declarations arrive in the core's words, URLs written in one way."""
    assert loaded(WHOLE).etcd == (
        EtcdCluster(
            name="main",
            endpoints=(
                "https://10.0.0.1:2379",
                "https://[fd00::1]:2379",
                "https://etcd-3.example.com:2379",
            ),
            tls=EtcdTls("/tls/ca.crt", "/tls/tls.crt", "/tls/tls.key", "etcd.example.com"),
            backup=EtcdBackup(
                timedelta(days=1),
                "https://prometheus.monitoring:9090/prom",
                "time() - max(etcd_backup_last_success_timestamp)",
                ca="/tls/prometheus.crt",
                bearer_token_file="/tls/token",
            ),
            snapshot_check=timedelta(minutes=1),
            auth=EtcdAuth("root", "/etc/chaosd/etcd/main/password"),
        ),
        EtcdCluster(
            name="events",
            pods=EtcdPods("etcd", Selector.parse("app=etcd,role!=proxy"), 2381, "http"),
            backup=EtcdBackup(timedelta(weeks=1), file="/backups"),
        ),
    )


def test_every_key_of_a_policy_is_mapped() -> None:
    """A policy names clusters and a role, and has ten minutes."""
    found = loaded(WHOLE)
    kill, move = found.policies

    assert (kill.target, kill.action) == (TargetKind.ETCD, Action.KILL)
    assert (kill.clusters, kill.member) == (("events", "main"), MemberRole.LEADER)
    assert (kill.pdb, kill.grace_period_seconds) == (BudgetMode.BYPASS, 5)
    assert (kill.deadline, kill.hold) == (timedelta(minutes=10), timedelta(0))
    assert (move.action, move.clusters, move.member) == (
        Action.MOVE_LEADER,
        ("main",),
        MemberRole.ANY,
    )


def test_what_is_not_written_has_the_defaults_of_the_core() -> None:
    """The defaults of the models are those of the core."""
    (cluster,) = loaded(
        "{etcd: [{name: a, pods: {namespace: b, labels: c=d}, tls: {}}], policies: []}"
    ).etcd

    assert cluster == EtcdCluster(
        name="a", pods=EtcdPods("b", Selector.parse("c=d")), tls=EtcdTls()
    )


def test_a_declared_cluster_is_no_target() -> None:
    """Whoever declares a cluster opts nothing in: policies for pods name none."""
    text = "{etcd: [{name: a, endpoints: [http://h:1]}], policies: [{name: p, target: pod, action:"
    (policy,) = loaded(text + " evict, schedule: {every: 1h}}]}").policies

    assert (policy.clusters, policy.member) == ((), MemberRole.ANY)


def test_clusters_from_the_environment() -> None:
    """The list can be set by a variable, as a whole; its mistakes are said there."""
    one = json.dumps([{"name": "main", "endpoints": ["http://127.0.0.1:2379"]}])
    found = loaded("policies: []", CHAOSD_ETCD=one)
    assert found.etcd == (EtcdCluster("main", ("http://127.0.0.1:2379",)),)

    problems = load_text("policies: []", {"CHAOSD_ETCD": "[{name: main}]"}, NOW).problems
    assert [one.path for one in problems] == ["CHAOSD_ETCD[0]"]


def test_a_wrong_declaration_hides_no_mistake_of_a_policy() -> None:
    """Undeclared names are told although a cluster has mistakes of its own."""
    text = """
etcd: [{name: main, endpoints: [nowhere]}]
policies: [{name: a, target: etcd, action: kill, clusters: [mian], schedule: {every: 1d}}]
"""
    paths = [one.path for one in load_text(text, {}, NOW).problems]

    assert paths == ["etcd[0].endpoints[0]", "policies[0].clusters[0]"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("https://ETCD-0.etcd.svc.:2379/", "https://etcd-0.etcd.svc.:2379"),
        ("https://[FD00:0::1]:02379", "https://[fd00::1]:2379"),
    ],
)
def test_endpoints_are_written_in_one_way(text: str, expected: str) -> None:
    """The same place is the same text, so that two of them can be told apart."""
    assert endpoint(text) == expected
    assert endpoint(expected) == expected


@pytest.mark.parametrize("text", ["https://", "https://a b", "x", "http://h:x", "http://[::1%]:1"])
def test_what_is_no_url(text: str) -> None:
    """What can't be asked is refused with what to write instead."""
    for read in (endpoint, base_url):
        with pytest.raises(ValueError, match="write"):
            read(text)


@given(st.text(max_size=20) | st.text(max_size=20).map("https://".__add__))
def test_any_text_is_an_endpoint_or_a_mistake(text: str) -> None:
    """Reading twice changes nothing, and nothing else is ever raised."""
    for read in (endpoint, base_url):
        try:
            found = read(text)
        except ValueError:
            continue
        assert read(found) == found


NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
PORTS = st.integers(1, 65535)
PATHS = st.from_regex(r"/[a-z]{1,8}(/[a-z]{1,8})?", fullmatch=True)
SPANS = st.integers(60, 10**7).map(lambda seconds: timedelta(seconds=seconds))
LABELS = NAMES.map(lambda name: Selector.parse(f"app={name}"))
PODS = st.builds(EtcdPods, NAMES, LABELS, PORTS, st.just("https"))
TLS = st.builds(EtcdTls, ca=st.just("") | PATHS, server_name=st.just("") | NAMES) | st.builds(
    EtcdTls, PATHS, PATHS, PATHS
)
BACKUPS = st.builds(EtcdBackup, SPANS, file=PATHS) | st.builds(
    EtcdBackup,
    SPANS,
    NAMES.map("https://{}".format),
    NAMES,
    ca=st.just("") | PATHS,
    bearer_token_file=st.just("") | PATHS,
)
URLS = st.lists(st.builds("https://{}:{}".format, NAMES, PORTS), min_size=1, unique=True).map(tuple)
COMMON: dict[str, Any] = {
    "name": NAMES,
    "tls": st.none() | TLS,
    "backup": st.none() | BACKUPS,
    "snapshot_check": st.none() | SPANS,
    "auth": st.none() | st.builds(EtcdAuth, NAMES, PATHS),
}
CLUSTERS = st.builds(EtcdCluster, endpoints=URLS, **COMMON) | st.builds(
    EtcdCluster, pods=PODS, **COMMON
)


def written(cluster: EtcdCluster) -> dict[str, Any]:
    """A cluster as somebody would write it."""
    pods, tls, backup = cluster.pods, cluster.tls, cluster.backup
    keys: dict[str, Any] = {"name": cluster.name}
    if pods:
        labels = pods.labels.text
        keys["pods"] = {"namespace": pods.namespace, "labels": labels, "port": pods.port}
    else:
        keys["endpoints"] = list(cluster.endpoints)
    if tls:
        files = {"ca": tls.ca, "cert": tls.cert, "key": tls.key, "serverName": tls.server_name}
        keys["tls"] = {key: text for key, text in files.items() if text}
    if backup:
        asked = {"prometheus": backup.prometheus, "query": backup.query, "file": backup.file}
        asked["bearerTokenFile"] = backup.bearer_token_file
        keys["backup"] = {key: text for key, text in asked.items() if text}
        keys["backup"]["maxAge"] = render(backup.max_age)
        if backup.ca:
            keys["backup"]["tls"] = {"ca": backup.ca}
    if cluster.auth:
        auth = cluster.auth
        keys["auth"] = {"username": auth.username, "passwordFile": auth.password_file}
    if cluster.snapshot_check:
        keys["snapshotCheck"] = render(cluster.snapshot_check)
    return keys


@given(CLUSTERS, st.sampled_from(MemberRole))
def test_mapping_loses_nothing(cluster: EtcdCluster, role: MemberRole) -> None:
    """Whatever cluster is written: the very same comes out, and the schema takes it."""
    policy = {
        "name": "p",
        "target": "etcd",
        "action": "kill",
        "clusters": [cluster.name],
        "member": role.value,
        "schedule": {"every": "1d"},
    }
    whole = {"etcd": [written(cluster)], "policies": [policy]}
    found = loaded(json.dumps(whole))

    assert found.etcd == (cluster,)
    assert found.etcd_cluster(cluster.name) == cluster
    one: Policy = found.policies[0]
    assert (one.clusters, one.member) == ((cluster.name,), role)
    SCHEMA.validate(whole)


@pytest.mark.parametrize(
    "cluster",
    [
        {"name": "a"},
        {"name": "a", "endpoints": ["https://a:1"], "pods": {"namespace": "a", "labels": "b"}},
        {"name": "a", "endpoints": ["a:1"]},
        {"name": "a", "endpoints": ["https://a:1/path"]},
        {"name": "a", "pods": {"namespace": "a"}},
        {"name": "a", "pods": {"namespace": "a", "labels": "b", "port": 0}},
        {"name": "a", "endpoints": ["https://a:1"], "tls": {"cert": "/a"}},
        {"name": "a", "endpoints": ["https://a:1"], "tls": {"ca": "a"}},
        {"name": "a", "endpoints": ["https://a:1"], "auth": {"username": "root"}},
        {"name": "a", "endpoints": ["https://a:1"], "auth": {"username": "a", "passwordFile": "b"}},
        {"name": "a", "endpoints": ["https://a:1"], "backup": {"maxAge": "1d"}},
        {"name": "a", "endpoints": ["https://a:1"], "backup": {"maxAge": "1d", "query": "up"}},
    ],
)
def test_the_schema_refuses_what_is_refused(cluster: dict[str, Any]) -> None:
    """An editor shows what loading would refuse."""
    whole = {"etcd": [cluster], "policies": []}

    assert load_text(json.dumps(whole), {}, NOW).problems
    assert not SCHEMA.is_valid(whole)


def test_a_secret_in_place_of_its_file_is_shown_nowhere() -> None:
    """Somebody will write the password itself: it must not end up in a log by that."""
    text = (Path(__file__).parent / "bad" / "etcd-auth.yaml").read_text()
    told = " ".join(str(one) for one in load_text(text, {}, NOW).problems)

    assert "passwordFile" in told
    assert not any(secret in told for secret in ("hunter2", "4711", "eyJhbGciOi"))
