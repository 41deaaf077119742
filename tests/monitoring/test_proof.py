"""Every expression, asked of a real Prometheus that watched a real daemon for a while.

The daemon goes through kills, refusals, a node drain, a bad configuration, troubles of the API
server and a halt, and strikes an etcd cluster: it kills members and deposes the leader.
"""

from __future__ import annotations

import json
import re
import time
from functools import partial
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from chaosd.report.declare import Declared
from chaosd.report.metrics import Metrics
from chaosd.sandbox import Cluster, Rule, scenarios
from monitoring.files import ALERTS
from tests.daemon.child import Child
from tests.daemon.site import Site
from tests.daemon.test_run_reload import annotate
from tests.monitoring.expressions import Expression, of_panels, of_rules, of_variables
from tests.monitoring.members import Members
from tests.monitoring.prometheus import Prometheus, program, run

POLICIES = """
dryRun: false
windows: {allow: always}
surveyEvery: 10s
limits: {perHour: 1000, perDay: 1000, concurrent: 3}
policies:
  - name: web
    target: pod
    action: evict
    schedule: {every: 2s}
    select: {minAge: 0s, names: "^web"}
    limits: {perDay: 500}
    deadline: 60s
    cooldown: 0s
  - name: guarded
    target: pod
    action: evict
    schedule: {every: 2s}
    select: {minAge: 0s, names: "^guarded"}
    deadline: 60s
    cooldown: 0s
  - name: rehearsed
    target: pod
    action: evict
    dryRun: true
    schedule: {every: 5s}
    select: {minAge: 0s, names: "^web"}
    deadline: 60s
    cooldown: 0s
  - name: nodes
    target: node
    action: drain
    schedule: {every: 3s}
    select: {minAge: 0s, names: "^spare"}
    deadline: 60s
    hold: 10s
    cooldown: 0s
  - name: mean
    target: pod
    action: evict
    schedule: {meanTimeBetweenKills: 30d, minGap: 2h}
    select: {minAge: 0s}
"""
ETCD = """
  - name: elections
    target: etcd
    action: moveLeader
    clusters: [main]
    schedule: {{every: 5s}}
    deadline: 60s
    cooldown: 0s
  - name: members
    target: etcd
    action: kill
    clusters: [main]
    schedule: {{every: 7s}}
    deadline: 60s
    cooldown: 0s
etcd:
  - name: main
    endpoints: {endpoints}
    backup: {{maxAge: 24h, file: {backup}}}
    snapshotCheck: 24h
"""
EMPTY = {
    "ChaosdAbsent",
    "ChaosdNoLeader",
    "ChaosdLedgerUnusable",
    "ChaosdNodeHeldLong",
    "ChaosdNotRecovered",
    "ChaosdPausedLong",
    "ChaosdSilent",
    "ChaosdApiErrors",
    "ChaosdLedgerNearLimit",
    "ChaosdEtcdUnhealthy",
    "ChaosdEtcdNoMargin",
    "ChaosdEtcdUnseen",
    "ChaosdEtcdBackupOld",
    "ChaosdEtcdSnapshotFailing",
}
"""Empty when all is well: not made to happen here, but each shown to fire in test_alerts.py."""
FOR_YOUR_OWN_QUERIES = "For your own queries"
"""What a metric's meaning says that no panel and no alert needs."""

EVERY = [*of_panels(), *of_rules(), *of_variables()]
DECLARED = Metrics(CollectorRegistry(), "0").declared


def fill(cluster: Cluster, members: Members) -> None:
    """A workload that can be struck, one whose budget never allows it, the pods of an etcd cluster,
    and a node to spare.

    Events of nodes and etcd clusters are in the namespace ``default``.
    """
    scenarios.namespace(cluster, "default")
    scenarios.deployment(cluster, "shop", "web", 3, opt_in=True)
    scenarios.deployment(cluster, "shop", "guarded", 2, opt_in=True)
    scenarios.pdb(cluster, "shop", "guarded", min_available=2)
    members.fill(cluster)
    scenarios.node(cluster, "spare", opt_in=True)


def declared(members: Members, backup: Path) -> str:
    """The declaration of an etcd cluster and its backup."""
    return ETCD.format(endpoints=json.dumps(members.endpoints), backup=backup)


EVENTS_FAIL = Rule(do="status", status=500, verbs=("create",), path="/events", count=3)
EVICTION_REFUSED = Rule(do="status", status=429, verbs=("create",), path="/eviction$")
AT_FIRST = (
    'sum(chaosd_kills_total{result="killed"}) > 3',
    'sum(chaosd_skips_total{policy="guarded", reason="disruptionBudget"}) > 3',
    'sum(chaosd_verdicts_total{verdict="recovered"}) > 3',
    "chaosd_etcd_snapshot_bytes > 0 and on (etcd) chaosd_etcd_quorum_margin == 1",
    'chaosd_nodes_held{policy="nodes"} == 1',
)
"""What is seen while nothing goes wrong."""
AFTER_ALL_THAT = (
    "sum(chaosd_etcd_leader_changes_total) > 0",
    'chaosd_kills_total{target="etcd", action="moveLeader", result="killed"} > 0',
    'chaosd_kills_total{target="etcd", action="kill", result="killed"} > 0',
    'chaosd_recovery_seconds_count{policy="nodes"} > 0',
    'chaosd_recovery_seconds_count{policy="members"} > 0',
    "chaosd_etcd_leaderless_seconds_count > 1",
    "chaosd_etcd_read_gap_seconds_count > 1 and chaosd_etcd_read_gap_seconds_sum > 0",
)
"""What is seen in the end, whatever went wrong before."""


def wrong(expression: Expression, prometheus: Prometheus, seconds: float) -> str:
    """What is wrong with an expression, if anything: it names what is not there, or had no data.

    What does not parse is an error of its own.
    """
    unknown = expression.metrics - named(prometheus)
    if unknown:
        return f"{expression.place}: no such metric as {unknown}"
    if not prometheus.lately(expression.asked, seconds) and expression.place not in EMPTY:
        return f"{expression.place}: no data for {expression.asked}"
    return ""


def named(prometheus: Prometheus) -> set[str]:
    """The metrics that were scraped, by the names that they are declared with."""
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in prometheus.metrics()}


@pytest.mark.timeout(600)
def test_every_expression_has_data(tmp_path: Path) -> None:
    """Each of every panel, alert and variable parses, names only what is there, and had data in the
    story, or is known to be empty when all is well. No metric is left without a series."""
    program("prometheus")
    backup = tmp_path / "backup.db"
    backup.write_bytes(b"a backup")
    with (
        Members() as members,
        Site(
            tmp_path,
            text := POLICIES + declared(members, backup),
            fill=partial(fill, members=members),
        ) as site,
        Child(site) as child,
        Prometheus(tmp_path, child.address.removeprefix("http://"), ALERTS) as prometheus,
    ):

        def sees(expression: str) -> None:
            child.until(lambda: prometheus.now(expression))

        sees("chaosd_leader == 1")
        began = time.time()
        for expression in AT_FIRST:
            sees(expression)
        # Of the evictions of a drain none is an attempt: whichever comes first, all are refused.
        site.api.faults.add(EVICTION_REFUSED)
        sees('sum(chaosd_attempts_total{result="refused"}) > 0')
        site.api.faults.clear()
        site.api.faults.add(EVENTS_FAIL)
        sees('sum(chaosd_api_requests_total{code="500"}) > 1')
        sees("sum(chaosd_failures_total) > 0")
        site.write(text.replace("policies", "polices"))
        sees("chaosd_configuration_valid == 0")
        site.write(text)
        sees("chaosd_configuration_valid == 1")
        for expression in AFTER_ALL_THAT:
            sees(expression)
        annotate(site, "enough")
        sees('chaosd_halted{source="annotation"} == 1')
        seconds = time.time() - began
        found = [wrong(one, prometheus, seconds) for one in EVERY]
        assert [one for one in found if one] == []
        assert {metric.name for metric in DECLARED} - named(prometheus) == set()
        assert run("check", "metrics", given=child.get("/metrics").text) == ""


def test_what_may_be_empty_is_there() -> None:
    """An alert that is gone is not excused any more."""
    assert {one.place for one in of_rules()} >= EMPTY


@pytest.mark.parametrize("metric", DECLARED, ids=lambda one: one.name)
def test_every_metric_is_used(metric: Declared) -> None:
    """By a panel or an alert, or its meaning says that it is for your own queries, not both."""
    used = metric.name in set().union(*(one.metrics for one in EVERY))
    assert used != (FOR_YOUR_OWN_QUERIES in metric.meaning)
